/* Type-7 quantiles (Hyndman and Fan, 1996; the default of R and NumPy).
 *
 * The p-quantile of n sorted values x[0] … x[n−1] stands at position h = p(n−1):
 * x[⌊h⌋] + (h − ⌊h⌋)(x[⌊h⌋+1] − x[⌊h⌋]).
 *
 *     const double p[] = {0.5, 0.9, 0.99};
 *     double q[3];
 *     quantiles_select(values, n, p, 3, q);     // one pass of selection, reorders `values`
 *     double median = quantile_sorted(sorted, n, 0.5);
 *
 * Values are finite doubles; 0 ≤ p ≤ 1. Without values, or with another p, the answer is NaN.
 */
#ifndef FAREBOX_CORE_STATS_QUANTILE_H
#define FAREBOX_CORE_STATS_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

double quantile_sorted(const double *sorted, size_t n, double p);

/* Of unsorted values, which are reordered: expected linear time, n log n at worst. */
double quantile_select(double *values, size_t n, double p);

/* Several at once into out[0 … count−1]; `p` in any order. Linear for few p, as one selection
 * narrows the range of the next. */
void quantiles_select(double *values, size_t n, const double *p, size_t count, double *out);

/* As quantiles_select on a copy: `values` stay as they are. */
void quantiles_of(const double *values, size_t n, const double *p, size_t count, double *out);

/* Of unsorted whole numbers, which stay as they are, those at some ranks: below the number of
 * values, 0 is the least. Values `skip` are left out, none is below `least`. Linear in `n`: two
 * looks at each value, and one more for each rank that is far from the others. */
void ranks_of_whole(const int64_t *values, size_t n, int64_t skip, int64_t least,
                    const size_t *ranks, size_t count, int64_t *out);

/* The smallest sample that supports a two-sided 95% interval of the p-quantile. Its far limit is an
 * order statistic, and with probability max(p, 1−p)^n even the most extreme value lies on the near
 * side of the quantile: that must be ≤ 2.5%, so n = ⌈ln 0.025 / ln max(p, 1−p)⌉, which is 368 for
 * p99 and 3,688 for p99.9. 0 where p is not inside (0, 1). */
size_t quantile_least_sample(double p);

#endif
