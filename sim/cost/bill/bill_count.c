/* How many of a plan to buy: the cheapest count that serves everything within the longest wait. */
#include "sim/cost/bill/bill_parts.h"

#include <stdlib.h>

/* What so many of the plan come to. */
struct attempt {
    const struct plan_bill *p;
    const struct bill *bill;
    const struct serve_rows *rows;
    struct serve_conditions conditions;
    uint64_t best;
    money best_cash;
    bool overflow;
};

/* Serves the rows under `count` of the plan. */
static void serve(const struct attempt *a, uint64_t count, struct bought *bought,
                  struct long_quotas *quotas, struct serve_result *served)
{
    bought_make(bought, a->p->plan, count, a->bill->options.units);
    long_quotas_take_out(quotas, a->bill, &bought->plan);
    serve_plan(&quotas->plan, a->rows, &a->conditions, served);
}

static void end(struct bought *bought, struct long_quotas *quotas, struct serve_result *served)
{
    serve_result_free(served);
    long_quotas_free(quotas);
    bought_free(bought);
}

static bool in_time(const struct attempt *a, uint64_t count)
{
    struct bought bought;
    struct long_quotas quotas;
    struct serve_result served;
    serve(a, count, &bought, &quotas, &served);
    bool ok = served.delay_max_ns <= a->bill->options.max_wait_ns &&
              served.count[SERVE_QUOTA] + served.count[SERVE_RATE] == 0;
    end(&bought, &quotas, &served);
    return ok;
}

/* The least count that keeps the wait: more of a plan never make anyone wait longer. `enough`
 * makes nobody wait. */
static uint64_t least_in_time(const struct attempt *a, uint64_t enough)
{
    uint64_t low = 1, high = enough;
    if (a->bill->options.max_wait_ns <= 0)
        return enough;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (in_time(a, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Periods that are paid with so many of the plan. */
static uint64_t periods_of(const struct attempt *a, uint64_t count)
{
    const struct plan *plan = a->p->plan;
    const struct bill *b = a->bill;
    struct bought bought;
    struct long_quotas quotas;
    struct plan_bill trial = *a->p;
    serve(a, count, &bought, &quotas, &trial.served);
    int64_t elapsed = bill_paid_until(&trial, b) - b->first_ns;
    end(&bought, &quotas, &trial.served);
    return bought_periods(plan->subscription.present ? plan->subscription.period_ns
                                                     : plan->provisioned.period_ns,
                          b->has_start, b->start_unix_ns + b->first_ns, elapsed);
}

static money cash_of(void *context, uint64_t count)
{
    struct attempt *a = context;
    struct bought bought;
    struct long_quotas quotas;
    struct plan_bill trial = *a->p;
    struct tariff t;
    serve(a, count, &bought, &quotas, &trial.served);
    trial.subscriptions = count;
    trial.served_requests = trial.served.count[SERVE_PAID] + trial.served.count[SERVE_INCLUDED];
    tariff_init(&t, &quotas.plan, a->rows, &trial.served, bill_known_start(a->bill),
                trial.without_caps, a->bill->options.earlier);
    tariff_charge_all(&t, a->bill->options.workers, &trial.sums, NULL);
    bool ok = !trial.sums.overflow && bill_add_lines(&trial, &bought.plan, a->bill, &t) == 0;
    tariff_free(&t);
    end(&bought, &quotas, &trial.served);
    a->overflow = a->overflow || !ok;
    return ok ? trial.total : MONEY_MAX;
}

/* More of a plan finish a queue within fewer periods: of `from` to `enough`, the least count for
 * each number of periods, and of those the cheapest. */
#define PERIODS_TRIED 64
static uint64_t cheapest_in_periods(struct attempt *a, uint64_t from, uint64_t enough)
{
    uint64_t fewest = periods_of(a, enough), most = periods_of(a, from), best = from;
    money least = fewest < most ? cash_of(a, from) : 0;
    for (uint64_t p = fewest; p < most && p < fewest + PERIODS_TRIED && !a->overflow; p++) {
        uint64_t low = from, high = enough;
        while (low < high) {
            uint64_t middle = low + (high - low) / 2;
            if (periods_of(a, middle) <= p)
                high = middle;
            else
                low = middle + 1;
        }
        money now = cash_of(a, high);
        if (now < least || (now == least && high < best)) {
            least = now;
            best = high;
        }
    }
    return best;
}

/* Beyond `from`, more subscriptions save what would be paid beyond the quota. Where all requests
 * weigh and cost the same that saving shrinks with each, so cash has one valley. */
static void cheapest_from(struct attempt *a, uint64_t from)
{
    const struct plan *plan = a->p->plan;
    money first = cash_of(a, from), price = plan_period_price(plan);
    if (a->overflow || price <= 0 || first / price < (money)from)
        return;
    money most = first / price; /* that many alone cost as much as `from` and what is beyond */
    a->best = bought_cheapest(from, most > 1000000000 ? 1000000000 : (uint64_t)most, cash_of, a,
                              &a->best_cash);
}

/* Totals of one plan, from which the needs of a scaled period follow. */
static void need_of_period(const struct attempt *a, struct plan_bill *p)
{
    struct bought bought;
    struct long_quotas quotas;
    struct tariff t;
    serve(a, 1, &bought, &quotas, &p->served);
    p->served_requests = p->served.count[SERVE_PAID] + p->served.count[SERVE_INCLUDED];
    tariff_init(&t, &quotas.plan, a->rows, &p->served, bill_known_start(a->bill), p->without_caps,
                a->bill->options.earlier);
    tariff_charge_all(&t, a->bill->options.workers, &p->sums, NULL);
    bill_need_of_period(p, a->bill);
    tariff_free(&t);
    end(&bought, &quotas, &p->served);
}

int bill_choose_count(struct plan_bill *p, const struct bill *bill, const struct serve_rows *rows)
{
    struct attempt a = {.p = p,
                        .bill = bill,
                        .rows = rows,
                        .conditions = {bill->start_unix_ns, p->without_caps},
                        .best = 1,
                        .best_cash = MONEY_MAX};
    struct bought one;
    struct long_quotas quotas;
    bought_make(&one, p->plan, 1, bill->options.units);
    long_quotas_take_out(&quotas, bill, &one.plan);
    serve_plans_needed(&quotas.plan, rows, &a.conditions, &p->need);
    long_quotas_free(&quotas);
    bought_free(&one);
    if (bill->scale_ns > 0)
        need_of_period(&a, p);
    p->subscriptions = p->plan->subscription.present || p->plan->provisioned.present;
    if (!plan_is_bought_in_numbers(p->plan, bill->options.units))
        return 0;
    if (p->need.count > 1)
        p->subscriptions = least_in_time(&a, p->need.count);
    if (p->need.count > p->subscriptions)
        p->subscriptions = cheapest_in_periods(&a, p->subscriptions, p->need.count);
    if (plan_pays_beyond(p->plan)) {
        cheapest_from(&a, p->subscriptions);
        p->subscriptions = a.best_cash < MONEY_MAX ? a.best : p->subscriptions;
    }
    return a.overflow ? -1 : 0;
}
