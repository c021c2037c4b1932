/* Inside the mock: the server, its connections, and the exchanges on them.
 *
 * evhttp accepts connections and reads requests. Answers do not go through it: they are written
 * straight to the socket (one send() per chunk instead of three system calls, the exact instant of
 * the writing known, and faults can put any bytes on the wire). When an answer is complete,
 * evhttp is told that the request is over and reads the next one.
 *
 * Connections live from accept to close, exchanges from the last byte of a request to the last
 * byte of its answer. The server owns both.
 */
#ifndef FAREBOX_SIM_MOCK_SERVER_H
#define FAREBOX_SIM_MOCK_SERVER_H

#include "core/buffer.h"
#include "sim/engine/engine.h"
#include "sim/mock/api/answer.h"
#include "sim/mock/api/api_error.h"
#include "sim/mock/api/ask.h"
#include "sim/mock/api/render.h"
#include "sim/mock/fault.h"
#include "sim/mock/keys.h"
#include "sim/mock/metrics.h"
#include "sim/mock/mock.h"
#include "sim/mock/truth_log.h"

#include <event2/event.h>
#include <event2/http.h>
#include <pthread.h>
#include <stdatomic.h>

struct exchange;

struct connection {
    struct mock *mock;
    struct bufferevent *bufferevent;
    struct evhttp_connection *evhttp; /* NULL until adopted */
    int fd;
    struct exchange *exchange;       /* being answered */
    int64_t idle_since_ns, began_ns; /* began: first byte of an unfinished request; 0 = none */
    size_t held;                     /* bytes of the unfinished request, at most */
    bool doomed;                     /* too much or too slow: told so, and drained until it goes */
    int marked;                      /* to be doomed with this status; 0 = not */
    struct connection *previous, *next;
};

struct exchange {
    struct mock *mock;
    struct connection *connection;
    struct evhttp_request *request;
    struct exchange *previous, *next;
    uint64_t serial;
    char id[40], request_id[129];
    char *model;
    struct ask ask;
    struct answer answer;
    struct voice voice;
    bool stream, close;
    struct framing framing;
    int status;
    struct fault fault;
    struct limiter *limiter; /* let it in; NULL = nothing to give back */
    struct limit_answer limits;
    bool has_limits;
    int64_t read_ns, created_s;

    bool submitted;   /* the engine knows it */
    bool engine_done; /* and said that it is over */
    struct usage usage;
    uint32_t due, written;     /* tokens */
    uint32_t part, part_token; /* where `written` stands in the answer */
    bool head_sent, role_sent;
    bool complete;                               /* all bytes are rendered */
    enum { CUT_NONE, CUT_CLOSE, CUT_RESET } cut; /* how the connection ends after it */
    bool stalled;                                /* stall_after has happened */
    uint32_t chunks, chunks_counted;             /* token-bearing; counted in the report */
    int64_t last_written_ns;
    const char *outcome; /* for the log: "completed", "aborted", ... */

    int64_t *due_ns, *written_ns; /* by token from first_kept on; written only for the log */
    size_t due_capacity, written_capacity;
    uint32_t first_kept, logged; /* logged: tokens whose writing is timed */

    struct buffer pending; /* what the socket did not take */
    int64_t pending_since_ns;
    struct event *writable;
    int64_t resume_ns; /* nothing leaves before */
    bool parked, touched;
    struct exchange *next_touched;
};

struct mock {
    struct mock_config config;
    char *listen, *model;
    char host[64], url[96];
    uint16_t port;
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *timer, *sweep, *wake, *adopt;
    int timer_fd, wake_fd;
    struct engine *engine;
    struct engine_sink sink;
    struct ask_rules ask_rules;
    struct answer_rules answer_rules;

    struct connection *connections;
    struct connection **by_fd;
    size_t by_fd_count;
    uint32_t connection_count;
    size_t held; /* of all connections */
    bool marked; /* some connection is */

    struct exchange *exchanges, *touched, **touched_tail;
    uint64_t serial;
    int64_t first_read_ns; /* TIME_NEVER before the first request */
    int64_t park_until_ns; /* the earliest resume_ns of the parked */
    int64_t last_advance_ns;
    bool last_advance_told;
    unsigned sweeps;
    struct buffer json, out;

    struct mock_report report;
    struct metrics metrics;
    struct truth_log log;
    struct keys keys;
    pthread_t thread;
    bool threaded, follow_stop_flag;
    atomic_bool stopping;
};

/* connection.c: evhttp's side. */
int connections_open(struct mock *m, struct error *err);
void connections_sweep(struct mock *m, int64_t now_ns);
void connections_close(struct mock *m);
/* Ends a connection at once. */
void connection_drop(struct connection *c);
/* The exchange on it is over: ready for the next request. */
void connection_release(struct connection *c);

/* route.c: what a request is about. */
void route_request(struct connection *c, struct evhttp_request *request);

/* exchange.c: the life of an answer. */
struct exchange *exchange_create(struct connection *c, struct evhttp_request *request,
                                 int64_t now_ns);
/* Answers with a whole body at once. */
void exchange_reply(struct exchange *x, int status, const char *type, const struct buffer *body);
void exchange_reply_error(struct exchange *x, const struct api_error *e);
/* Hands a parsed ask to the engine. */
void exchange_submit(struct exchange *x, int64_t now_ns);
/* All bytes are out. */
void exchange_finish(struct exchange *x);
/* The connection is gone. */
void exchange_abandon(struct exchange *x);
void exchange_touch(struct exchange *x);
void exchange_on_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns);
void exchange_on_done(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns);

/* stream.c: the bytes of what is due, faults included, appended to m->out. */
void stream_add_head(struct exchange *x, const char *type, int64_t length, struct buffer *out);
void stream_render(struct exchange *x, int64_t now_ns);

/* send.c: from there to the socket. */
void exchange_flush(struct exchange *x, int64_t now_ns);

/* pace.c: the clock. */
int pace_open(struct mock *m, struct error *err);
void pace_close(struct mock *m);
/* Lets the engine pass to now, writes what fell due, and sets the timer for the next. */
void pace_advance(struct mock *m, int64_t now_ns);
/* Nothing of this exchange leaves before `until_ns`. */
void pace_park(struct exchange *x, int64_t until_ns);
/* Until when everything is held at `now_ns`; 0 = nothing is. */
int64_t pace_held_until(const struct mock *m, int64_t now_ns);

#endif
