/* A binary heap: entries (at, order, number), the smallest `at` first; equal ones come out by
 * `order`, so that a run is the same everywhere.
 *
 *     struct heap h = {0};
 *     heap_push(&h, due_ns, row);
 *     while (heap_next(&h) <= now_ns) use(heap_pop(&h).number);
 *     heap_free(&h);
 *
 * Where entries are moved or removed by their number, all of them go in by heap_set(), each number
 * once:
 *
 *     heap_set(&h, slot, due_ns, order);       // puts it in, or moves it
 *     heap_remove(&h, slot);
 *
 * Adding, moving and removing take O(log n).
 */
#ifndef FAREBOX_CORE_HEAP_H
#define FAREBOX_CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t at; /* a time in nanoseconds, or a count of steps */
    uint64_t order, number;
};

struct heap {
    struct heap_entry *entries; /* entries[0] comes first */
    size_t count, capacity;
    uint32_t *place; /* with heap_set(): index in entries + 1 by number; 0 = not in the heap */
    size_t places;
    /* Set before anything goes in, it says of two numbers whether the first comes before the
     * second, instead of `at` and `order`. NULL */
    bool (*before)(const void *context, uint64_t a, uint64_t b);
    const void *context;
};

/* Its order is its number. */
void heap_push(struct heap *h, int64_t at, uint64_t number);

/* The first entry's `at`; TIME_NEVER for an empty heap. */
int64_t heap_next(const struct heap *h);

/* Takes the first entry off; the heap must not be empty. */
struct heap_entry heap_pop(struct heap *h);

/* Gives the first entry a later `at`, or finds its place anew after what before() looks at. */
void heap_delay_first(struct heap *h, int64_t at);

void heap_set(struct heap *h, uint32_t number, int64_t at, uint64_t order);
void heap_remove(struct heap *h, uint32_t number); /* not there: nothing happens */

/* Drops every entry whose number is not wanted any more, of a heap filled by heap_push(). Linear in
 * the entries. */
void heap_keep(struct heap *h, bool (*wanted)(const void *context, uint64_t number),
               const void *context);

void heap_free(struct heap *h); /* leaves an empty one, without before() */

#endif
