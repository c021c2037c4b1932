/* Intervals of values in an array, as the tests have them. */
#ifndef FAREBOX_TESTS_UNIT_TESTING_INTERVAL_H
#define FAREBOX_TESTS_UNIT_TESTING_INTERVAL_H

#include "core/memory.h"
#include "core/stats/interval.h"

#include <gsl/gsl_sort.h>
#include <stdlib.h>

static inline bool interval_mean(const double *values, size_t n, double confidence,
                                 struct interval *out)
{
    struct sample sample = sample_of_array(values, n);
    return interval_sample_mean(&sample, confidence, out);
}

static inline void interval_quantiles(const double *values, size_t n, const double *p, size_t count,
                                      double confidence, struct interval *out)
{
    double *sorted = mem_alloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i];
    gsl_sort(sorted, 1, n);
    struct sample sample = sample_of_array(values, n), rising = sample_of_array(sorted, n);
    for (size_t i = 0; i < count; i++)
        interval_sample_quantile(&sample, &rising, p[i], confidence, &out[i]);
    free(sorted);
}

#endif
