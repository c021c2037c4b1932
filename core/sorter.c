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

static void sort_run(struct sorter *s)
{
    if (!s->run_sorted && s->run_count > 1)
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

static bool less(const struct sorter_scan *scan, size_t a, size_t b)
{
    return scan->sorter->compare(item_at_hand(scan, a), item_at_hand(scan, b)) < 0;
}

static void sift_down(struct sorter_scan *scan, size_t at)
{
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        for (size_t k = child; k < child + 2 && k < scan->head_count; k++)
            if (less(scan, k, least))
                least = k;
        if (least == at)
            return;
        struct sorter_head head = scan->heads[at];
        scan->heads[at] = scan->heads[least];
        scan->heads[least] = head;
        at = least;
    }
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
    scan->heads = mem_alloc((runs + 1) * sizeof *scan->heads);
    scan->buffers = mem_alloc(runs * scan->buffer_items * size);
    for (size_t i = 0; i < runs; i++) {
        struct sorter_head *h = &scan->heads[scan->head_count++];
        *h = (struct sorter_head){.items = scan->buffers + i * scan->buffer_items * size,
                                  .next = (uint64_t)i * s->run_items,
                                  .end = (uint64_t)(i + 1) * s->run_items};
        refill(scan, h);
    }
    sort_run(s);
    if (s->run_count)
        scan->heads[scan->head_count++] =
            (struct sorter_head){.items = s->run, .count = s->run_count};
    for (size_t i = scan->head_count / 2; i-- > 0;)
        sift_down(scan, i);
}

const void *sorter_scan_next(struct sorter_scan *scan)
{
    if (scan->begun && scan->head_count > 0) {
        struct sorter_head *h = &scan->heads[0];
        if (++h->at == h->count && !refill(scan, h))
            *h = scan->heads[--scan->head_count];
        sift_down(scan, 0);
    }
    scan->begun = true;
    return scan->head_count ? item_at_hand(scan, 0) : NULL;
}

void sorter_scan_end(struct sorter_scan *scan)
{
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
