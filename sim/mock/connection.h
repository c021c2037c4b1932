/* Connections: what evhttp is asked for, and what it does not watch over by itself: slow and
 * oversized requests, idle connections, and too many of them.
 *
 * evhttp accepts connections and reads requests. Answers do not go through it: they are written
 * straight to the socket (one send() per chunk instead of three system calls, the exact instant of
 * the writing known, and faults can put any bytes on the wire). When an answer is complete,
 * evhttp is told that the request is over and reads the next one.
 *
 *     struct connections *all = connections_open(base, &config, &handler, &report, err);
 *     ... handler.on_request(context, c, request): connection_answer(c, x) ...
 *     connection_release(c);                   // x is over: ready for the next request
 *     connections_sweep(all, now_ns);          // ten times a second
 *     connections_close(all);
 *
 * A connection lives from accept to close; `connections` owns them all. What is being answered on
 * one is the handler's, and known here by its address only.
 */
#ifndef FAREBOX_SIM_MOCK_CONNECTION_H
#define FAREBOX_SIM_MOCK_CONNECTION_H

#include "core/error.h"
#include "sim/mock/mock.h"

#include <event2/event.h>
#include <event2/http.h>

struct connection;
struct connections;
struct exchange;

struct connection_handler {
    void *context;
    /* A request is complete. */
    void (*on_request)(void *context, struct connection *c, struct evhttp_request *request);
    /* The connection is gone under what was being answered. */
    void (*on_gone)(struct exchange *x);
    /* Has the client taken nothing for longer than it may? */
    bool (*is_stuck)(const struct exchange *x, int64_t now_ns);
};

/* Listens as the config says. Borrows config and report, in which it counts. */
struct connections *connections_open(struct event_base *base, const struct mock_config *config,
                                     const struct connection_handler *handler,
                                     struct mock_report *report, struct error *err);
void connections_sweep(struct connections *all, int64_t now_ns);
void connections_close(struct connections *all);

/* Where it listens: the numeric address, the port, the base URL for clients. */
const char *connections_host(const struct connections *all);
uint16_t connections_port(const struct connections *all);
const char *connections_url(const struct connections *all);

int connection_socket(const struct connection *c);

/* `x` is being answered on it, until connection_release() or on_gone(). */
void connection_answer(struct connection *c, struct exchange *x);
void connection_release(struct connection *c);

/* Ends a connection at once; calls on_gone() where something is being answered. */
void connection_drop(struct connection *c);

#endif
