#include "sim/cost/bill/bill_rows.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_parts.h"

#include <stdlib.h>

static int by_due(const void *a, const void *b)
{
    const struct bill_row *x = a, *y = b;
    if (x->due_ns != y->due_ns)
        return x->due_ns < y->due_ns ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static void fill(const struct tariff *t, const struct serve_result *served, struct bill_row *rows)
{
    for (size_t i = 0; i < t->rows->workload->count; i++) {
        struct row_charge c = {0};
        struct bill_row *r = &rows[i];
        *r = (struct bill_row){.due_ns = serve_due(t->rows, i), .row = (uint32_t)i};
        r->fate = served->fate ? (enum serve_fate)served->fate[i] : SERVE_PAID;
        r->start_ns = served->start_ns ? served->start_ns[i] : r->due_ns;
        if (serve_is_served(r->fate) && tariff_charge(t, i, &c) == 0)
            r->charge = c.total;
    }
}

size_t bill_rows(const struct bill *bill, size_t plan, struct bill_row **out)
{
    return bill_rows_of(bill, plan, bill->plans[plan].subscriptions, out);
}

size_t bill_rows_of(const struct bill *bill, size_t plan, uint64_t subscriptions,
                    struct bill_row **out)
{
    const struct plan_bill *p = &bill->plans[plan];
    struct serve_rows rows;
    struct purchase b;
    size_t count = bill->workload->count;
    *out = mem_zero(count + 1, sizeof **out);
    if (serve_rows_make(&rows, bill->workload, bill->options.duration, NULL) < 0)
        return 0; /* cannot be: bill_make has read the same rows */
    struct serve_rows own = bill_rows_for(&rows, p);
    purchase_open(&b, p, bill, &own, subscriptions);
    fill(&b.tariff, &b.served, *out);
    qsort(*out, count, sizeof **out, by_due);
    purchase_close(&b);
    serve_rows_free(&rows);
    return count;
}

size_t bill_rows_first_limited(const struct bill_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].start_ns > rows[i].due_ns || rows[i].fate == SERVE_QUOTA ||
            rows[i].fate == SERVE_RATE)
            return i;
    return count;
}

int64_t bill_period_begin(const struct bill *bill, const struct plan_bill *p, uint64_t number)
{
    int64_t length = plan_period_ns(p->plan), low = 0, high;
    if (length <= 0 || number == 0)
        return bill->first_ns;
    if (__builtin_mul_overflow(length, (int64_t)number + 1, &high))
        return INT64_MAX;
    while (low < high) { /* the first instant at which so many have begun */
        int64_t middle = low + (high - low) / 2;
        if (bill_periods(bill, length, bill->first_ns, middle) > number)
            high = middle;
        else
            low = middle + 1;
    }
    return bill->first_ns + low;
}

money bill_paid_by_periods(const struct plan_bill *p, uint64_t begun)
{
    money by_period = p->cash[LINE_SUBSCRIPTION] + p->cash[LINE_PROVISIONED], share;
    if (p->periods == 0 || begun >= p->periods)
        return by_period + p->cash[LINE_SETUP];
    return money_prorate(by_period, begun, p->periods, &share) < 0 ? by_period
                                                                   : share + p->cash[LINE_SETUP];
}
