#include "core/runs/summary.h"

#include "core/memory.h"
#include "core/runs/collector.h"
#include "core/stats/histogram.h"
#include "core/stats/interval.h"
#include "core/stats/moments.h"
#include "core/stats/quantile.h"
#include "core/stats/steady.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_VALUES ((size_t)1000000)
#define MS 1e6 /* nanoseconds */

/* The instants that a phase covers: requests scheduled from `from` on, ends in [from, to]. */
struct phase {
    int64_t from_ns, to_ns;
    bool whole; /* all of the run: tokens in the bin that holds its end are all of them in it */
};

static const double quantile_points[] = {0.5, 0.9, 0.95, 0.99, 0.999};

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

static void take_quantiles(struct metric_summary *s, const double q[5])
{
    s->p50 = q[0];
    s->p90 = q[1];
    s->p95 = q[2];
    s->p99 = q[3];
    s->p999 = q[4];
}

static void take_histogram(struct metric_summary *s, const struct histogram *h)
{
    double q[5];
    for (int i = 0; i < 5; i++)
        q[i] = histogram_quantile(h, quantile_points[i]) / MS;
    take_quantiles(s, q);
    s->quantile_method = "histogram";
}

static void take_interval(double ci[2], const struct interval *from)
{
    ci[0] = from->supported ? from->low : NAN;
    ci[1] = from->supported ? from->high : NAN;
}

static void take_intervals(struct metric_summary *s, const double *ordered, size_t n)
{
    static const double points[] = {0.5, 0.99};
    struct interval mean, quantiles[2];
    interval_mean(ordered, n, 0.95, &mean);
    interval_quantiles(ordered, n, points, 2, 0.95, quantiles);
    take_interval(s->ci_mean, &mean);
    take_interval(s->ci_p50, &quantiles[0]);
    take_interval(s->ci_p99, &quantiles[1]);
}

/* Summary of values in scheduled order, milliseconds in `ordered`, with the exact moments. */
static struct metric_summary summarize_values(const double *ordered, size_t n,
                                              const struct moments *m,
                                              const struct summary_options *o)
{
    struct metric_summary s = no_metric();
    if (n == 0)
        return s;
    take_moments(&s, m);
    if (n <= EXACT_VALUES) {
        double q[5];
        quantiles_of(ordered, n, quantile_points, 5, q);
        take_quantiles(&s, q);
    } else {
        struct histogram h = {0};
        for (size_t i = 0; i < n; i++)
            histogram_add(&h, (int64_t)nearbyint(ordered[i] * MS), 1);
        take_histogram(&s, &h);
        histogram_free(&h);
    }
    if (!o->no_intervals)
        take_intervals(&s, ordered, n);
    return s;
}

/* The metric's values of requests scheduled at or after `from`, in scheduled order. */
static size_t gather(struct collector *c, enum metric m, int64_t from_ns, double *values,
                     struct moments *moments)
{
    const uint32_t *order = collector_order(c);
    size_t n = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct request_row *r = &c->rows[order[i]];
        int64_t value;
        if (r->scheduled_ns < from_ns || !row_metric(r, m, &value))
            continue;
        moments_add(moments, value, 1);
        values[n++] = (double)value / MS;
    }
    return n;
}

