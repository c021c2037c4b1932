/* The engine: a model of one or several serving replicas behind a router.
 *
 * One piece of code, two clocks: time is an argument. The simulator jumps from event to event (its
 * cost grows with events, not with tokens); the mock endpoint sets config.per_token and is told
 * every token at its due time.
 *
 *     struct engine *e = engine_create(&config, seed, err);
 *     engine_submit(e, now_ns, &request);
 *     int64_t due = engine_next_ns(e);            // TIME_NEVER: idle
 *     engine_advance(e, due, &sink);              // tells the sink what happened up to `due`
 *
 * Engines know tokens and prefix blocks, not HTTP and not prices. The engine owns what it holds;
 * requests and configs are copied.
 */
#ifndef FAREBOX_SIM_ENGINE_ENGINE_H
#define FAREBOX_SIM_ENGINE_ENGINE_H

#include "core/clock.h"
#include "core/error.h"
#include "sim/engine/preset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;

/* What the engine is asked to serve. */
struct engine_request {
    uint64_t tag;             /* the caller's own number, handed back in every event */
    uint32_t input_tokens;    /* at least 1 is assumed */
    uint32_t output_tokens;   /* 0: prefill only (embeddings) */
    const uint64_t *hash_ids; /* what the prompt consists of, block by block; copied */
    size_t hash_count;
    uint32_t block_size; /* tokens per hash id; 0 = no prefix information */
    /* More than input_tokens: the ids are those of a later prompt of so many tokens, which begins
     * with this prompt and its answer, so that they name the answer's blocks too. 0 = they are the
     * prompt's: always so where engine_config_keeps_answers() is false. */
    uint32_t named_tokens;
    uint64_t prefix_salt; /* prompts of different salts share nothing; 0 */
    /* Prompt tokens that count as cached whatever the cache holds: for replays of measured runs,
     * which tell their number only; 0. */
    uint32_t known_cached;
    int32_t priority; /* smaller = more urgent, for the policy `priority`; 0 */
};

enum engine_refusal {
    ENGINE_ACCEPTED,
    ENGINE_TOO_LONG, /* longer than all KV blocks: can never be served */
};

/* Told of everything that happens, in time order. A function may be NULL. The functions may not
 * call the engine, except for engine_token_times. */
struct engine_sink {
    void *context;
    /* `count` output tokens of the request are out at `at_ns`; `first` is the number of the first
     * of them (0 = the request's first token); a step that drafts gives several. Without
     * config.per_token only the first token is told; the others follow from on_done. */
    void (*on_tokens)(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns);
    /* The request ended at `at_ns`, the time of its last token; `cached_tokens` of its prompt were
     * served from the prefix cache. */
    void (*on_done)(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns);
    /* So many steps are over, with so many tokens each: a prompt's, all of them, in the step that
     * ends its prefill, and one for each output token. Constant engines have no steps: there each
     * token stands for one. */
    void (*on_step)(void *context, uint64_t steps, uint64_t tokens);
};

/* Since when a request has been in the queue (its overhead is over), and when it first came into
 * the batch; TIME_NEVER = not yet. */
struct engine_stay {
    int64_t queued_ns, admitted_ns;
};

/* A snapshot for curves, /metrics and tests, summed over the replicas. */
struct engine_state {
    uint32_t replicas, running, waiting;      /* replicas: starting and draining ones, too */
    uint64_t kv_blocks_used, kv_blocks_total; /* constant engines have none */
    uint64_t steps, preemptions, prompt_tokens, cached_tokens, output_tokens;
    /* Time of steps that held prefills, and of those that only decoded; both 0 if constant. */
    int64_t prefill_ns, decode_ns;
    /* Time during which requests waited, by what held up the first of them: no KV blocks, all
     * max_num_seqs running, no tokens left in the step. */
    int64_t held_by_memory_ns, held_by_seqs_ns, held_by_budget_ns;
    /* Of speculative decoding: how often a request's drafts were verified, how many they were, and
     * how many of them accepted. An answer's last step counts whole, though it may end within. */
    uint64_t drafts, draft_tokens, accepted_tokens;
    /* Of separate pools: KV caches that were sent, their tokens, the time from the ends of their
     * prefills until they were there, and what of it they waited for the link. */
    uint64_t kv_transfers, kv_transfer_tokens;
    int64_t kv_transfer_ns, kv_transfer_wait_ns;
    /* Of replicas that come and go: those ready at once at most, decisions to start and to stop
     * one, their time, from the decision to start them until they are off, and what of it they
     * spent starting. */
    uint32_t replicas_most;
    uint64_t starts, stops;
    int64_t replica_ns, cold_ns;
    uint64_t billed_units; /* begun, of autoscale.billing_unit_s, each replica from its start */
};

/* NULL with ERR_INPUT if the config contradicts itself. */
struct engine *engine_create(const struct engine_config *config, uint64_t seed, struct error *err);
void engine_free(struct engine *e);

/* Hands a request over at now_ns, which may not be before the last advance or submit. */
enum engine_refusal engine_submit(struct engine *e, int64_t now_ns,
                                  const struct engine_request *request);

/* Drops a request wherever it stands; the sink hears no more of it. An unknown tag is ignored. */
void engine_cancel(struct engine *e, int64_t now_ns, uint64_t tag);

/* The next instant at which something happens, to be passed to engine_advance; the sink need not
 * hear of it (a queue may move). TIME_NEVER if idle. */
int64_t engine_next_ns(const struct engine *e);

/* Lets time pass to now_ns and tells the sink everything due by then. */
void engine_advance(struct engine *e, int64_t now_ns, const struct engine_sink *sink);

/* Within on_done: when each of the request's output tokens came out, the first at out[0]; writes
 * as many as it has, at most `capacity`, and returns the count. */
size_t engine_token_times(const struct engine *e, int64_t *out, size_t capacity);

/* Of a request that is in the engine, or within its on_done. False for another one. */
bool engine_find_stay(const struct engine *e, uint64_t tag, struct engine_stay *out);

void engine_state(const struct engine *e, struct engine_state *out);

#endif
