#include "core/stats/series.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <stdlib.h>
#include <string.h>

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

void series_add_to_histogram(const struct series *s, struct histogram *into)
{
    if (s->folded)
        histogram_merge(into, &s->histogram);
    for (size_t i = 0; i < s->count; i++)
        histogram_add(into, s->values[i], 1);
}

void series_fold(struct series *s)
{
    if (s->folded)
        return;
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
        series_fold(s);
    if (s->folded) {
        histogram_add(&s->histogram, value, 1);
        return;
    }
    mem_grow(&s->values, &s->capacity, s->count + 1, sizeof *s->values);
    s->values[s->count++] = value;
}

void series_merge(struct series *into, const struct series *from)
{
    moments_merge(&into->moments, &from->moments);
    if (into->folded || from->folded || from->count > into->limit - into->count) {
        series_fold(into);
        series_add_to_histogram(from, &into->histogram);
        return;
    }
    if (from->count == 0)
        return;
    size_t total = into->count + from->count;
    mem_grow(&into->values, &into->capacity, total, sizeof *into->values);
    memcpy(into->values + into->count, from->values, from->count * sizeof *from->values);
    into->count = total;
}

void series_restore(struct series *s, const struct moments *moments, struct histogram *take)
{
    series_fold(s);
    s->moments = *moments;
    histogram_free(&s->histogram);
    s->histogram = *take;
    *take = (struct histogram){0};
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
    size_t n;
    double *copy = series_copy_doubles(s, 1, &n);
    quantiles_select(copy, n, p, count, out);
    free(copy);
}

double series_quantile(const struct series *s, double p)
{
    double out;
    series_quantiles(s, &p, 1, &out);
    return out;
}

const char *series_quantile_method(const struct series *s)
{
    return s->folded ? "histogram" : "exact";
}

const int64_t *series_values(const struct series *s, size_t *count)
{
    *count = s->count;
    return s->folded ? NULL : s->values;
}

double *series_copy_doubles(const struct series *s, double scale, size_t *count)
{
    *count = s->count;
    if (s->folded)
        return NULL;
    double *copy = mem_alloc(s->count * sizeof *copy);
    for (size_t i = 0; i < s->count; i++)
        copy[i] = (double)s->values[i] * scale;
    return copy;
}
