#include "sim/mock/api/prefixes.h"

#include "core/clock.h"
#include "core/memory.h"

#include <stdbool.h>
#include <stdlib.h>

#define LONG_S 3600 /* what lives so long is written at the price of an hour */

/* ---- the places of a prompt ---- */

void prefix_list_add(struct prefix_list *l, uint64_t hash, uint64_t tokens, uint32_t lifetime_s)
{
    mem_grow(&l->places, &l->capacity, l->count + 1, sizeof *l->places);
    l->places[l->count++] = (struct prefix_place){hash ? hash : 1, tokens, lifetime_s};
    l->marks += lifetime_s > 0;
}

void prefix_list_free(struct prefix_list *l)
{
    free(l->places);
    *l = (struct prefix_list){0};
}

void prefix_list_mark_last(struct prefix_list *l, uint32_t lifetime_s)
{
    if (l->count == 0 || l->places[l->count - 1].lifetime_s > 0)
        return;
    l->places[l->count - 1].lifetime_s = lifetime_s;
    l->marks++;
}

/* ---- what is kept ---- */

struct prefix_kept {
    uint64_t hash; /* 0 = an empty slot */
    int64_t until_ns;
    uint32_t lifetime_s;
};

/* The slot of the hash, or the empty one where it would be. */
static struct prefix_kept *find(const struct prefixes *p, uint64_t hash)
{
    size_t at = hash & (p->size - 1);
    while (p->table[at].hash && p->table[at].hash != hash)
        at = (at + 1) & (p->size - 1);
    return &p->table[at];
}

static bool lives(const struct prefixes *p, uint64_t hash, int64_t now_ns)
{
    if (p->size == 0)
        return false;
    const struct prefix_kept *k = find(p, hash);
    return k->hash && k->until_ns > now_ns;
}

/* A table of twice what lives, without what is dead. */
static void make_room(struct prefixes *p, int64_t now_ns)
{
    struct prefixes old = *p;
    size_t alive = 0, size = 64;
    for (size_t i = 0; i < old.size; i++)
        alive += old.table[i].hash && old.table[i].until_ns > now_ns;
    while (size < 4 * (alive + 1))
        size *= 2;
    *p = (struct prefixes){
        .table = mem_zero(size, sizeof *p->table), .size = size, .used = alive, .swept_ns = now_ns};
    for (size_t i = 0; i < old.size; i++)
        if (old.table[i].hash && old.table[i].until_ns > now_ns)
            *find(p, old.table[i].hash) = old.table[i];
    free(old.table);
}

/* Whoever lives keeps the lifetime that it was written with. */
static void keep(struct prefixes *p, uint64_t hash, uint32_t lifetime_s, int64_t now_ns)
{
    bool full = p->used >= PREFIXES_MAX && now_ns - p->swept_ns > NS_PER_S;
    if (full || 2 * (p->used + 1) > p->size)
        make_room(p, now_ns);
    struct prefix_kept *k = find(p, hash);
    if (!k->hash && p->used >= PREFIXES_MAX)
        return;
    p->used += k->hash == 0;
    if (!k->hash || k->until_ns <= now_ns)
        k->lifetime_s = lifetime_s;
    k->hash = hash;
    k->until_ns = now_ns + (int64_t)k->lifetime_s * NS_PER_S;
}

void prefixes_free(struct prefixes *p)
{
    free(p->table);
    *p = (struct prefixes){0};
}

/* ---- one prompt ---- */

struct prefix_charge prefixes_charge(const struct prefixes *p, const struct prefix_list *l,
                                     int64_t now_ns)
{
    struct prefix_charge c = {0};
    uint64_t last = 0, last_long = 0;
    int looks = 0; /* at places from here towards the start */
    for (size_t i = l->count; i-- > 0 && c.found == 0;) {
        const struct prefix_place *place = &l->places[i];
        if (place->lifetime_s)
            looks = PREFIX_LOOKBACK + 1;
        if (place->lifetime_s && last == 0)
            last = place->tokens;
        if (place->lifetime_s >= LONG_S && last_long == 0)
            last_long = place->tokens;
        if (looks-- > 0 && lives(p, place->hash, now_ns)) {
            c.read = place->tokens;
            c.found = place->hash;
        }
    }
    uint64_t short_from = last_long > c.read ? last_long : c.read;
    c.written_1h = short_from - c.read;
    c.written = last > short_from ? last - short_from : 0;
    return c;
}

void prefixes_keep(struct prefixes *p, const struct prefix_list *l, const struct prefix_charge *c,
                   int64_t now_ns)
{
    if (c->found && lives(p, c->found, now_ns))
        keep(p, c->found, 0, now_ns);
    for (size_t i = 0; i < l->count; i++)
        if (l->places[i].lifetime_s)
            keep(p, l->places[i].hash, l->places[i].lifetime_s, now_ns);
}
