/* A figure of one run against a limit: is it surely above, surely not, or can the run not tell?
 *
 *     struct run_level l;
 *     run_level(latencies_ms, n, 0.99, 500, &l);      // p99 against 500 ms
 *     if (l.p_up <= 0.025) ...                        // surely above
 *
 * Quantiles: had the limit been the quantile q itself, each value would lie above it with chance
 * 1 − q. x of n lie above; p_up = P(X ≥ x), p_down = P(X ≤ x), binomial, with both counts divided
 * by the design effect of the values above (Woodruff, 1952; core/stats/interval.h), at least 1,
 * because slow requests come in bursts. The interval holds the limits at which either is 2.5%.
 * Shares: the same of the ones among the values, and Clopper and Pearson's interval (1934).
 * Means, and rates as means of slices of time: batch means, Student's t.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_RUN_LEVEL_H
#define FAREBOX_CORE_RUNS_COMPARE_RUN_LEVEL_H

#include <stddef.h>

struct run_level {
    double value, low,
        high;            /* the estimate and its 95% interval; an end that is not known is NaN */
    double p_up, p_down; /* one-sided, of being no higher than the limit, of being no lower; NaN
                            if it cannot be told */
    size_t values;
    const char *why; /* static words where an end is not known, else NULL */
};

/* Values in scheduled order; `what` as in struct comparison (core/stats/compare.h). */
void run_level(const double *values, size_t n, double what, double limit, struct run_level *out);

#endif
