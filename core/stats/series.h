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
 *     series_quantiles(&s, p, 2, q);
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

/* Type-7 quantiles: exact, or from the histogram (relative error ≤ 0.1%, never outside min … max,
 * which p = 0 and p = 1 are).
 * NaN where there are no values. One call for several p costs about as much as one for one. */
void series_quantiles(const struct series *s, const double *p, size_t count, double *out);

#endif
