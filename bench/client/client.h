/* The client of one worker: libcurl's multi handles in one libevent loop.
 *
 *     struct client *c = client_create(base, &config);
 *     struct transfer *t = client_get(c);              // from the pool; fill t->body
 *     client_send(c, t, &endpoint, &attempt_config, now_ns);
 *     ... event_base_loop(base, EVLOOP_ONCE); client_collect(c); ...   // on_end(t) for each end
 *     client_release(c, t);
 *     client_free(c);
 *
 * Connections are spread over shards (a multi handle each), because libcurl's cost per request
 * grows with the connections of one handle. A connection that falls idle stays registered in the
 * loop: using it again costs no system call.
 *
 * Nothing here calls back from inside libcurl except the parsing of bytes: on_end comes from
 * client_collect() and client_abort() only, so that a sender cannot recurse.
 */
#ifndef FAREBOX_BENCH_CLIENT_CLIENT_H
#define FAREBOX_BENCH_CLIENT_CLIENT_H

#include "bench/answer/attempt.h"
#include "bench/client/endpoint.h"
#include "core/buffer.h"
#include "core/runs/summary/fidelity.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

struct shard;
struct watch;

#define CLIENT_ID_SIZE 160

/* One attempt on its way. */
struct transfer {
    struct attempt attempt;
    struct buffer body;              /* what is sent; the owner fills it before client_send */
    char request_id[CLIENT_ID_SIZE]; /* sent as X-Request-Id; empty = not sent */
    void *owner;
    int64_t connected_ns;  /* when the request went to a connection; TIME_NEVER before */
    uint32_t connects;     /* connections opened for it */
    int64_t asked_wait_ns; /* how long the server asks to be left alone; 0 = not said */
    /* the client's own */
    CURL *easy;
    struct client *client;
    struct shard *shard;
    const struct endpoint *endpoint;
    struct curl_slist headers; /* the id's line, before the endpoint's */
    char id_line[CLIENT_ID_SIZE + 16];
    struct transfer *next; /* in the pool, or among those that have ended */
    uint32_t sendings;
    size_t header_bytes; /* of the answer, trailers among them */
    bool answered, ended;
    int opened;              /* the socket that was opened last for it */
    bool reused;             /* went over a kept connection, alone on it, at first */
    struct watch *kept;      /* of that connection's socket; NULL */
    bool began;              /* a part of an answer came on it */
    bool resent;             /* sent again, as that was stale: see bench/client/stale.h */
    int64_t warm_connect_ns; /* of a socket opened before; TIME_NEVER = none was */
    int64_t whole_ns;        /* when all of the answer was there; TIME_NEVER as long as it is not */
    int open_errno;          /* why this machine had no socket for it; 0 */
    bool joins, found_none;  /* may not open a connection; would have had to */
    CURLcode code;           /* how libcurl ended it */
    char error[CURL_ERROR_SIZE];
};

struct client_config {
    size_t endpoints; /* how many there are; their addresses must be stable */
    const struct endpoint *first_endpoint;
    uint32_t shard_connections; /* 0 = 250 */
    int64_t connect_timeout_ns;
    struct fidelity_counts *counts; /* what it sees of its exchanges is added to them */
    void *context;
    void (*on_end)(void *context, struct transfer *t); /* the record is the owner's to write */
    /* All of an answer is there, but its exchange goes on. From inside libcurl: only take note. */
    void (*on_whole)(void *context, struct transfer *t);
    void (*on_ready)(void *context); /* after each socket's bytes were taken: time to send */
};

struct client;

struct client *client_create(struct event_base *base, const struct client_config *config);
void client_free(struct client *c);

/* Opens connections that the next transfers to the endpoint take: see warm_open. */
void client_open(struct client *c, const struct endpoint *e, uint32_t count, int64_t limit_ns);

/* A transfer from the pool, its body empty. client_release gives it back. */
struct transfer *client_get(struct client *c);
void client_release(struct client *c, struct transfer *t);

/* Hands the transfer to libcurl, which sends it at once where a connection is free. */
void client_send(struct client *c, struct transfer *t, const struct endpoint *e,
                 const struct attempt_config *config, int64_t now_ns);

/* Ends a transfer from our side: `why` is the timeout's class, or FAILURE_NONE for a
 * cancellation. Its connection is closed, on_end is called. One that has ended by itself and is
 * not collected yet is left alone; one whose answer is whole is ended as client_hang_up does. */
void client_abort(struct client *c, struct transfer *t, enum failure_class why,
                  const char *message);

/* Ends a transfer whose answer is whole as if the server had ended it. */
void client_hang_up(struct client *c, struct transfer *t);

/* Before each wait of the loop, and at the first callback after it: see struct arrival. */
void client_before_wait(struct client *c);

/* How long the loop has been at it since it last waited. */
int64_t client_busy_ns(const struct client *c, int64_t now_ns);
void client_woke(struct client *c, int64_t now_ns);

/* libcurl's own timers: when the next is due, and running those that are. */
int64_t client_next_ns(const struct client *c);
void client_run_timers(struct client *c, int64_t now_ns);

/* Calls on_end for every transfer that has ended. True if there was one. */
bool client_collect(struct client *c);

#endif
