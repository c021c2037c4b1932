/* A series: all values of one metric, exact as long as they are not too many.
 *
 * Up to its limit a series keeps every value in the order in which it came, so that quantiles are
 * exact and intervals see the correlation. Beyond, the values fold into a histogram and memory
 * stays flat. Moments are exact in both.
 *
 *     struct series s;
 *     series_init(&s, SERIES_LIMIT);
 *     series_add(&s, e2e_ns);
 *     double p[2] = {0.5, 0.99}, q[2];
 *     series_quantiles(&s, p, 2, q);              // series_quantile_method(&s) says how
 *     series_free(&s);
 *
 * Ownership: the series owns its values; do not copy the struct. A negative value (a clock that
 * should not have) is exact in moments and values, and counted as 0 once folded
 * (histogram.negative counts them).
 */
#ifndef FAREBOX_CORE_STATS_SERIES_H
#define FAREBOX_CORE_STATS_SERIES_H

#include "core/stats/histogram.h"
#include "core/stats/moments.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_LIMIT 1000000

struct series {
    struct moments moments;
    int64_t *values; /* in order of insertion; NULL once folded */
    size_t count, capacity, limit;
    struct histogram histogram; /* empty until folded */
    bool folded;
};

/* `limit`: how many values are kept exactly; 0 folds from the first. */
void series_init(struct series *s, size_t limit);
void series_free(struct series *s);

void series_add(struct series *s, int64_t value);

/* The values of `from` follow those of `into`, if both are exact and fit its limit; else the
 * result is folded. Counts, moments and buckets are the same in any order of merging. */
void series_merge(struct series *into, const struct series *from);

/* Gives up the exact values. */
void series_fold(struct series *s);

/* Makes a folded series from what a file kept. Takes the histogram (the caller's is empty after);
 * the series must be initialised and empty. */
void series_restore(struct series *s, const struct moments *moments, struct histogram *take);

/* Type-7 quantiles: exact, or from the histogram (relative error ≤ 0.1%, never outside min … max,
 * which p = 0 and p = 1 are).
 * NaN where there are no values. One call for several p costs about as much as one for one. */
double series_quantile(const struct series *s, double p);
void series_quantiles(const struct series *s, const double *p, size_t count, double *out);

/* "exact" or "histogram". */
const char *series_quantile_method(const struct series *s);

/* Adds the series' values to `into` as buckets. */
void series_add_to_histogram(const struct series *s, struct histogram *into);

/* The values in order, lent until the next change; NULL if folded. */
const int64_t *series_values(const struct series *s, size_t *count);

/* The same as doubles, multiplied by `scale` (1e-6: nanoseconds to milliseconds), for the
 * functions on arrays of double. The caller frees them. NULL if folded. */
double *series_copy_doubles(const struct series *s, double scale, size_t *count);

#endif
