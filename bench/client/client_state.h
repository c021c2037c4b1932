/* The inside of a client, shared by its files: client.c (exchanges, ends, life), client_socket.c
 * (sockets and timers in the loop), stale.c (connections that die under a request).
 */
#ifndef FAREBOX_BENCH_CLIENT_CLIENT_STATE_H
#define FAREBOX_BENCH_CLIENT_CLIENT_STATE_H

#include "bench/client/client.h"
#include "bench/client/stale.h"
#include "bench/client/warm.h"

#define CLIENT_PORTS 65536

/* What the loop watches on one socket. */
struct watch {
    struct event event;
    struct client *client;
    curl_socket_t fd;
    struct shard *shard;     /* whose transfer uses it; NULL = idle */
    struct transfer *awaits; /* of a kept connection: whose answer has not begun; NULL */
    struct stale_mark mark;  /* what had come when its request went out */
    short events;            /* registered in the loop; 0 = not */
};

/* What one multi knows of one endpoint. */
struct place {
    bool resolved; /* its addresses are in the cache */
    bool http1;    /* it has answered so, whatever was asked for */
};

struct shard {
    CURLM *multi;
    struct client *client;
    int64_t timer_ns;
    uint32_t in_flight;
    struct place *places; /* per endpoint */
};

struct client {
    struct event_base *base;
    struct client_config config;
    struct shard **shards;
    size_t shard_count, shard_capacity;
    struct watch **watches; /* by socket number */
    size_t watch_capacity;
    struct watch **by_port; /* by the connection's local port; NULL where none was */
    struct warm_sockets warm;
    struct transfer *free;
    struct transfer **all;
    size_t transfer_count, transfer_capacity;
    struct arrival now;
    bool fresh;                           /* no callback has run since the loop waited */
    bool unasked;                         /* libcurl acts, but no socket was reported readable */
    struct transfer *ended, **ended_last; /* in the order of their ends */
};

/* 0 as long as no answer has begun. */
int transfer_status(const struct transfer *t);

/* What its multi knows of its endpoint. */
struct place *transfer_place(const struct transfer *t);

/* ---- client_socket.c ---- */

/* Sets the callbacks by which libcurl's sockets and timers live in the loop. */
void client_set_up_shard(struct shard *s);
void client_set_up_sockets(struct transfer *t);

/* Lets libcurl do what is to be done now: send, above all. It may also read, even the answer to
 * what it has just sent. */
void client_act_unasked(struct shard *s);

/* What the loop watches on a socket; made at its first use. */
struct watch *client_watch(struct client *c, curl_socket_t fd);

/* Gives the transfer to libcurl once more, for a connection of its own. */
void transfer_add_anew(struct transfer *t);

#endif
