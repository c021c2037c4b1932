/* What quotas and limits do to rows of which only the sums are known: how much can lie in a window
 * of theirs at least and at most. */
#include "sim/cost/sums/sum_parts.h"

#include "core/memory.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/bill/serve.h"
#include "sim/cost/book/price.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>

/* What a row asks of one quota. */
struct demand {
    int64_t from_ns, until_ns;
    uint64_t least, most; /* SUM_NOT_COUNTED: nobody knows */
    uint64_t largest;     /* that one of its requests can ask for */
    bool single;          /* one request alone */
};

/* Of every row that the plan serves; their count. */
static size_t list_demands(const struct sum_bill *bill, const struct plan *plan,
                           const struct plan_quota *q, struct demand *out)
{
    size_t count = 0;
    for (size_t i = 0; i < bill->workload->count; i++) {
        struct sum_row row;
        sum_row_get(bill, plan, i, &row);
        enum sum_caps caps = sum_caps_of(plan, &row);
        if (caps == CAPS_DO_NOT)
            continue;
        uint64_t weight = plan_weight(row.rate->weights, row.rate->weight_count, row.model,
                                      row.class_name, TIME_NEVER);
        uint64_t input = usage_input(&row.usage), output = usage_output(&row.usage);
        uint64_t kept = row.most == 1 ? serve_capped_output(plan, false, output)
                        : plan->limits.max_output_tokens > 0 ? 0
                                                             : output;
        struct demand *d = &out[count++];
        *d = (struct demand){
            .from_ns = row.from_ns, .until_ns = row.until_ns, .single = row.most == 1};
        d->least = plan_quota_need(q, weight * row.least, input, kept);
        d->largest = plan_quota_need(q, weight, input, row.most == 1 ? kept : output);
        if (caps == CAPS_MAY_NOT)
            d->least = 0;
        d->most = row.most == SUM_NOT_COUNTED && q->unit == QUOTA_REQUESTS
                      ? SUM_NOT_COUNTED
                      : plan_quota_need(q, weight * row.most, input, row.most == 1 ? kept : output);
    }
    return count;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SUM_NOT_COUNTED : sum;
}

/* The most that can lie in one window, and what must lie in one at least. */
struct load {
    uint64_t least, most;
};

struct event {
    int64_t at_ns;
    bool ends;
    uint64_t amount;
};

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return y->ends - x->ends;
}

/* Windows anywhere: a row can have all of its requests in one that touches it, and has at least an
 * equal share in one of those that it takes to cover it. */
static struct load load_anywhere(const struct demand *d, size_t count, int64_t length_ns)
{
    struct load load = {0, 0};
    struct event *events = mem_alloc((2 * count + 1) * sizeof *events);
    for (size_t i = 0; i < count; i++) {
        int64_t span = d[i].until_ns - d[i].from_ns;
        uint64_t windows = d[i].single ? 1 : (uint64_t)(span / length_ns) + 2;
        uint64_t share = d[i].least / windows + (d[i].least % windows > 0);
        load.least = share > load.least ? share : load.least;
        events[2 * i] = (struct event){d[i].from_ns - length_ns + 1, false, d[i].most};
        events[2 * i + 1] = (struct event){d[i].until_ns, true, d[i].most};
    }
    qsort(events, 2 * count, sizeof *events, by_time);
    uint64_t now = 0;
    bool unknown = false;
    for (size_t i = 0; i < 2 * count; i++) {
        unknown |= events[i].amount == SUM_NOT_COUNTED;
        now = events[i].ends ? now - events[i].amount : add_capped(now, events[i].amount);
        load.most = now > load.most ? now : load.most;
    }
    if (unknown)
        load.most = SUM_NOT_COUNTED;
    free(events);
    return load;
}

/* True for windows that lie on known instants and hold a row or two halves of one. */
static bool is_aligned(const struct sum_bill *bill, const struct plan_quota *q)
{
    return q->alignment == WINDOW_CALENDAR && bill->has_start;
}

struct share {
    int64_t window_ns;
    struct demand demand;
    bool whole;
};

static int by_window(const void *a, const void *b)
{
    const struct share *x = a, *y = b;
    return x->window_ns < y->window_ns ? -1 : x->window_ns > y->window_ns;
}

