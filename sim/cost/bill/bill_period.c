/* Scaling the bill of a stretch to a period that has too many requests to place them one by one. */
#include "sim/cost/bill/bill_parts.h"

#include <string.h>

static bool is_long(const struct bill *bill, const struct plan_quota *q)
{
    return bill->scale_ns > 0 && !plan_quota_is_settled(q) && plan_quota_length(q) > bill->scale_ns;
}

bool bill_has_long_quotas(const struct plan *plan, const struct bill *bill)
{
    for (size_t i = 0; i < plan->quota_count; i++)
        if (is_long(bill, &plan->quotas[i]))
            return true;
    return false;
}

void bill_without_long_quotas(const struct bill *bill, const struct bought *bought,
                              struct plan *out)
{
    *out = bought->plan;
    out->quota_count = 0;
    for (size_t i = 0; i < bought->plan.quota_count; i++) {
        struct plan_quota q = bought->quotas[i];
        if (is_long(bill, &q))
            continue;
        memmove(&bought->quotas[out->quota_count + 1], &bought->quotas[out->quota_count],
                (i - out->quota_count) * sizeof q);
        bought->quotas[out->quota_count++] = q;
    }
}

uint64_t bill_scaled(const struct bill *bill, uint64_t count)
{
    if (bill->scale_ns == 0)
        return count;
    uint64_t placed = bill->workload->count;
    return (uint64_t)(((money_magnitude)count * bill->scaled_requests + placed / 2) / placed);
}

/* Money in 1e-9 USD, requests and tokens one by one: of a period that is scaled, which is no more
 * exact than that. */
static uint64_t in_whole(const struct plan_quota *q, money_magnitude counted)
{
    uint64_t unit = q->unit == QUOTA_USD                     ? (uint64_t)(MONEY_USD / 1000000000)
                    : q->unit == QUOTA_REQUESTS || q->counts ? PLAN_MICRO
                                                             : 1;
    return (uint64_t)(counted / unit);
}

/* What the rows that a quota is for, by what their classes count for, ask of it. */
static uint64_t demand_of_rows(const struct bill *bill, const struct plan_bill *p,
                               const struct plan_quota *q)
{
    const struct serve_rows given = {.workload = bill->workload}, rows = bill_rows_for(&given, p);
    const struct serve_conditions conditions = {.start_unix_ns = bill->start_unix_ns};
    money_magnitude sum = 0;
    for (size_t i = 0; i < bill->workload->count; i++) {
        struct serve_ask ask;
        serve_ask_of(p->plan, &rows, &conditions, i, &ask);
        sum += serve_need(q, &ask);
    }
    return in_whole(q, sum);
}

static uint64_t demand_of(const struct plan_bill *p, const struct bill *bill,
                          const struct plan_quota *q)
{
    if (q->unit != QUOTA_USD && (q->counts || q->model_count + q->class_count > 0))
        return bill_scaled(bill, demand_of_rows(bill, p, q));
    switch (q->unit) {
    case QUOTA_USD:
        return bill_scaled(bill, in_whole(q, (money_magnitude)p->sums.total));
    case QUOTA_REQUESTS:
        return bill_scaled(bill, p->served_requests);
    case QUOTA_INPUT_TOKENS:
        return bill_scaled(bill, p->sums.input_tokens);
    case QUOTA_OUTPUT_TOKENS:
        return bill_scaled(bill, p->sums.output_tokens);
    default:
        return bill_scaled(bill, p->sums.input_tokens + p->sums.output_tokens);
    }
}

static uint64_t capacity_of(const struct bill *bill, const struct plan_quota *q)
{
    uint64_t amount = in_whole(q, plan_quota_amount(q));
    uint64_t windows = (uint64_t)(bill->billed_span_ns / plan_quota_length(q));
    return amount * (windows ? windows : 1);
}

/* The share of the demand that one quota takes: of the charges in what is paid beyond it, of the
 * requests in what is not served beyond it. */
static int settle(struct plan_bill *p, const struct bill *bill, const struct plan_quota *q)
{
    uint64_t demand = demand_of(p, bill, q), capacity = capacity_of(bill, q);
    bool enough = capacity >= demand;
    if (q->beyond == BEYOND_PAY)
        return enough ? (p->cash[LINE_USAGE] = 0, 0)
                      : money_prorate(p->cash[LINE_USAGE], demand - capacity, demand,
                                      &p->cash[LINE_USAGE]);
    p->cash[LINE_USAGE] = 0;
    if (!enough) {
        money_magnitude served = (money_magnitude)p->period_served * capacity / demand;
        p->period_served = (uint64_t)served;
    }
    return 0;
}

bool bill_need_is_charged(const struct plan *plan, const struct bill *bill)
{
    for (size_t i = 0; i < plan->quota_count; i++) {
        const struct plan_quota *q = &plan->quotas[i];
        if (is_long(bill, q) && q->beyond != BEYOND_PAY && q->unit != QUOTA_REQUESTS)
            return true;
    }
    return false;
}

void bill_need_of_period(struct plan_bill *p, const struct bill *bill)
{
    for (size_t i = 0; i < p->plan->quota_count; i++) {
        const struct plan_quota *q = &p->plan->quotas[i];
        if (!is_long(bill, q) || q->beyond == BEYOND_PAY)
            continue;
        uint64_t demand = demand_of(p, bill, q), capacity = capacity_of(bill, q);
        uint64_t needed = capacity ? demand / capacity + (demand % capacity > 0) : 0;
        if (needed > p->need.count)
            p->need = (struct serve_need){.count = needed, .window = *q};
    }
}

int bill_scale(struct plan_bill *p, const struct plan *bought, const struct bill *bill)
{
    p->period_requests = p->requests;
    p->period_served = p->served_requests;
    p->cash[LINE_USAGE] = p->sums.total;
    if (bill->scale_ns > 0) {
        p->period_requests = bill_scaled(bill, p->requests);
        p->period_served = bill_scaled(bill, p->served_requests);
        if (money_prorate(p->sums.total, bill->scaled_requests, bill->workload->count,
                          &p->cash[LINE_USAGE]) < 0)
            return -1;
        for (size_t i = 0; i < bought->quota_count; i++)
            if (is_long(bill, &bought->quotas[i]) && settle(p, bill, &bought->quotas[i]) < 0)
                return -1;
    }
    p->prorated[LINE_USAGE] = p->cash[LINE_USAGE];
    return 0;
}
