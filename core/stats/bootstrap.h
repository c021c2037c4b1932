/* Block bootstrap: an interval for any statistic of a correlated sequence.
 *
 * For statistics that core/stats/interval.h has no formula for (a CV, max / median, cost per
 * used request): blocks of neighbouring values are drawn with replacement until the sample has its
 * length again, the statistic is taken of each such resample, and the interval lies between the
 * quantiles of the results.
 *
 *     struct random r;
 *     random_init(&r, seed, RANDOM_BOOTSTRAP, metric);
 *     struct bootstrap b = {.statistic = cv_of, .replicates = 1000, .confidence = 0.95};
 *     struct interval ci;
 *     if (bootstrap_interval(&b, values, n, &r, &ci)) ...
 *
 * Circular blocks (Politis and Romano, 1992): the sequence is a ring, so every value is drawn
 * equally often. Percentile interval. Cost: replicates × (n + the statistic); it covers less than
 * the batch intervals when the correlation is long against n.
 */
#ifndef FAREBOX_CORE_STATS_BOOTSTRAP_H
#define FAREBOX_CORE_STATS_BOOTSTRAP_H

#include "core/random.h"
#include "core/stats/interval.h"

#include <stdbool.h>
#include <stddef.h>

struct bootstrap {
    double (*statistic)(double *values, size_t n, void *context); /* may reorder the values */
    void *context;
    size_t block;      /* 0: bootstrap_block_length */
    size_t replicates; /* at least 100 for 95% */
    double confidence;
};

/* False, with out->supported false, for fewer than 20 values, blocks of which fewer than ten fit
 * into the sample, too few replicates, or a statistic that is not finite. */
bool bootstrap_interval(const struct bootstrap *b, const double *values, size_t n,
                        struct random *random, struct interval *out);

/* Block length for a mean by Politis and White (2004), as corrected by Patton, Politis and White
 * (2009): (2 G²/D)^(1/3) n^(1/3) with D = 4/3 g(0)², G = Σ λ(k/M)|k| R(k), g(0) = Σ λ(k/M) R(k),
 * λ the trapezoid that is 1 to one half and falls to 0 at 1, R the autocovariance, M twice the lag
 * from which on it is insignificant. Between 1 and min(3√n, n/3). */
size_t bootstrap_block_length(const double *values, size_t n);

/* Statistics to use: the mean, and the type-7 quantile whose p (a double) `context` points at. */
double bootstrap_mean(double *values, size_t n, void *context);
double bootstrap_quantile(double *values, size_t n, void *context);

#endif
