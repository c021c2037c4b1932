/* What a plan may say that the sums of many requests do not decide, nor bound. */
#include "sim/cost/sums/sum_parts.h"

static const char *unknown_in_quota(const struct plan_quota *q)
{
    if (q->alignment == WINDOW_SESSION)
        return "windows that begin with a request";
    if (q->unit == QUOTA_CALLS || q->unit == QUOTA_UNITS)
        return "free calls or units";
    if (q->unit == QUOTA_USD && !plan_quota_is_settled(q))
        return "quota of money";
    if (q->credits_micro > 0)
        return "quota of credits";
    if (q->model_count > 0 || q->class_count > 0)
        return "quota for some models or classes";
    if (q->counts)
        return "quota that counts classes of tokens apart";
    return q->rolls_over ? "quota that rolls over" : NULL;
}

static const char *unknown_in_quotas(const struct plan_quota *quotas, size_t count)
{
    const char *what = NULL;
    for (size_t i = 0; i < count && !what; i++)
        what = unknown_in_quota(&quotas[i]);
    return what;
}

static const char *unknown_in_weights(const struct request_weight *weights, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (weights[i].hours.weekdays != 0)
            return "weights by the hour";
    return NULL;
}

static const char *unknown_in_rate(const struct plan_rate *rate)
{
    if (rate->cache_storage > 0)
        return "storage of cached tokens";
    for (size_t i = 0; i < (rate->window_count + 1) * plan_rate_services(rate); i++)
        if (rate->resolved[i].by_output)
            return "prices by the length of the answer";
    return unknown_in_weights(rate->weights, rate->weight_count);
}

static const char *unknown_in_volume(const struct plan_volume *v, size_t count)
{
    if (v->by_tokens)
        return "volume discount by tokens";
    if (!plan_volume_is_plain(v))
        return "volume discount by model or calendar";
    return v->all_units || count > 1 ? "volume discount on all units, or more than one" : NULL;
}

const char *sum_unknown_term(const struct plan *plan)
{
    const char *what = unknown_in_quotas(plan->quotas, plan->quota_count);
    if (plan->charged != CHARGED_REQUEST)
        return plan->charged == CHARGED_TURN ? "charge by the turn" : "charge by the session";
    if (plan->subscription.setup > 0 || plan->provisioned.setup > 0)
        return "set-up fee";
    if (plan->fees.credit_bonus_millionths > 0)
        return "bonus credit";
    for (size_t i = 0; i < plan->fees.volume_count && !what; i++)
        what = unknown_in_volume(&plan->fees.volumes[i], plan->fees.volume_count);
    if (!what)
        what = unknown_in_quotas(plan->rate_limits, plan->rate_limit_count);
    if (!what)
        what = unknown_in_weights(plan->limits.units, plan->limits.unit_count);
    for (size_t i = 0; i < plan->rate_count && !what; i++)
        what = unknown_in_rate(&plan->rates[i]);
    return what;
}
