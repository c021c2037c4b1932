/* A sorter: items of one size, added in any order and read in rising order, of whatever number;
 * about a megabyte of them is in memory (core/spool.h holds the rest).
 *
 *     struct sorter s;
 *     sorter_init(&s, sizeof(int64_t), compare_int64);
 *     sorter_add(&s, &value);                         // ... and so on
 *     struct sorter_scan scan;
 *     const int64_t *v;
 *     sorter_scan_begin(&scan, &s);
 *     while ((v = sorter_scan_next(&scan)))           // lent until the next call
 *         use(*v);
 *     sorter_scan_end(&scan);
 *     sorter_free(&s);
 *
 * Full runs are sorted and put away; a scan merges them. Items that compare equal come in no
 * particular order: a comparison that looks at everything gives the same sequence whatever the
 * order of adding. Nothing may be added while a scan is open; scans may follow each other, and
 * adding may go on between them.
 */
#ifndef FAREBOX_CORE_SORTER_H
#define FAREBOX_CORE_SORTER_H

#include "core/heap.h"
#include "core/spool.h"

typedef int sorter_compare(const void *a, const void *b);

struct sorter {
    sorter_compare *compare;
    struct spool runs; /* sorted runs of run_items each */
    char *run;         /* the run being filled */
    size_t run_items, run_count, run_capacity;
    bool run_sorted;
};

void sorter_init(struct sorter *s, size_t item_size, sorter_compare *compare);
void sorter_free(struct sorter *s); /* leaves it empty and ready */
void sorter_add(struct sorter *s, const void *item);
uint64_t sorter_count(const struct sorter *s);

/* One run of a scan: items at hand, and where the next ones stand in the spool. */
struct sorter_head {
    char *items;
    size_t at, count;
    uint64_t next, end;
};

struct sorter_scan {
    struct sorter *sorter;
    struct sorter_head *heads;
    struct heap order; /* of the heads, by their items at hand */
    size_t buffer_items;
    char *buffers;
    bool begun;
};

void sorter_scan_begin(struct sorter_scan *scan, struct sorter *s);
const void *sorter_scan_next(struct sorter_scan *scan); /* NULL at the end */
void sorter_scan_end(struct sorter_scan *scan);

/* All items in order, appended to a spool of the same item size. */
void sorter_write(struct sorter *s, struct spool *out);

/* Comparison of two int64_t. */
int sorter_compare_int64(const void *a, const void *b);

#endif
