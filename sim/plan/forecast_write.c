/* The forecast as JSON. */
#include "sim/plan/forecast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *forecast_date(const struct forecast *f, size_t day, char out[FORECAST_DATE_SIZE])
{
    char text[CLOCK_INSTANT_SIZE];
    if (day == FORECAST_NEVER) {
        snprintf(out, FORECAST_DATE_SIZE, "-");
    } else if (f->has_start) {
        clock_format_instant(f->begin_unix_ns + (int64_t)day * FORECAST_DAY_NS, text);
        snprintf(out, FORECAST_DATE_SIZE, "%.10s", text);
    } else {
        snprintf(out, FORECAST_DATE_SIZE, "day %zu", day + 1);
    }
    return out;
}

static void put_band(struct json_writer *w, const char *key, const struct forecast_band *b)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "mean", b->mean);
    json_pair_statistic(w, "p5", b->p5);
    json_pair_statistic(w, "p50", b->p50);
    json_pair_statistic(w, "p95", b->p95);
    json_end_object(w);
}

static void put_day(const struct forecast *f, struct json_writer *w, const char *key, size_t day)
{
    char text[FORECAST_DATE_SIZE];
    json_key(w, key);
    if (day == FORECAST_NEVER)
        json_put_null(w);
    else
        json_put_string(w, forecast_date(f, day, text));
}

static void put_end(const struct forecast *f, struct json_writer *w, const char *key,
                    const struct forecast_end *e)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "probability", e->probability);
    put_day(f, w, "p5", e->p5);
    put_day(f, w, "p50", e->p50);
    put_day(f, w, "p95", e->p95);
    json_end_object(w);
}

bool forecast_has_allowance(const struct plan *p)
{
    return p->quota_count > 0 || p->rate_limit_count > 0;
}

static void put_plan(const struct forecast *f, struct json_writer *w, const struct forecast_plan *p)
{
    json_begin_object(w);
    json_pair_string(w, "plan", p->plan->name);
    json_pair_money(w, "sample_usd", p->sample_usd);
    json_pair_u64(w, "sample_rejected", p->rejected);
    if (p->counts.foreign > 0)
        json_pair_string(w, "counts_of", p->counts.counted);
    if (p->counts.scaled > 0)
        json_pair_string(w, "tokens_as", p->counts.scale->model);
    put_band(w, "bill_usd", &p->bill);
    json_pair_statistics(w, "month_usd", p->month_usd, f->options.months);
    if (f->options.has_budget) {
        json_pair_statistic(w, "over_budget_probability", p->over_budget);
        put_end(f, w, "budget_runs_out", &p->budget);
    }
    if (forecast_has_allowance(p->plan))
        put_end(f, w, "quota_runs_out", &p->quota);
    json_pair_statistic(w, "subscriptions", p->subscriptions);
    json_pair_statistic(w, "unserved_share", p->unserved_share);
    json_pair_statistic(w, "delayed_share", p->delayed_share);
    json_pair_bool(w, "short_limits_ignored", p->short_limits);
    json_key(w, "approximate");
    json_begin_array(w);
    for (int i = 0; i < FORECAST_TERMS; i++)
        if (p->terms >> i & 1)
            json_put_string(w, forecast_term_key((enum forecast_term)i));
    json_end_array(w);
    json_key(w, "spend_usd");
    json_begin_object(w);
    json_pair_statistics(w, "p5", p->p5, f->days);
    json_pair_statistics(w, "p50", p->p50, f->days);
    json_pair_statistics(w, "p95", p->p95, f->days);
    json_end_object(w);
    json_end_object(w);
}

const char *forecast_plan_name(const struct forecast_result *r, size_t plan)
{
    return plan == FORECAST_NEVER ? NULL : r->plans[plan].plan->name;
}

/* So many of each month. */
static void put_months(struct json_writer *w, const uint64_t *by_month, size_t months)
{
    json_key(w, "by_month");
    json_begin_array(w);
    for (size_t k = 0; k < months; k++)
        json_put_u64(w, by_month[k]);
    json_end_array(w);
}

static void put_figures(const struct forecast *f, struct json_writer *w, const struct commitment *c)
{
    json_pair_bool(w, "pays_beyond", c->pays_beyond);
    json_pair_u64(w, "count", c->count);
    put_band(w, "usd", &c->usd);
    put_band(w, "without_usd", &c->without);
    json_pair_statistic(w, "saves_probability", c->saves);
    json_pair_statistic(w, "one_usd", c->one_usd);
    json_pair_statistic(w, "worth_usd", c->worth_usd);
    json_pair_statistic(w, "signed_at_discount", commitment_discount(c));
    put_months(w, c->by_month, f->options.months);
    put_day(f, w, "turns_on", c->turns);
    put_end(f, w, "turns", &c->turn);
    json_pair_known_u64(w, "last_days", c->has_last, c->last_days);
    json_pair_known_u64(w, "last_count", c->has_last, c->last_count);
    json_pair_statistic(w, "last_usd", c->has_last ? c->last_usd : NAN);
}

