#include "core/stats/paired.h"

#include <math.h>
#include <stdint.h>

#define MOST_BLOCKS 12
#define LEAST_BLOCKS 10
#define BLOCK_LENGTH 400
#define WIDEST 2.302585092994046 /* ln 10; no two shares differ by as much */
#define STEPS 30

static size_t block_count(size_t n)
{
    size_t k = n / BLOCK_LENGTH;
    return k > MOST_BLOCKS ? MOST_BLOCKS : k;
}

bool paired_supports(size_t n)
{
    return block_count(n) >= LEAST_BLOCKS;
}

static double block_value(const double *values, size_t first, size_t last, double divisor,
                          double threshold)
{
    double sum = 0;
    if (threshold > 0) {
        for (size_t i = first; i < last; i++)
            sum -= values[i] <= threshold * divisor;
    } else {
        for (size_t i = first; i < last; i++)
            sum += values[i];
        sum /= divisor;
    }
    return sum / (double)(last - first);
}

/* The differences of the blocks once `after` is divided by e^shift, or lessened by it. */
static void block_differences(const struct paired_sample *s, double shift, size_t k, double *d)
{
    double f = s->shares ? 1 : exp(shift);
    double threshold = s->p < 0 ? 0 : sqrt(s->at_before * s->at_after / f);
    for (size_t i = 0; i < k; i++) {
        size_t first = s->n * i / k, last = s->n * (i + 1) / k;
        d[i] = block_value(s->after, first, last, f, threshold) -
               block_value(s->before, first, last, 1, threshold) - (s->shares ? shift : 0);
    }
}

/* Half of all ways: the others mirror them. In Gray's order one sign turns from way to way. */
static double sign_test(const double *d, size_t k)
{
    double turned[MOST_BLOCKS], sum = 0, size = 0;
    uint32_t ways = (uint32_t)1 << (k - 1), as_large = 1; /* the way that was seen */
    for (size_t i = 0; i < k; i++) {
        turned[i] = d[i];
        sum += d[i];
        size += fabs(d[i]);
    }
    double seen = fabs(sum) - 1e-9 * size; /* ties count, whatever the order of their sums */
    for (uint32_t way = 1; way < ways; way++) {
        double *next = &turned[__builtin_ctz(way)];
        sum -= 2 * *next;
        *next = -*next;
        as_large += fabs(sum) >= seen;
    }
    return (double)as_large / (double)ways;
}

static double p_at(const struct paired_sample *s, double shift)
{
    double d[MOST_BLOCKS];
    size_t k = block_count(s->n);
    block_differences(s, shift, k, d);
    return sign_test(d, k);
}

/* Where p falls below 5% between the estimate and WIDEST to one side of it. */
static bool find_limit(const struct paired_sample *s, double estimate, double direction,
                       double *limit)
{
    double inside = 0, outside = WIDEST;
    if (p_at(s, estimate + direction * outside) >= 0.05)
        return false;
    for (int i = 0; i < STEPS; i++) {
        double middle = (inside + outside) / 2;
        if (p_at(s, estimate + direction * middle) < 0.05)
            outside = middle;
        else
            inside = middle;
    }
    *limit = estimate + direction * outside;
    return true;
}

bool paired_compare(const struct paired_sample *s, double *p_value, double *low, double *high)
{
    double from, to;
    double estimate = s->shares ? s->at_after - s->at_before : log(s->at_after / s->at_before);
    if (!find_limit(s, estimate, -1, &from) || !find_limit(s, estimate, 1, &to))
        return false;
    *p_value = p_at(s, 0);
    /* p need not fall evenly on its way; finding and interval must agree all the same. */
    if (*p_value < 0.05 && from <= 0 && to >= 0) {
        if (estimate > 0)
            from = fmin(estimate, 1e-9);
        else
            to = fmax(estimate, -1e-9);
    } else if (*p_value >= 0.05) {
        from = fmin(from, 0);
        to = fmax(to, 0);
    }
    *low = s->shares ? fmax(-1, from) : expm1(from);
    *high = s->shares ? fmin(1, to) : expm1(to);
    return true;
}
