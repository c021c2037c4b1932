/* One serving replica: a queue, a running batch, KV blocks, and steps one after the other.
 *
 * The scheduler follows vLLM V1: running requests first, each decode one token, a prefill a chunk
 * of what is left of the step's token budget; without KV blocks the last running request is
 * preempted, to be recomputed; the queue is served first-come-first-served, only in steps that
 * preempted nobody, and only if the whole prompt fits the free blocks.
 *
 * Between two events the batch does not change, so the replica plans a *jump* of many equal steps
 * at once; an arrival that the scheduler would see earlier cuts it. A request that enters at an
 * instant is seen by the first step that begins later than that, or at once by an idle replica.
 *
 *     struct replica *r = replica_create(&config, NULL, seed, number, REPLICA_SERVES);
 *     replica_submit(r, now_ns, &request);
 *     while (replica_next_ns(r) <= now_ns)
 *         replica_serve(r, &sink);                 // one jump
 */
#ifndef FAREBOX_SIM_ENGINE_REPLICA_H
#define FAREBOX_SIM_ENGINE_REPLICA_H

#include "sim/engine/engine.h"

struct replica;

/* What of a request it does, where pools are separate. Tokens are counted where they are first
 * made: prompts by the one, answers by the other. */
enum replica_role {
    REPLICA_SERVES,   /* all */
    REPLICA_PREFILLS, /* requests for one token, which nobody hears of */
    REPLICA_DECODES, /* prompts whose KV cache comes from elsewhere: all but the last token is known
                        when a request is first admitted, and no overhead is left */
};

/* `acceptance`, of config's drafts or NULL, is borrowed until replica_free. */
struct replica *replica_create(const struct engine_config *config,
                               const struct acceptance *acceptance, uint64_t seed, uint32_t number,
                               enum replica_role role);
void replica_free(struct replica *r);

void replica_submit(struct replica *r, int64_t now_ns, const struct engine_request *request);

/* False if the tag is not here. */
bool replica_cancel(struct replica *r, int64_t now_ns, uint64_t tag);

int64_t replica_next_ns(const struct replica *r);
void replica_serve(struct replica *r, const struct engine_sink *sink);

/* As engine_token_times. */
size_t replica_token_times(struct replica *r, int64_t *out, size_t capacity);

/* As engine_find_stay. */
bool replica_find_stay(const struct replica *r, uint64_t tag, struct engine_stay *out);

/* Requests in it, waiting or running, and those that wait. */
uint32_t replica_load(const struct replica *r);
uint32_t replica_waiting(const struct replica *r);

/* What a router asks: a prompt's unit hashes, see sequence.h. */
struct prefix_question {
    const uint64_t *hashes;
    uint32_t count, unit_blocks;
    uint64_t limit_blocks; /* that can be served at most */
};

/* Blocks of the prompt that the prefix cache would serve at now_ns. */
uint64_t replica_cached_blocks(struct replica *r, int64_t now_ns,
                               const struct prefix_question *question);

/* Adds this replica's counts as they stand at now_ns. */
void replica_add_state(struct replica *r, int64_t now_ns, struct engine_state *out);

#endif
