/* The JSON that a summary becomes: summary.json. */
#include "core/runs/summary/summary.h"

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

void accounting_write(const struct accounting *a, struct json_writer *w)
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

void summary_write(const struct summary *s, struct json_writer *w)
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
    accounting_write(&s->accounting, w);
    put_totals(w, &s->window);
    put_lengths(w, s);
    json_key(w, "slo");
    json_begin_object(w);
    for (size_t i = 0; i < s->slos.count; i++)
        put_number(w, metric_key(s->slos.items[i].metric), s->slos.items[i].limit_ms);
    json_end_object(w);
    json_key(w, "fidelity");
    fidelity_write(&s->fidelity, w);
    put_metrics(w, &s->window);
    put_groups(w, s);
    put_set_up(w, s);
    put_error_samples(w, s);
    put_all(w, s);
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}
