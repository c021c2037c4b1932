/* Expectations of counts that are drawn from a length, from its distribution and not from a sample.
 */
#include "workloads/scenario/length.h"

#include "workloads/model/workload.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* P(X ≥ t) of a quantile table with straight lines between: one minus the probability at which the
 * table first reaches t. */
static double empirical_reaches(const struct length *l, double t)
{
    size_t i = 0;
    while (i < l->count && l->values[i] < t)
        i++;
    if (i == l->count)
        return 0;
    if (i == 0)
        return 1;
    double part = (t - l->values[i - 1]) / (l->values[i] - l->values[i - 1]);
    return 1 - (l->at[i - 1] + part * (l->at[i] - l->at[i - 1]));
}

/* P(X ≥ t) before the bounds, of the kinds whose values lie close together. */
static double reaches(const struct length *l, double t)
{
    switch (l->kind) {
    case LENGTH_NORMAL:
        return l->b > 0 ? gsl_cdf_gaussian_Q(t - l->a, l->b) : l->a >= t;
    case LENGTH_LOGNORMAL:
        if (t <= 0)
            return 1;
        return l->b > 0 ? gsl_cdf_ugaussian_Q((log(t) - l->a) / l->b) : l->a >= log(t);
    case LENGTH_EXPONENTIAL:
        return t > 0 ? exp(-t / l->a) : 1;
    case LENGTH_GAMMA:
        return t > 0 ? gsl_cdf_gamma_Q(t, l->a, l->b) : 1;
    case LENGTH_PARETO:
        return t > l->b ? pow(l->b / t, l->a) : 1;
    case LENGTH_EMPIRICAL:
        return empirical_reaches(l, t);
    default:
        return 0;
    }
}

/* 1 + q + … + q^(n−1). */
static double powers_sum(double n, double q)
{
    if (q >= 1)
        return n;
    return n > 0 ? (1 - pow(q, n)) / (1 - q) : 0;
}

static double clamped(double x, double least, double most)
{
    return fmin(fmax(x, least), most);
}

static double bounded(const struct length *l, double x)
{
    return clamped(x, l->min, l->max);
}

/* Values that stand apart, each with its probability; rounded as length_draw_count() does. */
static double sum_of_values(const struct length *l, double least, double most, double q)
{
    double sum = 0, before = 0;
    for (size_t i = 0; i < l->count; i++) {
        double x = l->kind == LENGTH_ZIPF ? (double)i + 1 : l->values[i];
        double n = clamped(round(bounded(l, x)), least, most);
        sum += (l->at[i] - before) * powers_sum(n, q);
        before = l->at[i];
    }
    return sum;
}

/* Every whole number of a … b alike: cut, where a bound is a fraction. What lies below `least` or
 * above `most` gives one count each, however many numbers these are. */
static double sum_of_uniform(const struct length *l, double least, double most, double q)
{
    double low = ceil(l->a), high = fmax(floor(l->b), low), sum = 0;
    double from = clamped(least, low, high + 1), to = clamped(most, from - 1, high);
    for (double x = from; x <= to; x++)
        sum += powers_sum(clamped(floor(bounded(l, x)), least, most), q);
    sum += (from - low) * powers_sum(clamped(floor(bounded(l, low)), least, most), q);
    sum += (high - to) * powers_sum(clamped(floor(bounded(l, high)), least, most), q);
    return sum / (high - low + 1);
}

double length_count_sum(const struct length *l, uint32_t least, uint32_t most, double q)
{
    if (l->kind == LENGTH_CONSTANT)
        return powers_sum(clamped(round(bounded(l, l->a)), least, most), q);
    if (l->kind == LENGTH_UNIFORM)
        return sum_of_uniform(l, least, most, q);
    if (l->kind == LENGTH_ZIPF || l->kind == LENGTH_VALUES)
        return sum_of_values(l, least, most, q);
    /* Σ over k of q^(k−1) P(N ≥ k), where N ≥ k means that the value rounds to k at least. */
    double sum = powers_sum(least, q), power = pow(q, least);
    for (double k = (double)least + 1; k <= most; k++, power *= q) {
        double t = k - 0.5, p = t <= l->min ? 1 : t > l->max ? 0 : reaches(l, t);
        if (p * power < 1e-16)
            break;
        sum += p * power;
    }
    return sum;
}
