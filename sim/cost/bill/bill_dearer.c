/* Which requests cost more by the token than a flat price: how many, of every pair of plans. */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* What rows cost under one of a plan. The bill keeps none: they are served and charged again. */
struct charging {
    struct plan plan;
    struct serve_rows own;
    struct serve_result served;
    struct tariff t;
    bool unpriced;
};

static void charging_open(struct charging *c, const struct bill *bill,
                          const struct serve_rows *rows, const struct plan_bill *p, bool limited,
                          bool unpriced)
{
    struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    *c = (struct charging){.plan = *p->plan, .own = bill_rows_for(rows, p), .unpriced = unpriced};
    if (!limited)
        c->plan.quota_count = c->plan.rate_limit_count = c->plan.limits.concurrency = 0;
    serve_plan(&c->plan, &c->own, &conditions, &c->served);
    if (c->served.delayed == 0) { /* all start when they are due */
        free(c->served.start_ns);
        c->served.start_ns = NULL;
    }
    tariff_init(&c->t, &c->plan, &c->own, &c->served, bill_known_start(bill), p->without_caps);
}

static void charging_close(struct charging *c)
{
    tariff_free(&c->t);
    serve_result_free(&c->served);
}

static void charge_range(const struct charging *c, size_t begin, size_t end, money *out)
{
    for (size_t i = begin; i < end; i++) {
        bool priced;
        money total;
        bool charged = tariff_serves(&c->t, i) && tariff_total(&c->t, i, &total, &priced) == 0;
        out[i - begin] = charged && (c->unpriced || priced) ? total : MONEY_MAX;
    }
}

money *bill_charge_rows(const struct bill *bill, const struct serve_rows *rows,
                        const struct plan_bill *p, bool limited, bool unpriced)
{
    size_t count = rows->workload->count;
    money *charges = mem_alloc((count + 1) * sizeof *charges);
    struct charging c;
    charging_open(&c, bill, rows, p, limited, unpriced);
    charge_range(&c, 0, count, charges);
    charging_close(&c);
    return charges;
}

/* ---- counted when a plan is billed ---- */

#define UNKNOWN UINT64_MAX

void dearer_init(struct dearer *d, size_t plans)
{
    *d =
        (struct dearer){.plans = plans, .count = mem_alloc((plans * plans + 1) * sizeof *d->count)};
    for (size_t i = 0; i < plans * plans; i++)
        d->count[i] = UNKNOWN;
}

void dearer_free(struct dearer *d)
{
    free(d->count);
    *d = (struct dearer){0};
}

static bool is_known(const struct dearer *d, const struct break_even *e)
{
    return d->count[e->token_plan * d->plans + e->flat_plan] != UNKNOWN;
}

/* What a request must cost more than to be dearer than under the flat plan, where that is the same
 * for all and the plan serves all. False: not known from its bill. */
static bool flat_price_of_all(const struct plan_bill *f, money *out)
{
    const uint64_t *count = f->served.count;
    if (!f->flat || f->without_caps ||
        count[SERVE_MODEL] + count[SERVE_UNNAMED] + count[SERVE_INPUT] + count[SERVE_UNBEGUN] > 0)
        return false;
    bool plain = count[SERVE_PAID] == f->requests && f->served.delayed == 0;
    if (plan_is_paid_by_period(f->plan)) {
        *out = f->period_served ? f->total / (money)f->period_served : 0;
        return f->plan->quota_count > 0 || (plain && f->sums.unpriced == 0);
    }
    *out = f->sums.each;
    return plain && f->sums.alike && f->sums.unpriced == 0;
}

/* Quanta are cut: rows of the very quantum are charged again. */
static uint64_t count_above(const struct tariff *t, const int64_t *quanta, money price)
{
    int64_t level = charge_quanta(price);
    uint64_t above = 0, at = 0;
    size_t count = t->rows->workload->count;
    for (size_t i = 0; i < count; i++) {
        above += quanta[i] > level;
        at += quanta[i] == level;
    }
    for (size_t i = 0; i < count && at > 0; i++) {
        struct row_charge c;
        if (quanta[i] != level)
            continue;
        at--;
        above += tariff_charge(t, i, &c) == 0 && c.total > price;
    }
    return above;
}

