/* Did it change? Two sides, each measured several times: the unit of chance is the repeat.
 *
 *     const struct repeat_values v = {before, after, 6, 6, .paired = true};
 *     struct comparison c;
 *     repeats_compare(&v, 0.5, &c);                   // of six medians a side
 *     compare_adjust(&c, 1);                          // Holm, together with what else is compared
 *
 * Each value is a figure of one whole run, such as its p99. Requests inside a run share the state
 * of the machine, the network and the neighbours, so that no number of them tells how far another
 * run would lie: only repeats do.
 *
 * Change: d = the mean of ln(after_i / before_i), shares: of after_i − before_i. Its interval is
 * d ± t·s/√n with Student's t of n − 1 degrees of freedom (Student, 1908), p likewise. Were both
 * sides alike, the two figures of a pair could change places, so that the d_i are symmetric about
 * 0; under symmetry t errs to the safe side where values lie far out (Efron, 1969). A steady drift
 * adds as much to pairs made AB as it takes from pairs made BA: over an even number it cancels in
 * d, and widens s. Sides that are no pairs: Welch's t (Welch, 1947) of the two means of logarithms.
 *
 * A share of few failures is a whole number over n requests, and repeats may agree in it by chance;
 * p and the half-width are therefore the larger of these and those of requests with fates of their
 * own: normal, with the variance of both shares, each with a failure and a success more, p(1 − p)
 * of (x + 1)/(n + 2) (Agresti and Caffo, 2000).
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_REPEATS_H
#define FAREBOX_CORE_RUNS_COMPARE_REPEATS_H

#include "core/stats/compare.h"

struct repeat_values {
    const double *before, *after; /* a figure of each repeat; all known */
    size_t n_before, n_after;
    bool paired;                            /* n_before == n_after: the i-th of both are a pair */
    double requests_before, requests_after; /* of a share: of all repeats together */
};

/* Fills *out; before and after are the mean over the repeats, of ratios the geometric one. `what`
 * as in struct comparison. Unsupported with fewer than two repeats a side, and for a ratio to
 * something that is not above 0; settled where nothing differs. `values` is the number of repeats.
 */
void repeats_compare(const struct repeat_values *v, double what, struct comparison *out);

/* The figure of one side against a limit: its mean as above, the 95% interval, and one-sided p of
 * being at or below the limit (p_up small: above it) and at or above it (p_down). NaN with fewer
 * than two repeats. `requests` as in struct repeat_values. */
struct repeat_level {
    double value, low, high, p_up, p_down;
};
void repeats_level(const double *values, size_t n, double requests, double what, double limit,
                   struct repeat_level *out);

#endif
