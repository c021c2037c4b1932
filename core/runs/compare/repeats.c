#include "core/runs/compare/repeats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define CONFIDENCE 0.95

/* A mean of n values and its standard error; on the scale on which they are compared. */
struct level {
    double mean, variance, freedom; /* variance: of the mean */
};

static double scaled(double value, bool ratio)
{
    return ratio ? log(value) : value;
}

static struct level level_of(const double *values, size_t n, bool ratio)
{
    struct level l = {.freedom = (double)n - 1};
    for (size_t i = 0; i < n; i++)
        l.mean += scaled(values[i], ratio) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double off = scaled(values[i], ratio) - l.mean;
        l.variance += off * off / l.freedom / (double)n;
    }
    return l;
}

static struct level level_of_pairs(const struct repeat_values *v, bool ratio)
{
    struct level l = {.freedom = (double)v->n_before - 1};
    double n = (double)v->n_before;
    for (size_t i = 0; i < v->n_before; i++)
        l.mean += (scaled(v->after[i], ratio) - scaled(v->before[i], ratio)) / n;
    for (size_t i = 0; i < v->n_before; i++) {
        double off = scaled(v->after[i], ratio) - scaled(v->before[i], ratio) - l.mean;
        l.variance += off * off / l.freedom / n;
    }
    return l;
}

/* Welch and Satterthwaite's degrees of freedom. */
static struct level difference_of(const struct level *before, const struct level *after)
{
    double a = before->variance, b = after->variance;
    struct level l = {after->mean - before->mean, a + b, before->freedom + after->freedom};
    if (a + b > 0)
        l.freedom = (a + b) * (a + b) / (a * a / before->freedom + b * b / after->freedom);
    return l;
}

static double share_variance(double share, double requests)
{
    double p = (share * requests + 1) / (requests + 2);
    return requests > 0 ? p * (1 - p) / (requests + 2) : 0;
}

static bool all_positive(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(values[i] > 0))
            return false;
    return true;
}

static bool is_settled(const struct repeat_values *v)
{
    bool pairs = v->paired;
    for (size_t i = 0; i < v->n_before; i++)
        if (v->before[i] != (pairs ? v->after[i] : v->before[0]))
            return false;
    for (size_t i = 0; !pairs && i < v->n_after; i++)
        if (v->after[i] != v->before[0])
            return false;
    return true;
}

/* How far the mean may lie off at 2.5% on each side. */
static double half_width(const struct level *l)
{
    return gsl_cdf_tdist_Qinv((1 - CONFIDENCE) / 2, l->freedom) * sqrt(l->variance);
}

/* One-sided: of a mean as far above 0. Of equal values in every repeat nothing is left to chance.
 */
static double p_above(const struct level *l)
{
    if (l->variance > 0)
        return gsl_cdf_tdist_Q(l->mean / sqrt(l->variance), l->freedom);
    return l->mean > 0 ? 0 : l->mean < 0 ? 1 : 0.5;
}

/* The same of requests with fates of their own, whose variance is known. */
#define Z_HALF 1.959963984540054

static double p_above_alone(double mean, double variance)
{
    return gsl_cdf_ugaussian_Q(mean / sqrt(variance));
}

static void judge(const struct repeat_values *v, bool ratio, struct comparison *out)
{
    struct level before = level_of(v->before, v->n_before, ratio);
    struct level after = level_of(v->after, v->n_after, ratio);
    struct level l = v->paired ? level_of_pairs(v, ratio) : difference_of(&before, &after);
    double half = half_width(&l), sign = l.mean < 0 ? -1 : 1;
    l.mean *= sign;
    out->p_value = fmin(1, 2 * p_above(&l));
    l.mean *= sign;
    double alone = share_variance(out->before, v->requests_before) +
                   share_variance(out->after, v->requests_after);
    if (!ratio && alone > 0) {
        half = fmax(half, Z_HALF * sqrt(alone));
        out->p_independent = 2 * p_above_alone(fabs(l.mean), alone);
        out->p_value = fmax(out->p_value, out->p_independent);
    }
    out->supported = true;
    out->low = ratio ? expm1(l.mean - half) : fmax(-1, l.mean - half);
    out->high = ratio ? expm1(l.mean + half) : fmin(1, l.mean + half);
}

static double mean_of(const double *values, size_t n, bool ratio)
{
    double sum = 0;
    bool logs = ratio && all_positive(values, n);
    for (size_t i = 0; i < n; i++)
        sum += scaled(values[i], logs) / (double)n;
    return n == 0 ? NAN : logs ? exp(sum) : sum;
}

void repeats_compare(const struct repeat_values *v, double what, struct comparison *out)
{
    bool ratio = what != COMPARE_SHARE;
    double before = mean_of(v->before, v->n_before, ratio);
    double after = mean_of(v->after, v->n_after, ratio);
    *out = comparison_of(what, before, after, (v->n_before + v->n_after) / 2);
    if (v->n_before == 0 || v->n_after == 0) {
        out->why = "no values";
    } else if (is_settled(v)) {
        out->settled = out->supported = true;
        out->change = out->low = out->high = 0;
        out->p_value = 1;
    } else if (v->n_before < 2 || v->n_after < 2) {
        out->why = "one run a side";
    } else if (ratio &&
               !(all_positive(v->before, v->n_before) && all_positive(v->after, v->n_after))) {
        out->why = "no ratio to zero";
    } else {
        judge(v, ratio, out);
    }
    compare_split_sides(out);
}

void repeats_level(const double *values, size_t n, double requests, double what, double limit,
                   struct repeat_level *out)
{
    bool ratio = what != COMPARE_SHARE && all_positive(values, n) && limit > 0;
    *out = (struct repeat_level){mean_of(values, n, ratio), NAN, NAN, NAN, NAN};
    if (n < 2)
        return;
    struct level l = level_of(values, n, ratio), over = l, under;
    double alone = what == COMPARE_SHARE ? share_variance(out->value, requests) : 0;
    double half = half_width(&l);
    over.mean -= scaled(limit, ratio);
    under = over;
    under.mean = -over.mean;
    out->p_up = p_above(&over);
    out->p_down = p_above(&under);
    if (alone > 0) {
        half = fmax(half, Z_HALF * sqrt(alone));
        out->p_up = fmax(out->p_up, p_above_alone(over.mean, alone));
        out->p_down = fmax(out->p_down, p_above_alone(under.mean, alone));
    }
    out->low = ratio ? exp(l.mean - half) : l.mean - half;
    out->high = ratio ? exp(l.mean + half) : l.mean + half;
    if (what == COMPARE_SHARE) { /* of a whole */
        out->low = fmax(out->low, 0);
        out->high = fmin(out->high, 1);
    }
}
