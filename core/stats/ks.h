/* Goodness of fit: Kolmogorov–Smirnov distances.
 *
 *     struct ks_result r = ks_counted(values, counts, n, cdf, &model, false);
 *     if (r.p_value < 0.01) ...                        // the sample is not from the model
 *     r = ks_two_samples(sorted_a, na, sorted_b, nb);
 *
 * The distance is the largest |F_n(x) − F(x)|, taken only where a run of equal values ends, so
 * that ties count once. p-value: Kolmogorov's distribution at (√n + 0.12 + 0.11/√n) D (Stephens,
 * 1970), right to about 0.01 from n = 5 on. For discrete values it is too large, never too small.
 * It assumes independent values and a model that was not fitted to them.
 *
 * Samples of any size: ranks are 64-bit counts, p-values follow the two branches of
 * Kolmogorov's series and neither overflow nor cancel.
 */
#ifndef FAREBOX_CORE_STATS_KS_H
#define FAREBOX_CORE_STATS_KS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ks_result {
    double statistic; /* D; NaN where there is nothing to test */
    double p_value;
    double effective; /* the n that the p-value is for */
};

/* P(X ≤ x) of the model. */
typedef double ks_cdf(double x, const void *model);

/* Rising values that occurred `counts` times. `discrete`: the model's mass lies on the values
 * themselves (its F jumps there), so F_n is compared at them and not just below. */
struct ks_result ks_counted(const double *values, const uint64_t *counts, size_t n, ks_cdf *cdf,
                            const void *model, bool discrete);

struct ks_result ks_two_samples(const double *a, size_t na, const double *b, size_t nb);

/* P(D_n ≥ d) for `n` independent values (need not be whole). */
double ks_p_value(double d, double n);

#endif
