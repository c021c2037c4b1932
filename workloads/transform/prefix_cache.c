#include "workloads/transform/prefix_cache.h"

#include "core/memory.h"
#include "workloads/model/block_set.h"

#include <stdlib.h>

#define NOWHERE UINT32_MAX

struct entry {
    int64_t used_ns;
    uint32_t newer, older; /* the list by use; only with a size */
    bool in;
};

struct prefix_cache {
    struct cache_policy policy;
    uint32_t block_size;
    struct block_set set; /* every block ever seen; its number is the entry's */
    struct entry *entries;
    size_t count, capacity;
    uint32_t newest, oldest;
    uint64_t size, most; /* blocks in the cache, and how many fit */
    uint32_t *numbers;
    size_t number_capacity;
};

struct prefix_cache *prefix_cache_create(const struct cache_policy *policy, uint32_t block_size)
{
    struct prefix_cache *c = mem_zero(1, sizeof *c);
    c->policy = *policy;
    c->block_size = block_size;
    c->newest = c->oldest = NOWHERE;
    c->most = block_size ? policy->lru_tokens / block_size : 0;
    block_set_init(&c->set);
    return c;
}

void prefix_cache_free(struct prefix_cache *c)
{
    block_set_free(&c->set);
    free(c->entries);
    free(c->numbers);
    free(c);
}

static void list_remove(struct prefix_cache *c, uint32_t n)
{
    struct entry *e = &c->entries[n];
    *(e->newer == NOWHERE ? &c->newest : &c->entries[e->newer].older) = e->older;
    *(e->older == NOWHERE ? &c->oldest : &c->entries[e->older].newer) = e->newer;
}

static void list_push(struct prefix_cache *c, uint32_t n)
{
    struct entry *e = &c->entries[n];
    e->newer = NOWHERE;
    e->older = c->newest;
    *(c->newest == NOWHERE ? &c->oldest : &c->entries[c->newest].newer) = n;
    c->newest = n;
}

static bool is_in(const struct prefix_cache *c, uint32_t n, int64_t now_ns)
{
    const struct entry *e = &c->entries[n];
    if (c->policy.kind == CACHE_TTL)
        return e->in && now_ns - e->used_ns <= c->policy.ttl_ns;
    return e->in;
}

/* Puts the block in, or to the front, and pushes out what no longer fits. */
static void use(struct prefix_cache *c, uint32_t n, int64_t now_ns)
{
    struct entry *e = &c->entries[n];
    e->used_ns = now_ns;
    if (c->policy.kind != CACHE_LRU) {
        e->in = true;
        return;
    }
    if (e->in)
        list_remove(c, n);
    else
        c->size++;
    e->in = true;
    list_push(c, n);
    while (c->size > c->most) {
        uint32_t last = c->oldest;
        list_remove(c, last);
        c->entries[last].in = false;
        c->size--;
    }
}

static uint32_t number_of(struct prefix_cache *c, uint64_t id)
{
    uint32_t n = block_set_add(&c->set, id);
    if (n >= c->count) {
        mem_grow((void **)&c->entries, &c->capacity, n + 1, sizeof *c->entries);
        for (; c->count <= n; c->count++)
            c->entries[c->count] = (struct entry){.newer = NOWHERE, .older = NOWHERE};
    }
    return n;
}

uint64_t prefix_cache_use(struct prefix_cache *c, const uint64_t *ids, size_t count,
                          uint64_t input_tokens, int64_t now_ns)
{
    if (c->policy.kind == CACHE_NONE || count == 0)
        return 0;
    mem_grow((void **)&c->numbers, &c->number_capacity, count, sizeof *c->numbers);
    for (size_t i = 0; i < count; i++)
        c->numbers[i] = number_of(c, ids[i]);
    size_t hits = 0;
    while (hits < count && is_in(c, c->numbers[hits], now_ns))
        hits++;
    /* From the last block on, so that a request's first blocks are its newest. */
    for (size_t i = count; i-- > 0;)
        use(c, c->numbers[i], now_ns);
    uint64_t tokens = (uint64_t)hits * c->block_size;
    return tokens < input_tokens ? tokens : input_tokens;
}

uint64_t prefix_cache_billed(const struct cache_policy *policy, uint64_t tokens)
{
    if (tokens < policy->minimum)
        return 0;
    return policy->step > 1 ? tokens - tokens % policy->step : tokens;
}
