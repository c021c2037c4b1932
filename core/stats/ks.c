#include "core/stats/ks.h"

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

/* The largest distance over all ends of runs of equal values. */
static double largest_distance(const double *values, const uint64_t *counts, size_t n, double total,
                               ks_cdf *cdf, const void *model, bool discrete)
{
    long double below = 0;
    double largest = 0;
    for (size_t i = 0; i < n;) {
        long double through = below;
        double x = values[i], f = cdf(x, model);
        for (; i < n && values[i] == x; i++)
            through += (double)counts[i];
        if (!discrete)
            largest = fmax(largest, fabs((double)(below / total) - f));
        largest = fmax(largest, fabs((double)(through / total) - f));
        below = through;
    }
    return largest;
}

struct ks_result ks_counted(const double *values, const uint64_t *counts, size_t n, ks_cdf *cdf,
                            const void *model, bool discrete)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += counts[i];
    if (total == 0)
        return nothing;
    double d = largest_distance(values, counts, n, (double)total, cdf, model, discrete);
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
