/* Metrics as columns: the values of all requests in scheduled order, and what they amount to. */
#include "core/runs/summary/collector_state.h"
#include "core/stats/interval.h"
#include "core/stats/sample.h"

#include <math.h>

#define EXACT_VALUES 1000000
#define MS 1e6 /* nanoseconds */

void columns_fill(struct columns *columns, struct collector *c)
{
    struct sorter_scan scan;
    const struct request_row *r;
    for (int m = 0; m < METRIC_COUNT; m++)
        spool_init(&columns->of[m], sizeof(struct timed_value));
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        struct timed_value v = {.due_ns = r->scheduled_ns};
        for (int m = 0; m < METRIC_COUNT; m++)
            if (row_metric(r, (enum metric)m, &v.value_ns))
                spool_add(&columns->of[m], &v);
    }
    sorter_scan_end(&scan);
}

void columns_free(struct columns *columns)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        spool_free(&columns->of[m]);
}

void column_values(const struct spool *column, int64_t from_ns, struct spool *values,
                   struct moments *moments)
{
    struct spool_scan scan = spool_scan_of(column);
    for (const struct timed_value *v; (v = spool_scan_next(&scan));) {
        if (v->due_ns < from_ns)
            continue;
        spool_add(values, &v->value_ns);
        moments_add(moments, v->value_ns, 1);
    }
}

static struct metric_summary no_metric(void)
{
    return (struct metric_summary){.mean = NAN,
                                   .stddev = NAN,
                                   .min = NAN,
                                   .p50 = NAN,
                                   .p90 = NAN,
                                   .p95 = NAN,
                                   .p99 = NAN,
                                   .p999 = NAN,
                                   .max = NAN,
                                   .quantile_method = "exact",
                                   .ci_mean = {NAN, NAN},
                                   .ci_p50 = {NAN, NAN},
                                   .ci_p99 = {NAN, NAN}};
}

static void take_moments(struct metric_summary *s, const struct moments *m)
{
    s->count = m->count;
    s->mean = moments_mean(m) / MS;
    s->stddev = moments_stddev(m) / MS;
    s->min = (double)m->min / MS;
    s->max = (double)m->max / MS;
}

static void take_quantiles(struct metric_summary *s, const struct sample *sorted)
{
    s->p50 = sample_quantile(sorted, 0.5);
    s->p90 = sample_quantile(sorted, 0.9);
    s->p95 = sample_quantile(sorted, 0.95);
    s->p99 = sample_quantile(sorted, 0.99);
    s->p999 = sample_quantile(sorted, 0.999);
}

static void take_histogram(struct metric_summary *s, const struct histogram *h)
{
    s->p50 = histogram_quantile(h, 0.5) / MS;
    s->p90 = histogram_quantile(h, 0.9) / MS;
    s->p95 = histogram_quantile(h, 0.95) / MS;
    s->p99 = histogram_quantile(h, 0.99) / MS;
    s->p999 = histogram_quantile(h, 0.999) / MS;
    s->quantile_method = "histogram";
}

static void take_interval(double ci[2], const struct interval *from)
{
    ci[0] = from->supported ? from->low : NAN;
    ci[1] = from->supported ? from->high : NAN;
}

static void take_intervals(struct metric_summary *s, const struct sample *values,
                           const struct sample *sorted)
{
    struct interval ci;
    interval_sample_mean(values, 0.95, &ci);
    take_interval(s->ci_mean, &ci);
    interval_sample_quantile(values, sorted, 0.5, 0.95, &ci);
    take_interval(s->ci_p50, &ci);
    interval_sample_quantile(values, sorted, 0.99, 0.95, &ci);
    take_interval(s->ci_p99, &ci);
}

/* Quantiles beyond EXACT_VALUES: one pass, nothing sorted. */
static void take_many(struct metric_summary *s, const struct spool *values)
{
    struct histogram h = {0};
    struct spool_scan scan = spool_scan_of(values);
    for (const int64_t *v; (v = spool_scan_next(&scan));)
        histogram_add(&h, *v, 1);
    take_histogram(s, &h);
    histogram_free(&h);
}

void sort_values(const struct spool *values, struct spool *sorted)
{
    struct sorter sorter;
    struct spool_scan scan = spool_scan_of(values);
    sorter_init(&sorter, sizeof(int64_t), sorter_compare_int64);
    for (const void *v; (v = spool_scan_next(&scan));)
        sorter_add(&sorter, v);
    sorter_write(&sorter, sorted);
    sorter_free(&sorter);
}

struct metric_summary column_summarize(const struct spool *column, int64_t from_ns, bool intervals)
{
    struct metric_summary s = no_metric();
    struct spool values, sorted;
    struct moments moments = {0};
    spool_init(&values, sizeof(int64_t));
    spool_init(&sorted, sizeof(int64_t));
    column_values(column, from_ns, &values, &moments);
    if (moments.count > 0)
        take_moments(&s, &moments);
    bool exact = moments.count <= EXACT_VALUES;
    if (moments.count > 0 && (exact || intervals)) {
        sort_values(&values, &sorted);
        struct sample in_order = sample_of_spool(&values, MS);
        struct sample rising = sample_of_spool(&sorted, MS);
        take_quantiles(&s, &rising);
        if (intervals)
            take_intervals(&s, &in_order, &rising);
    }
    if (!exact)
        take_many(&s, &values);
    spool_free(&values);
    spool_free(&sorted);
    return s;
}

struct metric_summary gaps_summarize(const struct gap_store *g, int64_t from_ns, bool intervals)
{
    struct metric_summary s = no_metric();
    struct histogram h = {0};
    struct moments m = {0};
    if (!g->folded)
        return column_summarize(&g->exact, from_ns, intervals);
    for (int i = 0; i < GAP_SLICES; i++) {
        if ((i + 1) * g->slice_ns <= from_ns)
            continue; /* the slice in which the window begins counts whole */
        histogram_merge(&h, &g->slices[i]);
        moments_merge(&m, &g->moments[i]);
    }
    if (m.count > 0) {
        take_moments(&s, &m);
        take_histogram(&s, &h);
    }
    histogram_free(&h);
    return s;
}
