#include "sim/cost/bill/bill.h"

#include "sim/cost/bill/bill_tokens_show.h"
#include "sim/cost/book/plan_words.h"

#include <math.h>
#include <string.h>

static void put_workload(const struct bill *b, struct json_writer *w)
{
    json_key(w, "workload");
    json_begin_object(w);
    json_pair_string(w, "name", b->workload->name);
    json_pair_u64(w, "requests", b->sample->count);
    if (b->generated) {
        json_pair_string(w, "generated_from", b->generated);
        json_pair_u64(w, "seed", b->generated_seed);
    }
    if (b->period)
        json_pair_u64(w, "period_requests", b->workload->count);
    json_pair_u64(w, "completed", b->completed);
    json_pair_u64(w, "input_tokens", b->input_tokens);
    json_pair_u64(w, "output_tokens", b->output_tokens);
    json_pair_statistic(w, "duration_s", (double)b->span_ns * 1e-9);
    json_pair_u64(w, "peak_minute_requests", b->peak_minute);
    json_pair_u64(w, "peak_day_requests", b->peak_day);
    if (b->has_reported) {
        json_pair_money(w, "reported_usd", b->reported);
        json_pair_u64(w, "reported_requests", b->reported_requests);
    }
    json_end_object(w);
}

static void put_period(const struct bill *b, struct json_writer *w)
{
    static const char *const names[] = {"trace", "day", "month"};
    json_key(w, "period");
    json_begin_object(w);
    json_pair_string(w, "name", names[b->options.period]);
    json_pair_bool(w, "extrapolated", b->period != NULL);
    if (b->period) {
        json_pair_u64(w, "volume", b->options.volume);
        json_pair_u64(w, "sessions", b->extrapolation.sessions);
        json_pair_string(w, "profile", b->extrapolation.by_hour ? "hour of week" : "even");
        json_pair_bool(w, "scaled", b->scale_ns > 0);
    }
    json_pair_statistic(w, "span_s", (double)b->billed_span_ns * 1e-9);
    json_pair_ms(w, "max_wait_ms", b->options.max_wait_ns);
    json_pair_instant(w, "start", b->has_start ? b->start_unix_ns : TIME_NEVER);
    json_end_object(w);
}

static void put_stats(struct json_writer *w, const struct cost_stats *s)
{
    json_pair_statistic(w, "min", s->min);
    json_pair_statistic(w, "p50", s->p50);
    json_pair_statistic(w, "p90", s->p90);
    json_pair_statistic(w, "p99", s->p99);
    json_pair_statistic(w, "max", s->max);
    json_pair_statistic(w, "cv", s->cv);
    json_pair_statistic(w, "max_over_median", s->max_over_median);
}

static void put_per_request(const struct plan_bill *p, struct json_writer *w)
{
    json_key(w, "per_request_usd");
    json_begin_object(w);
    json_pair_money(w, "mean", p->per_request);
    put_stats(w, &p->stats);
    json_pair_money(w, "per_used_request", p->per_used_request);
    if (p->has_full_use)
        json_pair_money(w, "at_full_use", p->full_use);
    json_end_object(w);
    json_key(w, "per_session_usd");
    json_begin_object(w);
    if (p->session_stats.count > 0) {
        json_pair_u64(w, "sessions", p->session_stats.count);
        json_pair_statistic(w, "mean", p->session_stats.mean);
        put_stats(w, &p->session_stats);
    }
    json_end_object(w);
}

