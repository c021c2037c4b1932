#include "sim/mock/plan_limits.h"

#include "core/clock.h"

#define MICRO 1000000

/* The rule that a rate limit belongs to, or NULL. */
static uint64_t *rule_for(const struct plan_quota *q, struct limit_rules *rules)
{
    if (q->unit == QUOTA_REQUESTS && q->length_ns == 60 * NS_PER_S)
        return &rules->rpm;
    if (q->unit == QUOTA_REQUESTS && q->length_ns == 86400 * NS_PER_S)
        return &rules->rpd;
    if (q->unit == QUOTA_TOKENS && q->length_ns == 60 * NS_PER_S)
        return &rules->tpm;
    return NULL;
}

unsigned limit_rules_from_plan(const struct plan *plan, struct limit_rules *rules)
{
    unsigned left_out = 0;
    for (size_t i = 0; i < plan->rate_limit_count; i++) {
        const struct plan_quota *q = &plan->rate_limits[i];
        uint64_t *rule = rule_for(q, rules);
        if (!rule)
            left_out++;
        else if (*rule == 0)
            *rule = q->unit == QUOTA_REQUESTS ? q->amount / MICRO : q->amount;
    }
    if (rules->concurrency == 0)
        rules->concurrency = plan->limits.concurrency;
    return left_out;
}