/* Each row in the window of its begin and in that of its end. NULL: some row reaches further. */
static struct share *list_shares(const struct sum_bill *bill, const struct plan_quota *q,
                                 const struct demand *d, size_t count, size_t *out_count)
{
    struct share *shares = mem_alloc((2 * count + 1) * sizeof *shares);
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t first, first_end, last, last_end;
        window_bounds(q, bill->start_unix_ns, d[i].from_ns, &first, &first_end);
        window_bounds(q, bill->start_unix_ns, d[i].until_ns - 1, &last, &last_end);
        if (last != first && last != first_end) {
            free(shares);
            return NULL;
        }
        shares[(*out_count)++] = (struct share){first, d[i], last == first};
        if (last != first)
            shares[(*out_count)++] = (struct share){last, d[i], false};
    }
    qsort(shares, *out_count, sizeof *shares, by_window);
    return shares;
}

static struct load load_aligned(const struct share *s, size_t count)
{
    struct load load = {0, 0};
    for (size_t i = 0; i < count;) {
        int64_t window = s[i].window_ns;
        struct load here = {0, 0};
        for (; i < count && s[i].window_ns == window; i++) {
            here.most = add_capped(here.most, s[i].demand.most);
            here.least += s[i].whole ? s[i].demand.least : 0;
        }
        load.most = here.most > load.most ? here.most : load.most;
        load.least = here.least > load.least ? here.least : load.least;
    }
    return load;
}

static struct load load_of(const struct sum_bill *bill, const struct plan_quota *q,
                           const struct demand *d, size_t count)
{
    struct load load, anywhere = load_anywhere(d, count, plan_quota_length(q));
    size_t shares;
    struct share *s = is_aligned(bill, q) ? list_shares(bill, q, d, count, &shares) : NULL;
    if (!s)
        return anywhere;
    load = load_aligned(s, shares);
    free(s);
    load.least = anywhere.least > load.least ? anywhere.least : load.least;
    return load;
}

/* True if a request of some row may alone be more than a window of one plan allows. */
static bool has_large(const struct plan_quota *q, const struct demand *d, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (d[i].largest > q->amount)
            return true;
    return false;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a == SUM_NOT_COUNTED ? SUM_NOT_COUNTED : a / b + (a % b > 0);
}

static void take_window(const struct sum_bill *bill, const struct plan_quota *q, bool is_quota,
                        bool in_numbers, struct demand *d, size_t count, struct sum_limits *out)
{
    if (q->unit == QUOTA_USD)
        return;
    struct load load = load_of(bill, q, d, count);
    uint64_t amount = q->amount ? q->amount : 1;
    bool fits = load.most <= q->amount;
    out->has_quota |= is_quota;
    if (is_quota && q->beyond == BEYOND_PAY) {
        out->fits &= fits;
        out->why |= fits ? 0 : SUM_QUOTA;
        return;
    }
    if (q->beyond == BEYOND_PAY || fits)
        return;
    bool large = has_large(q, d, count);
    out->may_refuse |= large;
    out->why |= is_quota ? SUM_QUOTA : SUM_LIMIT;
    if (in_numbers) {
        uint64_t least = large ? 1 : divide_up(load.least, amount);
        uint64_t most = divide_up(load.most, amount);
        out->need_least = least > out->need_least ? least : out->need_least;
        out->need_most = most > out->need_most ? most : out->need_most;
    } else if (q->beyond == BEYOND_QUEUE) {
        out->may_wait = true;
        out->may_lack |= is_quota;
    } else {
        out->may_refuse = out->may_lack = true;
    }
}

void sum_limits_of(const struct sum_bill *bill, const struct sum_plan *p, uint64_t units,
                   struct sum_limits *out)
{
    struct bought one;
    struct demand *d = mem_alloc((bill->workload->count + 1) * sizeof *d);
    bool in_numbers = plan_is_bought_in_numbers(p->plan, units);
    *out = (struct sum_limits){.need_least = 1, .need_most = 1, .fits = true};
    bought_make(&one, p->plan, 1, units);
    for (size_t i = 0; i < plan_limit_count(&one.plan); i++) {
        const struct plan_quota *q = plan_limit_at(&one.plan, i);
        size_t count = list_demands(bill, p->plan, q, d);
        take_window(bill, q, i < one.plan.quota_count, in_numbers, d, count, out);
    }
    if (out->may_refuse) /* and what is refused asks for nothing */
        out->need_least = 1;
    bought_free(&one);
    free(d);
}

