/* KV blocks of one replica, and what of earlier prompts is still in them.
 *
 * Terms. A *unit* is a run of blocks whose content is named by a chained hash (the hash of the
 * unit before it and the ids of its own tokens): where a trace names 512 tokens at a time and a
 * block holds 16, a unit is 32 blocks. Units are shared: `refs` requests hold one. *Private*
 * blocks belong to one request and have no name. All blocks that nobody holds stand in one queue,
 * least recently used first; a block is taken from its head, which takes it from the unit it was
 * part of, last block first, as vLLM's free-block queue does.
 *
 *     if (kv_find(pool, hash) != KV_NONE) ...         // a hit
 *     kv_take(pool, 3);                               // three private blocks, 3 <= pool->free
 *     unit = kv_publish(pool, hash, 2);               // two of them get a name
 *     kv_give(pool, 1); kv_drop(pool, unit);          // the request ends: last blocks first
 */
#ifndef FAREBOX_SIM_ENGINE_KV_POOL_H
#define FAREBOX_SIM_ENGINE_KV_POOL_H

#include <stddef.h>
#include <stdint.h>

#define KV_NONE UINT32_MAX

struct kv_unit {
    uint64_t hash;   /* 0: blocks without a name */
    uint32_t refs;   /* 0: in the queue */
    uint64_t blocks; /* what is left of the unit */
    uint32_t previous, next;
};

struct kv_pool {
    uint64_t capacity, free; /* blocks; free: held by nobody, cached or not */
    struct kv_unit *units;   /* units[0] is the queue's ring head: its next is the oldest */
    size_t unit_count, unit_capacity;
    uint32_t recycled; /* first unused unit, linked by next; 0 = none */
    uint32_t *table;   /* open addressing by hash: unit number, 0 = empty */
    size_t table_size, table_used;
};

void kv_pool_init(struct kv_pool *p, uint64_t capacity);
void kv_pool_free(struct kv_pool *p);

/* The unit with this hash (not 0), or KV_NONE. */
uint32_t kv_find(const struct kv_pool *p, uint64_t hash);

/* A request begins or ceases to hold a unit; held by nobody, it joins the queue's end. */
void kv_hold(struct kv_pool *p, uint32_t unit);
void kv_drop(struct kv_pool *p, uint32_t unit);

/* Takes `count` <= free blocks from the queue's head, evicting what was cached in them. */
void kv_take(struct kv_pool *p, uint64_t count);

/* Private blocks go to the queue's end. */
void kv_give(struct kv_pool *p, uint64_t count);

/* Makes a unit, held once, of private blocks; makes it longer by more of them. */
uint32_t kv_publish(struct kv_pool *p, uint64_t hash, uint64_t blocks);
void kv_extend(struct kv_pool *p, uint32_t unit, uint64_t blocks);

#endif
