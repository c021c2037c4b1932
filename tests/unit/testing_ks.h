/* Goodness of fit of the laws that farebox draws from. */
#ifndef FAREBOX_TESTS_UNIT_TESTING_KS_H
#define FAREBOX_TESTS_UNIT_TESTING_KS_H

#include "core/memory.h"
#include "core/stats/ks.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdlib.h>

/* Values in rising order. */
static inline struct ks_result ks_one_sample(const double *sorted, size_t n, ks_cdf *cdf,
                                             const void *model, bool discrete)
{
    uint64_t *counts = mem_alloc(n * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[i] = 1;
    struct ks_result r = ks_counted(sorted, counts, n, cdf, model, discrete);
    free(counts);
    return r;
}

/* Pearson: observed counts of `cells` integers (or intervals) against their probabilities, which
 * should add up to 1. Neighbours are pooled until `least` (5) are expected in each. Degrees of
 * freedom (`effective`): pooled cells − 1 − `fitted` parameters. p = Q(df/2, X²/2). */
struct pool {
    double observed, expected;
};

static inline double contribution(struct pool p)
{
    return (p.observed - p.expected) * (p.observed - p.expected) / p.expected;
}

static inline struct ks_result chi_square(const uint64_t *observed, const double *probability,
                                          size_t cells, size_t fitted, double least)
{
    double total = 0, sum = 0;
    size_t pools = 0;
    for (size_t i = 0; i < cells; i++)
        total += (double)observed[i];
    /* `held` waits for its successor: what is left at the end joins the last full pool. */
    struct pool held = {0, 0}, open = {0, 0};
    for (size_t i = 0; i < cells; i++) {
        open.observed += (double)observed[i];
        open.expected += probability[i] * total;
        if (open.expected < least)
            continue;
        if (pools++ > 0)
            sum += contribution(held);
        held = open;
        open = (struct pool){0, 0};
    }
    held.observed += open.observed;
    held.expected += open.expected;
    if (pools < fitted + 2)
        return (struct ks_result){NAN, NAN, 0};
    sum += contribution(held);
    double freedom = (double)(pools - 1 - fitted);
    return (struct ks_result){sum, gsl_sf_gamma_inc_Q(freedom / 2, sum / 2), freedom};
}

#endif
