#include "core/runs/compare/run_level.h"

#include "core/memory.h"
#include "core/stats/compare.h"
#include "core/stats/interval.h"
#include "core/stats/quantile.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define TAIL 0.025
#define LARGEST_T 200.0

/* So many of n, in values that would tell as much if each were by itself. */
struct count {
    double x, n;
};

static double p_at_least(struct count c, double share)
{
    if (share <= 0 || share >= 1)
        return c.x > 0 && share <= 0 ? 0 : 1;
    return c.x > 0 ? gsl_cdf_beta_P(share, c.x, c.n - c.x + 1) : 1;
}

static double p_at_most(struct count c, double share)
{
    if (share <= 0 || share >= 1)
        return c.x < c.n && share >= 1 ? 0 : 1;
    return c.x < c.n ? gsl_cdf_beta_Q(share, c.x + 1, c.n - c.x) : 1;
}

/* Of indicators, in scheduled order; `share` of them are 1. */
static double design_effect(const double *ones, size_t n, double share)
{
    struct interval_point point;
    struct sample sample = sample_of_array(ones, n);
    if (!(share > 0 && share < 1) || !interval_point_mean(&sample, &point))
        return 1;
    return fmax(1, point.error * point.error * (double)n / (share * (1 - share)));
}

static double share_above(const double *values, size_t n, double threshold, double *ones)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ones[i] = values[i] > threshold;
    return sum / (double)n;
}

static void level_of_share(const double *values, size_t n, double limit, struct run_level *out)
{
    double share = 0;
    for (size_t i = 0; i < n; i++)
        share += values[i] / (double)n;
    double effect = design_effect(values, n, share);
    struct count c = {share * (double)n / effect, (double)n / effect};
    out->value = share;
    out->p_up = p_at_least(c, limit);
    out->p_down = p_at_most(c, limit);
    out->low = c.x > 0 ? gsl_cdf_beta_Pinv(TAIL, c.x, c.n - c.x + 1) : 0;
    out->high = c.x < c.n ? gsl_cdf_beta_Qinv(TAIL, c.x + 1, c.n - c.x) : 1;
}

/* The ends of the interval: how many values above a point are too few, too many, for a share of
 * 1 − q above it. */
static void quantile_ends(const double *sorted, size_t n, double q, double effect,
                          struct run_level *out)
{
    double size = (double)n / effect;
    bool few = true;
    for (size_t above = 0; above < n && isnan(out->low); above++) {
        struct count c = {(double)above / effect, size};
        if (few && p_at_most(c, 1 - q) > TAIL) {
            few = false;
            out->high = above > 0 ? sorted[n - above] : NAN;
        }
        if (p_at_least(c, 1 - q) <= TAIL)
            out->low = sorted[n - above]; /* any lower limit has as many above it */
    }
}

static void level_of_quantile(const double *values, size_t n, double q, double limit,
                              struct run_level *out)
{
    double *sorted = mem_alloc(n * sizeof *sorted), *ones = mem_alloc(n * sizeof *ones);
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i];
    gsl_sort(sorted, 1, n);
    out->value = quantile_sorted(sorted, n, q);
    double share = share_above(values, n, out->value, ones);
    double effect = design_effect(ones, n, share);
    struct count c = {share_above(values, n, limit, ones) * (double)n / effect, (double)n / effect};
    out->p_up = p_at_least(c, 1 - q);
    out->p_down = p_at_most(c, 1 - q);
    quantile_ends(sorted, n, q, effect, out);
    if (isnan(out->high))
        out->why = "too few values beyond";
    free(sorted);
    free(ones);
}

/* The t at which the interval's end touches the limit. */
static double touching_t(const struct interval_point *point, double limit)
{
    double inside = LARGEST_T, outside = 0, low, high;
    for (int i = 0; i < 60; i++) {
        double t = (inside + outside) / 2;
        interval_point_limits(point, t, &low, &high);
        if (low <= limit && high >= limit)
            inside = t;
        else
            outside = t;
    }
    return inside;
}

static void level_of_mean(const double *values, size_t n, double limit, struct run_level *out)
{
    struct interval_point point;
    struct sample sample = sample_of_array(values, n);
    double low, high;
    bool enough = interval_point_mean(&sample, &point);
    out->value = point.value;
    if (!enough) {
        out->why = "too few values";
        return;
    }
    interval_point_limits(&point, gsl_cdf_tdist_Qinv(TAIL, point.freedom), &low, &high);
    out->low = isfinite(low) ? low : NAN;
    out->high = isfinite(high) ? high : NAN;
    if (isnan(out->high))
        out->why = "too few independent values";
    double p = gsl_cdf_tdist_Q(touching_t(&point, limit), point.freedom);
    out->p_up = point.value > limit ? p : 1 - p;
    out->p_down = point.value < limit ? p : 1 - p;
}

void run_level(const double *values, size_t n, double what, double limit, struct run_level *out)
{
    *out = (struct run_level){NAN, NAN, NAN, NAN, NAN, n, NULL};
    if (n == 0)
        out->why = "the run has none";
    else if (what == COMPARE_SHARE)
        level_of_share(values, n, limit, out);
    else if (what == COMPARE_MEAN || what == COMPARE_RATE)
        level_of_mean(values, n, limit, out);
    else
        level_of_quantile(values, n, what, limit, out);
}
