#include "sim/cost/bill/bought.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t times(uint64_t amount, uint64_t count)
{
    uint64_t product;
    return __builtin_mul_overflow(amount, count, &product) ? UINT64_MAX : product;
}

static struct plan_quota *quotas_times(const struct plan *plan, const struct plan_quota *from,
                                       size_t quota_count, uint64_t count)
{
    struct plan_quota *out = mem_alloc((quota_count + 1) * sizeof *out);
    for (size_t i = 0; i < quota_count; i++) {
        struct plan_quota *q = &out[i];
        *q = from[i];
        if (q->pooled) {
            q->amount = times(plan->provisioned.tokens_per_minute, plan->provisioned.units);
            continue;
        }
        q->most = count > 1 ? plan_quota_amount(q) : 0;
        q->amount = times(q->amount, count);
        if (money_multiply(q->usd, count, &q->usd) < 0)
            q->usd = MONEY_MAX;
    }
    return out;
}

void bought_make(struct bought *out, const struct plan *plan, uint64_t count, uint64_t units)
{
    struct plan *p = &out->plan;
    *p = *plan;
    count = count ? count : 1;
    p->provisioned.units = times(units ? units : plan->provisioned.units, count);
    p->subscription.seats = times(plan->subscription.seats, count);
    p->limits.concurrency_most = plan->limits.concurrency;
    p->limits.concurrency = times(plan->limits.concurrency, count);
    p->quotas = out->quotas = quotas_times(p, plan->quotas, plan->quota_count, count);
    p->rate_limits = out->rate_limits =
        quotas_times(p, plan->rate_limits, plan->rate_limit_count, count);
}

void bought_free(struct bought *b)
{
    free(b->quotas);
    free(b->rate_limits);
    *b = (struct bought){0};
}

bool plan_is_paid_by_period(const struct plan *plan)
{
    return plan->subscription.present || plan->provisioned.present;
}

int64_t plan_period_ns(const struct plan *plan)
{
    return plan->subscription.present ? plan->subscription.period_ns : plan->provisioned.period_ns;
}

money plan_period_price(const struct plan *plan)
{
    return plan->subscription.present ? plan->subscription.price * (money)plan->subscription.seats
                                      : plan->provisioned.price * (money)plan->provisioned.units;
}

bool plan_pays_beyond(const struct plan *plan)
{
    for (size_t i = 0; i < plan->quota_count; i++)
        if (plan->quotas[i].beyond == BEYOND_PAY)
            return true;
    return false;
}

bool plan_is_bought_in_numbers(const struct plan *plan, uint64_t units)
{
    return (plan->subscription.present && plan->subscription.price > 0) ||
           (plan->provisioned.present && plan->provisioned.tokens_per_minute > 0 &&
            !plan->provisioned.units_given && units == 0);
}

/* Where the cost has one valley between low and high: by thirds while that is long, the rest one by
 * one. */
#define SCANNED 24
static uint64_t valley(uint64_t low, uint64_t high, bought_cost_fn *cost, void *context,
                       money *least)
{
    while (high > low && high - low > SCANNED) {
        uint64_t third = (high - low) / 3, left = low + third, right = high - third;
        if (cost(context, left) <= cost(context, right))
            high = right;
        else
            low = left;
    }
    uint64_t best = low;
    *least = MONEY_MAX;
    for (uint64_t n = low; n <= high; n++) {
        money now = cost(context, n);
        if (now < *least) {
            best = n;
            *least = now;
        }
    }
    return best;
}

/* First where it is least among low, twice that and so on, and high: several valleys lie far apart
 * where some requests cost much more than others. */
uint64_t bought_cheapest(uint64_t low, uint64_t high, bought_cost_fn *cost, void *context,
                         money *least)
{
    uint64_t before = low, best_from = low, best_to = high;
    money best = MONEY_MAX;
    for (uint64_t n = low, last = 0; last < high || n == low;
         last = n, n = n < high / 2 ? 2 * n : high) {
        money now = cost(context, n);
        if (now < best) {
            best = now;
            best_from = before;
            best_to = n < high / 2 ? 2 * n : high;
        }
        before = n;
        if (n >= high)
            break;
    }
    return valley(best_from, best_to, cost, context, least);
}

#define DAY_NS (86400 * NS_PER_S)

/* `months` calendar months after the instant: the same day of the month, or its last one. */
static int64_t months_later(int64_t unix_ns, int64_t months)
{
    int64_t days = clock_day_of(unix_ns), year;
    int month, day;
    clock_civil_from_days(days, &year, &month, &day);
    int64_t number = year * 12 + month - 1 + months;
    int64_t first = clock_days_from_civil(number / 12, (int)(number % 12) + 1, 1);
    int64_t next = clock_days_from_civil((number + 1) / 12, (int)((number + 1) % 12) + 1, 1);
    int64_t on = first + day - 1 < next ? first + day - 1 : next - 1;
    return on * DAY_NS + (unix_ns - days * DAY_NS);
}

/* Of periods that are anniversaries; else 0. */
static int64_t months_of(int64_t period_ns)
{
    return period_ns == 30 * DAY_NS ? 1 : period_ns == 365 * DAY_NS ? 12 : 0;
}

int64_t bought_period_begin(int64_t period_ns, bool has_start, int64_t start_unix_ns, uint64_t n)
{
    int64_t months = months_of(period_ns);
    return has_start && months > 0
               ? months_later(start_unix_ns, (int64_t)n * months) - start_unix_ns
               : (int64_t)n * period_ns;
}

uint64_t bought_periods(int64_t period_ns, bool has_start, int64_t start_unix_ns,
                        int64_t elapsed_ns)
{
    int64_t months = months_of(period_ns);
    if (elapsed_ns <= 0)
        return 1;
    if (!has_start || months == 0)
        return (uint64_t)(elapsed_ns / period_ns) + 1;
    uint64_t n = (uint64_t)(elapsed_ns / (period_ns + 6 * DAY_NS)); /* no fewer have begun */
    while (months_later(start_unix_ns, (int64_t)(n + 1) * months) - start_unix_ns <= elapsed_ns)
        n++;
    return n + 1;
}
