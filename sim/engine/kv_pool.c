#include "sim/engine/kv_pool.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_MIN 64

static uint32_t new_unit(struct kv_pool *p, uint64_t hash, uint64_t blocks)
{
    uint32_t unit = p->recycled;
    if (unit)
        p->recycled = p->units[unit].next;
    else {
        mem_grow(&p->units, &p->unit_capacity, p->unit_count + 1, sizeof *p->units);
        unit = (uint32_t)p->unit_count++;
    }
    p->units[unit] = (struct kv_unit){.hash = hash, .blocks = blocks};
    return unit;
}

static void queue_last(struct kv_pool *p, uint32_t unit)
{
    uint32_t last = p->units[0].previous;
    p->units[unit].previous = last;
    p->units[unit].next = 0;
    p->units[last].next = unit;
    p->units[0].previous = unit;
}

static void unqueue(struct kv_pool *p, uint32_t unit)
{
    struct kv_unit *u = &p->units[unit];
    p->units[u->previous].next = u->next;
    p->units[u->next].previous = u->previous;
}

void kv_pool_init(struct kv_pool *p, uint64_t capacity)
{
    *p = (struct kv_pool){.capacity = capacity, .table_size = TABLE_MIN};
    p->table = mem_zero(p->table_size, sizeof *p->table);
    new_unit(p, 0, 0); /* the ring's head */
    if (capacity > 0)
        kv_give(p, capacity);
}

void kv_pool_free(struct kv_pool *p)
{
    free(p->units);
    free(p->table);
    memset(p, 0, sizeof *p);
}

/* Where the hash stands in the table, or the empty place where it would. */
static size_t table_place(const struct kv_pool *p, uint64_t hash)
{
    size_t mask = p->table_size - 1, i = (size_t)hash & mask;
    while (p->table[i] && p->units[p->table[i]].hash != hash)
        i = (i + 1) & mask;
    return i;
}

static void table_grow(struct kv_pool *p)
{
    uint32_t *old = p->table;
    size_t old_size = p->table_size;
    p->table_size *= 2;
    p->table = mem_zero(p->table_size, sizeof *p->table);
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            p->table[table_place(p, p->units[old[i]].hash)] = old[i];
    free(old);
}

static void table_add(struct kv_pool *p, uint32_t unit)
{
    if (++p->table_used * 2 > p->table_size)
        table_grow(p);
    p->table[table_place(p, p->units[unit].hash)] = unit;
}

/* Closes the gap, so that no search stops early. */
static void table_remove(struct kv_pool *p, uint64_t hash)
{
    size_t mask = p->table_size - 1, gap = table_place(p, hash);
    for (size_t i = (gap + 1) & mask; p->table[i]; i = (i + 1) & mask) {
        size_t home = (size_t)p->units[p->table[i]].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        p->table[gap] = p->table[i];
        gap = i;
    }
    p->table[gap] = 0;
    p->table_used--;
}

uint32_t kv_find(const struct kv_pool *p, uint64_t hash)
{
    uint32_t unit = p->table[table_place(p, hash)];
    return unit ? unit : KV_NONE;
}

void kv_hold(struct kv_pool *p, uint32_t unit)
{
    struct kv_unit *u = &p->units[unit];
    if (u->refs++ == 0) {
        unqueue(p, unit);
        p->free -= u->blocks;
    }
}

void kv_drop(struct kv_pool *p, uint32_t unit)
{
    struct kv_unit *u = &p->units[unit];
    if (--u->refs == 0) {
        queue_last(p, unit);
        p->free += u->blocks;
    }
}

void kv_take(struct kv_pool *p, uint64_t count)
{
    p->free -= count;
    while (count > 0) {
        uint32_t unit = p->units[0].next;
        struct kv_unit *u = &p->units[unit];
        uint64_t taken = u->blocks < count ? u->blocks : count;
        u->blocks -= taken;
        count -= taken;
        if (u->blocks > 0)
            break;
        if (u->hash)
            table_remove(p, u->hash);
        unqueue(p, unit);
        u->next = p->recycled;
        p->recycled = unit;
    }
}

void kv_give(struct kv_pool *p, uint64_t count)
{
    if (count == 0)
        return;
    p->free += count;
    uint32_t last = p->units[0].previous;
    if (last && p->units[last].hash == 0)
        p->units[last].blocks += count;
    else
        queue_last(p, new_unit(p, 0, count));
}

uint32_t kv_publish(struct kv_pool *p, uint64_t hash, uint64_t blocks)
{
    uint32_t unit = new_unit(p, hash, blocks);
    p->units[unit].refs = 1;
    table_add(p, unit);
    return unit;
}

void kv_extend(struct kv_pool *p, uint32_t unit, uint64_t blocks)
{
    p->units[unit].blocks += blocks;
}
