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

uint64_t bill_calls(const struct tariff *t, size_t row, const struct plan_quota *quota, money *cost)
{
    struct usage u = workload_usage(t->rows->workload, row);
    uint64_t count = count_of(&u, quota);
    *cost = saved_by(t, row, quota, count, count);
    return count;
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

/* ---- volume discounts that look at each request: by tokens, by model, by calendar periods ---- */

#define MILLION 1000000

/* What one count has come to in the period under way. */
struct count {
    size_t period;
    uint64_t tokens;
    money usage;
    money *above; /* by step: the charges of the tokens that lie in it */
};

struct volume {
    const struct plan_volume *v;
    struct count *counts; /* one, or one for each model and one for rows without */
    size_t count;
    money off;
    bool overflow;
};

static void open_volume(struct volume *x, const struct plan_volume *v, const struct workload *w)
{
    *x = (struct volume){.v = v};
    x->count = v->per_model && w->model ? w->models.count + 1 : 1;
    x->counts = mem_zero(x->count, sizeof *x->counts);
    for (size_t i = 0; i < x->count; i++)
        x->counts[i].above = mem_zero(v->step_count + 1, sizeof *x->counts[i].above);
}

static void close_volume(struct volume *x)
{
    for (size_t i = 0; i < x->count; i++)
        free(x->counts[i].above);
    free(x->counts);
}

/* Tokens of [from, until) that lie in a step. */
static uint64_t in_step(const struct plan_volume *v, size_t step, uint64_t from, uint64_t until)
{
    uint64_t low = v->steps[step].over_tokens;
    uint64_t high = step + 1 < v->step_count ? v->steps[step + 1].over_tokens : UINT64_MAX;
    low = low > from ? low : from;
    high = high < until ? high : until;
    return high > low ? high - low : 0;
}

/* Adds so much usage for so many tokens to a count; tokens of one request cost the same each. */
static void take(struct volume *x, struct count *c, uint64_t tokens, money usage)
{
    for (size_t i = 0; i < x->v->step_count && x->v->by_tokens && tokens > 0; i++) {
        uint64_t part = in_step(x->v, i, c->tokens, c->tokens + tokens);
        money share = usage;
        if (part < tokens && money_prorate(usage, part, tokens, &share) < 0)
            x->overflow = true;
        c->above[i] += share;
    }
    c->tokens += tokens;
    c->usage += usage;
}

/* The step that all units are paid at: the highest that was passed. */
static int off_all(const struct plan_volume *v, const struct count *c, money *out)
{
    size_t passed = 0;
    while (passed < v->step_count && c->tokens > v->steps[passed].over_tokens)
        passed++;
    return passed == 0 ? 0
                       : money_prorate(c->usage, v->steps[passed - 1].off_millionths, MILLION, out);
}

static int off_above(const struct plan_volume *v, const struct count *c, money *out)
{
    for (size_t i = 0; i < v->step_count; i++) {
        money off;
        if (money_prorate(c->above[i], v->steps[i].off_millionths, MILLION, &off) < 0)
            return -1;
        *out += off;
    }
    return 0;
}

/* Ends the period of a count. */
static void settle(struct volume *x, struct count *c)
{
    const struct plan_volume *v = x->v;
    money off = 0;
    int code = !v->by_tokens  ? price_volume_discount(v, c->usage, &off)
               : v->all_units ? off_all(v, c, &off)
                              : off_above(v, c, &off);
    x->overflow = x->overflow || code < 0;
    x->off += off;
    c->tokens = 0;
    c->usage = 0;
    for (size_t i = 0; i < v->step_count; i++)
        c->above[i] = 0;
}

static struct count *count_for(struct volume *x, const struct workload *w, size_t row)
{
    if (x->count == 1)
        return &x->counts[0];
    return &x->counts[w->model[row] == UINT16_MAX ? x->count - 1 : w->model[row]];
}

/* Of the row, what the discount counts: its charges by the token, or all of them. */
static int row_use(const struct volume *x, const struct tariff *t, size_t row,
                   struct token_charge *out)
{
    struct row_charge c;
    if (x->v->by_tokens)
        return tariff_token_charge(t, row, out);
    int code = tariff_charge(t, row, &c);
    *out = (struct token_charge){0, c.total};
    return code;
}

static const char *model_of(const struct workload *w, size_t row)
{
    return w->model && w->model[row] != UINT16_MAX ? names_text(&w->models, w->model[row]) : NULL;
}

/* All rows in the order of their starts. `whole`: as if they were of one period. */
static void take_rows(struct volume *x, const struct tariff *t, bool whole)
{
    const struct workload *w = t->rows->workload;
    struct plan_quota windows = plan_volume_windows(x->v);
    struct window_walk walk;
    size_t row, period;
    window_walk_begin(&walk, t, &windows, true);
    while (window_walk_next(&walk, &row, &period)) {
        struct token_charge use;
        if (!plan_volume_is_for(x->v, model_of(w, row)))
            continue;
        if (row_use(x, t, row, &use) < 0) {
            x->overflow = true;
            continue;
        }
        struct count *c = count_for(x, w, row);
        if (!whole && c->period != period)
            settle(x, c);
        c->period = period;
        take(x, c, use.tokens, use.amount);
    }
    window_walk_end(&walk);
}

/* What was placed of a period is scaled to it, all of its windows alike. */
static void scale(struct volume *x, const struct bill *bill)
{
    struct plan_quota windows = plan_volume_windows(x->v);
    int64_t n = bill->billed_span_ns / plan_quota_length(&windows);
    uint64_t count = n > 0 ? (uint64_t)n : 1, placed = bill->workload->count * count;
    for (size_t i = 0; i < x->count; i++) {
        struct count *c = &x->counts[i], all = *c;
        settle(x, c);
        x->off = 0;
        if (money_prorate(all.usage, bill->scaled_requests, placed, &all.usage) < 0)
            x->overflow = true;
        take(x, c, (uint64_t)((money_magnitude)all.tokens * bill->scaled_requests / placed),
             all.usage);
    }
    money total = 0;
    for (size_t i = 0; i < x->count; i++)
        settle(x, &x->counts[i]);
    x->overflow = x->overflow || money_multiply(x->off, count, &total) < 0;
    x->off = total;
}

int bill_volume_discount(const struct plan_volume *volume, const struct bill *bill,
                         const struct tariff *t, money *out)
{
    struct volume x;
    open_volume(&x, volume, t->rows->workload);
    take_rows(&x, t, bill->scale_ns > 0);
    if (bill->scale_ns > 0)
        scale(&x, bill);
    else
        for (size_t i = 0; i < x.count; i++)
            settle(&x, &x.counts[i]);
    *out = x.off;
    close_volume(&x);
    return x.overflow ? -1 : 0;
}
