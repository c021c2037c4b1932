#include "core/stats/series.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <stdlib.h>

void series_init(struct series *s, size_t limit)
{
    *s = (struct series){.limit = limit};
}

void series_free(struct series *s)
{
    free(s->values);
    histogram_free(&s->histogram);
    *s = (struct series){.limit = s->limit};
}

/* Gives up the exact values. */
static void fold(struct series *s)
{
    for (size_t i = 0; i < s->count; i++)
        histogram_add(&s->histogram, s->values[i], 1);
    free(s->values);
    s->values = NULL;
    s->count = s->capacity = 0;
    s->folded = true;
}

void series_add(struct series *s, int64_t value)
{
    moments_add(&s->moments, value, 1);
    if (!s->folded && s->count == s->limit)
        fold(s);
    if (s->folded) {
        histogram_add(&s->histogram, value, 1);
        return;
    }
    mem_grow(&s->values, &s->capacity, s->count + 1, sizeof *s->values);
    s->values[s->count++] = value;
}

static double folded_quantile(const struct series *s, double p)
{
    double low = (double)s->moments.min, high = (double)s->moments.max;
    double value = histogram_quantile(&s->histogram, p);
    if (p == 0 && s->moments.count > 0)
        return low;
    if (p == 1 && s->moments.count > 0)
        return high;
    return value < low ? low : value > high ? high : value;
}

void series_quantiles(const struct series *s, const double *p, size_t count, double *out)
{
    if (s->folded) {
        for (size_t i = 0; i < count; i++)
            out[i] = folded_quantile(s, p[i]);
        return;
    }
    double *copy = mem_alloc(s->count * sizeof *copy);
    for (size_t i = 0; i < s->count; i++)
        copy[i] = (double)s->values[i];
    quantiles_select(copy, s->count, p, count, out);
    free(copy);
}
