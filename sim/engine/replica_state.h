/* The inside of a replica, shared by replica.c (time, jumps, events) and scheduler.c (who runs). */
#ifndef FAREBOX_SIM_ENGINE_REPLICA_STATE_H
#define FAREBOX_SIM_ENGINE_REPLICA_STATE_H

#include "core/heap.h"
#include "sim/engine/policy.h"
#include "sim/engine/replica.h"
#include "sim/engine/sequence.h"
#include "sim/engine/speculative.h"
#include "sim/engine/step_log.h"

/* Sequences linked by `next` (and `previous` in the running list). */
struct sequence_list {
    uint32_t first, last; /* SLOT_NONE = empty */
    uint32_t count;
};

/* A step of a jump in which decodes draft. */
struct drafted_step {
    struct step_instant end;
    int64_t fs;
    uint64_t blocks; /* KV blocks that it takes; 0 for the first, whose blocks are taken before */
};

#define DRAFTED_STEPS 64 /* that a jump plans at most */

/* A prefill's share of the step under way. */
struct prefill_chunk {
    uint32_t slot, tokens;
};

/* Why the queue's head waits. */
enum hold { HOLD_NONE, HOLD_MEMORY, HOLD_SEQS, HOLD_BUDGET, HOLDS };

/* The steps under way: `steps` equal ones, or one with prefills in it. */
struct jump {
    bool active;
    uint64_t first_step, steps;
    uint64_t blocks_taken; /* steps whose KV blocks are already taken; at least the first */
    struct step_instant start, end;
    struct step_duration duration;
};

/* Steps in which a decode had its drafts verified, and drafts that were right. */
struct draft_counts {
    uint64_t drafts, accepted;
};

struct lane;

struct replica {
    uint32_t block_size, max_running, budget;
    int64_t overhead_ns;
    bool prefix_cache, per_token, no_jumps;
    enum replica_role role;
    struct step_model model;
    struct kv_pool pool;
    const struct policy *policy;

    struct sequence *slots;
    size_t slot_count, slot_capacity;
    uint32_t free_slot;                              /* linked by next */
    struct sequence_list entering, waiting, running; /* waiting: in the policy's order */
    uint64_t submitted;

    uint64_t step; /* the number of the next step to begin or under way */
    struct step_instant now;
    struct jump jump;
    struct prefill_chunk *chunks;
    size_t chunk_count, chunk_capacity;
    uint64_t chunk_tokens, prefill_work;
    uint64_t known_prompts,
        known_kv; /* chunks that are a decode's: the last token of a prompt whose
                     KV cache came from elsewhere; the tokens of all of these */

    uint32_t decodes;
    /* The next two without drafts only. */
    int64_t kv_offset;     /* Σ kv_len of the decodes in step s = kv_offset + decodes·s */
    uint32_t *block_phase; /* by s mod block_size: decodes that begin a block in step s */
    struct heap ending;    /* decodes by the step count at which they are complete */
    bool preempted;        /* in the step being scheduled */
    const struct acceptance *acceptance; /* decodes draft; NULL = they get a token a step */
    uint32_t decode_width;               /* tokens of a decode in a step: 1, and its drafts */
    struct lane *lanes;
    size_t lane_capacity;
    struct drafted_step *plan; /* DRAFTED_STEPS of them: the jump's steps */
    int64_t *times;            /* of an ending sequence's steps */
    size_t time_capacity;
    struct draft_counts drafts; /* of decodes that are over */

    bool decodes_served; /* all decodes have the blocks of the step being scheduled */
    uint32_t requeued;   /* preempted sequences that wait */
    bool head_blocked;   /* the queue's head does not fit, and nothing changed since */
    uint32_t cancelled;  /* running sequences to drop at the next step's end */

    struct step_log log;
    size_t log_limit;                  /* step_log_room() at which the log is cleaned */
    const struct sequence *ending_now; /* within on_done */
    enum hold hold;                    /* in the jump under way */
    int64_t held_ns[HOLDS], prefill_ns, decode_ns;
    uint64_t preemptions, prompt_tokens, cached_tokens, output_tokens;
};

static inline struct sequence *slot_at(struct replica *r, uint32_t slot)
{
    return &r->slots[slot];
}

static inline uint64_t blocks_for(const struct replica *r, uint64_t tokens)
{
    return (tokens + r->block_size - 1) / r->block_size;
}

void list_push_last(struct replica *r, struct sequence_list *list, uint32_t slot);
/* Behind `behind`; first if that is SLOT_NONE. */
void list_insert_behind(struct replica *r, struct sequence_list *list, uint32_t behind,
                        uint32_t slot);
void list_push_first(struct replica *r, struct sequence_list *list, uint32_t slot);
void list_remove(struct replica *r, struct sequence_list *list, uint32_t slot);

/* Prefix blocks that an admission would find. */
struct prefix_hit {
    uint32_t units;
    uint64_t blocks; /* of the prompt */
    uint64_t queued; /* free blocks that holding the units takes away */
};

struct prefix_hit find_prefix(const struct replica *r, const uint64_t *hashes, uint32_t count,
                              uint32_t unit_blocks, uint64_t limit_blocks);

/* Decides who runs in the next step and takes its blocks; fills chunks. False: nothing to run. */
bool schedule_step(struct replica *r);

/* Takes the KV blocks of the jump's steps up to `steps`. */
void take_jump_blocks(struct replica *r, uint64_t steps);

/* How many further steps of the same decodes the free blocks allow, at most `wanted`. */
uint64_t steps_that_fit(const struct replica *r, uint64_t wanted);

/* Prefill ended with step `step`; the sequence decodes from the next one on. */
void begin_decode(struct replica *r, uint32_t slot, uint64_t step);

/* Frees the blocks; the sequence is in no list of decodes any more. */
void release_blocks(struct replica *r, uint32_t slot);

/* Output tokens so far, at the beginning of step r->step. */
uint32_t tokens_made(const struct replica *r, const struct sequence *s);

/* The end of the jump's first `steps` steps, of a jump that has as many. */
struct step_instant jump_instant(const struct replica *r, uint64_t steps);

/* ---- drafting.c: of replicas that have an acceptance ---- */

/* As tokens_made, so many steps into its latest decode, the prefill's own among them; tokens that
 * have KV, as far as they were accepted; blocks that it holds before step r->step, and that it
 * takes in it. */
uint64_t drafted_tokens(const struct replica *r, const struct sequence *s, uint64_t steps);
uint64_t drafted_held(const struct replica *r, const struct sequence *s);
uint64_t drafted_blocks(const struct replica *r, const struct sequence *s);
uint64_t drafted_step_blocks(const struct replica *r, const struct sequence *s);

/* Draws what the decode that begins accepts. Returns its steps. */
uint64_t drafted_steps(struct replica *r, struct sequence *s);

/* Adds what the decode did before step r->step. */
void count_drafts(const struct replica *r, const struct sequence *s, struct draft_counts *out);

/* Of all decodes: blocks that they take in step r->step; tokens of the last `steps` steps. */
uint64_t drafted_batch_blocks(const struct replica *r);
uint64_t drafted_batch_tokens(const struct replica *r, uint64_t steps);

/* Plans at least one and at most `most` steps of the jump, as far as the free blocks last. */
void plan_drafted(struct replica *r, uint64_t most);
void log_drafted(struct replica *r);
uint64_t planned_blocks(const struct replica *r, uint64_t from, uint64_t to);

/* As replica_token_times. */
size_t drafted_token_times(struct replica *r, const struct sequence *s, int64_t *out,
                           size_t capacity);

#endif
