/* The JSON that a collector and a summary become: summary.json, histograms.json, timeline.jsonl. */
#include "core/runs/summary/collector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_pair(struct json_writer *w, const char *key, const double ci[2])
{
    json_key(w, key);
    if (isnan(ci[0])) {
        json_put_null(w);
        return;
    }
    json_begin_array(w);
    json_put_statistic(w, ci[0]);
    json_put_statistic(w, ci[1]);
    json_end_array(w);
}

/* Six decimals; six significant digits where those would say next to nothing. */
static void put_number(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    if (fabs(value) < 1e-3)
        json_put_statistic(w, value);
    else
        json_put_double(w, isfinite(value) ? nearbyint(value * 1e6) / 1e6 : value);
}

static void put_metric(struct json_writer *w, enum metric m, const struct metric_summary *s)
{
    json_key(w, metric_key(m));
    json_begin_object(w);
    json_pair_u64(w, "count", s->count);
    put_number(w, "mean", s->mean);
    put_number(w, "stddev", s->stddev);
    put_number(w, "min", s->min);
    put_number(w, "p50", s->p50);
    put_number(w, "p90", s->p90);
    put_number(w, "p95", s->p95);
    put_number(w, "p99", s->p99);
    put_number(w, "p999", s->p999);
    put_number(w, "max", s->max);
    json_pair_string(w, "quantile_method", s->quantile_method);
    json_key(w, "ci95");
    json_begin_object(w);
    put_pair(w, "mean", s->ci_mean);
    put_pair(w, "p50", s->ci_p50);
    put_pair(w, "p99", s->ci_p99);
    json_end_object(w);
    json_end_object(w);
}

static void put_accounting(struct json_writer *w, const struct accounting *a)
{
    json_key(w, "accounting");
    json_begin_object(w);
    json_pair_u64(w, "scheduled", a->scheduled);
    json_pair_u64(w, "completed", a->completed);
    json_pair_u64(w, "failed", a->failed);
    json_pair_u64(w, "cancelled", a->cancelled);
    json_pair_u64(w, "unsent", a->unsent);
    json_pair_u64(w, "not_due", a->not_due);
    json_pair_u64(w, "attempts", a->attempts);
    json_pair_u64(w, "retried", a->retried);
    json_key(w, "failed_by");
    json_begin_object(w);
    for (int i = 0; i < FAILURE_CLASSES; i++)
        if (a->failed_by[i])
            json_pair_u64(w, failure_name((enum failure_class)i), a->failed_by[i]);
    json_end_object(w);
    json_key(w, "unsent_by");
    json_begin_object(w);
    for (int i = 0; i < UNSENT_REASONS; i++)
        if (a->unsent_by[i])
            json_pair_u64(w, unsent_name((enum unsent_reason)i), a->unsent_by[i]);
    json_end_object(w);
    json_end_object(w);
}

static void put_totals(struct json_writer *w, const struct phase_summary *p)
{
    json_pair_u64(w, "input_tokens", p->input_tokens);
    json_pair_u64(w, "cached_input_tokens", p->cached_input_tokens);
    json_pair_u64(w, "output_tokens", p->output_tokens);
    json_pair_u64(w, "reasoning_tokens", p->reasoning_tokens);
    put_number(w, "request_throughput_rps", p->request_throughput_rps);
    put_number(w, "output_throughput_tps", p->output_throughput_tps);
    put_number(w, "total_throughput_tps", p->total_throughput_tps);
    put_number(w, "goodput_rps", p->goodput_rps);
    put_number(w, "goodput_fraction", p->goodput_fraction);
}

static void put_metrics(struct json_writer *w, const struct phase_summary *p)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        put_metric(w, (enum metric)m, &p->metrics[m]);
}

static void put_all(struct json_writer *w, const struct summary *s)
{
    json_key(w, "all");
    json_begin_object(w);
    put_number(w, "duration_s", s->all.duration_s);
    json_pair_u64(w, "requests", s->all.requests);
    put_totals(w, &s->all);
    put_metrics(w, &s->all);
    json_end_object(w);
}

