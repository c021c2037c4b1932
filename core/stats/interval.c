#include "core/stats/interval.h"

#include "core/stats/quantile.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define LEAST_VALUES 20
#define LARGE_SAMPLE 4096
#define LEAST_BATCHES 10
#define BATCH_LENGTH 16
#define WIDEST_MEAN 0.8
#define LARGEST_PHI 0.95
#define TAIL 0.9

/* Which values a batch mean is of: all as they are, or the indicator of value ≤ threshold. */
struct measured {
    const struct sample *values;
    bool indicator;
    double threshold;
};

size_t interval_batches(size_t n)
{
    size_t many = INTERVAL_BATCHES, some = n / BATCH_LENGTH;
    if (n >= LARGE_SAMPLE)
        return many;
    return some < LEAST_BATCHES ? LEAST_BATCHES : some > many / 2 ? many / 2 : some;
}

struct episodes episodes_of(size_t n)
{
    return (struct episodes){.block = (double)n / (double)interval_batches(n)};
}

size_t episodes_add(struct episodes *e, size_t place)
{
    if (e->count == 0 || (double)place >= e->next) {
        e->next = (double)place + e->block;
        e->count++;
    }
    return e->count - 1;
}

static double batch_mean(const struct measured *m, size_t first, size_t last)
{
    struct sample_scan scan = sample_scan_of(m->values, first, last);
    double sum = 0, value;
    if (m->indicator) {
        size_t below = 0;
        while (sample_next(&scan, &value))
            below += value <= m->threshold;
        sum = (double)below;
    } else {
        while (sample_next(&scan, &value))
            sum += value;
    }
    return sum / (double)(last - first);
}

double interval_batch_variance(const double *means, size_t k)
{
    double mean = 0, squares = 0, products = 0, count = (double)k;
    for (size_t i = 0; i < k; i++)
        mean += means[i] / count;
    for (size_t i = 0; i < k; i++) {
        squares += (means[i] - mean) * (means[i] - mean);
        if (i > 0)
            products += (means[i] - mean) * (means[i - 1] - mean);
    }
    if (squares <= 0)
        return 0;
    double phi = (count * products / squares + 1) / (count - 3);
    phi = fmin(fmax(phi, 0), LARGEST_PHI);
    return squares / (count - 1) / count * (1 + phi) / (1 - phi);
}

/* The variance of the overall mean; fills the batch means. */
static double variance_of_mean(const struct measured *m, size_t k, double *means)
{
    for (size_t i = 0; i < k; i++)
        means[i] = batch_mean(m, m->values->n * i / k, m->values->n * (i + 1) / k);
    return interval_batch_variance(means, k);
}

bool interval_point_mean(const struct sample *values, struct interval_point *out)
{
    struct sample_scan scan = sample_scan_of(values, 0, values->n);
    double sum = 0, squares = 0, value, n = (double)values->n;
    *out = (struct interval_point){.value = NAN, .reciprocal = true};
    while (sample_next(&scan, &value)) {
        sum += value;
        out->reciprocal = out->reciprocal && value >= 0;
    }
    if (values->n > 0)
        out->value = sum / n;
    if (values->n < LEAST_VALUES)
        return false;
    scan = sample_scan_of(values, 0, values->n);
    while (sample_next(&scan, &value))
        squares += (value - out->value) * (value - out->value);
    struct measured m = {values, false, 0};
    out->batches = interval_batches(values->n);
    double variance = variance_of_mean(&m, out->batches, out->batch);
    out->error = sqrt(variance);
    out->freedom = (double)out->batches - 1;
    out->effective = variance > 0 ? squares / n / variance : n;
    return true;
}

/* n · Var(share) / (p(1 − p)), at least 1. */
static double design_effect(const struct sample *values, const struct sample *sorted, double p,
                            size_t k, double *means)
{
    struct measured m = {values, true, sample_quantile(sorted, p)};
    double variance = variance_of_mean(&m, k, means);
    return fmax(1, variance * (double)values->n / (p * (1 - p)));
}

bool interval_point_quantile(const struct sample *values, const struct sample *sorted, double p,
                             struct interval_point *out)
{
    size_t n = values->n;
    *out = (struct interval_point){
        .value = sample_quantile(sorted, p), .is_quantile = true, .sorted = *sorted, .p = p};
    if (n < LEAST_VALUES || !(p > 0 && p < 1) || n < quantile_least_sample(p))
        return false;
    double unused[INTERVAL_BATCHES];
    double milder = p > 0.5 ? 1 - sqrt(1 - p) : sqrt(p);
    out->batches = interval_batches(n);
    double effect = design_effect(values, sorted, p, out->batches, out->batch);
    if (p != 0.5)
        effect = fmax(effect, design_effect(values, sorted, milder, out->batches, unused));
    out->error = sqrt(effect * p * (1 - p) / (double)n);
    out->freedom = (double)out->batches - 1;
    out->effective = (double)n / effect;
    return true;
}

static bool mean_limits(const struct interval_point *point, double t, double *low, double *high)
{
    double half = t * point->error;
    if (!point->reciprocal || point->value <= 0) {
        *low = point->value - half;
        *high = point->value + half;
        return true;
    }
    double relative = half / point->value;
    *low = point->value / (1 + relative);
    *high = relative <= WIDEST_MEAN ? point->value / (1 - relative) : INFINITY;
    return relative <= WIDEST_MEAN;
}

bool interval_point_limits(const struct interval_point *point, double t, double *low, double *high)
{
    if (!point->is_quantile)
        return mean_limits(point, t, low, high);
    double half = t * point->error, edge = 0.5 / (double)point->sorted.n;
    bool has_low = point->p - half >= edge, has_high = point->p + half <= 1 - edge;
    *low = has_low ? sample_quantile(&point->sorted, point->p - half) : -INFINITY;
    *high = has_high ? sample_quantile(&point->sorted, point->p + half) : INFINITY;
    return has_low && has_high;
}

static void finish(const struct interval_point *point, bool enough, double confidence,
                   struct interval *out)
{
    *out = (struct interval){false, NAN, NAN, NAN};
    if (!enough || !(confidence > 0 && confidence < 1))
        return;
    double t = gsl_cdf_tdist_Qinv((1 - confidence) / 2, point->freedom), low, high;
    out->effective = point->effective;
    if (!interval_point_limits(point, t, &low, &high))
        return;
    out->supported = true;
    out->low = low;
    out->high = high;
}

bool interval_sample_mean(const struct sample *values, double confidence, struct interval *out)
{
    struct interval_point point;
    bool enough = interval_point_mean(values, &point);
    finish(&point, enough, confidence, out);
    return out->supported;
}

/* A tail needs enough separate episodes; less extreme quantiles have no tail to speak of. */
static bool enough_episodes(const struct sample *values, double p, double quantile)
{
    struct sample_scan scan = sample_scan_of(values, 0, values->n);
    struct episodes e = episodes_of(values->n);
    double value;
    if (p > 1 - TAIL && p < TAIL)
        return true;
    for (size_t i = 0; sample_next(&scan, &value); i++)
        if (p >= TAIL ? value >= quantile : value <= quantile)
            episodes_add(&e, i);
    return e.count >= INTERVAL_LEAST_EPISODES;
}

bool interval_sample_quantile(const struct sample *values, const struct sample *sorted, double p,
                              double confidence, struct interval *out)
{
    struct interval_point point;
    bool enough = interval_point_quantile(values, sorted, p, &point) &&
                  enough_episodes(values, p, point.value);
    finish(&point, enough, confidence, out);
    return out->supported;
}