static struct metric_summary summarize_gaps(const struct collector *c, int64_t from_ns,
                                            const struct summary_options *o)
{
    const struct gap_store *g = &c->gaps;
    struct moments m = {0};
    if (g->folded) {
        struct metric_summary s = no_metric();
        struct histogram h = {0};
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
    double *values = mem_alloc(g->count * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (c->rows[g->owners[i]].scheduled_ns < from_ns)
            continue;
        moments_add(&m, g->values[i], 1);
        values[n++] = (double)g->values[i] / MS;
    }
    struct metric_summary s = summarize_values(values, n, &m, o);
    free(values);
    return s;
}

bool row_meets_slos(const struct request_row *r, const struct slo_list *slos)
{
    if (r->status != RECORD_COMPLETED)
        return false;
    for (size_t i = 0; i < slos->count; i++) {
        int64_t value;
        enum metric m = slos->items[i].metric;
        if (!row_metric(r, m, &value)) {
            if (m == METRIC_TPOT && r->streamed && r->output == 1)
                continue;
            return false;
        }
        if ((double)value > slos->items[i].limit_ms * MS)
            return false;
    }
    return true;
}

bool collector_last_meets(const struct collector *c, const struct slo_list *slos)
{
    return c->row_count > 0 && row_meets_slos(&c->rows[c->row_count - 1], slos);
}

/* Good requests, twice: of those scheduled in the phase, and of those that ended in it, so that
 * the rate of the good ones is never above the rate of all. */
struct good {
    uint64_t scheduled, completed;
};

static void count_requests(const struct collector *c, const struct phase *p,
                           const struct slo_list *slos, struct phase_summary *out,
                           struct good *good)
{
    for (size_t i = 0; i < c->row_count; i++) {
        const struct request_row *r = &c->rows[i];
        bool scheduled_in = r->scheduled_ns >= p->from_ns, met = row_meets_slos(r, slos);
        out->requests += scheduled_in;
        good->scheduled += scheduled_in && met;
        if (r->status != RECORD_COMPLETED || r->done_ns < p->from_ns || r->done_ns > p->to_ns)
            continue;
        good->completed += met;
        out->completed++;
        out->input_tokens += r->input;
        out->cached_input_tokens += r->cached;
        out->reasoning_tokens += r->reasoning;
    }
}

static struct phase_summary summarize_phase(struct collector *c, const struct phase *p,
                                            const struct summary_options *o)
{
    struct phase_summary out = {.duration_s = (double)(p->to_ns - p->from_ns) / 1e9};
    struct good good = {0};
    count_requests(c, p, &o->slos, &out, &good);
    out.output_tokens = p->whole ? token_bins_between(&c->tokens, 0, INT64_MAX)
                                 : token_bins_between(&c->tokens, p->from_ns, p->to_ns + 1);
    double s = out.duration_s > 0 ? out.duration_s : NAN;
    out.request_throughput_rps = (double)out.completed / s;
    out.output_throughput_tps = (double)out.output_tokens / s;
    out.total_throughput_tps = (double)(out.input_tokens + out.output_tokens) / s;
    out.goodput_rps = o->slos.count ? (double)good.completed / s : NAN;
    out.goodput_fraction =
        o->slos.count && out.requests ? (double)good.scheduled / (double)out.requests : NAN;
    double *values = mem_alloc(c->row_count * sizeof *values);
    for (int m = 0; m < METRIC_COUNT; m++) {
        struct moments moments = {0};
        if (m == METRIC_CHUNK_GAP) {
            out.metrics[m] = summarize_gaps(c, p->from_ns, o);
            continue;
        }
        size_t n = gather(c, (enum metric)m, p->from_ns, values, &moments);
        out.metrics[m] = summarize_values(values, n, &moments, o);
    }
    free(values);
    return out;
}

/* MSER-5 on TTFT from the schedule, else E2E, in scheduled order: the instant from which the run
 * looks steady; TIME_NEVER where it cannot tell or the run never settled. */
static int64_t steady_from(struct collector *c)
{
    const uint32_t *order = collector_order(c);
    double *values = mem_alloc(c->row_count * sizeof *values);
    uint32_t *rows = mem_alloc(c->row_count * sizeof *rows);
    int64_t from = TIME_NEVER;
    for (int attempt = 0; attempt < 2; attempt++) {
        enum metric m = attempt == 0 ? METRIC_TTFT_SCHEDULED : METRIC_E2E_SCHEDULED;
        size_t n = 0;
        for (size_t i = 0; i < c->row_count; i++) {
            int64_t value;
            if (!row_metric(&c->rows[order[i]], m, &value))
                continue;
            rows[n] = order[i];
            values[n++] = (double)value;
        }
        struct steady steady = steady_mser5(values, n);
        if (n >= 20 && steady.reached)
            from = c->rows[rows[steady.drop]].scheduled_ns;
        if (n >= 20)
            break;
    }
    free(values);
    free(rows);
    return from;
}

/* The largest number of requests between sending and end at once. */
static uint64_t peak_in_flight(const struct collector *c)
{
    struct flights f;
    uint64_t peak = 0;
    collector_flights(c, &f);
    for (size_t i = 0, ended = 0; i < f.count; i++) {
        while (ended < f.count && f.ends[ended] <= f.starts[i])
            ended++;
        if (i + 1 - ended > peak)
            peak = i + 1 - ended;
    }
    collector_flights_free(&f);
    return peak;
}

/* What was asked against what was got. */
static void compare_lengths(const struct collector *c, struct summary *out)
{
    double *errors = mem_alloc(c->row_count * sizeof *errors), q[2] = {NAN, NAN};
    uint64_t chunks = 0, chunked_tokens = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct request_row *r = &c->rows[i];
        if (r->status != RECORD_COMPLETED)
            continue;
        out->asked_input += r->asked_input;
        out->asked_output += r->asked_output;
        if (r->has_usage && r->asked_input > 0)
            errors[n++] = fabs((double)r->input - r->asked_input) / r->asked_input;
        if (r->chunks > 0) {
            chunks += r->chunks;
            chunked_tokens += r->output - (r->reasoning_chunks ? 0 : r->reasoning);
        }
    }
    if (n > 0)
        quantiles_select(errors, n, (const double[]){0.5, 0.99}, 2, q);
    free(errors);
    out->input_error_p50 = q[0];
    out->input_error_p99 = q[1];
    out->tokens_per_chunk = chunks ? (double)chunked_tokens / (double)chunks : NAN;
}

