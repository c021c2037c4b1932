/* Quotas that a day's requests and tokens do not tell enough for, and what a forecast leaves out.
 */
#include "sim/plan/forecast_parts.h"

#include "sim/cost/bill/bill_windows.h"

static bool is_for_some(const struct plan_quota *q)
{
    return q->model_count + q->class_count > 0;
}

static size_t list_needs(const struct plan_quota *quotas, size_t count, int64_t from_ns, size_t n,
                         const struct plan_quota *out[FORECAST_NEEDS])
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_quota *q = &quotas[i];
        if (plan_quota_length(q) < from_ns || !(q->of || q->counts || is_for_some(q)))
            continue;
        if (n < FORECAST_NEEDS)
            out[n] = q;
        n++;
    }
    return n;
}

/* How many there are, in `out` as many as are looked at. */
static size_t find_needs(const struct plan *plan, const struct plan_quota *out[FORECAST_NEEDS])
{
    size_t n = list_needs(plan->quotas, plan->quota_count, 0, 0, out);
    return list_needs(plan->rate_limits, plan->rate_limit_count, FORECAST_DAY_NS, n, out);
}

size_t forecast_needs(const struct plan *plan, const struct plan_quota *out[FORECAST_NEEDS])
{
    size_t n = find_needs(plan, out);
    return n < FORECAST_NEEDS ? n : FORECAST_NEEDS;
}

static int add(struct block_need *to, const struct block_need *more)
{
    to->amount += more->amount;
    to->weight_micro += more->weight_micro;
    return money_add(to->usage, more->usage, &to->usage);
}

int block_needs_add(struct block_need *needs, const struct plan *plan, const struct tariff *t,
                    size_t row, struct serve_ask *ask, money charge)
{
    const struct plan_quota *quotas[FORECAST_NEEDS];
    size_t count = forecast_needs(plan, quotas);
    ask->charge = (money_magnitude)charge;
    for (size_t i = 0; i < count; i++) {
        const struct plan_quota *q = quotas[i];
        struct block_need one = {.usage = charge, .weight_micro = ask->weight_micro};
        if (!plan_quota_is_for(q, ask->model, ask->class_name))
            continue;
        if (q->of)
            one.amount = bill_calls(t, row, q, &one.usage);
        else if (q->unit != QUOTA_USD)
            one.amount = (uint64_t)serve_need(q, ask);
        if (add(&needs[i], &one) < 0)
            return -1;
    }
    return 0;
}

static int add_times(struct block_need *to, const struct block_need *from, uint64_t times)
{
    struct block_need more = {times * from->amount, 0, times * from->weight_micro};
    return money_multiply(from->usage, times, &more.usage) < 0 ? -1 : add(to, &more);
}

int block_charge_add_sum(struct block_charge *to, const struct block_sum *sum,
                         const struct block_need *needs, size_t need_count, uint64_t times)
{
    money usage;
    if (money_multiply(sum->usage, times, &usage) < 0 ||
        money_add(to->usage, usage, &to->usage) < 0)
        return -1;
    to->weight_micro += times * sum->weight_micro;
    to->input += times * sum->input;
    to->output += times * sum->output;
    for (size_t i = 0; i < need_count; i++)
        if (add_times(&to->need[i], &needs[i], times) < 0)
            return -1;
    return 0;
}

int block_charge_add(struct block_charge *to, const struct block_charge *from)
{
    struct block_sum sum = {from->usage, from->weight_micro, from->input, from->output};
    return block_charge_add_sum(to, &sum, from->need, FORECAST_NEEDS, 1);
}

static uint32_t terms_of(const struct plan_quota *q)
{
    return (q->alignment == WINDOW_SESSION ? 1u << FORECAST_TERM_SESSIONS : 0) |
           (is_for_some(q) && !q->of ? 1u << FORECAST_TERM_SHARES : 0);
}

uint32_t forecast_terms(const struct plan *plan)
{
    const struct plan_quota *some[FORECAST_NEEDS];
    uint32_t terms = find_needs(plan, some) > FORECAST_NEEDS ? 1u << FORECAST_TERM_QUOTAS : 0;
    for (size_t i = 0; i < plan->quota_count; i++)
        terms |= terms_of(&plan->quotas[i]);
    for (size_t i = 0; i < plan->fees.volume_count; i++)
        if (!plan_volume_is_plain(&plan->fees.volumes[i]))
            terms |= 1u << FORECAST_TERM_VOLUME;
    return terms;
}

static const struct {
    const char *key, *words;
} terms[FORECAST_TERMS] = {
    [FORECAST_TERM_SESSIONS] = {"session_windows",
                                "windows that begin with a request are taken as if they followed "
                                "each other"},
    [FORECAST_TERM_SHARES] =
        {"quotas_of_some", "of a quota for some models or classes the day's mean share is taken"},
    [FORECAST_TERM_VOLUME] = {"volume_discounts",
                              "volume discounts by tokens, by model or by calendar months are left "
                              "out"},
    [FORECAST_TERM_QUOTAS] = {"further_quotas",
                              "only the first four quotas for some models, classes, tools or units "
                              "are looked at"},
};

const char *forecast_term_key(enum forecast_term term)
{
    return terms[term].key;
}

const char *forecast_term_words(enum forecast_term term)
{
    return terms[term].words;
}