static void put_lines(const struct plan_bill *p, struct json_writer *w)
{
    json_key(w, "lines");
    json_begin_object(w);
    for (int i = 0; i < BILL_LINES; i++) {
        if (p->cash[i] == 0 && p->prorated[i] == 0)
            continue;
        json_key(w, bill_line_name((enum bill_line)i));
        json_begin_object(w);
        json_pair_money(w, "total_usd", p->cash[i]);
        json_pair_money(w, "prorated_usd", p->prorated[i]);
        json_end_object(w);
    }
    json_end_object(w);
    json_key(w, "parts");
    json_begin_object(w);
    for (int i = 0; i < CHARGE_PARTS; i++) {
        if (p->sums.part[i] == 0)
            continue;
        json_key(w, charge_part_name((enum charge_part)i));
        json_begin_object(w);
        json_pair_money(w, "usd", p->sums.part[i]);
        json_pair_statistic(w, "variance_share", p->stats.share[i]);
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_served(const struct plan_bill *p, struct json_writer *w)
{
    json_pair_u64(w, "requests", p->requests);
    json_pair_u64(w, "served", p->served_requests);
    json_pair_u64(w, "included", p->served.count[SERVE_INCLUDED]);
    json_pair_u64(w, "rejected", p->rejected);
    json_pair_u64(w, "period_requests", p->period_requests);
    json_pair_u64(w, "period_served", p->period_served);
    json_key(w, "rejected_by");
    json_begin_object(w);
    for (int i = SERVE_INCLUDED + 1; i < SERVE_FATES; i++)
        if (p->served.count[i] > 0)
            json_pair_u64(w, serve_fate_name((enum serve_fate)i), p->served.count[i]);
    json_end_object(w);
    json_pair_u64(w, "delayed", p->served.delayed);
    json_pair_ms(w, "delay_max_ms", p->served.delay_max_ns);
    json_pair_statistic(w, "delay_mean_ms",
                        p->served_requests
                            ? (double)p->served.delay_sum_ns * 1e-6 / (double)p->served_requests
                            : NAN);
    json_pair_u64(w, "truncated", p->served.truncated);
    json_pair_u64(w, "unpriced", p->sums.unpriced);
    json_key(w, "unpriced_what");
    json_begin_array(w);
    for (int i = 0; i < UNPRICED_NAMES; i++)
        if (p->sums.unpriced_what >> i & 1)
            json_put_string(w, unpriced_name(i));
    json_end_array(w);
}

static void put_use(const struct plan_bill *p, const struct bill *b, struct json_writer *w)
{
    json_pair_statistic(w, "utilisation", bill_utilisation(p, b));
    if (p->need.count > 0) {
        json_pair_u64(w, "quotas_needed", p->need.count);
        json_pair_string(w, "quotas_needed_for",
                         p->need.concurrency ? "concurrency" : p->need.window.label);
    }
    if (p->alone_rejected > 0)
        json_pair_u64(w, "rejected_by_one", p->alone_rejected);
    plan_put_remarks_json(p->plan, b->workload, w);
    json_pair_money(w, "usd_per_mtok", p->per_mtok);
    json_pair_bool(w, "concurrency_checked", !p->served.concurrency_unchecked);
}

static void put_waste(const struct plan_bill *p, struct json_writer *w)
{
    json_key(w, "waste");
    json_begin_object(w);
    json_pair_money(w, "retries_usd", p->waste.retries);
    json_pair_money(w, "failed_usd", p->waste.failed);
    json_pair_money(w, "aborted_usd", p->waste.aborted);
    if (p->waste.has_slo) {
        json_pair_money(w, "slo_missed_usd", p->waste.slo_missed);
        json_pair_u64(w, "slo_missed_requests", p->waste.slo_missed_requests);
    }
    if (p->waste.has_cache)
        json_pair_money(w, "cache_misses_usd", p->waste.cache_misses);
    json_pair_u64(w, "good_requests", p->waste.good_requests);
    json_pair_money(w, "usage_per_good_request_usd", p->waste.usage_per_good);
    json_end_object(w);
    if (p->reconciled.requests == 0)
        return;
    json_key(w, "reported");
    json_begin_object(w);
    json_pair_u64(w, "requests", p->reconciled.requests);
    json_pair_u64(w, "equal", p->reconciled.equal);
    json_pair_money(w, "reported_usd", p->reconciled.reported);
    json_pair_money(w, "ours_usd", p->reconciled.ours);
    json_pair_money(w, "largest_difference_usd", p->reconciled.largest_difference);
    json_end_object(w);
}

static void put_trend(const struct plan_bill *p, const struct bill_group *g, struct json_writer *w)
{
    bool charged = p->sums.total > 0;
    json_key(w, "trend");
    if (!g->has_trend) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "of", charged ? "usage_usd" : "requests");
    if (charged) {
        json_pair_money(w, "last_week", g->trend_now);
        json_pair_money(w, "week_before", g->trend_before);
    } else {
        json_pair_u64(w, "last_week", (uint64_t)g->trend_now);
        json_pair_u64(w, "week_before", (uint64_t)g->trend_before);
    }
    json_pair_statistic(w, "change",
                        g->trend_before > 0 ? cost_usd(g->trend_now) / cost_usd(g->trend_before) - 1
                                            : NAN);
    json_end_object(w);
}

static void put_group(const struct plan_bill *p, const struct bill_group *g, struct json_writer *w)
{
    static const char *const kinds[] = {"value", "none", "unused"};
    json_begin_object(w);
    json_pair_string(w, "name", g->name);
    json_pair_string(w, "kind", kinds[g->kind]);
    json_pair_u64(w, "requests", g->requests);
    json_pair_money(w, "usage_usd", g->usage);
    json_pair_money(w, "total_usd", g->total);
    json_pair_money(w, "shown_usd", g->shown);
    json_key(w, "share");
    if (p->total > 0)
        json_put_statistic(w, (double)g->share_tenths * 1e-3);
    else
        json_put_null(w);
    json_pair_statistic(w, "cv", g->stats.cv);
    json_pair_statistic(w, "max_over_median", g->stats.max_over_median);
    put_trend(p, g, w);
    json_end_object(w);
}

static void put_meter(const struct bill_meter *m, struct json_writer *w)
{
    json_key(w, "meter");
    if (!m->of) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "of", m->of);
    json_pair_bool(w, "allowance", m->is_allowance);
    json_pair_money(w, "used", m->used);
    json_pair_money(w, "capacity", m->capacity);
    json_end_object(w);
}

