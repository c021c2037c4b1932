#include "core/stats/bootstrap.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_VALUES 20
#define LEAST_BLOCKS 10
#define LEAST_REPLICATES 100

static double autocovariance(const double *values, size_t n, double mean, size_t lag)
{
    double sum = 0;
    for (size_t i = 0; i + lag < n; i++)
        sum += (values[i] - mean) * (values[i + lag] - mean);
    return sum / (double)n;
}

/* The lag after which `run` lags in a row are insignificant, at most `most`. */
static size_t last_correlated_lag(const double *covariance, size_t most, size_t run, double limit)
{
    size_t quiet = 0;
    for (size_t lag = 1; lag <= most; lag++) {
        quiet = fabs(covariance[lag] / covariance[0]) < limit ? quiet + 1 : 0;
        if (quiet == run)
            return lag - run > 0 ? lag - run : 1;
    }
    return most;
}

size_t bootstrap_block_length(const double *values, size_t n)
{
    if (n < LEAST_VALUES)
        return 1;
    double count = (double)n, mean = 0, g0 = 0, g = 0;
    size_t run = (size_t)fmax(5, ceil(sqrt(log10(count))));
    size_t most = (size_t)ceil(sqrt(count)) + run, lags = 2 * most < n ? 2 * most : n - 1;
    double *covariance = mem_alloc((lags + 1) * sizeof *covariance);
    for (size_t i = 0; i < n; i++)
        mean += values[i];
    mean /= count;
    for (size_t lag = 0; lag <= lags; lag++)
        covariance[lag] = autocovariance(values, n, mean, lag);
    double cap = ceil(fmin(3 * sqrt(count), count / 3)), length = 1;
    if (covariance[0] > 1e-24 * mean * mean) { /* more than the rounding of a constant */
        double limit = 2 * sqrt(log10(count) / count);
        size_t window = 2 * last_correlated_lag(covariance, lags / 2, run, limit);
        g0 = covariance[0];
        for (size_t lag = 1; lag <= window && lag <= lags; lag++) {
            double x = (double)lag / (double)window, taper = x <= 0.5 ? 1 : 2 * (1 - x);
            g0 += 2 * taper * covariance[lag];
            g += 2 * taper * (double)lag * covariance[lag];
        }
        /* g0 near 0 (strong negative correlation) would ask for an endless block */
        length = g0 > 0 ? cbrt(2 * g * g / (4.0 / 3 * g0 * g0) * count) : cap;
    }
    free(covariance);
    return (size_t)fmin(cap, fmax(1, ceil(length)));
}

static void resample(const double *values, size_t n, size_t block, struct random *random,
                     double *out)
{
    for (size_t filled = 0; filled < n;) {
        size_t start = (size_t)random_below(random, n);
        size_t take = n - filled < block ? n - filled : block;
        size_t straight = n - start < take ? n - start : take;
        memcpy(out + filled, values + start, straight * sizeof *out);
        memcpy(out + filled + straight, values, (take - straight) * sizeof *out);
        filled += take;
    }
}

bool bootstrap_interval(const struct bootstrap *b, const double *values, size_t n,
                        struct random *random, struct interval *out)
{
    *out = (struct interval){false, NAN, NAN, NAN};
    size_t block = b->block ? b->block : bootstrap_block_length(values, n);
    if (n < LEAST_VALUES || n / block < LEAST_BLOCKS || b->replicates < LEAST_REPLICATES ||
        !(b->confidence > 0 && b->confidence < 1))
        return false;
    double *sample = mem_alloc(n * sizeof *sample), limits[2];
    double *results = mem_alloc(b->replicates * sizeof *results);
    bool finite = true;
    for (size_t i = 0; i < b->replicates; i++) {
        resample(values, n, block, random, sample);
        results[i] = b->statistic(sample, n, b->context);
        finite = finite && isfinite(results[i]);
    }
    if (finite) {
        const double p[2] = {(1 - b->confidence) / 2, (1 + b->confidence) / 2};
        quantiles_select(results, b->replicates, p, 2, limits);
        *out = (struct interval){true, limits[0], limits[1], NAN};
    }
    free(results);
    free(sample);
    return finite;
}

double bootstrap_mean(double *values, size_t n, void *context)
{
    (void)context;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

double bootstrap_quantile(double *values, size_t n, void *context)
{
    return quantile_select(values, n, *(const double *)context);
}
