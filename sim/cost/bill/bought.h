/* A plan as it is bought: so many subscriptions or provisioned units of it at once.
 *
 *     struct bought b;
 *     bought_make(&b, plan, 3, 0);
 *     serve_plan(&b.plan, &rows, &conditions, &served);      // three times the quotas and limits
 *     bought_free(&b);
 *
 * Quotas, rate limits, concurrency, included credit and what is paid by the period count n-fold;
 * prices and caps on tokens stay. A request must still fit one subscription (plan_quota.most),
 * except where the units make one deployment (plan_quota.pooled). Borrows all else of the plan.
 */
#ifndef FAREBOX_SIM_COST_BILL_BOUGHT_H
#define FAREBOX_SIM_COST_BILL_BOUGHT_H

#include "sim/cost/book/plan.h"

struct bought {
    struct plan plan;
    struct plan_quota *quotas, *rate_limits;
};

/* count: 0 = once, for a plan that has no number. units: provisioned units instead of the plan's
 * own number; 0 = the plan's. Amounts beyond 64 bits saturate. */
void bought_make(struct bought *out, const struct plan *plan, uint64_t count, uint64_t units);
void bought_free(struct bought *b);

/* True if the plan is paid by the period, used or not: a subscription or provisioned units. */
bool plan_is_paid_by_period(const struct plan *plan);

/* That period, and what one of the plan costs in it: its seats, or its provisioned units. */
int64_t plan_period_ns(const struct plan *plan);
money plan_period_price(const struct plan *plan);

/* True if one can buy the plan several times: a subscription that costs something, or units whose
 * capacity is known. A free allowance is had once, an account by the token has no number, and where
 * the plan or `units` says how many units there are, it is so many. */
bool plan_is_bought_in_numbers(const struct plan *plan, uint64_t units);

/* True if some of the plan's quotas charge for what is beyond them. */
bool plan_pays_beyond(const struct plan *plan);

/* Periods of a subscription or of provisioned hours that have begun when `elapsed_ns` have passed
 * since the first request. Months and years are anniversaries where the start is known, else 30 and
 * 365 days. */
uint64_t bought_periods(int64_t period_ns, bool has_start, int64_t start_unix_ns,
                        int64_t elapsed_ns);

/* When the n-th of them begins (from 0), after the first request. */
int64_t bought_period_begin(int64_t period_ns, bool has_start, int64_t start_unix_ns, uint64_t n);

/* The count from `low` to `high` of least cost, the smaller of equals: exact where cost has one
 * valley, the best found elsewhere. MONEY_MAX: that count is out. */
typedef money bought_cost_fn(void *context, uint64_t count);
uint64_t bought_cheapest(uint64_t low, uint64_t high, bought_cost_fn *cost, void *context,
                         money *least);

#endif
