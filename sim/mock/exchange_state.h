/* The inside of an exchange, shared by its four files: exchange.c (life), admit.c (may it be
 * answered), stream.c (the bytes of what is due, faults included), send.c (from there to the
 * socket).
 */
#ifndef FAREBOX_SIM_MOCK_EXCHANGE_STATE_H
#define FAREBOX_SIM_MOCK_EXCHANGE_STATE_H

#include "sim/mock/exchange.h"

/* How far the answer is. */
struct progress {
    uint32_t due, written; /* tokens, of all choices */
    bool head_sent, begun;
    bool complete;                               /* all bytes are rendered */
    enum { CUT_NONE, CUT_CLOSE, CUT_RESET } cut; /* how the connection ends after it */
    bool stalled;                                /* stall_after has happened */
    uint32_t chunks, chunks_counted;             /* token-bearing; counted in the report */
};

/* How far one of its choices is: a sequence of its own in the engine, whose tag is the exchange's
 * address plus the choice's number. */
struct choice {
    uint32_t due, written;     /* tokens */
    uint32_t part, part_token; /* where `written` stands in the answer */
};

/* When its tokens were due, and left; from first_kept on where there is no log. */
struct token_times {
    int64_t *due_ns, *written_ns;
    size_t due_capacity, written_capacity;
    uint32_t first_kept, logged; /* logged: tokens whose writing is timed */
    int64_t last_written_ns;
    int64_t first_ns, last_ns; /* in the engine; TIME_NEVER */
};

/* What the socket did not take. */
struct pending {
    struct buffer bytes;
    int64_t since_ns;
    struct event *writable;
};

struct exchange {
    struct paced paced;
    struct server *server;
    struct connection *connection;
    struct evhttp_request *request;
    uint64_t serial;
    int64_t read_ns;
    char id[40], request_id[129];
    bool close; /* the connection closes behind the answer */

    const struct mock_api *api; /* NULL = asked for none */
    struct ask ask;
    char *model; /* asked for */
    struct fault fault;
    struct limiter *limiter; /* let it in; NULL = nothing to give back */
    struct limit_answer limits;
    bool has_limits;

    struct prefix_charge charge; /* where the API keeps prefixes */
    bool submitted;              /* the engine knows it */
    bool engine_done;            /* and said that it is over */
    struct engine_stay stay;     /* then */
    struct usage usage;
    int status;
    bool stream;
    struct answer answer; /* of the first choice */
    struct answer *more;  /* of the others; NULL */
    struct choice choices[ASK_MAX_CHOICES];
    uint32_t turn;          /* the choice whose chunk comes next, if it has one */
    uint32_t sequences;     /* of the choices: not at their ends yet */
    uint32_t cached_tokens; /* of the first one's prompt */
    struct rendering rendering;
    struct progress progress;
    struct token_times times;
    struct pending pending;
    const char *outcome; /* for the log: "completed", "aborted", ... */
};

/* ---- admit.c ---- */

/* Key, fault, body and limits: 0 with the ask, or -1 with the error. */
int exchange_admit(struct exchange *x, struct api_error *e);

/* ---- stream.c: all append to `out`, the server's where it is not named ---- */

void stream_add_head(struct exchange *x, const char *type, int64_t length, struct buffer *out);
void stream_render(struct exchange *x, int64_t now_ns);

/* ---- send.c ---- */

/* Sends what is pending, then what is due, until the socket is full or nothing is left. May end
 * the exchange. */
void exchange_flush(struct exchange *x, int64_t now_ns);

/* ---- exchange.c ---- */

/* All bytes are out. */
void exchange_finish(struct exchange *x);

#endif
