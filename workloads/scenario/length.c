#include "workloads/scenario/length.h"

#include "core/memory.h"
#include "workloads/model/workload.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

struct length length_constant(double value)
{
    return (struct length){.kind = LENGTH_CONSTANT, .a = value, .min = -INFINITY, .max = INFINITY};
}

static double *copied(const double *values, size_t count)
{
    double *copy = mem_alloc(count * sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    return copy;
}

struct length length_from_quantiles(const double *at, const double *values, size_t count)
{
    struct length l = length_constant(0);
    l.kind = LENGTH_EMPIRICAL;
    l.at = copied(at, count);
    l.values = copied(values, count);
    l.count = count;
    return l;
}

struct length length_from_weights(const double *values, const double *weights, size_t count)
{
    struct length l = length_constant(0);
    l.kind = LENGTH_VALUES;
    l.values = copied(values, count);
    l.at = mem_alloc(count * sizeof *l.at);
    l.count = count;
    double sum = 0, total = 0;
    for (size_t i = 0; i < count; i++)
        total += weights[i];
    for (size_t i = 0; i < count; i++)
        l.at[i] = (sum += weights[i]) / total;
    l.at[count - 1] = 1;
    return l;
}

#define SCORES 1024
#define MOST_SCORE 8.3 /* beyond a double's probabilities */

/* ln of the quantile of a unit-scale Gamma distribution at a normal score, not below `least`.
 * gsl_cdf_gamma_Pinv gives up on small and large shapes, so: the leading term of P(x) =
 * x^k / Γ(k + 1) where x is tiny, Wilson and Hilferty's (1931) cube root of a normal where k is
 * large, and bisection of the distribution function between. */
static double gamma_log_quantile(double shape, double z, double least)
{
    double p = gsl_cdf_ugaussian_P(z), q = gsl_cdf_ugaussian_Q(z);
    double tiny = (log(p) + gsl_sf_lngamma(shape + 1)) / shape;
    if (tiny < log(1e-12))
        return tiny;
    if (shape > 1000) {
        double root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape));
        return log(shape) + 3 * log(root);
    }
    double low = fmax(least, log(1e-12)), high = log(shape + 40 * sqrt(shape) + 80);
    for (int i = 0; i < 48 && high - low > 1e-12; i++) {
        double middle = (low + high) / 2;
        bool below = p < 0.5 ? gsl_cdf_gamma_P(exp(middle), shape, 1) < p
                             : gsl_cdf_gamma_Q(exp(middle), shape, 1) > q;
        *(below ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct length length_gamma(double shape, double scale)
{
    struct length l = length_constant(0);
    l.kind = LENGTH_GAMMA;
    l.a = shape;
    l.b = scale;
    l.count = SCORES;
    l.values = mem_alloc(SCORES * sizeof *l.values);
    for (size_t i = 0; i < SCORES; i++) {
        double z = MOST_SCORE * (2 * (double)i / (SCORES - 1) - 1);
        l.values[i] = gamma_log_quantile(shape, z, i ? l.values[i - 1] : -INFINITY);
    }
    return l;
}

static double gamma_at_score(const struct length *l, double z)
{
    double place = (fmin(fmax(z, -MOST_SCORE), MOST_SCORE) / MOST_SCORE + 1) / 2 * (SCORES - 1);
    size_t i = (size_t)place < SCORES - 1 ? (size_t)place : SCORES - 2;
    double part = place - (double)i;
    return l->b * exp(l->values[i] + part * (l->values[i + 1] - l->values[i]));
}

void length_free(struct length *l)
{
    free(l->at);
    free(l->values);
    l->at = l->values = NULL;
    l->count = 0;
}

/* The first index whose cumulated probability is above p (the last one at p = 1). */
static size_t table_find(const double *at, size_t count, double p)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (at[middle] > p)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static double empirical_quantile(const struct length *l, double p)
{
    size_t i = table_find(l->at, l->count, p);
    if (i == 0)
        return l->values[0];
    double width = l->at[i] - l->at[i - 1];
    double part = width > 0 ? (p - l->at[i - 1]) / width : 1;
    return l->values[i - 1] + fmin(fmax(part, 0), 1) * (l->values[i] - l->values[i - 1]);
}

double length_quantile(const struct length *l, double p)
{
    switch (l->kind) {
    case LENGTH_CONSTANT:
        return l->a;
    case LENGTH_UNIFORM:
        return l->a + p * (l->b - l->a);
    case LENGTH_NORMAL:
        return l->a + l->b * gsl_cdf_ugaussian_Pinv(p);
    case LENGTH_LOGNORMAL:
        return exp(l->a + l->b * gsl_cdf_ugaussian_Pinv(p));
    case LENGTH_EXPONENTIAL:
        return gsl_cdf_exponential_Pinv(p, l->a);
    case LENGTH_GAMMA:
        return gamma_at_score(l, gsl_cdf_ugaussian_Pinv(p));
    case LENGTH_PARETO:
        return gsl_cdf_pareto_Pinv(p, l->a, l->b);
    case LENGTH_ZIPF:
        return (double)table_find(l->at, l->count, p) + 1;
    case LENGTH_EMPIRICAL:
        return empirical_quantile(l, p);
    case LENGTH_VALUES:
        return l->values[table_find(l->at, l->count, p)];
    }
    return 0;
}

static double bounded(const struct length *l, double x)
{
    return x < l->min ? l->min : x > l->max ? l->max : x;
}

double length_draw(const struct length *l, struct random *r)
{
    gsl_rng *gsl = random_gsl(r);
    switch (l->kind) {
    case LENGTH_NORMAL:
        return bounded(l, l->a + gsl_ran_gaussian_ziggurat(gsl, l->b));
    case LENGTH_LOGNORMAL:
        return bounded(l, exp(l->a + gsl_ran_gaussian_ziggurat(gsl, l->b)));
    case LENGTH_EXPONENTIAL:
        return bounded(l, gsl_ran_exponential(gsl, l->a));
    case LENGTH_GAMMA:
        return bounded(l, gsl_ran_gamma(gsl, l->a, l->b));
    case LENGTH_PARETO:
        return bounded(l, gsl_ran_pareto(gsl, l->a, l->b));
    case LENGTH_CONSTANT:
        return bounded(l, l->a);
    default:
        return bounded(l, length_quantile(l, random_open_unit(r)));
    }
}

double length_at_score(const struct length *l, double z)
{
    switch (l->kind) {
    case LENGTH_NORMAL:
        return bounded(l, l->a + l->b * z);
    case LENGTH_LOGNORMAL:
        return bounded(l, exp(l->a + l->b * z));
    case LENGTH_GAMMA:
        return bounded(l, gamma_at_score(l, z));
    default: {
        double p = gsl_cdf_ugaussian_P(z);
        return bounded(l, length_quantile(l, fmin(fmax(p, 0x1p-53), 1 - 0x1p-53)));
    }
    }
}

uint32_t length_draw_count(const struct length *l, struct random *r, uint32_t least)
{
    double x;
    if (l->kind == LENGTH_UNIFORM) /* every whole number of a … b alike */
        x = bounded(l,
                    ceil(l->a) + (double)random_below(r, (uint64_t)(floor(l->b) - ceil(l->a)) + 1));
    else
        x = round(length_draw(l, r));
    return !(x > least) ? least : x >= WORKLOAD_MAX_TOKENS ? WORKLOAD_MAX_TOKENS : (uint32_t)x;
}
