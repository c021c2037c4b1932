/* What is due next: a binary heap of numbered slots, each with one due time (or step number).
 *
 *     due_heap_set(&h, slot, due, order);      // puts it in or moves it
 *     while (h.count && h.entries[0].due <= now)
 *         serve(h.entries[0].slot);            // and due_heap_set or due_heap_remove it
 *
 * Equal times come out by `order`, so that a run is the same everywhere. Set, remove: O(log n).
 */
#ifndef FAREBOX_SIM_ENGINE_DUE_HEAP_H
#define FAREBOX_SIM_ENGINE_DUE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct due_entry {
    int64_t due;
    uint64_t order;
    uint32_t slot;
};

struct due_heap {
    struct due_entry *entries; /* entries[0] is due first */
    size_t count, capacity;
    uint32_t *place; /* by slot: index in entries + 1; 0 = not in the heap */
    size_t slots;
};

void due_heap_free(struct due_heap *h); /* a zeroed struct is an empty heap */
void due_heap_set(struct due_heap *h, uint32_t slot, int64_t due, uint64_t order);
void due_heap_remove(struct due_heap *h, uint32_t slot); /* not there: nothing happens */

#endif
