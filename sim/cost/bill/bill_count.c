/* How many of a plan to buy: the cheapest count that serves everything within the longest wait. */
#include "sim/cost/bill/bill_parts.h"

#include <stdlib.h>

void purchase_open(struct purchase *out, const struct plan_bill *p, const struct bill *bill,
                   const struct serve_rows *rows, uint64_t count)
{
    const struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    bought_make(&out->bought, p->plan, count, bill->options.units);
    bill_without_long_quotas(bill, &out->bought, &out->plan);
    serve_plan(&out->plan, rows, &conditions, &out->served);
    tariff_init(&out->tariff, &out->plan, rows, &out->served, bill_known_start(bill),
                p->without_caps);
}

void purchase_charge(const struct purchase *b, struct plan_bill *p, unsigned workers,
                     struct charge_notes *notes)
{
    p->served = b->served;
    p->served_requests = b->served.count[SERVE_PAID] + b->served.count[SERVE_INCLUDED];
    tariff_charge_all(&b->tariff, workers, &p->sums, notes);
}

void purchase_close(struct purchase *b)
{
    tariff_free(&b->tariff);
    serve_result_free(&b->served);
    bought_free(&b->bought);
}

#define COUNTS_SCANNED 64
#define SCANNED_ROWS 10000
#define SCANNED_WORK 500000 /* rows, over all counts */

/* What so many of the plan come to. */
struct attempt {
    const struct plan_bill *p;
    const struct bill *bill;
    const struct serve_rows *rows;
    uint64_t served; /* by as many as it takes */
    bool waits_vary; /* more of it may make some wait longer: each count is looked at */
    bool overflow;
};

/* 0: some wait too long. */
static uint64_t in_time_of(const struct attempt *a, const struct serve_result *r)
{
    bool ok = r->delay_max_ns <= a->bill->options.max_wait_ns;
    return ok ? r->count[SERVE_PAID] + r->count[SERVE_INCLUDED] : 0;
}

static uint64_t served_in_time(const struct attempt *a, uint64_t count)
{
    struct purchase b;
    purchase_open(&b, a->p, a->bill, a->rows, count);
    uint64_t served = in_time_of(a, &b.served);
    purchase_close(&b);
    return served;
}

/* So few counts of so few requests that all of them are tried. */
static bool is_little(const struct attempt *a, money counts)
{
    return counts * (money)a->rows->workload->count <= SCANNED_WORK;
}

static bool in_time(const struct attempt *a, uint64_t count)
{
    return served_in_time(a, count) >= a->served;
}

/* True if it is not sure that fewer than serve_need makes wait, where nobody may: what rolls over
 * is room, too, and what is paid beyond one quota takes nothing of another. */
static bool need_is_a_bound(const struct plan *plan)
{
    bool holds = plan->rate_limit_count > 0, rolls = false;
    for (size_t i = 0; i < plan->quota_count; i++) {
        rolls = rolls || plan->quotas[i].rolls_over;
        holds = holds || plan->quotas[i].beyond != BEYOND_PAY;
    }
    return rolls || (holds && plan_pays_beyond(plan));
}

/* The least count that keeps the wait. `enough` makes nobody wait, and more of a plan seldom make
 * anyone wait longer: where more of them take in what was paid beyond a quota, and so took nothing
 * of another one; where a queue kept requests apart that then meet in a quota that turns away. So
 * each is tried where they and the requests are few, else the halves. */
static uint64_t least_in_time(struct attempt *a, uint64_t enough)
{
    uint64_t low = 1, high = enough;
    if (a->bill->options.max_wait_ns <= 0 && !need_is_a_bound(a->p->plan))
        return enough;
    a->served = served_in_time(a, enough);
    a->waits_vary = is_little(a, enough);
    while (a->waits_vary && low < enough && !in_time(a, low))
        low++;
    if (a->waits_vary)
        return low;
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
    const struct bill *bill = a->bill;
    struct purchase b;
    purchase_open(&b, a->p, bill, a->rows, count);
    int64_t until = bill_paid_until(bill, b.served.last_start_ns);
    purchase_close(&b);
    return bill_periods(bill, plan_period_ns(a->p->plan), bill->first_ns, until - bill->first_ns);
}

/* The lines and totals of so many of the plan; of what it serves only the counts. False: beyond 128
 * bits. */
static bool bill_so_many(const struct attempt *a, uint64_t count, struct plan_bill *out)
{
    struct purchase b;
    *out = *a->p;
    out->subscriptions = count;
    purchase_open(&b, a->p, a->bill, a->rows, count);
    purchase_charge(&b, out, a->bill->options.workers, NULL);
    bool ok = !out->sums.overflow && bill_add_lines(out, &b.bought.plan, a->bill, &b.tariff) == 0;
    purchase_close(&b);
    return ok;
}

static money cash_of(void *context, uint64_t count)
{
    struct attempt *a = context;
    struct plan_bill trial;
    bool ok = bill_so_many(a, count, &trial);
    bool late = a->waits_vary && in_time_of(a, &trial.served) < a->served;
    a->overflow = a->overflow || !ok;
    return ok && !late ? trial.total : MONEY_MAX;
}

