#include "core/stats/paired.h"

#include "core/random.h"

#include <math.h>

#define MOST_BLOCKS 12
#define LEAST_BLOCKS 10
#define BLOCK_LENGTH 400
#define TURNINGS 1999            /* and the one seen */
#define WIDEST 2.302585092994046 /* ln 10 */
#define STEPS 30
#define SEED 20080611 /* any: the same runs must always give the same p */

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

/* The differences of the blocks once `after` is divided by e^shift. */
static void block_differences(const struct paired_sample *s, double shift, size_t k, double *d)
{
    double f = exp(shift), threshold = s->p < 0 ? 0 : sqrt(s->at_before * s->at_after / f);
    for (size_t i = 0; i < k; i++) {
        size_t first = s->n * i / k, last = s->n * (i + 1) / k;
        d[i] = block_value(s->after, first, last, f, threshold) -
               block_value(s->before, first, last, 1, threshold);
    }
}

static double sign_test(const double *d, size_t k)
{
    struct random r;
    double seen = 0, size = 0;
    int as_large = 1;
    random_init(&r, SEED, RANDOM_BOOTSTRAP, k);
    for (size_t i = 0; i < k; i++) {
        seen += d[i];
        size += fabs(d[i]);
    }
    seen = fabs(seen) - 1e-9 * size; /* ties count, whatever the order of their sums */
    for (int turning = 0; turning < TURNINGS; turning++) {
        uint64_t signs = random_u64(&r);
        double sum = 0;
        for (size_t i = 0; i < k; i++)
            sum += signs >> i & 1 ? d[i] : -d[i];
        as_large += fabs(sum) >= seen;
    }
    return (double)as_large / (TURNINGS + 1);
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
    double estimate = log(s->at_after / s->at_before), from, to;
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
    *low = expm1(from);
    *high = expm1(to);
    return true;
}
