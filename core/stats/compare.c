#include "core/stats/compare.h"

#include "core/memory.h"
#include "core/stats/interval.h"
#include "core/stats/multiple.h"
#include "core/stats/paired.h"
#include "core/stats/quantile.h"
#include "core/stats/tail.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#define CONFIDENCE 0.95
#define LARGEST_T 200.0

struct sides {
    struct interval_point before, after;
    double correlation;
};

static double *sorted_copy(const double *values, size_t n)
{
    double *sorted = mem_alloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i];
    gsl_sort(sorted, 1, n);
    return sorted;
}

/* √(a² + b² − 2rab), where a or b may be infinite. */
static double combine(double a, double b, double r)
{
    return isinf(a) || isinf(b) ? INFINITY : sqrt(fmax(0, a * a + b * b - 2 * r * a * b));
}

/* Distances from the estimate to its limits on the log scale. */
static bool distances(const struct interval_point *point, double t, double *down, double *up)
{
    double low, high;
    bool both = interval_point_limits(point, t, &low, &high);
    *down = low > 0 ? log(point->value / low) : INFINITY;
    *up = isinf(high) ? INFINITY : log(high / point->value);
    return both && low > 0;
}

/* The interval of ln(after/before) at t standard errors; false if a limit is missing. */
static bool change_limits(const struct sides *s, double t, double *low, double *high)
{
    double down_before, up_before, down_after, up_after;
    bool before = distances(&s->before, t, &down_before, &up_before);
    bool after = distances(&s->after, t, &down_after, &up_after);
    double d = log(s->after.value / s->before.value);
    *low = d - combine(down_after, up_before, s->correlation);
    *high = d + combine(up_after, down_before, s->correlation);
    return before && after;
}

/* The least t whose interval holds 0, by bisection: the intervals grow with t. */
static double touching_t(const struct sides *s)
{
    double inside = LARGEST_T, outside = 0, low, high;
    for (int i = 0; i < 60; i++) {
        double t = (inside + outside) / 2;
        change_limits(s, t, &low, &high);
        if (low <= 0 && high >= 0)
            inside = t;
        else
            outside = t;
    }
    return inside;
}

