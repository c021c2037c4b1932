/* A request inside a replica, and the numbers that let a jump leave it untouched.
 *
 * A decoding sequence gets one token in every step, so nothing of it is written down step by step:
 * with p the step that gave it its latest prefill's token, its tokens so far, its KV length and
 * the steps at which it needs a new block all follow from the step counter.
 */
#ifndef FAREBOX_SIM_ENGINE_SEQUENCE_H
#define FAREBOX_SIM_ENGINE_SEQUENCE_H

#include "sim/engine/engine.h"
#include "sim/engine/kv_pool.h"

#define SLOT_NONE UINT32_MAX

enum sequence_stage {
    SEQUENCE_FREE,
    SEQUENCE_ENTERING, /* in the request overhead, before the scheduler knows it */
    SEQUENCE_WAITING,
    SEQUENCE_PREFILL,
    SEQUENCE_DECODE,
};

/* Consecutive steps whose tokens came out: one a step, with drafts one in the first and what was
 * accepted in the others. */
struct token_span {
    uint64_t first_step;
    uint32_t count; /* 0: still going on */
    uint32_t draw;  /* see speculative.h */
};

struct sequence {
    uint64_t tag, order; /* order: of arrival */
    enum sequence_stage stage;
    bool cancelled, admitted_before;
    int64_t enters_ns;
    int64_t admitted_ns; /* first; TIME_NEVER before */
    int32_t priority;    /* smaller = more urgent */
    uint32_t prompt, output, known_cached;
    uint32_t made;       /* output tokens before the latest prefill */
    uint32_t target;     /* tokens that the latest prefill computes: prompt + made */
    uint32_t computed;   /* of these, those done or in the step under way */
    uint32_t cached;     /* prompt tokens from the cache at the first admission */
    uint64_t block_step; /* the step for which it took a block by itself, not with all others */
    uint64_t token_step; /* p: the step whose end gave the latest prefill's token */
    uint64_t draw;       /* see speculative.h */
    uint32_t previous, next;

    uint32_t named;   /* tokens whose blocks get names: the prompt's, perhaps the answer's */
    uint64_t *hashes; /* of their units */
    uint32_t hash_count, unit_blocks;
    size_t hash_capacity;
    uint32_t *units;     /* held, by position; KV_NONE = the blocks there are private */
    uint32_t unit_count; /* positions seen so far */
    size_t unit_capacity;
    uint64_t shared; /* blocks in held units that count as this sequence's */
    struct token_span *spans;
    size_t span_count, span_capacity;
};

/* Tokens of the prompt, and of its answer where the ids name that too. The last token of an answer
 * is never computed on and has no KV. */
uint32_t sequence_named_tokens(const struct engine_request *request);

/* Chained hashes of the units of these tokens. The unit is `*unit_blocks` blocks: as many as make
 * up the request's own block size, rounded up. Returns how many hashes were written (at most as
 * many as there are units). */
uint32_t sequence_unit_hashes(const struct engine_request *request, uint32_t block_size,
                              uint64_t *hashes, uint32_t capacity);
uint32_t sequence_unit_blocks(uint32_t request_block_size, uint32_t block_size);
uint32_t sequence_unit_limit(const struct engine_request *request, uint32_t block_size);

#endif
