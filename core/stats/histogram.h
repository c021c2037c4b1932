/* A log-linear histogram of non-negative int64 values (nanoseconds) that merges exactly.
 *
 * Summary: adding costs a few nanoseconds, quantiles are right to 0.1%, memory follows the range
 * of the values and never their number.
 *
 *     struct histogram h = {0};                       // zeroed = empty
 *     histogram_add(&h, gap_ns, 1);
 *     histogram_merge(&h, &other);                    // the same bits in any order
 *     double p99_ns = histogram_quantile(&h, 0.99);
 *     for (struct histogram_bucket b = {0}; histogram_next(&h, &b);)
 *         write(b.lower, b.count);                    // histogram_add(&h2, b.lower, b.count) reads
 *     histogram_free(&h);
 *
 * Details: values below 1024 have a bucket each. Above, every octave [2^e, 2^(e+1)) is divided
 * into 512 buckets of equal width 2^(e−9); the bucket's number is the value's exponent and its
 * nine bits after the leading one. Buckets stand in pages of 512 counts (4 KiB), one per octave,
 * allocated when first touched: a metric that spans five octaves holds 20 KiB, and all of int64
 * 220 KiB.
 *
 * Error bound: a bucket of width w that starts at L ≥ 512 w is reported at its middle, at most
 * w/2 from any value v ≥ L in it: |error| / v ≤ 1/1024 < 0.1%. A quantile between two order
 * statistics interpolates two such values and keeps the bound.
 *
 * Ownership: the histogram owns its pages; do not copy the struct. Negative values have no place:
 * they are counted as 0, and how many were is in `negative`.
 */
#ifndef FAREBOX_CORE_STATS_HISTOGRAM_H
#define FAREBOX_CORE_STATS_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_RELATIVE_ERROR (1.0 / 1024)
#define HISTOGRAM_PAGE_BITS 9
#define HISTOGRAM_PAGE (1 << HISTOGRAM_PAGE_BITS)
#define HISTOGRAM_PAGES (64 - HISTOGRAM_PAGE_BITS)

struct histogram {
    uint64_t count;
    uint64_t negative;
    uint64_t *pages[HISTOGRAM_PAGES]; /* NULL = all zero */
};

struct histogram_bucket {
    int64_t lower, upper; /* the values it holds, both ends inclusive */
    uint64_t count;
    size_t next; /* where iteration goes on */
};

void histogram_add_first(struct histogram *h, size_t page); /* for histogram_add below */
void histogram_free(struct histogram *h);

static inline size_t histogram_slot(uint64_t value)
{
    unsigned shift = 0;
    if (value >= 2 * HISTOGRAM_PAGE)
        shift = 63U - HISTOGRAM_PAGE_BITS - (unsigned)__builtin_clzll(value);
    return ((size_t)shift << HISTOGRAM_PAGE_BITS) + (size_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, int64_t value, uint64_t count)
{
    if (__builtin_expect(value < 0, 0)) {
        h->negative += count;
        value = 0;
    }
    size_t slot = histogram_slot((uint64_t)value), page = slot >> HISTOGRAM_PAGE_BITS;
    if (__builtin_expect(!h->pages[page], 0))
        histogram_add_first(h, page);
    h->pages[page][slot & (HISTOGRAM_PAGE - 1)] += count;
    h->count += count;
}

/* Adds what each value is more than the one before it: count − 1 differences. */
void histogram_add_steps(struct histogram *h, const int64_t *values, size_t count);

void histogram_merge(struct histogram *into, const struct histogram *from);

/* Type-7 quantile, 0 ≤ p ≤ 1, of the values as their buckets know them; NaN if empty. */
double histogram_quantile(const struct histogram *h, double p);

/* How many values are certainly or possibly ≤ value: all buckets up to the one holding `value`. */
uint64_t histogram_count_through(const struct histogram *h, int64_t value);

/* The next bucket that is not empty, in rising order; begin with a zeroed bucket. */
bool histogram_next(const struct histogram *h, struct histogram_bucket *bucket);

#endif
