#include "bench/recorder/digest_map.h"

#include "core/memory.h"

#include <stdlib.h>

static struct digest_entry *place(const struct digest_map *m, uint64_t hash)
{
    size_t mask = m->capacity - 1, at = (size_t)hash & mask;
    while (m->entries[at].number != DIGEST_NONE && m->entries[at].hash != hash)
        at = (at + 1) & mask;
    return &m->entries[at];
}

uint32_t digest_map_find(const struct digest_map *m, uint64_t hash)
{
    return m->capacity ? place(m, hash)->number : DIGEST_NONE;
}

static void grow(struct digest_map *m)
{
    struct digest_map larger = {.capacity = m->capacity ? m->capacity * 2 : 1024,
                                .count = m->count};
    larger.entries = mem_alloc(larger.capacity * sizeof *larger.entries);
    for (size_t i = 0; i < larger.capacity; i++)
        larger.entries[i].number = DIGEST_NONE;
    for (size_t i = 0; i < m->capacity; i++)
        if (m->entries[i].number != DIGEST_NONE)
            *place(&larger, m->entries[i].hash) = m->entries[i];
    free(m->entries);
    *m = larger;
}

void digest_map_set(struct digest_map *m, uint64_t hash, uint32_t number)
{
    if (m->count * 2 >= m->capacity)
        grow(m);
    struct digest_entry *e = place(m, hash);
    m->count += e->number == DIGEST_NONE;
    *e = (struct digest_entry){hash, number};
}

void digest_map_free(struct digest_map *m)
{
    free(m->entries);
    *m = (struct digest_map){0};
}