static void put_lengths(struct json_writer *w, const struct summary *s)
{
    json_key(w, "asked");
    json_begin_object(w);
    json_pair_u64(w, "input_tokens", s->asked_input);
    json_pair_u64(w, "output_tokens", s->asked_output);
    put_number(w, "input_error_p50", s->input_error_p50);
    put_number(w, "input_error_p99", s->input_error_p99);
    json_pair_u64(w, "too_short_for_endpoint", s->asked_too_little);
    json_end_object(w);
    put_number(w, "tokens_per_chunk", s->tokens_per_chunk);
    json_pair_u64(w, "estimated_usage", s->estimated_usage);
    json_pair_u64(w, "peak_in_flight", s->peak_in_flight);
    put_number(w, "last_due_s", s->last_due_s);
}

static void put_short(struct json_writer *w, const char *key, const struct short_metric *s)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_u64(w, "count", s->count);
    put_number(w, "mean", s->mean);
    put_number(w, "p50", s->p50);
    put_number(w, "p90", s->p90);
    put_number(w, "p99", s->p99);
    json_end_object(w);
}

const char *group_metric_key(int metric)
{
    static const char *const keys[GROUP_METRICS] = {"ttft_scheduled_ms", "ttft_ms", "tpot_ms",
                                                    "e2e_ms"};
    return keys[metric];
}

static void put_group(struct json_writer *w, const struct group_summary *g)
{
    json_key(w, g->name);
    json_begin_object(w);
    json_pair_u64(w, "requests", g->requests);
    json_pair_u64(w, "completed", g->completed);
    json_pair_u64(w, "failed", g->failed);
    json_pair_u64(w, "cancelled", g->cancelled);
    json_pair_u64(w, "unsent", g->unsent);
    json_pair_u64(w, "input_tokens", g->input_tokens);
    json_pair_u64(w, "output_tokens", g->output_tokens);
    put_number(w, "goodput_fraction", g->goodput_fraction);
    for (int m = 0; m < GROUP_METRICS; m++)
        put_short(w, group_metric_key(m), &g->metrics[m]);
    json_end_object(w);
}

/* {"class": {"chat": {...}, ...}, ...}; groups of a dimension stand together. */
static void put_groups(struct json_writer *w, const struct summary *s)
{
    json_key(w, "by");
    json_begin_object(w);
    for (size_t i = 0; i < s->group_count; i++) {
        const char *name = s->groups[i].dimension;
        if (i == 0 || strcmp(name, s->groups[i - 1].dimension) != 0) {
            json_key(w, name);
            json_begin_object(w);
        }
        put_group(w, &s->groups[i]);
        if (i + 1 == s->group_count || strcmp(name, s->groups[i + 1].dimension) != 0)
            json_end_object(w);
    }
    json_end_object(w);
}

const char *set_up_key(int part)
{
    static const char *const keys[SET_UP_PARTS] = {
        "dns_ms",        "connect_ms",   "tls_ms", "first_byte_ms", "first_reasoning_ms",
        "first_text_ms", "first_tool_ms"};
    return keys[part];
}

static void put_set_up(struct json_writer *w, const struct summary *s)
{
    json_key(w, "breakdown");
    json_begin_object(w);
    for (int i = 0; i < SET_UP_PARTS; i++)
        if (s->set_up[i].count)
            put_short(w, set_up_key(i), &s->set_up[i]);
    json_end_object(w);
}

static void put_error_samples(struct json_writer *w, const struct summary *s)
{
    json_key(w, "error_samples");
    json_begin_object(w);
    for (int f = 0; f < FAILURE_CLASSES; f++) {
        if (!*s->error_samples[f][0])
            continue;
        json_key(w, failure_name((enum failure_class)f));
        json_begin_array(w);
        for (int i = 0; i < ERROR_SAMPLES && *s->error_samples[f][i]; i++)
            json_put_string(w, s->error_samples[f][i]);
        json_end_array(w);
    }
    json_end_object(w);
}

