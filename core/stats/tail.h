/* Did the tail change? Comparison of a far quantile (p ≥ 0.9) of two correlated samples.
 *
 *     struct tail_change t;
 *     tail_compare(before, n, after, m, 0.99, &t);      // runs of other requests
 *     tail_compare_paired(before, after, n, 0.99, &t);  // the same requests, in the same order
 *     if (t.p_up <= 0.025) ...                          // slower; then t.low > 0
 *
 * Samples apart: had nothing changed, equal shares of both would lie above a quantile of the two
 * pooled. The score of a value is the mean of three such indicators, at tails of 1, 3/4 and 1/2 of
 * 1 − p (a tie counts half): one threshold alone hangs on a handful of values. The statistic is the
 * difference of the two mean scores over its standard error, which comes from overlapping blocks
 * (Meketon and Schmeiser, 1984; one variance block long, core/stats/interval.h), because slow
 * requests come in bursts, and is never less than that of independent values; Student's t with 1.5
 * degrees of freedom a block.
 *
 * Paired samples: the tail are the pairs of which either value lies above the pooled quantile at
 * 1 − 2(1 − p), so that the quantile asked for stands in its middle. Which value of a pair is the
 * larger one does not decide whether it is in. Tail pairs less than one variance block from the
 * first of their episode belong to that episode; its mean log-ratio is as likely with the opposite
 * sign if nothing changed, and p is the share of all ways to turn the signs whose sum is at least
 * the one seen (Fisher, 1935), exact but for rounding each mean to 1/2048 of their total. With k
 * episodes p is at least 2^−k.
 *
 * Limits invert the same test: the factors by which `after` may be divided so that it does not
 * find the rest larger (low) or smaller (high) at 2.5% each.
 */
#ifndef FAREBOX_CORE_STATS_TAIL_H
#define FAREBOX_CORE_STATS_TAIL_H

#include <stddef.h>

#define TAIL_LEAST_P 0.9 /* less extreme quantiles have no tail to speak of */

struct tail_change {
    double p_up, p_down; /* one-sided: of seeing as much of a rise, or of a fall, by chance */
    double low, high;    /* ln(after/before), 2.5% on each side; infinite beyond a factor of ten */
    size_t episodes;     /* separate ones in the tail, of both sides; below
                            INTERVAL_LEAST_EPISODES the limits are not to be shown */
};

/* Positive estimates of the quantile on both sides, values in scheduled order, n and m at least
 * quantile_least_sample(p). */
void tail_compare(const double *before, size_t n, const double *after, size_t m, double p,
                  struct tail_change *out);
void tail_compare_paired(const double *before, const double *after, size_t n, double p,
                         struct tail_change *out);

#endif
