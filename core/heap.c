#include "core/heap.h"

#include "core/clock.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Whether neither place nor before() is in use: the loops below are compiled apart for that. */
static inline bool is_plain(const struct heap *h)
{
    return !h->place && !h->before;
}

static inline bool before(const struct heap *h, const struct heap_entry *a,
                          const struct heap_entry *b, bool plain)
{
    if (!plain && h->before)
        return h->before(h->context, a->number, b->number);
    return (a->at < b->at) | ((a->at == b->at) & (a->order < b->order)); /* without a jump */
}

static inline void put(struct heap *h, size_t i, struct heap_entry entry, bool plain)
{
    h->entries[i] = entry;
    if (!plain && h->place)
        h->place[entry.number] = (uint32_t)i + 1;
}

static inline void sift_up_as(struct heap *h, size_t i, struct heap_entry entry, bool plain)
{
    for (; i > 0 && before(h, &entry, &h->entries[(i - 1) / 2], plain); i = (i - 1) / 2)
        put(h, i, h->entries[(i - 1) / 2], plain);
    put(h, i, entry, plain);
}

static inline void sift_down_as(struct heap *h, size_t i, struct heap_entry entry, bool plain)
{
    size_t child;
    while ((child = 2 * i + 1) < h->count) {
        if (child + 1 < h->count)
            child += before(h, &h->entries[child + 1], &h->entries[child], plain);
        if (!before(h, &h->entries[child], &entry, plain))
            break;
        put(h, i, h->entries[child], plain);
        i = child;
    }
    put(h, i, entry, plain);
}

/* Puts `entry` where it belongs above the empty place i, or there. */
static void sift_up(struct heap *h, size_t i, struct heap_entry entry)
{
    if (is_plain(h))
        sift_up_as(h, i, entry, true);
    else
        sift_up_as(h, i, entry, false);
}

/* The same below it. */
static void sift_down(struct heap *h, size_t i, struct heap_entry entry)
{
    if (is_plain(h))
        sift_down_as(h, i, entry, true);
    else
        sift_down_as(h, i, entry, false);
}

static void sift(struct heap *h, size_t i, struct heap_entry entry)
{
    if (i > 0 && before(h, &entry, &h->entries[(i - 1) / 2], false))
        sift_up(h, i, entry);
    else
        sift_down(h, i, entry);
}

static void add(struct heap *h, struct heap_entry entry)
{
    mem_grow(&h->entries, &h->capacity, h->count + 1, sizeof *h->entries);
    sift_up(h, h->count++, entry);
}

void heap_push(struct heap *h, int64_t at, uint64_t number)
{
    add(h, (struct heap_entry){at, number, number});
}

int64_t heap_next(const struct heap *h)
{
    return h->count ? h->entries[0].at : TIME_NEVER;
}

struct heap_entry heap_pop(struct heap *h)
{
    struct heap_entry first = h->entries[0], last = h->entries[--h->count];
    if (h->place)
        h->place[first.number] = 0;
    if (h->count)
        sift_down(h, 0, last);
    return first;
}

void heap_delay_first(struct heap *h, int64_t at)
{
    struct heap_entry first = h->entries[0];
    first.at = at;
    sift_down(h, 0, first);
}

static void make_place(struct heap *h, uint32_t number)
{
    size_t old = h->places;
    if (number < old)
        return;
    mem_grow(&h->place, &h->places, (size_t)number + 1, sizeof *h->place);
    memset(h->place + old, 0, (h->places - old) * sizeof *h->place);
}

void heap_set(struct heap *h, uint32_t number, int64_t at, uint64_t order)
{
    struct heap_entry entry = {at, order, number};
    make_place(h, number);
    if (h->place[number])
        sift(h, h->place[number] - 1, entry);
    else
        add(h, entry);
}

void heap_remove(struct heap *h, uint32_t number)
{
    if (number >= h->places || h->place[number] == 0)
        return;
    size_t i = h->place[number] - 1;
    h->place[number] = 0;
    struct heap_entry last = h->entries[--h->count];
    if (i < h->count)
        sift(h, i, last);
}

void heap_keep(struct heap *h, bool (*wanted)(const void *context, uint64_t number),
               const void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->count; i++)
        if (wanted(context, h->entries[i].number))
            h->entries[kept++] = h->entries[i];
    h->count = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(h, i, h->entries[i]);
}

void heap_free(struct heap *h)
{
    free(h->entries);
    free(h->place);
    *h = (struct heap){0};
}
