#include "sim/cost/bill/bill_windows.h"

#include "core/memory.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

static int64_t start_of(const struct tariff *t, size_t row)
{
    return t->served->start_ns ? t->served->start_ns[row] : serve_due(t->rows, row);
}

static uint32_t *rows_by_start(const struct tariff *t)
{
    size_t count = t->rows->workload->count;
    int64_t *starts = mem_alloc((count + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[i] = start_of(t, i);
    uint32_t *order = workload_order_by(starts, count);
    free(starts);
    return order;
}

static bool is_for(const struct plan_quota *quota, const struct workload *w, size_t row)
{
    const char *model = NULL, *class_name = NULL;
    if (quota->model_count + quota->class_count == 0)
        return true;
    if (w->model && w->model[row] != UINT16_MAX)
        model = names_text(&w->models, w->model[row]);
    if (w->class_number && w->class_number[row] != UINT16_MAX)
        class_name = names_text(&w->classes, w->class_number[row]);
    return plan_quota_is_for(quota, model, class_name);
}

void window_walk_begin(struct window_walk *walk, const struct tariff *t,
                       const struct plan_quota *windows, bool by_start)
{
    *walk = (struct window_walk){.t = t,
                                 .windows = *windows,
                                 .end_ns = INT64_MIN,
                                 .start_unix_ns =
                                     t->start_unix_ns == TIME_NEVER ? 0 : t->start_unix_ns};
    if (windows->alignment == WINDOW_ROLLING)
        walk->windows = window_on_grid(windows);
    if (by_start || windows->alignment == WINDOW_SESSION)
        walk->order = rows_by_start(t);
}

static size_t window_at(struct window_walk *walk, int64_t at_ns)
{
    if (walk->windows.alignment != WINDOW_SESSION)
        return (size_t)window_number(&walk->windows, walk->start_unix_ns, at_ns);
    if (at_ns >= walk->end_ns) {
        walk->end_ns = at_ns + plan_quota_length(&walk->windows);
        walk->sessions++;
    }
    return walk->sessions - 1;
}

bool window_walk_next(struct window_walk *walk, size_t *row, size_t *window)
{
    const struct workload *w = walk->t->rows->workload;
    while (walk->at < w->count) {
        *row = walk->order ? walk->order[walk->at] : walk->at;
        walk->at++;
        if (!tariff_serves(walk->t, *row) || !is_for(&walk->windows, w, *row))
            continue;
        *window = window_at(walk, start_of(walk->t, *row));
        return true;
    }
    return false;
}

void window_walk_end(struct window_walk *walk)
{
    free(walk->order);
}

/* ---- free calls and units ---- */

static uint64_t count_of(const struct usage *u, const struct plan_quota *q)
{
    for (size_t i = 0; i < u->extra_count; i++) {
        const struct usage_extra *e = &u->extras[i];
        if (e->count_micro > 0 && !!e->is_unit == (q->unit == QUOTA_UNITS) &&
            strcmp(e->name, q->of) == 0)
            return (uint64_t)e->count_micro;
    }
    return 0;
}

static const struct plan_rate *rate_of(const struct tariff *t, size_t row)
{
    const struct workload *w = t->rows->workload;
    return w->model && w->model[row] != UINT16_MAX ? t->rates[w->model[row]]
                                                   : t->rates[t->model_count];
}

/* What the row's calls cost less if so many of them are free. At most what it is charged for such
 * things: an attempt that is not billed has no calls to pay. */
static money saved_by(const struct tariff *t, size_t row, const struct plan_quota *q,
                      uint64_t count, uint64_t free_count)
{
    struct row_charge c;
    money all, rest;
    if (tariff_charge(t, row, &c) < 0 ||
        price_fee(rate_of(t, row), q->unit == QUOTA_UNITS, q->of, count, &all) < 0 ||
        price_fee(rate_of(t, row), q->unit == QUOTA_UNITS, q->of, count - free_count, &rest) < 0)
        return 0;
    money paid = c.last.line[q->unit == QUOTA_UNITS ? CHARGE_UNITS : CHARGE_TOOLS];
    return all - rest < paid ? all - rest : paid;
}

/* The amount of one window; of a stretch that is scaled to a longer period, its share. */
static uint64_t amount_in(const struct plan_quota *q, const struct bill *bill)
{
    int64_t length = plan_quota_length(q);
    if (bill->scale_ns == 0 || bill->scale_ns >= length)
        return q->amount;
    return (uint64_t)((money_magnitude)q->amount * (uint64_t)bill->scale_ns / (uint64_t)length);
}

static money saved_in_windows(const struct plan_quota *q, const struct bill *bill,
                              const struct tariff *t, money *by_row)
{
    struct window_walk walk;
    size_t row, window, current = 0;
    uint64_t amount = amount_in(q, bill), carried = 0, left = amount;
    money saved = 0;
    window_walk_begin(&walk, t, q, true);
    while (window_walk_next(&walk, &row, &window)) {
        struct usage u = workload_usage(t->rows->workload, row);
        uint64_t count = count_of(&u, q);
        if (window != current) {
            uint64_t unused = left < amount ? left : amount;
            carried = !q->rolls_over ? 0 : window > current + 1 ? amount : unused;
            left = amount + carried;
            current = window;
        }
        uint64_t taken = count < left ? count : left;
        if (taken == 0)
            continue;
        left -= taken;
        money here = saved_by(t, row, q, count, taken);
        saved += here;
        if (by_row)
            by_row[row] += here;
    }
    window_walk_end(&walk);
    return saved;
}

money bill_free_calls(const struct plan *plan, const struct bill *bill, const struct tariff *t,
                      money *by_row)
{
    money saved = 0;
    for (size_t i = 0; i < plan->quota_count; i++)
        if (plan->quotas[i].of)
            saved += saved_in_windows(&plan->quotas[i], bill, t, by_row);
    if (bill->scale_ns > 0)
        (void)money_prorate(saved, bill->scaled_requests, bill->workload->count, &saved);
    return saved;
}
