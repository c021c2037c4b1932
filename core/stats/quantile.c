#include "core/stats/quantile.h"

#include "core/memory.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_RANGE 32

static bool usable(size_t n, double p)
{
    return n > 0 && p >= 0 && p <= 1;
}

double quantile_sorted(const double *sorted, size_t n, double p)
{
    if (!usable(n, p))
        return NAN;
    double position = p * (double)(n - 1);
    size_t low = (size_t)position;
    if (low + 1 >= n)
        return sorted[n - 1];
    return sorted[low] + (position - (double)low) * (sorted[low + 1] - sorted[low]);
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

static double median_of_three(double a, double b, double c)
{
    return a < b ? (b < c ? b : (a < c ? c : a)) : (a < c ? a : (b < c ? c : b));
}

/* Three-way partition of v[first, last): after it v[first, *less) < pivot, v[*less, *more) equal
 * it, the rest is greater. Equal values are common (token counts), hence three ways. */
static void partition(double *v, size_t first, size_t last, size_t *less, size_t *more)
{
    double pivot = median_of_three(v[first], v[first + (last - first) / 2], v[last - 1]);
    size_t low = first, at = first, high = last;
    while (at < high) {
        if (v[at] < pivot)
            swap(&v[low++], &v[at++]);
        else if (v[at] > pivot)
            swap(&v[at], &v[--high]);
        else
            at++;
    }
    *less = low;
    *more = high;
}

/* Puts the values of all `count` ranks (rising, each inside [first, last)) in their sorted places.
 * Partitions that keep failing to halve end in a heap sort, which bounds the time. */
static void place_ranks(double *v, size_t first, size_t last, const size_t *ranks, size_t count,
                        int depth)
{
    while (count > 0 && last - first > 1) {
        if (last - first <= SMALL_RANGE || depth-- == 0) {
            gsl_sort(v + first, 1, last - first);
            return;
        }
        size_t less, more, left = 0, middle;
        partition(v, first, last, &less, &more);
        while (left < count && ranks[left] < less)
            left++;
        for (middle = left; middle < count && ranks[middle] < more; middle++)
            ;
        place_ranks(v, first, less, ranks, left, depth);
        first = more;
        ranks += middle;
        count -= middle;
    }
}

static int compare_ranks(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

void quantiles_select(double *values, size_t n, const double *p, size_t count, double *out)
{
    size_t *ranks = mem_alloc(2 * count * sizeof *ranks), used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!usable(n, p[i]))
            continue;
        size_t low = (size_t)(p[i] * (double)(n - 1));
        ranks[used++] = low;
        ranks[used++] = low + 1 < n ? low + 1 : low;
    }
    qsort(ranks, used, sizeof *ranks, compare_ranks);
    int depth = n > 0 ? 2 * (64 - __builtin_clzll(n)) : 0;
    place_ranks(values, 0, n, ranks, used, depth);
    for (size_t i = 0; i < count; i++)
        out[i] = quantile_sorted(values, n, p[i]);
    free(ranks);
}

double quantile_select(double *values, size_t n, double p)
{
    double out;
    quantiles_select(values, n, &p, 1, &out);
    return out;
}

void quantiles_of(const double *values, size_t n, const double *p, size_t count, double *out)
{
    double *copy = mem_alloc(n * sizeof *copy);
    if (n > 0)
        memcpy(copy, values, n * sizeof *copy);
    quantiles_select(copy, n, p, count, out);
    free(copy);
}

size_t quantile_least_sample(double p)
{
    if (!(p > 0 && p < 1))
        return 0;
    return (size_t)ceil(log(0.025) / log(fmax(p, 1 - p)));
}
