#include "sim/mock/api/kept.h"

#include "core/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before the bytes: their kind and length. */
enum { HEAD = 1 + sizeof(uint32_t) };

void said_add(struct buffer *said, enum said_kind kind, struct text text)
{
    uint32_t length = (uint32_t)text.length;
    buffer_add_byte(said, (char)kind);
    buffer_add(said, &length, sizeof length);
    buffer_add(said, text.at, text.length);
}

bool said_next(struct text all, size_t *at, struct said *out)
{
    uint32_t length;
    if (*at == all.length)
        return false;
    memcpy(&length, all.at + *at + 1, sizeof length);
    *out = (struct said){(enum said_kind)all.at[*at], {all.at + *at + HEAD, length}};
    *at += HEAD + length;
    return true;
}

static struct kept_entry *entry(const struct kept *k, size_t i)
{
    return &k->entries[(k->first + i) % KEPT_MOST];
}

static void drop_first(struct kept *k)
{
    struct kept_entry *e = entry(k, 0);
    k->bytes -= e->all.length;
    free((void *)(uintptr_t)e->all.at);
    k->first = (k->first + 1) % KEPT_MOST;
    k->count--;
}

void kept_free(struct kept *k)
{
    while (k->count)
        drop_first(k);
    free(k->entries);
    *k = (struct kept){0};
}

void kept_put(struct kept *k, const char *id, struct buffer *said)
{
    size_t length = said->length;
    if (length == 0 || length > KEPT_BYTES)
        return;
    if (!k->entries)
        k->entries = mem_zero(KEPT_MOST, sizeof *k->entries);
    while (k->count == KEPT_MOST || k->bytes + length > KEPT_BYTES)
        drop_first(k);
    struct kept_entry *e = entry(k, k->count++);
    snprintf(e->id, sizeof e->id, "%s", id);
    e->all = (struct text){buffer_take(said), length};
    k->bytes += length;
}

const struct text *kept_find(const struct kept *k, const char *id)
{
    for (size_t i = k->count; i-- > 0;)
        if (strcmp(entry(k, i)->id, id) == 0)
            return &entry(k, i)->all;
    return NULL;
}
