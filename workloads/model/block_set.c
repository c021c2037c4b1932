#include "workloads/model/block_set.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>
#include <string.h>

void block_set_init(struct block_set *s)
{
    *s = (struct block_set){0};
}

void block_set_free(struct block_set *s)
{
    free(s->keys);
    free(s->numbers);
    block_set_init(s);
}

/* The slot that holds the id, or the free one where it would go. */
static size_t find_slot(const struct block_set *s, uint64_t id)
{
    size_t mask = s->slots - 1, at = random_mix(0, id) & mask;
    while (s->numbers[at] != BLOCK_NONE && s->keys[at] != id)
        at = (at + 1) & mask;
    return at;
}

static void grow(struct block_set *s)
{
    struct block_set old = *s;
    s->slots = old.slots ? old.slots * 2 : 1024;
    s->keys = mem_alloc(s->slots * sizeof *s->keys);
    s->numbers = mem_alloc(s->slots * sizeof *s->numbers);
    memset(s->numbers, 0xFF, s->slots * sizeof *s->numbers);
    for (size_t i = 0; i < old.slots; i++) {
        if (old.numbers[i] == BLOCK_NONE)
            continue;
        size_t slot = find_slot(s, old.keys[i]);
        s->keys[slot] = old.keys[i];
        s->numbers[slot] = old.numbers[i];
    }
    free(old.keys);
    free(old.numbers);
}

uint32_t block_set_find(const struct block_set *s, uint64_t id)
{
    return s->slots ? s->numbers[find_slot(s, id)] : BLOCK_NONE;
}

bool block_set_has(const struct block_set *s, uint64_t id)
{
    return block_set_find(s, id) != BLOCK_NONE;
}

uint32_t block_set_add(struct block_set *s, uint64_t id)
{
    if ((s->count + 1) * 2 > s->slots)
        grow(s);
    size_t slot = find_slot(s, id);
    if (s->numbers[slot] == BLOCK_NONE) {
        s->keys[slot] = id;
        s->numbers[slot] = (uint32_t)s->count++;
    }
    return s->numbers[slot];
}
