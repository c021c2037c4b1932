#include "core/stats/growth.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define LEAST_VALUES 20
#define LEAST_BATCH 5
#define BATCHES 20
#define WALK 1.5 /* Var(mean of steps) of a random walk's batch means over s²/(K − 1) */

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

bool growth_estimate(const double *times, const double *values, size_t n, struct growth *out)
{
    double mean[BATCHES], squares = 0;
    *out = (struct growth){NAN, NAN, NAN, false};
    if (n < LEAST_VALUES)
        return false;
    size_t k = n / LEAST_BATCH < BATCHES ? n / LEAST_BATCH : BATCHES, batch = n / k;
    size_t from = n - k * batch; /* the first values do not fill a batch */
    for (size_t i = 0; i < k; i++)
        mean[i] = mean_of(values + from + i * batch, batch);
    double steps = (double)(k - 1);
    double gap = (mean_of(times + n - batch, batch) - mean_of(times + from, batch)) / steps;
    if (!(gap > 0))
        return false;
    double step = (mean[k - 1] - mean[0]) / steps;
    for (size_t i = 1; i < k; i++)
        squares += (mean[i] - mean[i - 1] - step) * (mean[i] - mean[i - 1] - step);
    double error = sqrt(WALK * squares / (steps - 1) / steps);
    double half = gsl_cdf_tdist_Qinv(0.025, steps - 1) * error;
    *out = (struct growth){step / gap, (step - half) / gap, (step + half) / gap, true};
    return true;
}
