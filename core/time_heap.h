/* Things to do at a time: a binary heap of (time, number), smallest time first; equal times come
 * out in the order they went in.
 *
 *     struct time_heap h = {0};
 *     time_heap_push(&h, due_ns, row);
 *     while (time_heap_next_ns(&h) <= now_ns) use(time_heap_pop(&h).number);
 *     time_heap_free(&h);
 */
#ifndef FAREBOX_CORE_TIME_HEAP_H
#define FAREBOX_CORE_TIME_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct time_entry {
    int64_t at_ns;
    uint64_t order, number;
};

struct time_heap {
    struct time_entry *entries;
    size_t count, capacity;
    uint64_t pushed;
};

void time_heap_push(struct time_heap *h, int64_t at_ns, uint64_t number);

/* Time of the first entry; TIME_NEVER for an empty heap. */
int64_t time_heap_next_ns(const struct time_heap *h);

/* Takes the first entry off; the heap must not be empty. */
struct time_entry time_heap_pop(struct time_heap *h);

/* Drops every entry whose number is not wanted any more. Linear in the entries. */
void time_heap_keep(struct time_heap *h, bool (*wanted)(const void *context, uint64_t number),
                    const void *context);

void time_heap_free(struct time_heap *h);

#endif
