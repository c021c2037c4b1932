#include "sim/cost/ladder/ladder_parts.h"

#include "core/memory.h"

#include <stdlib.h>

/* Requests a month of the bill; where it is of no month, at the workload's own rate. */
static int find_here(struct ladder *l, const struct ladder_month *m, struct error *err)
{
    const struct bill *bill = l->bill;
    const struct serve_rows *rows = &m->rows;
    l->at_own_rate = bill->options.volume == 0;
    if (bill->options.period == PERIOD_MONTH) {
        l->here = bill->scale_ns > 0 ? bill->scaled_requests : bill->extrapolation.requests;
    } else {
        int64_t first = serve_due(rows, rows->order ? rows->order[0] : 0);
        if (rows->span_ns <= first)
            return error_set(err, ERR_INPUT,
                             "the workload has no duration, so how many requests a month it is is "
                             "not known; say it with --volume N");
        l->here = bill_at_own_rate(m->sample->count, rows->span_ns - first, l->month_ns);
    }
    l->here = l->here ? l->here : 1;
    l->end = l->here < UINT64_MAX / LADDER_TIMES ? l->here * LADDER_TIMES : UINT64_MAX;
    return 0;
}

static void open_search(struct ladder_search *s, struct ladder_month *m, struct error *err)
{
    const struct bill *bill = m->bill;
    *s = (struct ladder_search){.m = m, .err = err};
    s->plans = mem_zero(bill->plan_count + 1, sizeof *s->plans);
    for (size_t i = 0; i < bill->plan_count; i++)
        if (!bill->plans[i].without_caps)
            ladder_plan_make(&s->plans[s->count++], m, i);
    s->spots = mem_alloc((m->most + 2) * sizeof *s->spots);
    s->open = mem_zero(m->most + 2, sizeof *s->open);
    s->scaled_usage = mem_zero(s->count + 1, sizeof *s->scaled_usage);
    s->keeps_charges = s->count * (m->used + 1) <= LADDER_KEPT / sizeof(money);
}

static void close_search(struct ladder_search *s)
{
    for (size_t i = 0; i < s->count; i++)
        ladder_plan_free(&s->plans[i]);
    free(s->plans);
    free(s->spots);
    free(s->open);
    free(s->scaled_usage);
    free(s->large);
}

size_t ladder_plan_of(const struct ladder_search *s, size_t number)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->plans[i].number == number)
            return i;
    return LADDER_NOBODY;
}

/* ---- steps and intervals ---- */

static void add_step(struct ladder *l, const struct ladder_run *run)
{
    struct ladder_run *last = l->step_count ? &l->steps[l->step_count - 1] : NULL;
    if (last && last->plan == run->plan && last->subscriptions == run->subscriptions) {
        last->to = run->to;
        last->sessions_to = run->sessions_to;
        last->total_to = run->total_to;
        last->proven = last->proven && run->proven;
        last->plan_proven = last->plan_proven && run->plan_proven;
        return;
    }
    l->steps = mem_resize(l->steps, l->step_count + 1, sizeof *l->steps);
    l->steps[l->step_count++] = *run;
}

/* The run of one S: all months that place so many sessions. */
static struct ladder_run run_of(const struct ladder *l, const struct ladder_search *s, uint64_t n,
                                uint64_t from)
{
    const struct ladder_spot *spot = &s->spots[n];
    uint64_t to = n == s->m->most ? l->end : ladder_first_requests(s->m, n + 1) - 1;
    if (n == s->m->most && to > EXTRAPOLATE_MOST)
        to = EXTRAPOLATE_MOST;
    bool some = spot->plan != LADDER_NONE;
    return (struct ladder_run){.from = from,
                               .to = to,
                               .sessions_from = n,
                               .sessions_to = n,
                               .plan = some ? s->plans[spot->plan].number : LADDER_NOBODY,
                               .subscriptions = some ? spot->subscriptions : 0,
                               .total_from = spot->total,
                               .total_to = spot->total,
                               .proven = spot->settled == LADDER_PROVEN,
                               .plan_proven =
                                   spot->settled == LADDER_PROVEN || spot->settled == LADDER_SURE};
}

static void list_steps(struct ladder *l, const struct ladder_search *s)
{
    uint64_t from = 1;
    for (uint64_t n = 1; n <= s->m->most; n++) {
        struct ladder_run run = run_of(l, s, n, from);
        add_step(l, &run);
        from = run.to + 1;
    }
    for (size_t i = 0; i < s->large_count; i++)
        add_step(l, &s->large[i]);
}

static void widen(struct ladder_interval *i, const struct ladder_run *step)
{
    i->run.to = step->to;
    i->run.sessions_to = step->sessions_to;
    i->run.total_to = step->total_to;
    i->run.proven = i->run.proven && step->proven;
    i->run.plan_proven = i->run.plan_proven && step->plan_proven;
    i->step_count++;
    if (step->subscriptions < i->least_subscriptions)
        i->least_subscriptions = step->subscriptions;
    if (step->subscriptions > i->most_subscriptions)
        i->most_subscriptions = step->subscriptions;
}

static void list_intervals(struct ladder *l)
{
    l->proven = l->plans_proven = true;
    l->intervals = mem_zero(l->step_count + 1, sizeof *l->intervals);
    for (size_t i = 0; i < l->step_count; i++) {
        const struct ladder_run *step = &l->steps[i];
        l->proven = l->proven && step->proven;
        l->plans_proven = l->plans_proven && step->plan_proven;
        if (l->interval_count > 0 && l->intervals[l->interval_count - 1].run.plan == step->plan) {
            widen(&l->intervals[l->interval_count - 1], step);
            continue;
        }
        l->intervals[l->interval_count++] =
            (struct ladder_interval){.run = *step,
                                     .least_subscriptions = step->subscriptions,
                                     .most_subscriptions = step->subscriptions,
                                     .first_step = i,
                                     .step_count = 1};
    }
}

