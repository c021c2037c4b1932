/* What stands on a bill beside the requests' own charges. */
#include "sim/cost/bill/bill_parts.h"
#include "sim/cost/bill/bill_windows.h"
#include "sim/cost/book/window.h"

#include "core/memory.h"

#include <stdlib.h>

const char *bill_line_name(enum bill_line line)
{
    static const char *const names[BILL_LINES] = {
        "usage",        "included_credit", "volume_discount", "minimum", "credit_fee",
        "subscription", "provisioned",     "setup",           "rounding"};
    return names[line];
}

/* Usage charges by window of a quota, in the order of the windows. */
struct buckets {
    money *sum;
    size_t count;
};

static void grow_to(struct buckets *b, size_t *capacity, size_t n)
{
    if (n < b->count)
        return;
    mem_grow(&b->sum, capacity, n + 1, sizeof *b->sum);
    while (b->count <= n)
        b->sum[b->count++] = 0;
}

static struct buckets bucket_rows(const struct tariff *t, const struct plan_quota *windows)
{
    struct buckets b = {mem_zero(1, sizeof *b.sum), 1};
    struct window_walk walk;
    size_t capacity = 1, row, n;
    window_walk_begin(&walk, t, windows, false);
    while (window_walk_next(&walk, &row, &n)) {
        money charge;
        if (tariff_total(t, row, &charge, NULL) < 0)
            continue;
        grow_to(&b, &capacity, n);
        b.sum[n] += charge;
    }
    window_walk_end(&walk);
    return b;
}

/* The same of a bill that is scaled to a period: all windows alike. */
static struct buckets bucket_period(const struct plan_bill *p, const struct bill *bill,
                                    const struct plan_quota *windows)
{
    int64_t n = bill->billed_span_ns / plan_quota_length(windows);
    struct buckets b = {.count = n > 0 ? (size_t)n : 1};
    b.sum = mem_zero(b.count, sizeof *b.sum);
    for (size_t i = 0; i < b.count; i++)
        (void)money_prorate(p->cash[LINE_USAGE], 1, b.count, &b.sum[i]);
    return b;
}

struct context {
    const struct plan_bill *p;
    const struct bill *bill;
    const struct tariff *t;
};

static struct buckets bucket_charges(const struct context *c, const struct plan_quota *windows)
{
    return c->bill->scale_ns == 0 ? bucket_rows(c->t, windows)
                                  : bucket_period(c->p, c->bill, windows);
}

/* What a credit covers of each window's charges, with what rolls over from one to the next. */
static money covered_by(const struct plan_quota *credit, const struct buckets *b)
{
    money covered = 0, carried = 0;
    for (size_t i = 0; i < b->count; i++) {
        money room = credit->usd + carried, taken = b->sum[i] < room ? b->sum[i] : room;
        covered += taken;
        carried = credit->rolls_over ? (taken <= carried ? credit->usd : room - taken) : 0;
    }
    return covered;
}

/* Credit that the subscription includes. */
static money included_credit(const struct plan *plan, const struct context *c)
{
    money covered = 0;
    for (size_t q = 0; q < plan->quota_count; q++) {
        if (plan->quotas[q].unit != QUOTA_USD || !plan_quota_is_settled(&plan->quotas[q]))
            continue;
        struct plan_quota windows = plan->quotas[q];
        if (windows.alignment == WINDOW_ROLLING)
            windows.alignment = WINDOW_ANCHORED;
        struct buckets b = bucket_charges(c, &windows);
        covered += covered_by(&windows, &b);
        free(b.sum);
    }
    return covered;
}

static int plain_discount(const struct plan_volume *v, const struct context *c, money *out)
{
    struct plan_quota windows = plan_volume_windows(v);
    struct buckets b = bucket_charges(c, &windows);
    int code = 0;
    for (size_t i = 0; i < b.count && code == 0; i++) {
        money off;
        code = price_volume_discount(v, b.sum[i], &off);
        *out += off;
    }
    free(b.sum);
    return code;
}

/* All of them, no more than there is to pay. */
static int volume_discount(const struct plan *plan, const struct context *c, money *out)
{
    int code = 0;
    *out = 0;
    for (size_t i = 0; i < plan->fees.volume_count && code == 0; i++) {
        const struct plan_volume *v = &plan->fees.volumes[i];
        money off = 0;
        code = plan_volume_is_plain(v) ? plain_discount(v, c, &off)
                                       : bill_volume_discount(v, c->bill, c->t, &off);
        *out += off;
    }
    if (*out > c->p->cash[LINE_USAGE])
        *out = c->p->cash[LINE_USAGE];
    return code;
}

static int minimum_spend(const struct plan *plan, const struct context *c, int64_t until_ns,
                         int64_t span_ns, money *cash, money *prorated)
{
    const struct plan_fees *f = &plan->fees;
    money share;
    *cash = *prorated = 0;
    if (f->minimum <= 0)
        return 0;
    struct plan_quota windows = {.length_ns = f->minimum_period_ns, .alignment = WINDOW_ANCHORED};
    struct buckets b = bucket_charges(c, &windows);
    money usage = c->p->cash[LINE_USAGE];
    size_t begun = (size_t)(until_ns / f->minimum_period_ns) + 1;
    for (size_t i = 0; i < begun; i++) {
        money used = i < b.count ? b.sum[i] : 0;
        *cash += used < f->minimum ? f->minimum - used : 0;
    }
    free(b.sum);
    if (money_prorate(f->minimum, (uint64_t)span_ns, (uint64_t)f->minimum_period_ns, &share) < 0)
        return -1;
    *prorated = share > usage ? share - usage : 0;
    return 0;
}