static double plain_correlation(const struct interval_point *a, const struct interval_point *b)
{
    double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0, k = (double)a->batches;
    for (size_t i = 0; i < a->batches; i++) {
        mean_a += a->batch[i] / k;
        mean_b += b->batch[i] / k;
    }
    for (size_t i = 0; i < a->batches; i++) {
        double x = a->batch[i] - mean_a, y = b->batch[i] - mean_b;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* The correlation of the two estimates' errors: that of the batch means, or less where the
 * batches' differences say so. What the runs share cancels in a difference, and what is left may
 * linger longer than the batches. Relative for means; shares below for quantiles. */
static double error_correlation(const struct interval_point *a, const struct interval_point *b)
{
    double difference[INTERVAL_BATCHES];
    double scale_a = a->is_quantile ? 1 : a->value, scale_b = b->is_quantile ? 1 : b->value;
    for (size_t i = 0; i < a->batches; i++)
        difference[i] = a->batch[i] / scale_a - b->batch[i] / scale_b;
    double of_a = interval_batch_variance(a->batch, a->batches) / (scale_a * scale_a);
    double of_b = interval_batch_variance(b->batch, b->batches) / (scale_b * scale_b);
    double left = interval_batch_variance(difference, a->batches);
    if (!(of_a > 0 && of_b > 0))
        return 0;
    double implied = (of_a + of_b - left) / (2 * sqrt(of_a * of_b));
    return fmax(-1, fmin(plain_correlation(a, b), implied));
}

/* Welch and Satterthwaite's degrees of freedom for the difference of the two logarithms. */
static double freedom_of(const struct sides *s)
{
    double x = fmin(s->before.freedom, s->after.freedom), down, up, a, b;
    distances(&s->before, 1, &down, &up);
    a = down * down;
    distances(&s->after, 1, &down, &up);
    b = down * down;
    if (s->correlation != 0 || !(a + b > 0) || isinf(a + b))
        return x;
    return (a + b) * (a + b) / (a * a / s->before.freedom + b * b / s->after.freedom);
}

static void judge(const struct sides *s, struct comparison *out)
{
    double freedom = freedom_of(s), low, high;
    double t = gsl_cdf_tdist_Qinv((1 - CONFIDENCE) / 2, freedom);
    if (!change_limits(s, t, &low, &high))
        return;
    out->supported = true;
    out->low = expm1(low);
    out->high = expm1(high);
    out->p_value =
        s->after.value == s->before.value ? 1 : 2 * gsl_cdf_tdist_Q(touching_t(s), freedom);
}

static bool estimate(const double *values, const double *sorted, size_t n, double what,
                     struct interval_point *point)
{
    struct sample sample = sample_of_array(values, n), rising = sample_of_array(sorted, n);
    return what == COMPARE_MEAN ? interval_point_mean(&sample, point)
                                : interval_point_quantile(&sample, &rising, what, point);
}

static void judge_paired(const double *before, const double *after, size_t n,
                         struct comparison *out)
{
    struct paired_sample s = {before, after, n, out->what, out->before, out->after, false};
    out->supported = paired_compare(&s, &out->p_value, &out->low, &out->high);
}

/* True if nothing tells the two sides apart: no pair of values, or no value, differs. */
static bool all_equal(const double *before, size_t n, const double *after, size_t m, bool paired)
{
    bool equal = n > 0 && m > 0;
    for (size_t i = 0; equal && i < n; i++)
        equal = before[i] == (paired ? after[i] : before[0]);
    for (size_t i = 0; equal && !paired && i < m; i++)
        equal = after[i] == before[0];
    return equal;
}

static void settle(struct comparison *out)
{
    out->supported = out->settled = true;
    out->change = out->low = out->high = 0;
    out->p_value = 1;
}

static void judge_apart(struct sides *s, bool paired, struct comparison *out)
{
    s->correlation = paired ? error_correlation(&s->before, &s->after) : 0;
    judge(s, out);
}

static void judge_tail(const double *before, size_t n, const double *after, size_t m, bool paired,
                       struct comparison *out)
{
    struct tail_change t;
    if (paired)
        tail_compare_paired(before, after, n, out->what, &t);
    else
        tail_compare(before, n, after, m, out->what, &t);
    out->p_up = t.p_up;
    out->p_down = t.p_down;
    out->p_value = fmin(1, 2 * fmin(t.p_up, t.p_down));
    out->episodes = t.episodes;
    out->supported = t.episodes >= INTERVAL_LEAST_EPISODES && isfinite(t.low) && isfinite(t.high);
    if (!out->supported) {
        out->why = t.episodes < INTERVAL_LEAST_EPISODES ? "fewer than 10 episodes"
                                                        : "too few values beyond";
        return;
    }
    /* Test and quantile look at the same tail with different eyes; what is shown holds both. */
    out->low = fmin(expm1(t.low), out->change);
    out->high = fmax(expm1(t.high), out->change);
}

void compare_split_sides(struct comparison *c)
{
    double rise = c->change > 0 ? c->p_value / 2 : 1 - c->p_value / 2;
    c->p_up = c->change == 0 ? 1 : rise;
    c->p_down = c->change == 0 ? 1 : 1 - rise;
    if (isnan(c->p_value))
        c->p_up = c->p_down = NAN;
}

struct comparison comparison_of(double what, double before, double after, size_t values)
{
    return (struct comparison){.what = what,
                               .before = before,
                               .after = after,
                               .change =
                                   what == COMPARE_SHARE ? after - before : after / before - 1,
                               .low = NAN,
                               .high = NAN,
                               .p_value = NAN,
                               .p_up = NAN,
                               .p_down = NAN,
                               .p_adjusted = NAN,
                               .p_independent = NAN,
                               .values = values};
}

static double estimate_alone(const double *values, size_t n, double what)
{
    double sum = 0, quantile;
    if (what >= 0) {
        quantiles_of(values, n, &what, 1, &quantile);
        return (double)n * (1 - what) >= 1 - 1e-9 ? quantile : NAN;
    }
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return n ? sum / (double)n : NAN;
}

void compare_estimates(const double *before, size_t n_before, const double *after, size_t n_after,
                       const double *what, size_t count, struct comparison *out)
{
    for (size_t i = 0; i < count; i++) {
        double a = estimate_alone(before, n_before, what[i]);
        double b = estimate_alone(after, n_after, what[i]);
        out[i] = comparison_of(what[i], a, b, (n_before + n_after) / 2);
        if (isnan(a) || isnan(b))
            out[i].why = "too few requests";
    }
}

void compare_samples(const double *before, size_t n_before, const double *after, size_t n_after,
                     bool paired, const double *what, size_t count, struct comparison *out)
{
    double *sorted_before = sorted_copy(before, n_before);
    double *sorted_after = sorted_copy(after, n_after);
    paired = paired && n_before == n_after;
    bool equal = all_equal(before, n_before, after, n_after, paired);
    for (size_t i = 0; i < count; i++) {
        struct sides s;
        bool enough = estimate(before, sorted_before, n_before, what[i], &s.before);
        enough = estimate(after, sorted_after, n_after, what[i], &s.after) && enough;
        out[i] = comparison_of(what[i], s.before.value, s.after.value, (n_before + n_after) / 2);
        if (!enough)
            out[i].why = n_before && n_after ? "too few values" : "no values";
        else if (equal)
            settle(&out[i]);
        else if (!(s.before.value > 0 && s.after.value > 0))
            out[i].why = "no ratio to zero";
        else if (what[i] >= TAIL_LEAST_P)
            judge_tail(before, n_before, after, n_after, paired, &out[i]);
        else if (paired && paired_supports(n_before))
            judge_paired(before, after, n_before, &out[i]);
        else
            judge_apart(&s, paired, &out[i]);
        if (!out[i].supported && !out[i].why)
            out[i].why = "too few independent values";
        if (isnan(out[i].p_up))
            compare_split_sides(&out[i]);
    }
    free(sorted_before);
    free(sorted_after);
}

void compare_adjust(struct comparison *all, size_t count)
{
    double *p = mem_alloc(count * sizeof *p);
    size_t family = 0;
    for (size_t i = 0; i < count; i++)
        if (!all[i].settled)
            p[family++] = all[i].p_value;
    multiple_holm(p, family, p);
    family = 0;
    for (size_t i = 0; i < count; i++)
        all[i].p_adjusted = !all[i].settled ? p[family++] : all[i].supported ? 1 : NAN;
    free(p);
}