/* The cheapest of `best`, which costs `least`, to `enough`, tried one after the other. */
static uint64_t cheapest_of(struct attempt *a, uint64_t best, money least, uint64_t enough)
{
    for (uint64_t n = best + 1; n <= enough && !a->overflow; n++) {
        money now = cash_of(a, n);
        if (now < least) {
            least = now;
            best = n;
        }
    }
    return best;
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

/* True where more than the periods of a subscription depend on when its queue ends, or so few are
 * to be tried that nothing needs to be known of them. */
static bool ends_cost(const struct attempt *a, uint64_t counts)
{
    return counts <= COUNTS_SCANNED &&
           (a->p->plan->fees.minimum > 0 || a->rows->workload->count <= SCANNED_ROWS);
}

/* What so many of the plan cost: what is paid for having them, once and by the period, and the
 * rest, which more of them never make larger. -1: beyond 128 bits. */
static int cash_in_parts(const struct attempt *a, uint64_t count, money *having, money *rest)
{
    struct plan_bill trial;
    bool ok = bill_so_many(a, count, &trial);
    *having = trial.cash[LINE_SUBSCRIPTION] + trial.cash[LINE_PROVISIONED] + trial.cash[LINE_SETUP];
    *rest = trial.total - *having;
    return ok ? 0 : -1;
}

/* The most of the plan that can cost less than `least`, which `from` cost: with all that `most`
 * save, each more is only paid for. Discounts and roundings of the whole bill are left alone. */
static money most_worth_trying(const struct attempt *a, uint64_t from, money least, money most)
{
    const struct plan *plan = a->p->plan;
    money having, rest;
    if (most > 1000000000)
        most = 1000000000;
    if (most <= (money)from || plan->fees.volume_count > 0 || plan->rounding.scope == ROUND_BILL ||
        cash_in_parts(a, (uint64_t)most, &having, &rest) < 0 || having < most || rest > least)
        return most;
    money worth = (least - rest) / (having / most);
    return worth < most ? worth : most;
}

/* Beyond `from`, more subscriptions save what would be paid beyond the quota. As many are tried as
 * can be worth it: one after the other where they or the requests are few, as several valleys are
 * where requests differ; else as bought_cheapest does. */
static uint64_t cheapest_from(struct attempt *a, uint64_t from)
{
    money least = cash_of(a, from), price = plan_period_price(a->p->plan);
    if (a->overflow || price <= 0 || least / price < (money)from)
        return from;
    money most = most_worth_trying(a, from, least, least / price);
    if (most - (money)from <= COUNTS_SCANNED || is_little(a, most - (money)from))
        return cheapest_of(a, from, least, most < (money)from ? from : (uint64_t)most);
    uint64_t best = bought_cheapest(from, (uint64_t)most, cash_of, a, &least);
    return least < MONEY_MAX ? best : from;
}

/* What one of it would turn away by its quotas and limits. */
static uint64_t rejected_by_one(const struct attempt *a)
{
    struct purchase b;
    purchase_open(&b, a->p, a->bill, a->rows, 1);
    uint64_t count = b.served.count[SERVE_QUOTA] + b.served.count[SERVE_RATE];
    purchase_close(&b);
    return count;
}

/* What one of the plan serves and charges, from which the needs of a scaled period follow; `one`
 * is it without long quotas. */
static void need_of_period(const struct attempt *a, const struct plan *one, struct plan_bill *p)
{
    const struct serve_conditions conditions = {a->bill->start_unix_ns, p->without_caps};
    struct purchase b;
    if (!bill_has_long_quotas(p->plan, a->bill))
        return;
    if (!bill_need_is_charged(p->plan, a->bill)) {
        p->served_requests = serve_count(one, a->rows, &conditions);
        bill_need_of_period(p, a->bill);
        return;
    }
    purchase_open(&b, p, a->bill, a->rows, 1);
    purchase_charge(&b, p, a->bill->options.workers, NULL);
    bill_need_of_period(p, a->bill);
    purchase_close(&b);
    p->served = (struct serve_result){0};
}

int bill_choose_count(struct plan_bill *p, const struct bill *bill, const struct serve_rows *rows)
{
    struct attempt a = {.p = p, .bill = bill, .rows = rows};
    const struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    struct bought one;
    struct plan plan;
    bought_make(&one, p->plan, 1, bill->options.units);
    bill_without_long_quotas(bill, &one, &plan);
    serve_plans_needed(&plan, rows, &conditions, &p->need);
    if (bill->scale_ns > 0)
        need_of_period(&a, &plan, p);
    bought_free(&one);
    p->subscriptions = plan_is_paid_by_period(p->plan);
    if (!plan_is_bought_in_numbers(p->plan, bill->options.units))
        return 0;
    if (p->need.count > 1)
        p->subscriptions = least_in_time(&a, p->need.count);
    if (p->need.count > p->subscriptions && ends_cost(&a, p->need.count - p->subscriptions))
        p->subscriptions =
            cheapest_of(&a, p->subscriptions, cash_of(&a, p->subscriptions), p->need.count);
    else if (p->need.count > p->subscriptions)
        p->subscriptions = cheapest_in_periods(&a, p->subscriptions, p->need.count);
    if (plan_pays_beyond(p->plan))
        p->subscriptions = cheapest_from(&a, p->subscriptions);
    if (p->subscriptions > 1 && bill->scale_ns == 0)
        p->alone_rejected = rejected_by_one(&a);
    return a.overflow ? -1 : 0;
}
