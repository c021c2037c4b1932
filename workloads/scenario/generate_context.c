#include "workloads/scenario/generate_context.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>

/* Hashes are kept to 53 bits, so that readers which hold JSON numbers as doubles see them whole. */
#define HASH_BITS 53

static uint64_t shown(uint64_t chain)
{
    return chain >> (64 - HASH_BITS);
}

void context_clear(struct context *c)
{
    c->now = (struct context_mark){0};
}

static void add_hash(struct context *c, uint64_t hash)
{
    mem_grow((void **)&c->hashes, &c->capacity, c->now.blocks + 1, sizeof *c->hashes);
    c->hashes[c->now.blocks] = hash;
}

void context_push(struct context *c, uint64_t text_id, uint64_t tokens)
{
    struct context_mark *now = &c->now;
    now->tokens += tokens;
    if (c->block_size == 0)
        return;
    for (uint64_t offset = 0; offset < tokens;) {
        uint64_t room = c->block_size - now->fill;
        uint64_t take = tokens - offset < room ? tokens - offset : room;
        now->chain = random_mix(random_mix(now->chain, text_id), offset);
        now->fill += (uint32_t)take;
        offset += take;
        if (now->fill == c->block_size) {
            add_hash(c, shown(now->chain));
            now->blocks++;
            now->fill = 0;
        }
    }
}

struct context_mark context_mark(const struct context *c)
{
    return c->now;
}

void context_return(struct context *c, struct context_mark mark)
{
    c->now = mark;
}

/* The tail's hash also tells how full the block is: a longer text is another block. */
size_t context_hashes(struct context *c, const uint64_t **hashes)
{
    size_t count = c->now.blocks;
    if (c->now.fill) {
        add_hash(c, shown(random_mix(c->now.chain, c->now.fill)));
        count++;
    }
    *hashes = c->hashes;
    return count;
}

void context_free(struct context *c)
{
    free(c->hashes);
    *c = (struct context){0};
}