/* The count of an earlier flat plan with the same price; UNKNOWN: there is none. */
static uint64_t count_of_same(const struct bill *bill, const uint64_t *counts, size_t flat,
                              money price)
{
    money other;
    for (size_t f = 0; f < flat; f++)
        if (counts[f] != UNKNOWN && flat_price_of_all(&bill->plans[f], &other) && other == price)
            return counts[f];
    return UNKNOWN;
}

void dearer_note(struct dearer *d, const struct bill *bill, size_t plan, const struct tariff *t,
                 const int64_t *quanta)
{
    const struct plan_bill *p = &bill->plans[plan];
    uint64_t *counts = &d->count[plan * d->plans];
    money price;
    if (!bill_is_token_plan(p) || p->sums.unpriced > 0 || plan_is_paid_by_period(p->plan))
        return; /* of what is bought in numbers one is compared */
    for (size_t f = 0; f < bill->plan_count; f++) {
        if (!flat_price_of_all(&bill->plans[f], &price))
            continue;
        counts[f] = count_of_same(bill, counts, f, price);
        if (counts[f] == UNKNOWN)
            counts[f] = count_above(t, quanta, price);
    }
}

/* ---- and what is left ---- */

/* Requests that both serve and that cost more by the token: than the flat plan charges for that
 * request, or than its cash came to for each: charge × requests > price is charge > ⌊price /
 * requests⌋. */
static uint64_t count_dearer(const money *token, const money *flat, size_t count,
                             const struct flat_price *paid)
{
    money each = paid ? paid->price / (money)paid->requests : 0;
    uint64_t dearer = 0;
    for (size_t i = 0; i < count; i++)
        dearer +=
            token[i] != MONEY_MAX && flat[i] != MONEY_MAX && token[i] > (paid ? each : flat[i]);
    return dearer;
}

/* Of the pairs that are left, some rows at a time: each plan charges a row once, however many pairs
 * it is in, and no plan's charges are kept. */
#define ROWS_AT_ONCE ((size_t)1024)
static void charge_pairs(const struct dearer *d, struct bill *bill, const struct serve_rows *rows)
{
    size_t rows_all = bill->workload->count;
    struct charging *plans = mem_zero(bill->plan_count + 1, sizeof *plans);
    money **charges = mem_zero(bill->plan_count + 1, sizeof *charges);
    for (size_t k = 0; k < 2 * bill->break_even_count; k++) {
        const struct break_even *e = &bill->break_even[k / 2];
        size_t i = k % 2 ? e->flat_plan : e->token_plan;
        const struct plan_bill *p = &bill->plans[i];
        if (charges[i] || is_known(d, e))
            continue;
        charges[i] = mem_alloc(ROWS_AT_ONCE * sizeof **charges);
        charging_open(&plans[i], bill, rows, p, k % 2 == 0, k % 2 && p->plan->quota_count > 0);
    }
    for (size_t begin = 0; begin < rows_all; begin += ROWS_AT_ONCE) {
        size_t end = begin + ROWS_AT_ONCE < rows_all ? begin + ROWS_AT_ONCE : rows_all;
        for (size_t i = 0; i < bill->plan_count; i++)
            if (charges[i])
                charge_range(&plans[i], begin, end, charges[i]);
        for (size_t k = 0; k < bill->break_even_count; k++) {
            struct break_even *e = &bill->break_even[k];
            if (is_known(d, e))
                continue;
            bool by_period = plan_is_paid_by_period(bill->plans[e->flat_plan].plan);
            e->dearer += count_dearer(charges[e->token_plan], charges[e->flat_plan], end - begin,
                                      by_period ? &e->flat : NULL);
        }
    }
    for (size_t i = 0; i < bill->plan_count; i++)
        if (charges[i])
            charging_close(&plans[i]);
    for (size_t i = 0; i < bill->plan_count; i++)
        free(charges[i]);
    free(charges);
    free(plans);
}

void dearer_tell(const struct dearer *d, struct bill *bill, const struct serve_rows *rows)
{
    charge_pairs(d, bill, rows);
    for (size_t k = 0; k < bill->break_even_count; k++)
        if (is_known(d, &bill->break_even[k])) {
            struct break_even *e = &bill->break_even[k];
            e->dearer = d->count[e->token_plan * d->plans + e->flat_plan];
        }
}
