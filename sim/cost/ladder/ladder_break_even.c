/* Where a flat plan and one by the token change places, along other axes than requests. */
#include "sim/cost/ladder/ladder_parts.h"

#define MILLION 1000000

/* The bill's comparison of the two. */
static const struct break_even *pair_of(const struct bill *b, size_t token, size_t flat)
{
    for (size_t i = 0; i < b->break_even_count; i++) {
        const struct break_even *e = &b->break_even[i];
        if (e->token_plan == token && e->flat_plan == flat)
            return e;
    }
    return NULL;
}

/* What so many of the plan pay for here, and the requests that are served for it. */
static bool paid_here(const struct ladder *l, struct ladder_search *s, size_t number,
                      struct flat_price *out)
{
    const struct plan_bill *p = &l->bill->plans[number];
    uint64_t sessions = ladder_sessions(s->m, l->here);
    if (l->bill->options.period == PERIOD_MONTH) {
        *out = (struct flat_price){p->total, p->period_served};
        return p->rank > 0;
    }
    size_t plan = ladder_plan_of(s, number);
    if (plan == LADDER_NOBODY || l->here > EXTRAPOLATE_MOST)
        return false;
    *out = (struct flat_price){ladder_ask(s, plan, sessions), ladder_rows(s->m, sessions)};
    return out->price < MONEY_MAX;
}

/* Requests in a month of so many, over those that `subscriptions` include in it. */
static bool use_of(const struct ladder *l, const struct ladder_search *s, const struct plan *plan,
                   uint64_t subscriptions, uint64_t requests, uint64_t *millionths)
{
    const struct plan_quota *q = plan->quotas;
    if (plan->quota_count != 1 || q->unit != QUOTA_REQUESTS || q->model_count + q->class_count ||
        q->amount == 0 || requests > EXTRAPOLATE_MOST)
        return false;
    money_magnitude used =
        (money_magnitude)ladder_rows(s->m, ladder_sessions(s->m, requests)) * PLAN_MICRO * MILLION;
    money_magnitude whole = (money_magnitude)q->amount * subscriptions * (uint64_t)l->month_ns /
                            (uint64_t)plan_quota_length(q);
    *millionths = (uint64_t)(used / (whole ? whole : 1));
    return true;
}

/* At the end where `after` begins to pay, if it is flat and `before` is by the token. */
static void compare(struct ladder *l, struct ladder_search *s, const struct ladder_interval *after)
{
    const struct ladder_run *before = &after[-1].run;
    const struct break_even *e = pair_of(l->bill, before->plan, after->run.plan);
    struct ladder_break_even *out = &l->break_even[l->break_even_count];
    if (!e || after->left)
        return;
    const struct plan *flat = l->bill->plans[e->flat_plan].plan;
    const struct plan_rate *rate = plan_rate_for(l->bill->plans[e->token_plan].plan, e->model);
    *out = (struct ladder_break_even){.token_plan = e->token_plan,
                                      .flat_plan = e->flat_plan,
                                      .requests = after->run.from,
                                      .mean_input = e->mean_input,
                                      .mean_output = e->mean_output};
    if (!rate || !paid_here(l, s, e->flat_plan, &out->flat))
        return;
    out->input =
        break_even_input(rate, &out->flat, out->mean_output, flat->limits.max_input_tokens);
    out->output =
        break_even_output(rate, &out->flat, out->mean_input, flat->limits.max_output_tokens);
    out->cache = break_even_cache(rate, &out->flat, out->mean_input, out->mean_output);
    uint64_t count = after->run.subscriptions;
    out->has_use = use_of(l, s, flat, count, after->run.from, &out->use_millionths) &&
                   use_of(l, s, flat, count, l->here, &out->use_here_millionths);
    l->break_even_count++;
}

void ladder_add_break_evens(struct ladder *l, struct ladder_search *s)
{
    const struct ladder_interval *here = ladder_at(l, l->here);
    if (here && here + 1 < l->intervals + l->interval_count)
        compare(l, s, here + 1);
    if (here && here > l->intervals)
        compare(l, s, here);
}
