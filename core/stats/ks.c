#include "core/stats/ks.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>

static const struct ks_result nothing = {NAN, NAN, 0};

/* Kolmogorov's survival function: for small x by Jacobi's transformed series, for large x by the
 * alternating one; both converge in a few terms where they are used. */
static double kolmogorov_survival(double x)
{
    if (x <= 0.2)
        return 1;
    if (x < 1.18) {
        double base = exp(-M_PI * M_PI / (8 * x * x));
        double sum = base * (1 + pow(base, 8) * (1 + pow(base, 16)));
        return 1 - sqrt(2 * M_PI) / x * sum;
    }
    double base = exp(-2 * x * x);
    return 2 * (base - pow(base, 4) + pow(base, 9));
}

double ks_p_value(double d, double n)
{
    if (!(n > 0) || isnan(d))
        return NAN;
    double root = sqrt(n);
    return fmin(1, fmax(0, kolmogorov_survival((root + 0.12 + 0.11 / root) * d)));
}

static double weight_of(const double *weights, const uint64_t *counts, size_t i)
{
    return weights ? weights[i] : counts ? (double)counts[i] : 1;
}

/* The largest distance over all ends of runs of equal values. */
static double largest_distance(const double *values, const double *weights, const uint64_t *counts,
                               size_t n, double total, ks_cdf *cdf, const void *model,
                               bool discrete)
{
    long double below = 0;
    double largest = 0;
    for (size_t i = 0; i < n;) {
        long double through = below;
        double x = values[i], f = cdf(x, model);
        for (; i < n && values[i] == x; i++)
            through += weight_of(weights, counts, i);
        if (!discrete)
            largest = fmax(largest, fabs((double)(below / total) - f));
        largest = fmax(largest, fabs((double)(through / total) - f));
        below = through;
    }
    return largest;
}

struct ks_result ks_one_sample(const double *sorted, const double *weights, size_t n, ks_cdf *cdf,
                               const void *model, bool discrete)
{
    long double total = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double w = weight_of(weights, NULL, i);
        total += w;
        squares += (long double)w * w;
    }
    if (!(total > 0))
        return nothing;
    double d = largest_distance(sorted, weights, NULL, n, (double)total, cdf, model, discrete);
    double effective = (double)(total * total / squares);
    return (struct ks_result){d, ks_p_value(d, effective), effective};
}

struct ks_result ks_counted(const double *values, const uint64_t *counts, size_t n, ks_cdf *cdf,
                            const void *model, bool discrete)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += counts[i];
    if (total == 0)
        return nothing;
    double d = largest_distance(values, NULL, counts, n, (double)total, cdf, model, discrete);
    return (struct ks_result){d, ks_p_value(d, (double)total), (double)total};
}

struct ks_result ks_two_samples(const double *a, size_t na, const double *b, size_t nb)
{
    if (na == 0 || nb == 0)
        return nothing;
    double largest = 0, count_a = (double)na, count_b = (double)nb;
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        double x = a[i] < b[j] ? a[i] : b[j];
        while (i < na && a[i] == x)
            i++;
        while (j < nb && b[j] == x)
            j++;
        largest = fmax(largest, fabs((double)i / count_a - (double)j / count_b));
    }
    double effective = count_a / (count_a + count_b) * count_b;
    return (struct ks_result){largest, ks_p_value(largest, effective), effective};
}

struct pool {
    double observed, expected;
};

static double contribution(struct pool p)
{
    return (p.observed - p.expected) * (p.observed - p.expected) / p.expected;
}

struct ks_result chi_square(const uint64_t *observed, const double *probability, size_t cells,
                            size_t fitted, double least)
{
    double total = 0, sum = 0;
    size_t pools = 0;
    for (size_t i = 0; i < cells; i++)
        total += (double)observed[i];
    /* `held` waits for its successor: what is left at the end joins the last full pool. */
    struct pool held = {0, 0}, open = {0, 0};
    for (size_t i = 0; i < cells; i++) {
        open.observed += (double)observed[i];
        open.expected += probability[i] * total;
        if (open.expected < least)
            continue;
        if (pools++ > 0)
            sum += contribution(held);
        held = open;
        open = (struct pool){0, 0};
    }
    held.observed += open.observed;
    held.expected += open.expected;
    if (pools < fitted + 2)
        return nothing;
    sum += contribution(held);
    double freedom = (double)(pools - 1 - fitted);
    return (struct ks_result){sum, gsl_sf_gamma_inc_Q(freedom / 2, sum / 2), freedom};
}
