/* The clerk: a thread that makes rows of a trace from requests that have ended, so that neither a
 * long prompt nor a slow disk holds up what passes.
 *
 *     struct clerk *c = clerk_start(&config, err);
 *     clerk_take(c, exchange);                    // owns it from now on
 *     clerk_rotate(c);
 *     clerk_finish(c, &report);                   // writes what it still has
 *
 * A request that failed before a token came is kept for a minute: where the same body comes again
 * in that time, both are one row with an attempt more. Where more waits than the clerk may hold,
 * what comes is dropped and counted as lost.
 */
#ifndef FAREBOX_BENCH_RECORDER_CLERK_H
#define FAREBOX_BENCH_RECORDER_CLERK_H

#include "bench/recorder/exchange.h"
#include "core/error.h"
#include "core/runs/record/record.h"

#define CLERK_RETRY_NS (60 * NS_PER_S)

struct clerk_config {
    const char *path;
    const char *key_file;     /* NULL: the key is in memory alone */
    const char *session_path; /* of the body, "metadata.user_id"; NULL */
    uint64_t max_size;        /* of a file; 0 = no limit */
    uint32_t block_tokens;
    bool content; /* what was asked is kept */
    int64_t started_ns, started_unix_ns;
    struct run_observer observer; /* told of each request, from the clerk's thread */
};

struct clerk_report {
    uint64_t rows, failed, aborted, retries; /* written; of those; joined to one of them */
    uint64_t estimated;                      /* rows without a usage of the server */
    uint64_t lost, dropped;                  /* rows that the disk refused; that came too fast */
    uint64_t input_tokens, cached_tokens, output_tokens;
    uint64_t forgotten; /* how often the beginnings of prompts were too many to remember */
    uint32_t sessions, files;
    int lost_errno;
};

struct clerk;

/* Borrows the config. ERR_INPUT, ERR_SYSTEM. */
struct clerk *clerk_start(const struct clerk_config *config, struct error *err);

void clerk_take(struct clerk *c, struct exchange *x);
void clerk_rotate(struct clerk *c);

/* What there is so far; from any thread. */
void clerk_look(struct clerk *c, struct clerk_report *out);

/* Writes the rest and frees the clerk. NULL is none. */
void clerk_finish(struct clerk *c, struct clerk_report *out);

#endif