/* ---- a quota of requests, and one price for each beyond it ---- */

/* The quota, where there is no other and no limit. */
static const struct plan_quota *only_quota(const struct sum_bill *bill, const struct plan *plan)
{
    const struct plan_quota *q = plan->quotas;
    if (plan->quota_count != 1 || plan->rate_limit_count > 0 || q->unit != QUOTA_REQUESTS ||
        q->beyond != BEYOND_PAY || !is_aligned(bill, q))
        return NULL;
    return q;
}

/* What every request of every row costs, if that is the same. */
static bool one_price(const struct sum_bill *bill, const struct plan *plan, money *price)
{
    for (size_t i = 0; i < bill->workload->count; i++) {
        struct sum_row row;
        struct money_range x;
        uint32_t why = 0, unpriced = 0;
        sum_row_get(bill, plan, i, &row);
        if (!row.rate || row.rate->weight_count > 0 || row.most != row.least)
            return false;
        row.least = row.most = 1;
        if (sum_charge(plan, &row, &x, &why, &unpriced) < 0 || x.open || x.least != x.most ||
            (i > 0 && x.least != *price))
            return false;
        *price = x.least;
    }
    return price_is_flat(plan) && bill->workload->count > 0;
}

struct beyond {
    struct share *shares;
    size_t count;
    uint64_t amount;
};

/* Whole requests beyond so many quotas, over all windows. */
static uint64_t beyond_of(const struct beyond *b, uint64_t quotas)
{
    uint64_t all = 0, room;
    if (__builtin_mul_overflow(b->amount, quotas, &room))
        return 0;
    for (size_t i = 0; i < b->count;) {
        int64_t window = b->shares[i].window_ns;
        uint64_t here = 0;
        for (; i < b->count && b->shares[i].window_ns == window; i++)
            here += b->shares[i].demand.most;
        all += here > room ? (here - room + PLAN_MICRO - 1) / PLAN_MICRO : 0;
    }
    return all;
}

#define COUNTS_TRIED 100000

/* More of a plan save less and less: the first that does not pay is the last that is tried. */
static bool cheapest(const struct beyond *b, money price, money each, uint64_t *count, money *total)
{
    for (uint64_t n = 1; n < COUNTS_TRIED; n++) {
        money flat, over, now;
        if (money_multiply(price, n, &flat) < 0 ||
            money_multiply(each, beyond_of(b, n), &over) < 0 || money_add(flat, over, &now) < 0)
            return false;
        if (n > 1 && now >= *total)
            return true;
        *total = now;
        *count = n;
        if (over == 0 || price == 0)
            return true;
    }
    return false;
}

bool sum_cheapest_count(const struct sum_bill *bill, const struct sum_plan *p, uint64_t periods,
                        uint64_t *count, money *total)
{
    const struct plan_quota *q = only_quota(bill, p->plan);
    money each = 0, price;
    if (!q || !p->plan->subscription.present || !one_price(bill, p->plan, &each) ||
        money_multiply(plan_period_price(p->plan), periods, &price) < 0)
        return false;
    struct demand *d = mem_alloc((bill->workload->count + 1) * sizeof *d);
    struct bought one;
    bought_make(&one, p->plan, 1, 0);
    struct beyond b = {.amount = one.quotas[0].amount};
    size_t rows = list_demands(bill, p->plan, q, d);
    b.shares = list_shares(bill, q, d, rows, &b.count);
    bool whole = b.shares != NULL;
    for (size_t i = 0; whole && i < b.count; i++)
        whole = b.shares[i].whole;
    whole = whole && b.amount % PLAN_MICRO == 0 && cheapest(&b, price, each, count, total);
    free(b.shares);
    bought_free(&one);
    free(d);
    return whole;
}
