#include "core/sorter.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define RUN_BYTES ((size_t)1 << 20)
#define BUFFERS_BYTES ((size_t)1 << 20) /* of all runs in a scan together */
#define BUFFER_MOST ((size_t)16384)

void sorter_init(struct sorter *s, size_t item_size, sorter_compare *compare)
{
    *s = (struct sorter){.compare = compare, .run_items = RUN_BYTES / item_size};
    spool_init(&s->runs, item_size);
}

void sorter_free(struct sorter *s)
{
    size_t item_size = s->runs.item_size;
    spool_free(&s->runs);
    free(s->run);
    sorter_init(s, item_size, s->compare);
}

uint64_t sorter_count(const struct sorter *s)
{
    return s->runs.count + s->run_count;
}

#define DIGIT_BITS 11
#define DIGITS 6 /* of 64 bits */
#define DIGIT_VALUES ((size_t)1 << DIGIT_BITS)

static inline size_t digit_of(uint64_t key, int digit)
{
    return (size_t)(key >> (digit * DIGIT_BITS)) & (DIGIT_VALUES - 1);
}

/* By one digit, from `from` to `to`, in which equal ones stay in their order. False: all have the
 * same, nothing was moved. */
static bool sort_by_digit(const uint64_t *from, uint64_t *to, size_t count, int digit)
{
    size_t starts[DIGIT_VALUES] = {0}, next = 0;
    for (size_t i = 0; i < count; i++)
        starts[digit_of(from[i], digit)]++;
    if (starts[digit_of(from[0], digit)] == count)
        return false;
    for (size_t v = 0; v < DIGIT_VALUES; v++) {
        size_t here = starts[v];
        starts[v] = next;
        next += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(from[i], digit)]++] = from[i];
    return true;
}

/* Whole numbers by their digits, the lowest first: a few passes, without comparisons. With its top
 * bit turned a number of two's complement has the order of an unsigned one. */
static void sort_numbers(uint64_t *numbers, size_t count)
{
    uint64_t *room = mem_alloc(count * sizeof *room), *from = numbers, *to = room;
    for (size_t i = 0; i < count; i++)
        numbers[i] ^= UINT64_C(1) << 63;
    for (int digit = 0; digit < DIGITS; digit++)
        if (sort_by_digit(from, to, count, digit)) {
            uint64_t *sorted = to;
            to = from;
            from = sorted;
        }
    for (size_t i = 0; i < count; i++)
        numbers[i] = from[i] ^ UINT64_C(1) << 63;
    free(room);
}

static void sort_run(struct sorter *s)
{
    if (!s->run_sorted && s->run_count >= DIGIT_VALUES && s->compare == sorter_compare_int64)
        sort_numbers((uint64_t *)(void *)s->run, s->run_count);
    else if (!s->run_sorted && s->run_count > 1)
        qsort(s->run, s->run_count, s->runs.item_size, s->compare);
    s->run_sorted = true;
}

void sorter_add(struct sorter *s, const void *item)
{
    size_t size = s->runs.item_size;
    if (s->run_count == s->run_items) {
        sort_run(s);
        for (size_t i = 0; i < s->run_count; i++)
            spool_add(&s->runs, s->run + i * size);
        s->run_count = 0;
    }
    mem_grow(&s->run, &s->run_capacity, s->run_count + 1, size);
    memcpy(s->run + s->run_count++ * size, item, size);
    s->run_sorted = false;
}

/* ---- the merge ---- */

static const char *item_at_hand(const struct sorter_scan *scan, size_t head)
{
    const struct sorter_head *h = &scan->heads[head];
    return h->items + h->at * scan->sorter->runs.item_size;
}

static bool comes_before(const void *context, uint64_t a, uint64_t b)
{
    const struct sorter_scan *scan = context;
    return scan->sorter->compare(item_at_hand(scan, a), item_at_hand(scan, b)) < 0;
}

/* The next items of a run from the spool; false at its end. */
static bool refill(const struct sorter_scan *scan, struct sorter_head *h)
{
    size_t wanted = scan->buffer_items;
    if (wanted > h->end - h->next)
        wanted = (size_t)(h->end - h->next);
    h->at = 0;
    h->count = wanted ? spool_read(&scan->sorter->runs, h->next, wanted, h->items) : 0;
    h->next += h->count;
    return h->count > 0;
}

void sorter_scan_begin(struct sorter_scan *scan, struct sorter *s)
{
    size_t size = s->runs.item_size, runs = (size_t)(s->runs.count / s->run_items);
    size_t buffer = runs ? BUFFERS_BYTES / runs : 0;
    *scan = (struct sorter_scan){.sorter = s};
    scan->buffer_items = (buffer < BUFFER_MOST ? buffer : BUFFER_MOST) / size;
    if (scan->buffer_items < 8)
        scan->buffer_items = 8;
    scan->order = (struct heap){.before = comes_before, .context = scan};
    scan->heads = mem_alloc((runs + 1) * sizeof *scan->heads);
    scan->buffers = mem_alloc(runs * scan->buffer_items * size);
    for (size_t i = 0; i < runs; i++) {
        struct sorter_head *h = &scan->heads[i];
        *h = (struct sorter_head){.items = scan->buffers + i * scan->buffer_items * size,
                                  .next = (uint64_t)i * s->run_items,
                                  .end = (uint64_t)(i + 1) * s->run_items};
        refill(scan, h);
        heap_push(&scan->order, 0, i);
    }
    sort_run(s);
    scan->heads[runs] = (struct sorter_head){.items = s->run, .count = s->run_count};
    if (s->run_count)
        heap_push(&scan->order, 0, runs);
}

const void *sorter_scan_next(struct sorter_scan *scan)
{
    scan->order.context = scan; /* wherever it is by now */
    if (scan->begun && scan->order.count) {
        struct sorter_head *h = &scan->heads[scan->order.entries[0].number];
        if (++h->at < h->count || refill(scan, h))
            heap_delay_first(&scan->order, 0);
        else
            heap_pop(&scan->order);
    }
    scan->begun = true;
    return scan->order.count ? item_at_hand(scan, scan->order.entries[0].number) : NULL;
}

void sorter_scan_end(struct sorter_scan *scan)
{
    heap_free(&scan->order);
    free(scan->heads);
    free(scan->buffers);
    *scan = (struct sorter_scan){0};
}

void sorter_write(struct sorter *s, struct spool *out)
{
    struct sorter_scan scan;
    const void *item;
    sorter_scan_begin(&scan, s);
    while ((item = sorter_scan_next(&scan)))
        spool_add(out, item);
    sorter_scan_end(&scan);
}

int sorter_compare_int64(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}
