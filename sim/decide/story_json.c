/* story.json. */
#include "sim/decide/story.h"

static const char *plan_name(const struct story *s, size_t plan)
{
    return plan == STORY_NOBODY ? NULL : s->options.plans[plan]->name;
}

static void put_stats(const struct plan_bill *p, struct json_writer *w)
{
    bool varies = plan_bill_varies(p);
    json_key(w, "request_usd");
    if (!varies) {
        json_put_null(w);
    } else {
        json_begin_object(w);
        json_pair_statistic(w, "mean", p->stats.mean);
        json_pair_statistic(w, "min", p->stats.min);
        json_pair_statistic(w, "p50", p->stats.p50);
        json_pair_statistic(w, "p90", p->stats.p90);
        json_pair_statistic(w, "p99", p->stats.p99);
        json_pair_statistic(w, "max", p->stats.max);
        json_end_object(w);
    }
    json_pair_statistic(w, "max_over_median", varies ? p->stats.max_over_median : 1);
    json_pair_statistic(w, "cv", varies ? p->stats.cv : 0);
}

static void put_saving(const struct story_part *p, enum story_change change, size_t plan,
                       struct json_writer *w)
{
    struct story_saving saving;
    json_key(w, story_change_name(change));
    if (!story_saving(p, change, plan, &saving)) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_money(w, "before_usd", saving.before);
    json_pair_money(w, "after_usd", saving.after);
    json_pair_money(w, "saved_usd", saving.saved);
    json_end_object(w);
}

static void put_pays(const struct story *s, const struct story_part *p, size_t plan,
                     struct json_writer *w)
{
    struct story_pays pays = story_pays(p, plan);
    json_key(w, "flat_pays_from");
    if (pays.flat == STORY_NOBODY) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "plan", plan_name(s, pays.flat));
    json_pair_known_u64(w, "requests", !pays.never, pays.requests);
    json_pair_known_u64(w, "low", pays.sure && pays.low != UINT64_MAX, pays.low);
    json_pair_known_u64(w, "high", pays.sure && pays.high != UINT64_MAX, pays.high);
    json_pair_u64(w, "looked_up_to", p->ladder.end);
    json_end_object(w);
}

static void put_plan(const struct story *s, const struct story_part *p, size_t plan,
                     struct json_writer *w)
{
    const struct plan_bill *b = &p->bill.plans[plan];
    bool serves = story_serves(p, plan);
    json_begin_object(w);
    json_pair_string(w, "plan", b->plan->name);
    json_pair_bool(w, "serves", serves);
    json_pair_u64(w, "served", b->period_served);
    json_pair_known_money(w, "usd_a_month", serves, b->total);
    json_pair_known_u64(w, "count", b->subscriptions > 0, b->subscriptions);
    put_stats(b, w);
    json_key(w, "changes");
    json_begin_object(w);
    for (int i = 0; i < STORY_CHANGES; i++)
        put_saving(p, (enum story_change)i, plan, w);
    json_end_object(w);
    put_pays(s, p, plan, w);
    json_end_object(w);
}

static void put_part(const struct story *s, const struct story_part *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "workload", p->workload->name);
    json_pair_u64(w, "sample_requests", p->workload->count);
    json_pair_u64(w, "requests_a_month", p->bill.workload->count);
    json_key(w, "changes");
    json_begin_object(w);
    for (int i = 0; i < STORY_CHANGES; i++)
        json_pair_string(w, story_change_name((enum story_change)i), p->changes[i]);
    json_end_object(w);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < s->options.plan_count; i++)
        put_plan(s, p, i, w);
    json_end_array(w);
    json_end_object(w);
}

void story_write_json(const struct story *s, story_member *more, void *context,
                      struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "command", "decide --story");
    json_pair_u64(w, "volume", s->options.volume);
    json_pair_string(w, "by_token", plan_name(s, s->token));
    json_pair_string(w, "cached", plan_name(s, s->cached));
    json_pair_string(w, "flat", plan_name(s, s->flat));
    if (more)
        more(s, context, w);
    json_key(w, "workloads");
    json_begin_array(w);
    for (size_t i = 0; i < s->count; i++)
        put_part(s, &s->parts[i], w);
    json_end_array(w);
    json_end_object(w);
}
