/* Inside bench/recorder: what the loop's files share. */
#ifndef FAREBOX_BENCH_RECORDER_RECORDER_STATE_H
#define FAREBOX_BENCH_RECORDER_RECORDER_STATE_H

#include "bench/recorder/head.h"
#include "bench/recorder/recorder.h"
#include "core/stats/histogram.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>

struct caller {
    struct recorder *recorder;
    int fd;
    struct event read, write;
    bool reads, writes; /* the events are in the loop */
    struct buffer in, out;
    struct exchange *exchange;    /* under way; NULL */
    bool relays;                  /* ... and its request is whole */
    uint64_t body_left;           /* of a request that is not chunked */
    struct chunked framing;       /* of one that is */
    bool chunked, old, head_only; /* the request's; HTTP/1.0; asked by HEAD */
    bool closes;                  /* once all is written */
    bool gone;                    /* it has left, or cannot be written to */
    bool drains;                  /* told all it will be told: what it still sends is dropped */
    int64_t since_ns;             /* it has been so since, or idle */
    struct caller *previous, *next;
};

struct recorder {
    const struct recorder_config *config;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *tick, *curl_timer, *hang_up;
    CURLM *multi;
    struct clerk *clerk;
    struct exchange *unread; /* those whose bytes were handed on and not read yet */
    struct caller *callers;
    char *origin; /* of the endpoint: https://host:port */
    char host[64], url[512];
    uint16_t port;
    uint32_t caller_count, most_callers;
    int64_t began_ns, began_cpu_ns;
    bool fresh, stops; /* no callback has run since the loop waited; no new request is taken */
    struct arrival now;
    unsigned ticks;
    struct histogram delays;
    int64_t delay_max_ns;
    struct recorder_report report;
    char *scratch; /* what is read from callers */
};

/* At the start of each callback. */
void recorder_woke(struct recorder *r);

/* ---- caller.c ---- */

void caller_accept(struct recorder *r, int fd);
void caller_close(struct caller *c);

/* Sends bytes to a caller, or keeps them until it takes them. */
void caller_send(struct caller *c, const char *bytes, size_t count);

/* Bytes that it has not taken yet. */
size_t caller_backlog(const struct caller *c);

/* How an answer ended: all of it came; it was cut, which its framing shows; it was cut, and nothing
 * but a connection that breaks can show that. */
enum answer_end { ANSWER_WHOLE, ANSWER_CUT, ANSWER_LOST };
void caller_end(struct caller *c, enum answer_end how);

/* An answer of our own, with an error in the form of OpenAI's; the connection ends behind it. */
void caller_refuse(struct caller *c, int status, const char *words);

/* Closes those that hold a connection and ask nothing. */
void callers_sweep(struct recorder *r, int64_t now_ns);

/* ---- upstream.c ---- */

int upstream_open(struct recorder *r, struct error *err);
void upstream_close(struct recorder *r);

/* Sends a request on, whose body is in the exchange. */
void upstream_send(struct recorder *r, struct exchange *x, const struct head *h);

/* Reads what the last round of the loop has handed on. */
void upstream_read(struct recorder *r);

/* The caller has taken what there was for it. */
void upstream_go_on(struct exchange *x);

/* The caller has left. Ends the exchange. */
void upstream_abandon(struct exchange *x);

/* The API of a path, by how it ends; NULL: none that is recorded. */
const struct bench_api *upstream_api(struct text method, struct text target);

#endif
