/* The context of a session while it is generated: how many tokens, and the identity of its prefix
 * blocks.
 *
 * The context is a sequence of texts, each with an id. A block's hash is that of everything from
 * the beginning to its end, so two requests share exactly the leading blocks whose texts are the
 * same.
 *
 *     context_clear(&c);
 *     context_push(&c, system_id, 800);
 *     struct context_mark before = context_mark(&c);
 *     context_push(&c, question_id, 120);
 *     size_t blocks = context_hashes(&c, &hashes);   // lent until the next call
 *     context_return(&c, before);
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_GENERATE_CONTEXT_H
#define FAREBOX_WORKLOADS_SCENARIO_GENERATE_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

struct context_mark {
    uint64_t chain;
    uint32_t fill; /* tokens in the block that is not full yet */
    size_t blocks;
    uint64_t tokens;
};

struct context {
    uint32_t block_size; /* 0: no hashes, tokens only */
    struct context_mark now;
    uint64_t *hashes; /* of the full blocks, and room for the tail's */
    size_t capacity;
};

void context_clear(struct context *c);
void context_push(struct context *c, uint64_t text_id, uint64_t tokens);
struct context_mark context_mark(const struct context *c);

/* Back to a mark of the same session. */
void context_return(struct context *c, struct context_mark mark);

/* All blocks, the partial tail included. */
size_t context_hashes(struct context *c, const uint64_t **hashes);

void context_free(struct context *c);

#endif