void summary_write(const struct summary *s, const char *fidelity, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_pair_string(w, "command", s->command);
    json_pair_string(w, "load", s->load);
    put_number(w, "duration_s", s->duration_s);
    put_number(w, "warmup_s", s->warmup_s);
    json_pair_string(w, "warmup_method", s->warmup_method);
    put_number(w, "steady_from_s", s->steady_from_s);
    put_number(w, "steady_rate_from_s", s->steady_rate_from_s);
    put_number(w, "steady_rate_until_s", s->steady_rate_until_s);
    put_number(w, "window_s", s->window.duration_s);
    put_accounting(w, &s->accounting);
    put_totals(w, &s->window);
    put_lengths(w, s);
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < s->slos.count; i++)
        put_number(w, metric_key(s->slos.items[i].metric), s->slos.items[i].limit_ms);
    json_end_object(w);
    json_pair_raw(w, "fidelity", text_of(fidelity ? fidelity : "{}"));
    put_metrics(w, &s->window);
    put_groups(w, s);
    put_set_up(w, s);
    put_error_samples(w, s);
    put_all(w, s);
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}

static void put_histogram(struct json_writer *w, const struct histogram *h, const struct moments *m)
{
    char sum[MOMENTS_TEXT_SIZE], squares[MOMENTS_TEXT_SIZE];
    moments_format_sums(m, sum, squares);
    json_begin_object(w);
    json_pair_u64(w, "count", m->count);
    json_pair_i64(w, "min_ns", m->min);
    json_pair_i64(w, "max_ns", m->max);
    json_pair_string(w, "sum_ns", sum);
    json_pair_string(w, "sum_of_squares_ns2", squares);
    json_key(w, "buckets");
    int indent = w->indent;
    w->indent = 0; /* thousands of pairs: one line */
    json_begin_array(w);
    for (struct histogram_bucket b = {0}; histogram_next(h, &b);) {
        json_begin_array(w);
        json_put_i64(w, b.lower);
        json_put_u64(w, b.count);
        json_end_array(w);
    }
    json_end_array(w);
    w->indent = indent;
    json_end_object(w);
}

/* What histograms.json says of each metric. */
struct metric_totals {
    struct histogram histogram;
    struct moments moments;
};

static void add_total(struct metric_totals *t, int64_t value_ns)
{
    histogram_add(&t->histogram, value_ns, 1);
    moments_add(&t->moments, value_ns, 1);
}

static void total_rows(struct collector *c, struct metric_totals totals[METRIC_COUNT])
{
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        int64_t value;
        for (int m = 0; m < METRIC_COUNT; m++)
            if (row_metric(r, (enum metric)m, &value))
                add_total(&totals[m], value);
    }
    sorter_scan_end(&scan);
}

static void total_gaps(const struct gap_store *g, struct metric_totals *total)
{
    struct spool_scan scan = spool_scan_of(&g->exact);
    for (const struct timed_value *v; (v = spool_scan_next(&scan));)
        add_total(total, v->value_ns);
    for (int i = 0; i < GAP_SLICES; i++) {
        histogram_merge(&total->histogram, &g->slices[i]);
        moments_merge(&total->moments, &g->moments[i]);
    }
}

void collector_write_histograms(struct collector *c, struct json_writer *w)
{
    struct metric_totals totals[METRIC_COUNT] = {0};
    total_rows(c, totals);
    total_gaps(&c->gaps, &totals[METRIC_CHUNK_GAP]);
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    put_accounting(w, &c->accounting);
    for (int m = 0; m < METRIC_COUNT; m++) {
        json_key(w, metric_key((enum metric)m));
        put_histogram(w, &totals[m].histogram, &totals[m].moments);
        histogram_free(&totals[m].histogram);
    }
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}

void collector_write_timeline(struct collector *c, struct buffer *out)
{
    struct timeline_line *lines;
    size_t count = collector_timeline(c, &lines);
    for (size_t i = 0; i < count; i++) {
        struct json_writer w;
        json_write_init(&w, out, 0);
        json_begin_object(&w);
        json_pair_u64(&w, "t_s", lines[i].t_s);
        json_pair_u64(&w, "seconds", lines[i].seconds);
        json_pair_u64(&w, "due", lines[i].due);
        json_pair_u64(&w, "sent", lines[i].sent);
        json_pair_u64(&w, "completed", lines[i].completed);
        json_pair_u64(&w, "failed", lines[i].failed);
        json_pair_u64(&w, "cancelled", lines[i].cancelled);
        json_pair_u64(&w, "unsent", lines[i].unsent);
        json_pair_u64(&w, "output_tokens", lines[i].output_tokens);
        json_pair_u64(&w, "in_flight", lines[i].in_flight);
        json_end_object(&w);
        buffer_add_byte(out, '\n');
    }
    free(lines);
}
