/* Did it change? Comparison of two correlated samples of one metric, before and after.
 *
 *     const double what[4] = {COMPARE_MEAN, 0.5, 0.9, 0.99};
 *     struct comparison c[4];
 *     compare_samples(before, n, after, m, false, what, 4, c);
 *     ... more metrics into the same array ...
 *     compare_adjust(c, 4);                       // Holm over everything that was compared
 *     bool found = c[0].p_adjusted < 0.05;        // NaN (unsupported) is no finding
 *
 * Method: each side's estimate has limits at every multiple t of its standard error
 * (core/stats/interval.h). The change is d = ln(after/before); with the distances on the log scale
 * from each estimate to its lower limit (l) and upper limit (u), its interval at t is
 * d − √(l₁² + u₀² − 2r l₁u₀) … d + √(u₁² + l₀² − 2r u₁l₀) (method of variance estimates recovery,
 * Zou and Donner, 2008). r = 0 for independent runs;
 * for paired ones (the same requests in the same order, hence the same bursts) of fewer than 4,000
 * values r is the correlation of the two sides' batch means, or the smaller one that the variance
 * of the batches' differences implies: what the sides do not share may linger longer than what they
 * share. Longer paired runs are compared by turning the signs of their blocks' differences instead
 * (core/stats/paired.h), whose power does not suffer from a change that busy stretches magnify.
 * Elsewhere the p-value is the t at which the interval touches 0, looked up in
 * Student's distribution: finding and interval never contradict each other. Quantiles from p90 on
 * have a test of their own (core/stats/tail.h): a far quantile's own error says little, what lies
 * above it says more.
 *
 * Values must be positive for a relative change; a side with estimate ≤ 0 is unsupported, and so
 * is one whose sample does not support a 95% interval; of a tail of fewer than ten episodes the
 * p-values are known all the same. Where all values are the same on both sides
 * (pair by pair, if paired) no finding was possible: the comparison is settled, p is 1, and it does
 * not weigh on the others (Tarone, 1990). Nothing is kept or owned.
 */
#ifndef FAREBOX_CORE_STATS_COMPARE_H
#define FAREBOX_CORE_STATS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#define COMPARE_MEAN (-1.0)
#define COMPARE_SHARE (-2.0) /* see core/stats/compare_share.h */
#define COMPARE_RATE (-3.0)  /* a mean of slices of time: for names only */

struct comparison {
    double what;          /* COMPARE_MEAN, COMPARE_SHARE or the quantile's p */
    double before, after; /* the estimates; NaN without values */
    double change;        /* after / before − 1; of shares after − before */
    double low, high;     /* its 95% interval; NaN if unsupported */
    double p_value;       /* of no change, two-sided; NaN if it could not be tested */
    double p_up, p_down;  /* one-sided: of a rise, of a fall as large by chance; NaN likewise */
    double p_adjusted;    /* set by compare_adjust */
    double p_independent; /* of shares: had every request a fate of its own; else NaN */
    size_t values;        /* in each sample; the mean of the two where they differ */
    size_t episodes;      /* separate ones, of a tail; else 0 */
    bool supported;       /* has an interval */
    bool settled;         /* no finding was possible */
    const char *why;      /* a few static words where unsupported, else NULL */
};

/* Two estimates and how one changed to the other; nothing else is known of them yet. */
struct comparison comparison_of(double what, double before, double after, size_t values);

/* Values in scheduled order. `paired` needs n_before == n_after, and is ignored otherwise. */
void compare_samples(const double *before, size_t n_before, const double *after, size_t n_after,
                     bool paired, const double *what, size_t count, struct comparison *out);

/* The estimates alone, without interval or p: means (also of shares), and quantiles where at least
 * one value lies beyond, else NaN. */
void compare_estimates(const double *before, size_t n_before, const double *after, size_t n_after,
                       const double *what, size_t count, struct comparison *out);

/* Fills p_up and p_down from p_value and the sign of the change. */
void compare_split_sides(struct comparison *c);

/* Holm's correction over all `count` comparisons that are not settled, of however many metrics. */
void compare_adjust(struct comparison *all, size_t count);

#endif
