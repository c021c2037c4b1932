/* The engine: a model of one or several serving replicas behind a router.
 *
 * One piece of code, two clocks: time is an argument. The simulator jumps from event to event
 * (engine_advance with `steps` = NULL costs by events, not by tokens); the mock endpoint
 * asks for every token at its due time.
 *
 *     struct engine *e = engine_create(&config, seed, err);
 *     engine_submit(e, now_ns, &request, &id);
 *     int64_t due = engine_next_ns(e);            // TIME_NEVER: idle
 *     engine_advance(e, due, &sink);              // tells the sink what happened up to `due`
 *
 * Engines know tokens and prefix blocks, not HTTP and not prices.
 */
#ifndef FAREBOX_SIM_ENGINE_ENGINE_H
#define FAREBOX_SIM_ENGINE_ENGINE_H

#include "core/clock.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct engine_config;

/* What the engine is asked to serve. */
struct engine_request {
    uint64_t tag;           /* the caller's own number, handed back in every event */
    uint32_t input_tokens;  /* at least 1 is assumed */
    uint32_t output_tokens; /* 0: prefill only (embeddings) */
    const uint64_t *hash_ids; /* prefix blocks, chained by position; copied */
    size_t hash_count;
    uint32_t block_size;    /* tokens per hash id; 0 = no prefix information */
    int priority;
};

enum engine_refusal {
    ENGINE_ACCEPTED,
    ENGINE_TOO_LONG, /* longer than all KV blocks: can never be served */
};

/* Told of everything that happens, in time order. Any function may be NULL. */
struct engine_sink {
    void *context;
    /* `count` output tokens of the request are out at `at_ns`; `first` is the number of the first
     * of them (0 = the request's first token). Without per_token the engine reports only the first
     * token and then everything else at the end. */
    void (*on_tokens)(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns);
    /* The request ended at `at_ns`; cached tokens were served from the prefix cache. */
    void (*on_done)(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns);
    bool per_token;
};

/* A snapshot for curves, /metrics and tests. */
struct engine_state {
    uint32_t replicas, running, waiting;
    uint64_t kv_blocks_used, kv_blocks_total;
    uint64_t steps, preemptions, prompt_tokens, cached_tokens, output_tokens;
};

struct engine *engine_create(const struct engine_config *config, uint64_t seed, struct error *err);
void engine_free(struct engine *e);

/* Hands a request over at now_ns (never before the last advance). */
enum engine_refusal engine_submit(struct engine *e, int64_t now_ns,
                                  const struct engine_request *request);

/* Drops a request wherever it stands; an unknown tag is ignored. */
void engine_cancel(struct engine *e, int64_t now_ns, uint64_t tag);

/* The next instant at which something happens that the sink would be told; TIME_NEVER if idle. */
int64_t engine_next_ns(const struct engine *e, bool per_token);

/* Lets time pass to now_ns and tells the sink everything due by then. */
void engine_advance(struct engine *e, int64_t now_ns, const struct engine_sink *sink);

void engine_state(const struct engine *e, struct engine_state *out);

#endif
