#include "core/stats/compare_share.h"

#include "core/memory.h"
#include "core/stats/interval.h"
#include "core/stats/paired.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#define CONFIDENCE 0.95
#define LARGEST_T 200.0

static double t_of(double freedom)
{
    return gsl_cdf_tdist_Qinv((1 - CONFIDENCE) / 2, freedom);
}

static size_t count_ones(const double *values, size_t n)
{
    size_t ones = 0;
    for (size_t i = 0; i < n; i++)
        ones += values[i] > 0;
    return ones;
}

double share_mcnemar(size_t b, size_t c)
{
    unsigned fewer = (unsigned)(b < c ? b : c), all = (unsigned)(b + c);
    return fmin(1, 2 * gsl_cdf_binomial_P(fewer, 0.5, all));
}

double share_fisher(size_t x, size_t n, size_t y, size_t m)
{
    unsigned ones = (unsigned)(x + y), zeros = (unsigned)(n + m) - ones, of = (unsigned)m;
    double at_most = gsl_cdf_hypergeometric_P((unsigned)y, ones, zeros, of);
    double at_least = y ? gsl_cdf_hypergeometric_Q((unsigned)y - 1, ones, zeros, of) : 1;
    return fmin(1, 2 * fmin(at_most, at_least));
}

/* Few pairs: the batch means of the differences, never surer than independent pairs. */
static void judge_differences(const double *before, const double *after, size_t n, double b,
                              double c, struct comparison *out)
{
    struct interval_point point;
    double *difference = mem_alloc(n * sizeof *difference), many = (double)n + 2;
    for (size_t i = 0; i < n; i++)
        difference[i] = after[i] - before[i];
    struct sample sample = sample_of_array(difference, n);
    double error = sqrt(b + c + 1 - (c - b) * (c - b) / many) / many;
    double centre = (c - b) / many, freedom = (double)n - 1;
    if (interval_point_mean(&sample, &point)) {
        error = fmax(error, point.error);
        freedom = point.freedom;
    }
    free(difference);
    out->p_value = 2 * gsl_cdf_tdist_Q(fabs(centre) / error, freedom);
    out->low = fmax(-1, centre - t_of(freedom) * error);
    out->high = fmin(1, centre + t_of(freedom) * error);
    out->supported = true;
}

static void judge_pairs(const double *before, const double *after, size_t n, struct comparison *out)
{
    size_t b = 0, c = 0;
    for (size_t i = 0; i < n; i++) {
        b += before[i] > after[i];
        c += after[i] > before[i];
    }
    out->settled = b + c == 0;
    out->p_independent = share_mcnemar(b, c);
    if (paired_supports(n)) {
        struct paired_sample s = {before, after, n, -1, out->before, out->after, true};
        out->supported = paired_compare(&s, &out->p_value, &out->low, &out->high);
    } else if (n > 1) {
        judge_differences(before, after, n, (double)b, (double)c, out);
    }
}

struct share {
    double p, n;   /* n: independent requests that would tell as much */
    double effect; /* at least 1 */
    double freedom;
};

static struct share share_of(const double *values, size_t n, double p)
{
    struct interval_point point;
    struct sample sample = sample_of_array(values, n);
    struct share s = {p, (double)n, 1, (double)n - 1};
    if (interval_point_mean(&sample, &point)) {
        s.freedom = point.freedom;
        if (p > 0 && p < 1)
            s.effect = fmax(1, point.error * point.error * (double)n / (p * (1 - p)));
    }
    return s;
}

/* Wilson's limits at t standard errors. */
static void wilson(const struct share *s, double t, double *low, double *high)
{
    double z = t * t / s->n, scale = 1 / (1 + z), centre = (s->p + z / 2) * scale;
    double half = sqrt(z * (s->p * (1 - s->p) + z / 4)) * scale;
    *low = fmax(0, centre - half);
    *high = fmin(1, centre + half);
}

static void difference_limits(const struct share s[2], double t, double *low, double *high)
{
    double l1, u1, l2, u2, d = s[1].p - s[0].p;
    wilson(&s[0], t, &l1, &u1);
    wilson(&s[1], t, &l2, &u2);
    *low = d - hypot(s[1].p - l2, u1 - s[0].p);
    *high = d + hypot(u2 - s[1].p, s[0].p - l1);
}

/* The least t whose interval holds 0, by bisection. */
static double touching_t(const struct share s[2])
{
    double inside = LARGEST_T, outside = 0, low, high;
    for (int i = 0; i < 60; i++) {
        double t = (inside + outside) / 2;
        difference_limits(s, t, &low, &high);
        if (low <= 0 && high >= 0)
            inside = t;
        else
            outside = t;
    }
    return inside;
}

static void judge_apart(const double *before, size_t n, const double *after, size_t m,
                        struct comparison *out)
{
    size_t x = count_ones(before, n), y = count_ones(after, m);
    out->settled = x + y == 0 || x + y == n + m;
    out->p_independent = share_fisher(x, n, y, m);
    if (n < 2 || m < 2)
        return;
    struct share s[2] = {share_of(before, n, out->before), share_of(after, m, out->after)};
    double effect = fmax(s[0].effect, s[1].effect), freedom = fmin(s[0].freedom, s[1].freedom);
    s[0].n /= effect;
    s[1].n /= effect;
    out->p_value = 2 * gsl_cdf_tdist_Q(touching_t(s), freedom);
    difference_limits(s, t_of(freedom), &out->low, &out->high);
    out->supported = true;
}

/* The larger p, and an interval that agrees with it. */
static void reconcile(struct comparison *out)
{
    if (out->settled) {
        out->p_value = 1;
        out->low = out->high = 0;
    }
    if (!out->supported) {
        out->why = "too few requests";
        return;
    }
    out->p_value = fmin(1, fmax(out->p_value, out->p_independent));
    out->low = fmin(out->low, out->change);
    out->high = fmax(out->high, out->change);
    if (out->p_value >= 1 - CONFIDENCE) {
        out->low = fmin(out->low, 0);
        out->high = fmax(out->high, 0);
    }
}

void compare_shares(const double *before, size_t n_before, const double *after, size_t n_after,
                    bool paired, struct comparison *out)
{
    double x = (double)count_ones(before, n_before), y = (double)count_ones(after, n_after);
    *out = comparison_of(COMPARE_SHARE, n_before ? x / (double)n_before : NAN,
                         n_after ? y / (double)n_after : NAN, (n_before + n_after) / 2);
    if (n_before > 0 && n_after > 0) {
        if (paired && n_before == n_after)
            judge_pairs(before, after, n_before, out);
        else
            judge_apart(before, n_before, after, n_after, out);
    }
    reconcile(out);
    compare_split_sides(out);
}
