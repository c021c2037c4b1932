/* A ladder in bill.json. */
#include "sim/cost/ladder/ladder.h"

static void put_count(struct json_writer *w, const char *key, uint64_t value)
{
    json_pair_known_u64(w, key, value != UINT64_MAX, value);
}

static void put_total(struct json_writer *w, const char *key, money total)
{
    json_pair_known_money(w, key, total != MONEY_MAX, total);
}

static const char *plan_name(const struct ladder *l, size_t plan)
{
    return plan == LADDER_NOBODY ? NULL : l->bill->plans[plan].plan->name;
}

static void put_run(const struct ladder *l, const struct ladder_run *r, struct json_writer *w)
{
    json_pair_u64(w, "requests_from", r->from);
    json_pair_u64(w, "requests_to", r->to);
    json_pair_u64(w, "sessions_from", r->sessions_from);
    json_pair_u64(w, "sessions_to", r->sessions_to);
    json_pair_string(w, "plan", plan_name(l, r->plan));
    put_total(w, "total_from_usd", r->total_from);
    put_total(w, "total_to_usd", r->total_to);
    json_pair_bool(w, "plan_proven", r->plan_proven);
    json_pair_bool(w, "proven", r->proven);
}

static void put_surety(const struct ladder_surety *s, struct json_writer *w)
{
    json_key(w, "pays_off_from");
    if (!s->known) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    put_count(w, "low", s->low);
    put_count(w, "high", s->high);
    json_pair_u64(w, "redraws", s->redraws);
    json_pair_u64(w, "never", s->beyond);
    json_end_object(w);
}

static void put_intervals(const struct ladder *l, struct json_writer *w)
{
    const struct ladder_interval *here = ladder_at(l, l->here);
    json_key(w, "intervals");
    json_begin_array(w);
    for (size_t i = 0; i < l->interval_count; i++) {
        const struct ladder_interval *in = &l->intervals[i];
        json_begin_object(w);
        put_run(l, &in->run, w);
        json_pair_u64(w, "subscriptions_least", in->least_subscriptions);
        json_pair_u64(w, "subscriptions_most", in->most_subscriptions);
        json_pair_bool(w, "here", in == here);
        json_pair_bool(w, "plan_before_serves", i > 0 && !in->left);
        put_surety(&in->surety, w);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "steps");
    json_begin_array(w);
    for (size_t i = 0; i < l->step_count; i++) {
        json_begin_object(w);
        put_run(l, &l->steps[i], w);
        json_pair_u64(w, "subscriptions", l->steps[i].subscriptions);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_answer(struct json_writer *w, const char *key, const struct break_even_answer *a,
                       bool millionths)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_string(w, "answer", break_even_kind_name(a->kind));
    json_key(w, "value");
    if (a->kind == BREAK_EVEN_NEVER || a->kind == BREAK_EVEN_ALWAYS)
        json_put_null(w);
    else if (millionths)
        json_put_money(w, (money)a->value * (MONEY_USD / 1000000));
    else
        json_put_u64(w, a->value);
    json_end_object(w);
}

static void put_break_evens(const struct ladder *l, struct json_writer *w)
{
    json_key(w, "break_even");
    json_begin_array(w);
    for (size_t i = 0; i < l->break_even_count; i++) {
        const struct ladder_break_even *e = &l->break_even[i];
        json_begin_object(w);
        json_pair_string(w, "token_plan", plan_name(l, e->token_plan));
        json_pair_string(w, "flat_plan", plan_name(l, e->flat_plan));
        json_pair_u64(w, "requests_a_month", e->requests);
        json_pair_u64(w, "mean_input_tokens", e->mean_input);
        json_pair_u64(w, "mean_output_tokens", e->mean_output);
        put_answer(w, "input_tokens", &e->input, false);
        put_answer(w, "output_tokens", &e->output, false);
        put_answer(w, "cache_hit_ratio", &e->cache, true);
        if (e->has_use) {
            json_pair_statistic(w, "use", (double)e->use_millionths * 1e-6);
            json_pair_statistic(w, "use_here", (double)e->use_here_millionths * 1e-6);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_curves(const struct ladder *l, struct json_writer *w)
{
    json_key(w, "curves");
    json_begin_array(w);
    for (size_t i = 0; i < l->curve_count; i++) {
        const struct ladder_curve *c = &l->curves[i];
        json_begin_object(w);
        json_pair_string(w, "plan", plan_name(l, c->plan));
        json_key(w, "requests");
        json_begin_array(w);
        for (size_t k = 0; k < c->count; k++)
            if (c->points[k].total != MONEY_MAX)
                json_put_u64(w, c->points[k].requests);
        json_end_array(w);
        json_key(w, "total_usd");
        json_begin_array(w);
        for (size_t k = 0; k < c->count; k++)
            if (c->points[k].total != MONEY_MAX)
                json_put_money(w, c->points[k].total);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

void ladder_write_json(const struct ladder *l, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "here_requests", l->here);
    json_pair_bool(w, "at_own_rate", l->at_own_rate);
    json_pair_u64(w, "to_requests", l->end);
    json_pair_bool(w, "ends_early", l->ends_early);
    json_pair_statistic(w, "month_s", (double)l->month_ns * 1e-9);
    json_pair_string(w, "profile", l->by_hour ? "hour of week" : "even");
    json_pair_ms(w, "max_wait_ms", l->bill->options.max_wait_ns);
    json_pair_bool(w, "proven", l->proven);
    put_intervals(l, w);
    put_break_evens(l, w);
    json_key(w, "redrawn");
    json_begin_object(w);
    json_pair_string(w, "what", l->by_days ? "days" : "sessions");
    json_pair_u64(w, "months", l->redraws);
    json_pair_u64(w, "same_cheapest_here", l->here_same);
    json_end_object(w);
    put_curves(l, w);
    json_end_object(w);
}

static void write_json(const void *of, struct json_writer *w)
{
    ladder_write_json(of, w);
}

/* Requests a day, of so many a month, rounded up. */
static uint64_t a_day(const struct ladder *l, uint64_t requests)
{
    money_magnitude days = (money_magnitude)requests * (uint64_t)(86400 * NS_PER_S);
    uint64_t month = (uint64_t)l->month_ns;
    return (uint64_t)(days / month) + (days % month > 0);
}

void ladder_attach(const struct ladder *l, struct bill *bill)
{
    for (size_t i = 0; i < bill->break_even_count; i++) {
        const struct ladder_pair *p = &l->pairs[i];
        if (p->known && p->never)
            bill->break_even[i].volume = (struct break_even_answer){BREAK_EVEN_NEVER, 0};
        else if (p->known)
            bill->break_even[i].volume =
                (struct break_even_answer){BREAK_EVEN_AT, a_day(l, p->requests)};
    }
    bill->ladder = l;
    bill_attach(bill, "ladder", l, write_json);
}