static void put_commitments(const struct forecast *f, struct json_writer *w,
                            const struct forecast_result *r)
{
    json_key(w, "commitments");
    json_begin_array(w);
    for (size_t i = 0; i < r->commitment_count; i++) {
        const struct commitment *c = &r->commitments[i];
        json_begin_object(w);
        json_pair_string(w, "plan", r->plans[c->plan].plan->name);
        json_pair_string(w, "rest_at", forecast_plan_name(r, c->elsewhere));
        json_pair_string(w, "why_not", c->why_not);
        if (!c->why_not)
            put_figures(f, w, c);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_result(const struct forecast *f, struct json_writer *w,
                       const struct forecast_result *r, forecast_member *more)
{
    json_begin_object(w);
    json_pair_string(w, "scenario", r->scenario.name);
    json_pair_statistic(w, "growth_percent_per_month", r->percent);
    json_pair_bool(w, "growth_assumed", r->scenario.assumed);
    put_band(w, "requests", &r->requests);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t p = 0; p < f->plan_count; p++)
        put_plan(f, w, &r->plans[p]);
    json_end_array(w);
    json_pair_string(w, "cheapest", r->undecided ? NULL : forecast_plan_name(r, r->cheapest));
    if (r->undecided)
        json_pair_bool(w, "undecided", true);
    json_key(w, "schedule");
    json_begin_array(w);
    for (size_t k = 0; k < f->options.months; k++)
        json_put_string(w, r->undecided ? NULL : forecast_plan_name(r, r->schedule[k]));
    json_end_array(w);
    json_pair_statistic(w, "schedule_usd", r->undecided ? NAN : r->schedule_usd);
    if (f->options.commits)
        put_commitments(f, w, r);
    if (more)
        more(f, r, w);
    json_end_object(w);
}

static void put_basis(const struct forecast *f, struct json_writer *w)
{
    char date[FORECAST_DATE_SIZE];
    json_key(w, "sample");
    json_begin_object(w);
    json_pair_u64(w, "requests", f->workload->count);
    json_pair_u64(w, "whole_days", f->sample_days);
    json_pair_statistic(w, "span_days", f->span_days);
    json_pair_u64(w, "left_out", f->left_out);
    json_end_object(w);
    json_key(w, "model");
    json_begin_object(w);
    json_pair_string(w, "from", f->options.history ? "history" : "sample");
    json_pair_u64(w, "days", f->model_days);
    json_pair_string(w, "season", f->weekly ? "weekly" : "none");
    json_pair_bool(w, "stationary_assumed", f->options.assume_stationary);
    json_key(w, "trend_percent_per_month");
    if (f->has_trend)
        json_put_statistic(w, f->trend_percent);
    else
        json_put_null(w);
    json_pair_statistic(w, "daily_noise_log", f->noise);
    json_end_object(w);
    json_key(w, "horizon");
    json_begin_object(w);
    json_pair_u64(w, "months", f->options.months);
    json_pair_u64(w, "days", f->days);
    json_pair_string(w, "begin", f->has_start ? forecast_date(f, 0, date) : NULL);
    json_pair_u64(w, "samples", f->options.samples);
    json_end_object(w);
}

static void put_split(const struct forecast_split *s, struct json_writer *w)
{
    json_key(w, "split");
    json_begin_object(w);
    json_pair_string(w, "flat", s->flat->name);
    json_pair_string(w, "token", s->token->name);
    json_pair_statistic(w, "to_flat_share", s->to_flat_share);
    json_pair_money(w, "from_request_usd", s->least_moved);
    json_pair_money(w, "sample_saved_usd", s->saved);
    json_pair_statistic(w, "saved_share", s->saved_share);
    json_end_object(w);
}

void forecast_write_json(const struct forecast *f, forecast_member *more, struct json_writer *w)
{
    json_begin_object(w);
    put_basis(f, w);
    if (f->options.has_budget)
        json_pair_money(w, "budget_usd", f->options.budget);
    json_key(w, "scenarios");
    json_begin_array(w);
    for (size_t i = 0; i < f->options.scenario_count; i++)
        put_result(f, w, &f->results[i], more);
    json_end_array(w);
    if (f->split.present)
        put_split(&f->split, w);
    json_end_object(w);
}
