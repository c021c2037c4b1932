#include "sim/engine/due_heap.h"

#include "core/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool before(const struct due_entry *a, const struct due_entry *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct due_heap *h, size_t i, struct due_entry entry)
{
    h->entries[i] = entry;
    h->place[entry.slot] = (uint32_t)i + 1;
}

static void sift_up(struct due_heap *h, size_t i, struct due_entry entry)
{
    while (i > 0 && before(&entry, &h->entries[(i - 1) / 2])) {
        put(h, i, h->entries[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(h, i, entry);
}

static void sift_down(struct due_heap *h, size_t i, struct due_entry entry)
{
    size_t child;
    while ((child = 2 * i + 1) < h->count) {
        if (child + 1 < h->count && before(&h->entries[child + 1], &h->entries[child]))
            child++;
        if (!before(&h->entries[child], &entry))
            break;
        put(h, i, h->entries[child]);
        i = child;
    }
    put(h, i, entry);
}

static void settle(struct due_heap *h, size_t i, struct due_entry entry)
{
    if (i > 0 && before(&entry, &h->entries[(i - 1) / 2]))
        sift_up(h, i, entry);
    else
        sift_down(h, i, entry);
}

static void know_slot(struct due_heap *h, uint32_t slot)
{
    if (slot < h->slots)
        return;
    size_t old = h->slots;
    mem_grow(&h->place, &h->slots, (size_t)slot + 1, sizeof *h->place);
    memset(h->place + old, 0, (h->slots - old) * sizeof *h->place);
}

void due_heap_free(struct due_heap *h)
{
    free(h->entries);
    free(h->place);
    memset(h, 0, sizeof *h);
}

void due_heap_set(struct due_heap *h, uint32_t slot, int64_t due, uint64_t order)
{
    know_slot(h, slot);
    struct due_entry entry = {due, order, slot};
    if (h->place[slot] != 0) {
        settle(h, h->place[slot] - 1, entry);
        return;
    }
    mem_grow(&h->entries, &h->capacity, h->count + 1, sizeof *h->entries);
    sift_up(h, h->count++, entry);
}

void due_heap_remove(struct due_heap *h, uint32_t slot)
{
    if (slot >= h->slots || h->place[slot] == 0)
        return;
    size_t i = h->place[slot] - 1;
    h->place[slot] = 0;
    struct due_entry last = h->entries[--h->count];
    if (i < h->count)
        settle(h, i, last);
}