static void put_groups(const struct bill *b, const struct plan_bill *p, struct json_writer *w)
{
    json_key(w, "by");
    json_begin_object(w);
    if (b->options.by) {
        json_key(w, b->options.by);
        json_begin_array(w);
        for (size_t i = 0; i < p->group_count; i++)
            put_group(p, &p->groups[i], w);
        json_end_array(w);
    }
    json_end_object(w);
    if (b->options.by)
        put_meter(&p->meter, w);
}

static void put_plan(const struct bill *b, const struct plan_bill *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "plan", p->plan->name);
    json_pair_string(w, "caps", bill_caps_name(p));
    json_pair_known_u64(w, "rank", p->rank && !p->contested, (uint64_t)p->rank);
    json_pair_money(w, "total_usd", p->total);
    bill_put_counts_json(p, w);
    json_pair_u64(w, "subscriptions", p->subscriptions);
    json_pair_u64(w, "periods", p->periods);
    json_pair_money(w, "prorated_usd", p->prorated_total);
    put_per_request(p, w);
    put_served(p, w);
    put_use(p, b, w);
    put_lines(p, w);
    put_waste(p, w);
    put_groups(b, p, w);
    json_end_object(w);
}

static void put_answer(struct json_writer *w, const char *key, const struct break_even_answer *a,
                       bool millionths)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_string(w, "answer", break_even_kind_name(a->kind));
    json_key(w, "value");
    if (a->kind != BREAK_EVEN_AT && a->kind != BREAK_EVEN_BEYOND)
        json_put_null(w);
    else if (millionths)
        json_put_statistic(w, (double)a->value * 1e-6);
    else
        json_put_u64(w, a->value);
    json_end_object(w);
}

static void put_split(const struct bill *b, const struct bill_split *s, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "token_plan", b->plans[s->token_plan].plan->name);
    json_pair_string(w, "flat_plan", b->plans[s->flat_plan].plan->name);
    if (s->undecided)
        json_pair_bool(w, "undecided", true);
    json_pair_u64(w, "to_flat", s->to_flat);
    json_pair_u64(w, "to_token", s->to_token);
    json_pair_u64(w, "unserved", s->unserved);
    json_pair_money(w, "token_usd", s->token_usage);
    json_pair_money(w, "moved_usd", s->moved_usage);
    json_pair_money(w, "least_moved_usd", s->least_moved);
    json_pair_u64(w, "subscriptions", s->subscriptions);
    json_pair_money(w, "flat_usd", s->flat);
    json_pair_money(w, "total_usd", s->total);
    json_pair_known_money(w, "saved_usd", s->has_alone && !s->undecided, s->saved);
    json_pair_bool(w, "exact", s->has_below && s->below == s->total);
    json_pair_known_money(w, "none_below_usd", s->has_below, s->below);
    json_end_object(w);
}