/* Something paid by the period: cash for every period begun by `until_ns`, a share for the span. */
static int periodic(struct plan_bill *p, const struct bill *bill, money price, uint64_t count,
                    int64_t period_ns, int64_t until_ns, enum bill_line line)
{
    money one;
    p->periods = bill_periods(bill, period_ns, bill->first_ns, until_ns - bill->first_ns);
    if (money_multiply(price, count, &one) < 0 ||
        money_multiply(one, p->periods, &p->cash[line]) < 0)
        return -1;
    return money_prorate(one, (uint64_t)bill->billed_span_ns, (uint64_t)period_ns,
                         &p->prorated[line]);
}

static int add_totals(struct plan_bill *p)
{
    p->total = p->prorated_total = 0;
    for (int i = 0; i < BILL_LINES; i++)
        if (money_add(p->total, p->cash[i], &p->total) < 0 ||
            money_add(p->prorated_total, p->prorated[i], &p->prorated_total) < 0)
            return -1;
    const struct plan_rounding *r = &p->plan->rounding;
    if (r->scope != ROUND_BILL)
        return 0;
    p->cash[LINE_ROUNDING] = price_round(r, p->total) - p->total;
    p->prorated[LINE_ROUNDING] = price_round(r, p->prorated_total) - p->prorated_total;
    p->total += p->cash[LINE_ROUNDING];
    p->prorated_total += p->prorated[LINE_ROUNDING];
    return 0;
}

/* Paid once, with the first period. */
static int setup_fees(struct plan_bill *p, const struct plan *bought)
{
    uint64_t count = p->subscriptions ? p->subscriptions : 1;
    money units;
    if (money_multiply(bought->subscription.setup, count, &p->cash[LINE_SETUP]) < 0 ||
        money_multiply(bought->provisioned.setup, bought->provisioned.units, &units) < 0 ||
        money_add(p->cash[LINE_SETUP], units, &p->cash[LINE_SETUP]) < 0)
        return -1;
    p->prorated[LINE_SETUP] = p->cash[LINE_SETUP];
    return 0;
}

static int add_paid_by_period(struct plan_bill *p, const struct plan *bought,
                              const struct bill *bill, int64_t until_ns)
{
    const struct plan_subscription *s = &bought->subscription;
    const struct plan_provisioned *v = &bought->provisioned;
    if (v->present &&
        periodic(p, bill, v->price, v->units, v->period_ns, until_ns, LINE_PROVISIONED) < 0)
        return -1;
    if (s->present &&
        periodic(p, bill, s->price, s->seats, s->period_ns, until_ns, LINE_SUBSCRIPTION) < 0)
        return -1;
    return setup_fees(p, bought);
}

int64_t bill_paid_until(const struct bill *bill, int64_t last_start_ns)
{
    bool queued = last_start_ns > bill->span_ns;
    if (bill->options.period == PERIOD_TRACE)
        return queued ? last_start_ns : bill->span_ns;
    int64_t end = bill->first_ns + bill->billed_span_ns - 1;
    return queued && last_start_ns > end ? last_start_ns : end;
}

int bill_add_lines(struct plan_bill *p, const struct plan *plan, const struct bill *bill,
                   const struct tariff *t)
{
    int64_t until = bill_paid_until(bill, p->served.last_start_ns);
    struct context c = {p, bill, t};
    money volume;
    for (int i = 0; i < BILL_LINES; i++)
        p->cash[i] = p->prorated[i] = 0;
    if (bill_scale(p, plan, bill) < 0 || volume_discount(plan, &c, &volume) < 0 ||
        add_paid_by_period(p, plan, bill, until) < 0)
        return -1;
    /* What is included covers what the discount leaves of the usage, and never more. */
    money included = included_credit(plan, &c) + bill_free_calls(plan, bill, t, NULL);
    money left = p->cash[LINE_USAGE] - volume;
    p->cash[LINE_INCLUDED] = p->prorated[LINE_INCLUDED] = -(included < left ? included : left);
    p->cash[LINE_VOLUME] = p->prorated[LINE_VOLUME] = -volume;
    money net = p->cash[LINE_USAGE] + p->cash[LINE_INCLUDED] + p->cash[LINE_VOLUME];
    if (minimum_spend(plan, &c, until, bill->billed_span_ns, &p->cash[LINE_MINIMUM],
                      &p->prorated[LINE_MINIMUM]) < 0 ||
        price_credit_fee(&plan->fees, net, &p->cash[LINE_CREDIT_FEE]) < 0)
        return -1;
    p->prorated[LINE_CREDIT_FEE] = p->cash[LINE_CREDIT_FEE];
    return add_totals(p);
}