/* First and last due instant and last end of all requests. */
static void find_span(const struct collector *c, int64_t *first_due, int64_t *last_due,
                      int64_t *last_end)
{
    *first_due = c->row_count ? TIME_NEVER : 0;
    *last_due = *last_end = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct request_row *r = &c->rows[i];
        if (r->scheduled_ns < *first_due)
            *first_due = r->scheduled_ns;
        if (r->scheduled_ns > *last_due)
            *last_due = r->scheduled_ns;
        if (r->done_ns != TIME_NEVER && r->done_ns > *last_end)
            *last_end = r->done_ns;
    }
    if (*last_end < *last_due)
        *last_end = *last_due;
}

static int64_t choose_warmup(const struct summary_options *o, int64_t first_due, int64_t steady,
                             struct summary *out)
{
    out->warmup_method = "none";
    if (o->warmup == WARMUP_GIVEN) {
        out->warmup_method = "given";
        return first_due + o->warmup_ns;
    }
    if (o->warmup == WARMUP_MSER5 && steady != TIME_NEVER) {
        out->warmup_method = "mser5";
        return steady;
    }
    return first_due;
}

void collector_summarize(struct collector *c, const struct summary_options *o, struct summary *out)
{
    int64_t first_due, last_due, last_end;
    *out = (struct summary){.command = o->command, .load = o->load, .slos = o->slos};
    find_span(c, &first_due, &last_due, &last_end);
    int64_t steady = steady_from(c);
    struct phase all = {first_due, last_end, true}, window = {0, last_due, false};
    window.from_ns = choose_warmup(o, first_due, steady, out);
    if (window.from_ns > last_due)
        window.from_ns = last_due;
    /* A single instant has no rate: the window of a burst lasts until its last answer. */
    if (window.to_ns == window.from_ns)
        window.to_ns = last_end;
    out->steady_from_s = steady == TIME_NEVER ? NAN : (double)(steady - first_due) / 1e9;
    out->warmup_s = (double)(window.from_ns - first_due) / 1e9;
    out->duration_s = (double)(last_end - first_due) / 1e9;
    out->last_due_s = (double)last_due / 1e9;
    out->accounting = c->accounting;
    out->estimated_usage = c->estimated_usage;
    out->connects = c->connects;
    out->slow_reads = c->slow_reads;
    out->peak_in_flight = peak_in_flight(c);
    compare_lengths(c, out);
    out->window = summarize_phase(c, &window, o);
    struct summary_options plain = *o;
    plain.no_intervals = true;
    out->all = summarize_phase(c, &all, &plain);
    collector_summarize_groups(c, window.from_ns, out);
}

size_t collector_values(struct collector *c, enum metric m, double **out)
{
    struct moments ignored = {0};
    if (m != METRIC_CHUNK_GAP) {
        *out = mem_alloc(c->row_count * sizeof **out);
        return gather(c, m, INT64_MIN, *out, &ignored);
    }
    size_t n = c->gaps.count;
    *out = mem_alloc(n * sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (double)c->gaps.values[i] / MS;
    return n;
}
