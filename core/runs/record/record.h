/* The record: what happened to one attempt at a request.
 *
 * Bench and sim fill the same record, and everything behind it (statistics, bills, plots, diff,
 * plan) neither knows nor asks where it came from. Times are nanoseconds from the run's start on a
 * monotonic clock; TIME_NEVER = it did not happen. Texts are borrowed from whoever made the
 * record and are valid while it is handed on.
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RECORD_H
#define FAREBOX_CORE_RUNS_RECORD_RECORD_H

#include "core/clock.h"
#include "core/money.h"
#include "core/usage/oddity.h"
#include "core/usage/usage.h"

#include <stdbool.h>
#include <stdint.h>

enum record_status {
    RECORD_COMPLETED, /* the whole answer arrived */
    RECORD_FAILED,    /* see failure */
    RECORD_CANCELLED, /* ended by us after sending: --cancel, drain, interrupt */
    RECORD_UNSENT,    /* due and never sent: see unsent */
    RECORD_STATUSES,
};

enum failure_class {
    FAILURE_NONE,
    FAILURE_DNS,
    FAILURE_CONNECT, /* refused, unreachable */
    FAILURE_TLS,
    FAILURE_RESET, /* the connection broke before or inside the answer */
    FAILURE_TIMEOUT_CONNECT,
    FAILURE_TIMEOUT_FIRST_TOKEN,
    FAILURE_TIMEOUT_GAP, /* too long between two chunks */
    FAILURE_TIMEOUT_TOTAL,
    FAILURE_AUTH,         /* 401, 403 */
    FAILURE_RATE_LIMITED, /* 429 */
    FAILURE_BAD_REQUEST,  /* other 4xx */
    FAILURE_SERVER,       /* 5xx */
    FAILURE_HTTP,         /* any other unexpected status or broken HTTP */
    FAILURE_ERROR_EVENT,  /* an error object inside a 200 stream */
    FAILURE_TRUNCATED,    /* ended without [DONE] or without finish_reason, or cut body */
    FAILURE_MALFORMED,    /* not the JSON or SSE that was promised */
    FAILURE_EMPTY,        /* completed without any token */
    FAILURE_TOO_LARGE,    /* an event or body beyond the cap */
    FAILURE_CLIENT,       /* this machine has no open files or ports left for a connection */
    FAILURE_REJECTED,     /* refused by the simulated engine: can never fit */
    FAILURE_OTHER,
    FAILURE_CLASSES,
};

enum unsent_reason {
    UNSENT_NONE,
    UNSENT_CAP,           /* the in-flight cap did not open before the end */
    UNSENT_BUDGET,        /* the spend limit was reached */
    UNSENT_PARENT_FAILED, /* a request that it waits for did not complete */
    UNSENT_INTERRUPTED,   /* due, and the run was stopped before it could be sent */
    UNSENT_SATURATED,     /* due, and a condition of --stop-when ended the sending before */
    UNSENT_REASONS,
};

enum usage_source { USAGE_NONE, USAGE_SERVER, USAGE_ESTIMATED };

/* How the times of a record stand: two planned, then measured ones, then durations. */
enum { RECORD_TIMES = 14, RECORD_FIRST_MEASURED = 2, RECORD_FIRST_DURATION = 11 };

/* Of input, and of output: no request has more, and a server that counts more is not believed. */
#define RECORD_MOST_TOKENS USAGE_MOST_TOKENS

struct record {
    const char *request_id;
    const char *session_id, *endpoint, *model, *class_name, *service; /* NULL = not said */
    const char *labels; /* a JSON object as text, or NULL */
    uint32_t row;       /* the request's row in its workload, for those who hold it */
    uint32_t attempt;   /* 1, 2, ...; 0 for an unsent request */
    bool final;         /* no further attempt of this request follows */

    union {
        struct {
            int64_t scheduled_ns, ready_ns; /* of the plan; the rest is measured */
            int64_t sent_ns, first_byte_ns, first_token_ns, first_output_ns;
            int64_t first_reasoning_ns, first_text_ns, first_tool_ns; /* of each kind of token */
            int64_t last_token_ns, done_ns;
            int64_t dns_ns, connect_ns, tls_ns; /* durations; TIME_NEVER = reused */
        };
        int64_t times_ns[RECORD_TIMES]; /* the same, for those who mean all */
    };

    enum record_status status;
    enum failure_class failure;
    enum unsent_reason unsent;
    int http_status;           /* 0 = no answer */
    const char *finish_reason; /* NULL */
    const char *message;       /* the server's or library's words about a failure, or NULL */
    const char *content_type;  /* of a failed attempt's answer, while it is observed; NULL */

    uint32_t asked_input, asked_output; /* input: of the text, without what images take */
    uint32_t asked_images;
    struct usage usage;
    enum usage_source usage_from;
    bool streamed;
    uint32_t chunks;             /* token-bearing chunks */
    uint32_t first_chunk_tokens; /* in the first of them; 0 = not said, see record_paced_tokens() */
    uint32_t connects;           /* connections opened for this attempt; 0 = reused */
    bool has_cost;
    money cost;       /* what the provider reported */
    bool slow_reader; /* many chunks arrived in one read from a slow stream */
    uint32_t odd;     /* ODDITY bits: what was odd about the answer */

    bool long_history; /* what its session had said was beyond the asked input */

    const int64_t *chunk_ns;      /* when each token-bearing chunk arrived; NULL = not kept */
    bool reasoning_chunks;        /* reasoning arrived as chunks of its own */
    const char *text, *raw_usage; /* with --record text,raw; else NULL */
};

/* All times TIME_NEVER, everything else zero. */
void record_init(struct record *r);

/* The tokens whose coming a stream shows: all output, less the reasoning that came in no chunk of
 * its own or as a summary. */
uint64_t record_streamed_tokens(const struct record *r);

/* How an answer's tokens came: `tokens` of them from the first chunk that bears some (of the text,
 * where reasoning is not in record_streamed_tokens()) until the last. */
struct pace {
    int64_t from_ns, to_ns;
    uint32_t tokens; /* behind the first chunk; 0 = it has no time per token */
};

/* The one place that says what a time per token is: (last − first token) / (n − n₁), n =
 * record_streamed_tokens(), n₁ = those of the first chunk: first_chunk_tokens where it is said,
 * else all of a single chunk, else 1. None where all came in one chunk, or without a stream. */
struct pace record_pace(const struct record *r);

/* False, and *per_token_ns as it was, where there is none. */
static inline bool pace_per_token(const struct pace *p, int64_t *per_token_ns)
{
    if (p->tokens == 0 || p->from_ns == TIME_NEVER || p->to_ns == TIME_NEVER)
        return false;
    *per_token_ns = (p->to_ns - p->from_ns) / (int64_t)p->tokens;
    return true;
}

const char *record_status_name(enum record_status s);
const char *failure_name(enum failure_class f); /* "rate_limited", ... */
const char *unsent_name(enum unsent_reason u);

/* The same as lists, in the order of their enums, with NULL behind. */
extern const char *const record_status_names[], *const failure_names[], *const unsent_names[];

/* Who watches a run. on_attempt is called once per record, in the order of their ends, from one
 * thread; it returns true to go on and false to stop sending (a budget was reached). */
struct run_observer {
    void *context;
    bool (*on_attempt)(void *context, const struct record *r);
};

#endif