static void put_pair(const struct bill *b, const struct break_even *e, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "token_plan", b->plans[e->token_plan].plan->name);
    json_pair_string(w, "flat_plan", b->plans[e->flat_plan].plan->name);
    if (e->undecided)
        json_pair_bool(w, "undecided", true);
    json_pair_money(w, "flat_price_usd", b->plans[e->token_plan].per_request);
    json_pair_string(w, "model", e->model);
    json_pair_u64(w, "mean_input_tokens", e->mean_input);
    json_pair_u64(w, "mean_output_tokens", e->mean_output);
    put_answer(w, "input_tokens", &e->input, false);
    put_answer(w, "output_tokens", &e->output, false);
    put_answer(w, "requests_per_day", &e->volume, false);
    put_answer(w, "utilisation", &e->utilisation, true);
    put_answer(w, "cache_hit_ratio", &e->cache, true);
    if (e->has_steps)
        put_answer(w, "steps_per_run", &e->steps, false);
    json_pair_known_u64(w, "requests_dearer_than_flat", !e->undecided, e->dearer);
    json_end_object(w);
}

static void put_lengths(struct json_writer *w, const char *key, const uint64_t *lengths,
                        size_t count)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++)
        json_put_u64(w, lengths[i]);
    json_end_array(w);
}

/* Rows by input, columns by output; the numbers are those of "plans", -1 = none, -2 = not
 * decided. */
static void put_map(const struct bill *b, struct json_writer *w)
{
    const struct cheapest_map *m = &b->map;
    struct buffer row;
    buffer_init(&row, BUFFER_UNBOUNDED);
    json_key(w, "cheapest_map");
    json_begin_object(w);
    put_lengths(w, "input_tokens", m->inputs, m->input_count);
    put_lengths(w, "output_tokens", m->outputs, m->output_count);
    json_key(w, "plan");
    json_begin_array(w);
    for (size_t i = 0; i < m->input_count; i++) {
        buffer_clear(&row);
        for (size_t o = 0; o < m->output_count; o++)
            buffer_add_format(&row, "%s%d", o ? ", " : "[", m->cheapest[i * m->output_count + o]);
        buffer_add_byte(&row, ']');
        json_put_raw(w, (struct text){row.data, row.length});
    }
    json_end_array(w);
    json_end_object(w);
    buffer_free(&row);
}

static void put_splits(const struct bill *b, struct json_writer *w)
{
    json_key(w, "split");
    json_begin_object(w);
    json_key(w, "best");
    if (b->best_split && !b->split_undecided)
        put_split(b, b->best_split, w);
    else
        json_put_null(w);
    if (b->split_undecided)
        json_pair_bool(w, "undecided", true);
    else if (b->best_split && b->ranking_count > 0)
        json_pair_money(w, "saved_against_cheapest_usd", b->best_split_saved);
    if (b->has_split_below)
        json_pair_money(w, "none_below_usd", b->split_below);
    json_key(w, "pairs");
    json_begin_array(w);
    for (size_t i = 0; i < b->split_count; i++)
        put_split(b, &b->splits[i], w);
    json_end_array(w);
    json_key(w, "left_out");
    json_begin_array(w);
    for (size_t i = 0; i < b->left_out_count; i++) {
        json_begin_object(w);
        json_pair_string(w, "plan", b->plans[b->left_out[i].plan].plan->name);
        json_pair_string(w, "why", b->left_out[i].why);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_comparison(const struct bill *b, struct json_writer *w)
{
    json_key(w, "break_even");
    json_begin_array(w);
    for (size_t i = 0; i < b->break_even_count; i++)
        put_pair(b, &b->break_even[i], w);
    json_end_array(w);
    put_splits(b, w);
    put_map(b, w);
}

void bill_attach(struct bill *b, const char *key, const void *of,
                 void (*write_json)(const void *of, struct json_writer *w))
{
    if (b->addition_count < BILL_ADDITIONS)
        b->additions[b->addition_count++] = (struct bill_addition){key, of, write_json};
}

void bill_write_json(const struct bill *b, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    put_workload(b, w);
    put_period(b, w);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < b->plan_count; i++)
        put_plan(b, &b->plans[i], w);
    json_end_array(w);
    put_comparison(b, w);
    for (size_t i = 0; i < b->addition_count; i++) {
        json_key(w, b->additions[i].key);
        b->additions[i].write_json(b->additions[i].of, w);
    }
    bill_put_undecided_json(b, w);
    json_key(w, "ranking");
    json_begin_array(w);
    for (size_t i = 0; i < b->ranking_count && !b->undecided; i++) {
        char name[BILL_NAME_SIZE];
        json_put_string(w, bill_plan_name(&b->plans[b->ranking[i]], name));
    }
    json_end_array(w);
    json_end_object(w);
}
