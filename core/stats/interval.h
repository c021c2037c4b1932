/* Confidence intervals for correlated sequences.
 *
 * Latencies of a queue are correlated: one slow request makes its neighbours slow. n of them tell
 * less than n independent values, and an interval that ignores this covers the truth a third of
 * the time. Values are given in the order in which the requests were scheduled.
 *
 *     struct interval ci;
 *     if (interval_sample_mean(&values, 0.95, &ci))     // false: the sample cannot support it
 *         print(ci.low, ci.high);
 *     interval_sample_quantile(&values, &sorted, 0.99, 0.95, &ci);
 *
 * Variance of a mean: the sequence is cut into k batches of equal length (64; below 4,096 values
 * n/16, but 10 to 32), whose means m are nearly independent. Var(mean) = s²(m)/k · (1 + φ)/(1 − φ),
 * where φ in [0, 0.95] is the batch means' lag-1 correlation after Kendall's correction of its
 * bias, (kφ̂ + 1)/(k − 3): it takes up the correlation that batches shorter than a busy period keep.
 * Limits stand at Student's t with k − 1 degrees of freedom.
 *
 * Mean: the limits are symmetric for 1/mean where no value is negative. In a queue the deviation of
 * a run's mean grows with the square of that mean (variance ∝ (1 − load)^−4, mean ∝ (1 − load)^−1),
 * so a run that happens to be quiet also understates its error; on the scale 1/mean the error is
 * constant. Supported for n ≥ 20 and a half-width up to 80%.
 *
 * Quantile q at p (Woodruff, 1952, with batch variances): the share of values ≤ q is a mean, of
 * indicators. Its design effect D = n·Var/(p(1 − p)), at least 1 and at least that of the less
 * extreme quantile 1 − √(1−p), which rare bursts disturb less, gives the limits p ± t√(D p(1−p)/n);
 * the interval is what the sorted sample holds there. Supported for n ≥ quantile_least_sample(p)
 * where both limits lie inside the sample: in effect, for that many independent values; from p90
 * (or below p10) on only where the tail beyond the quantile consists of at least ten separate
 * episodes. Values beyond it that stand less than one batch after the first of their episode
 * belong to that episode: a burst of slow requests is one thing that happened.
 *
 * Measured coverage stands in tests/unit/check_interval.c. Correlation longer than n/k requests
 * cannot be seen by any method from the sample itself.
 */
#ifndef FAREBOX_CORE_STATS_INTERVAL_H
#define FAREBOX_CORE_STATS_INTERVAL_H

#include "core/stats/sample.h"

#include <stdbool.h>
#include <stddef.h>

struct interval {
    bool supported; /* false: low and high are NaN */
    double low, high;
    double effective; /* independent values that would tell as much; NaN if unknown */
};

/* Intervals at `confidence` (0.95) of the mean and of a quantile; returns out->supported. `sorted`
 * holds the values in rising order. */
bool interval_sample_mean(const struct sample *values, double confidence, struct interval *out);
bool interval_sample_quantile(const struct sample *values, const struct sample *sorted, double p,
                              double confidence, struct interval *out);

/* The parts, for comparisons: a point estimate that knows its limits at any multiple t of its
 * standard error. */
#define INTERVAL_BATCHES 64

struct interval_point {
    double value;
    double error;   /* standard error: of the mean; of the share below, for a quantile */
    double freedom; /* degrees of freedom */
    double effective;
    bool reciprocal; /* a mean of values none of which is negative */
    bool is_quantile;
    struct sample sorted; /* for a quantile: borrowed */
    double p;
    size_t batches;
    double batch[INTERVAL_BATCHES]; /* the batch means of values or indicators */
};

/* How many batches a sample of n values is cut into; one batch is the variance block. */
size_t interval_batches(size_t n);

/* Separate episodes of a tail: start with episodes_of(n), add the places of its values in rising
 * order; each call gives the number of the episode, from 0. At most INTERVAL_BATCHES. */
#define INTERVAL_LEAST_EPISODES 10

struct episodes {
    double block, next; /* the first place that begins another episode */
    size_t count;
};
struct episodes episodes_of(size_t n);
size_t episodes_add(struct episodes *e, size_t place);

/* Variance of the mean of k batch means, by the formula above. */
double interval_batch_variance(const double *means, size_t k);

/* False if n is too small; then only `value` is set. */
bool interval_point_mean(const struct sample *values, struct interval_point *out);
bool interval_point_quantile(const struct sample *values, const struct sample *sorted, double p,
                             struct interval_point *out);

/* False, with the missing limit infinite, where the sample does not hold both limits. */
bool interval_point_limits(const struct interval_point *point, double t, double *low, double *high);

#endif
