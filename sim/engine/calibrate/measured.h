/* A measured run, as far as an engine can be fitted to it: when each request arrived, what it
 * asked for, and when its first and last token came.
 *
 *     struct measured_run run;
 *     if (measured_read("results/x", &run, err) < 0) return err->code;
 *     for (size_t i = 0; i < run.count; i++) use(&run.requests[i]);
 *     measured_free(&run);
 *
 * Reads our run directories, vLLM's result JSON (saved with details), AIPerf's
 * profile_export.jsonl, and JSON Lines with `input_toks, output_toks, queued_ts, first_token_ts,
 * last_token_ts` in seconds. Requests without a first token are left out and counted; those
 * that the client hung up on (in our own runs), or that have a beginning and no end (in JSON
 * Lines), are kept as load. A torn last line is passed over. The run owns its requests, which stand
 * in order of arrival from 0 on. Of our own runs the server's metrics are read too, where it was
 * asked for them.
 */
#ifndef FAREBOX_SIM_ENGINE_MEASURED_H
#define FAREBOX_SIM_ENGINE_MEASURED_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct measured_request {
    int64_t arrival_ns, first_ns, last_ns; /* sent; first and last token */
    uint32_t input_tokens, output_tokens;
    uint32_t cached_tokens; /* of the input, where the run tells */
    /* Where the run tells; TIME_NEVER = it has none, 0 = (last − first) / (output tokens − 1) */
    int64_t per_token_ns;
    bool cancelled; /* the client hung up on it: load until then, without times */
    int64_t cancelled_ns;
};

/* The server's levels at one scrape of its metrics; NAN = not served. */
struct measured_scrape {
    int64_t t_ns;
    double waiting, running, kv_use;
};

/* What else the server's metrics say of the run; NAN = not served. */
struct measured_server {
    size_t sources;
    double hit_rate;    /* of the prompts' tokens, from the prefix cache */
    double preemptions; /* while the run went on */
    bool spread; /* no answer told its cached tokens: each prompt counts as cached by that share */
};

struct measured_run {
    char *name; /* the path that was given; owned */
    struct measured_request *requests;
    size_t count, capacity;
    uint64_t skipped; /* failed, or without tokens or times */
    uint64_t load;    /* of the requests: cancelled ones, and those without an end */
    uint64_t endless; /* that began and have no end: they were in flight when the run was cut */
    bool killed;      /* it says itself that it was cut: no summary, or a torn last line */

    struct measured_server server;   /* what it said of itself */
    struct measured_scrape *scrapes; /* of its levels, in order of time; owned */
    size_t scrape_count, scrape_capacity;
    bool served_out; /* nothing without a record was in flight: it says so, or the caller does */
};

/* ERR_INPUT for what is none of these forms, is broken, or holds no usable request. */
int measured_read(const char *path, struct measured_run *run, struct error *err);
void measured_free(struct measured_run *run);

#endif
