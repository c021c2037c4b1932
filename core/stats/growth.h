/* Does it grow? The drift of a correlated sequence over time, such as the delays of a queue.
 *
 *     struct growth g;
 *     if (growth_estimate(due_s, delay_s, n, &g) && g.low > 0)
 *         print(g.rate);                          // seconds of delay per second
 *
 * The sequence is cut into 4 to 20 batches of at least five values, with means m(1) … m(K) and mean
 * times t(1) … t(K). The drift is (m(K) − m(1)) / (t(K) − t(1)): the mean of the steps d between
 * neighbouring batches over the mean time between them.
 *
 * A queue at the edge of its capacity is a random walk: it wanders far without any drift, and the
 * residuals of a regression would tell a trend from it nearly always. The interval therefore takes
 * the steps, not the values, for the sample. The means of a random walk over batches have steps of
 * variance 2/3 σ² (σ² = that of the walk over one batch) whose neighbours are correlated by 1/4, so
 * Var(mean of d) = 3/2 s²(d) / (K − 1); limits stand at Student's t with K − 2 degrees of freedom.
 * For a queue below its capacity, whose delays return, this is too wide and never too narrow: of
 * simulated M/M/1 and M/M/10 queues of 40 to 3,000 requests at 50 to 100 % load, at most 6 %
 * seem to grow (tests/unit/check_growth.c).
 */
#ifndef FAREBOX_CORE_STATS_GROWTH_H
#define FAREBOX_CORE_STATS_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

struct growth {
    double rate, low, high; /* 95 %; the values' unit per the times' unit. NAN if unsupported */
    bool supported;
};

/* Values in rising order of their times. False, with out->supported false, for fewer than 20, or
 * where all times are equal. */
bool growth_estimate(const double *times, const double *values, size_t n, struct growth *out);

#endif
