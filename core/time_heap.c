#include "core/time_heap.h"

#include "core/clock.h"
#include "core/memory.h"

#include <stdlib.h>

static bool before(const struct time_entry *a, const struct time_entry *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

void time_heap_push(struct time_heap *h, int64_t at_ns, uint64_t number)
{
    struct time_entry entry = {at_ns, h->pushed++, number};
    mem_grow(&h->entries, &h->capacity, h->count + 1, sizeof *h->entries);
    size_t i = h->count++;
    while (i > 0 && before(&entry, &h->entries[(i - 1) / 2])) {
        h->entries[i] = h->entries[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->entries[i] = entry;
}

int64_t time_heap_next_ns(const struct time_heap *h)
{
    return h->count ? h->entries[0].at_ns : TIME_NEVER;
}

/* Puts `entry` where it belongs in the part of the heap that begins at the empty place i. */
static void sift_down(struct time_heap *h, size_t i, struct time_entry entry)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && before(&h->entries[child + 1], &h->entries[child]))
            child++;
        if (!before(&h->entries[child], &entry))
            break;
        h->entries[i] = h->entries[child];
        i = child;
    }
    h->entries[i] = entry;
}

struct time_entry time_heap_pop(struct time_heap *h)
{
    struct time_entry first = h->entries[0], last = h->entries[--h->count];
    if (h->count)
        sift_down(h, 0, last);
    return first;
}

void time_heap_keep(struct time_heap *h, bool (*wanted)(const void *context, uint64_t number),
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

void time_heap_free(struct time_heap *h)
{
    free(h->entries);
    *h = (struct time_heap){0};
}