const struct ladder_interval *ladder_at(const struct ladder *l, uint64_t requests)
{
    for (size_t i = 0; i < l->interval_count; i++)
        if (requests <= l->intervals[i].run.to)
            return &l->intervals[i];
    return NULL;
}

/* True if the plan serves all of a month of so many requests. */
static bool serves(struct ladder_search *s, size_t plan, const struct ladder_run *at)
{
    const struct ladder_plan *p = &s->plans[plan];
    struct ladder_spot spot = {.plan = LADDER_NONE};
    if (at->sessions_from >= p->first_bad)
        return false;
    if (p->how == LADDER_SUMS)
        return true;
    if (p->how == LADDER_WINDOWS && s->m->bill->options.max_wait_ns <= 0 &&
        at->from <= EXTRAPOLATE_MOST)
        return ladder_ask(s, plan, at->sessions_from) < MONEY_MAX;
    ladder_bill_spot(s, at->from, ladder_bit(plan), &spot);
    return spot.plan == plan;
}

/* Which intervals begin because the plan before cannot serve any more. */
static void find_left(struct ladder *l, struct ladder_search *s)
{
    for (size_t k = 1; k < l->interval_count; k++) {
        size_t before = ladder_plan_of(s, l->intervals[k - 1].run.plan);
        if (before != LADDER_NOBODY)
            l->intervals[k].left = !serves(s, before, &l->intervals[k].run);
    }
}

/* ---- curves ---- */

#define CURVE_POINTS 64

/* From 1 to the most, each a fixed share above the one before, and both sides of every step. */
static uint64_t next_point(const struct ladder *l, uint64_t n, uint64_t most)
{
    uint64_t by = n / 8 + 1, next;
    while ((most - n) / by > 4 * CURVE_POINTS)
        by *= 2;
    next = n + by < most ? n + by : most;
    for (size_t i = 0; i < l->step_count && l->step_count < 4 * CURVE_POINTS; i++) {
        uint64_t from = l->steps[i].sessions_from;
        if (from > n + 1 && from - 1 < next)
            next = from - 1;
        if (from > n && from < next)
            next = from;
    }
    return next;
}

static void add_curve(struct ladder *l, struct ladder_search *s, size_t plan)
{
    struct ladder_curve *c = &l->curves[l->curve_count++];
    struct ladder_plan *p = &s->plans[plan];
    *c = (struct ladder_curve){.plan = p->number};
    for (uint64_t n = 1, last = 0; n != last; last = n, n = next_point(l, n, s->m->most)) {
        uint64_t requests = ladder_first_requests(s->m, n);
        struct ladder_point point = {.requests = requests, .total = MONEY_MAX};
        if (n >= s->m->first_done && n < p->first_bad)
            point.total = ladder_ask(s, plan, n);
        c->points = mem_resize(c->points, c->count + 1, sizeof *c->points);
        c->points[c->count++] = point;
    }
}

static void add_curves(struct ladder *l, struct ladder_search *s)
{
    l->curves = mem_zero(s->count + 1, sizeof *l->curves);
    for (size_t i = 0; i < s->count; i++) {
        bool wins = false;
        for (size_t k = 0; k < l->interval_count; k++)
            wins = wins || l->intervals[k].run.plan == s->plans[i].number;
        if (!wins)
            continue;
        if (s->plans[i].how != LADDER_BILL)
            ladder_plan_charge(&s->plans[i], s->m);
        add_curve(l, s, i);
    }
}

/* ---- the whole ---- */

static int climb(struct ladder *l, struct ladder_search *s, const struct ladder_options *o)
{
    ladder_scan(s);
    if (s->code == 0)
        ladder_scan_large(s, l->end, l->here);
    if (s->code < 0)
        return s->code;
    list_steps(l, s);
    l->ends_early = s->gave_up;
    l->end = l->steps[l->step_count - 1].to;
    list_intervals(l);
    find_left(l, s);
    add_curves(l, s);
    ladder_add_break_evens(l, s);
    ladder_add_pairs(l, s);
    ladder_redraw(l, s, o);
    return s->code;
}

int ladder_make(struct ladder *out, const struct bill *bill, const struct ladder_options *options,
                struct error *err)
{
    struct ladder_month m;
    struct ladder_search s;
    *out = (struct ladder){.bill = bill, .month_ns = bill_month_length(bill)};
    if (bill->sample->count == 0)
        return error_set(err, ERR_INPUT, "there is no request to make a month of");
    int code = ladder_month_make(&m, bill, err);
    if (code < 0)
        return code;
    code = find_here(out, &m, err);
    if (code == 0) {
        ladder_month_extend(&m, out->end, out->here);
        m.allowance = m.work = (int64_t)(options->work ? options->work : LADDER_WORK);
        out->by_hour = m.profile.known;
        open_search(&s, &m, err);
        code = climb(out, &s, options);
        close_search(&s);
    }
    ladder_month_free(&m);
    if (code < 0)
        ladder_free(out);
    return code;
}

void ladder_free(struct ladder *l)
{
    for (size_t i = 0; i < l->curve_count; i++)
        free(l->curves[i].points);
    free(l->curves);
    free(l->steps);
    free(l->intervals);
    free(l->pairs);
    *l = (struct ladder){0};
}
