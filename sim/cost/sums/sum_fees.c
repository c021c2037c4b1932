#include "sim/cost/sums/sum_fees.h"

#include "sim/cost/book/price.h"
#include "sim/cost/book/window.h"

struct sum_extent sum_extent_of(const struct sum_bill *bill)
{
    struct sum_extent e = {INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
    for (size_t i = 0; i < bill->workload->count; i++) {
        struct sum_row row;
        sum_row_get(bill, NULL, i, &row);
        if (row.from_ns < e.first_least_ns)
            e.first_least_ns = row.from_ns;
        if (row.until_ns - 1 < e.first_most_ns)
            e.first_most_ns = row.until_ns - 1;
        if (row.from_ns > e.last_least_ns)
            e.last_least_ns = row.from_ns;
        if (row.until_ns - 1 > e.last_most_ns)
            e.last_most_ns = row.until_ns - 1;
    }
    if (e.last_least_ns < e.first_least_ns)
        return (struct sum_extent){0};
    return e;
}

/* True if everything lies in one window for certain. */
static bool is_single(const struct sum_bill *bill, const struct plan_quota *q,
                      const struct sum_extent *e)
{
    int64_t begin, end;
    if (q->alignment != WINDOW_CALENDAR)
        return e->last_most_ns < plan_quota_length(q);
    if (!bill->has_start)
        return false;
    window_bounds(q, bill->start_unix_ns, e->first_least_ns, &begin, &end);
    return e->last_most_ns < end;
}

/* No more windows than these have requests. */
static uint64_t most_windows(const struct plan_quota *q, const struct sum_extent *e)
{
    int64_t length = q->length_ns ? q->length_ns : INT64_C(28) * 86400 * NS_PER_S;
    return (uint64_t)((e->last_most_ns - e->first_least_ns) / length) + 2;
}

static money smaller(money a, money b)
{
    return a < b ? a : b;
}

/* What is deducted in all windows: the most that it can be of the least charges, and the least of
 * the greatest. Alone, neither credit nor discount grows faster than the charges, so that what is
 * left lies between what these two leave. */
struct deduction {
    bool present, single; /* single: one window, so that there is nothing to choose */
    money of_least, of_most;
    money cap; /* of a credit */
};

/* Credit that the subscriptions include. */
static int find_credit(const struct sum_bill *bill, const struct plan *plan,
                       const struct sum_extent *e, const struct sum_limits *l,
                       struct money_range usage, struct deduction *out)
{
    uint64_t bought = l->need_most > UINT32_MAX ? UINT32_MAX : l->need_most;
    *out = (struct deduction){.single = true};
    for (size_t i = 0; i < plan->quota_count; i++) {
        const struct plan_quota *q = &plan->quotas[i];
        money least, most;
        if (q->unit != QUOTA_USD)
            continue;
        bool single = is_single(bill, q, e);
        out->present = true;
        out->single &= single && l->need_least == l->need_most;
        if (money_multiply(q->usd, l->need_least, &least) < 0 ||
            money_multiply(q->usd, single ? 1 : most_windows(q, e), &most) < 0 ||
            money_multiply(most, bought, &most) < 0)
            return -1;
        out->cap += most;
        out->of_least += smaller(usage.least, most);
        out->of_most += smaller(usage.most, least);
    }
    return 0;
}

static int add_volume(const struct plan_volume *v, const struct sum_extent *e,
                      struct money_range usage, struct deduction *out)
{
    bool single = e->last_most_ns < v->period_ns;
    money least = 0, most = 0;
    uint32_t off = 0;
    out->single = out->single && single;
    for (size_t i = 0; i < v->step_count; i++)
        off = v->steps[i].off_millionths > off ? v->steps[i].off_millionths : off;
    if (single ? price_volume_discount(v, usage.least, &least) < 0 ||
                     price_volume_discount(v, usage.most, &most) < 0
               : money_prorate(usage.least, off, 1000000, &least) < 0)
        return -1;
    out->of_least += least;
    out->of_most += most;
    return 0;
}

/* Plain discounts: sum_unknown_term() refuses others. */
static int find_volume(const struct plan *plan, const struct sum_extent *e,
                       struct money_range usage, struct deduction *out)
{
    const struct plan_fees *f = &plan->fees;
    *out = (struct deduction){.present = f->volume_count > 0, .single = true};
    for (size_t i = 0; i < f->volume_count; i++)
        if (add_volume(&f->volumes[i], e, usage, out) < 0)
            return -1;
    return 0;
}

/* What the minimum spend adds. */
static int find_minimum(const struct plan *plan, const struct sum_extent *e,
                        struct money_range usage, struct money_range *out)
{
    const struct plan_fees *f = &plan->fees;
    *out = (struct money_range){0, 0, false};
    if (f->minimum <= 0)
        return 0;
    uint64_t least = 1, most = (uint64_t)(e->last_most_ns / f->minimum_period_ns) + 1;
    if (e->last_least_ns > e->first_most_ns)
        least += (uint64_t)((e->last_least_ns - e->first_most_ns) / f->minimum_period_ns);
    if (money_multiply(f->minimum, least, &out->least) < 0 ||
        money_multiply(f->minimum, most, &out->most) < 0)
        return -1;
    out->least = !usage.open && out->least > usage.most ? out->least - usage.most : 0;
    if (most == 1)
        out->most = out->most > usage.least ? out->most - usage.least : 0;
    return 0;
}

/* Usage less what is deducted. Both deductions together may grow faster than the charges: then a
 * discount may be all of them, and all of the credit may go off. */
static struct money_range deduct(struct money_range usage, const struct deduction *a,
                                 const struct deduction *b)
{
    struct money_range net = {usage.least - a->of_least - b->of_least,
                              usage.most - a->of_most - b->of_most, usage.open};
    bool one_figure = !usage.open && usage.least == usage.most && a->single && b->single;
    if (a->present && b->present && !one_figure) {
        net.least = -a->cap;
        net.most = usage.most;
    }
    return net;
}

int sum_settle(const struct sum_bill *bill, const struct plan *plan, const struct sum_extent *e,
               const struct sum_limits *limits, struct money_range usage, struct money_range *paid,
               uint32_t *why)
{
    struct deduction credit, volume;
    struct money_range minimum, fee = {0, 0, false};
    if (find_credit(bill, plan, e, limits, usage, &credit) < 0 ||
        find_volume(plan, e, usage, &volume) < 0 || find_minimum(plan, e, usage, &minimum) < 0)
        return -1;
    struct money_range net = deduct(usage, &credit, &volume);
    if (!credit.single || !volume.single || minimum.least != minimum.most)
        *why |= SUM_FEES;
    if (price_credit_fee(&plan->fees, net.least, &fee.least) < 0 ||
        price_credit_fee(&plan->fees, net.most, &fee.most) < 0)
        return -1;
    *paid = net;
    return range_add(paid, minimum) < 0 ? -1 : range_add(paid, fee);
}

bool sum_credit_is_dear(const struct sum_bill *bill, const struct plan *plan,
                        const struct sum_extent *e, money price)
{
    (void)bill;
    money credit = 0;
    for (size_t i = 0; i < plan->quota_count; i++) {
        money here;
        if (plan->quotas[i].unit != QUOTA_USD)
            continue;
        if (money_multiply(plan->quotas[i].usd, most_windows(&plan->quotas[i], e), &here) < 0 ||
            money_add(credit, here, &credit) < 0)
            return false;
    }
    return credit <= price;
}
