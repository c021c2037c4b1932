#include "sim/cost/bill/bill.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bill_plan_name(const struct plan_bill *p, char out[BILL_NAME_SIZE])
{
    snprintf(out, BILL_NAME_SIZE, "%.120s%s", p->plan->name, p->without_caps ? " (no caps)" : "");
    return out;
}

static int too_much(const struct plan_bill *p, struct error *err)
{
    return error_set(err, ERR_INPUT, "the charges of plan \"%s\" pass 1.7e14 USD", p->plan->name);
}

static int add_prices_per_request(struct plan_bill *p)
{
    uint64_t n = p->served_requests, used = p->period_served, included;
    money price;
    p->has_full_use = plan_full_use(p->plan, &price, &included);
    if (p->has_full_use && money_prorate(price, 1, included, &p->full_use) < 0)
        return -1;
    uint64_t tokens = p->sums.input_tokens + p->sums.output_tokens;
    if (n == 0)
        return 0;
    if (tokens > 0 && p->period_requests == p->requests &&
        money_prorate(p->total, 1000000, tokens, &p->per_mtok) < 0)
        return -1;
    return money_prorate(p->sums.total, 1, n, &p->per_request) < 0 ||
                   (used > 0 && money_prorate(p->total, 1, used, &p->per_used_request) < 0)
               ? -1
               : 0;
}

struct make {
    struct bill *bill;
    struct serve_rows rows;
    struct workload ideal; /* with an infinite prefix cache; empty where unknown */
    struct charge_notes notes;
    struct dearer dearer;
};

/* What the charges are like, which no total depends on. */
static void describe_charges(struct make *m, struct plan_bill *p, const struct tariff *t)
{
    unsigned workers = m->bill->options.workers;
    if (p->sums.alike)
        cost_stats_alike(charge_quanta(p->sums.each), p->sums.rows, &p->stats);
    else
        cost_stats_of(m->notes.quanta, m->bill->workload->count, &p->stats);
    cost_stats_shares(t, workers, &p->sums, &m->notes, &p->stats);
    bill_add_waste(p, t);
    bill_reconcile(p, t);
    bill_add_cache_misses(p, t, &m->ideal, m->bill);
    bill_add_sessions(p, t);
}

static int bill_plan(struct make *m, struct plan_bill *p, struct error *err)
{
    struct bill *bill = m->bill;
    struct purchase b;
    bill_count_tokens(bill, p);
    struct serve_rows rows = bill_rows_for(&m->rows, p);
    p->requests = bill->workload->count;
    if (bill_choose_count(p, bill, &rows) < 0)
        return too_much(p, err);
    purchase_open(&b, p, bill, &rows, p->subscriptions);
    m->notes.moments = (struct charge_moments){0};
    m->notes.has_moments = !bill->options.totals_only && !price_is_flat(p->plan);
    purchase_charge(&b, p, bill->options.workers, &m->notes);
    p->rejected = p->requests - p->served_requests;
    p->flat = price_is_flat(p->plan);
    int code = p->sums.overflow ? -1 : 0;
    if (code == 0 && !bill->options.totals_only)
        describe_charges(m, p, &b.tariff);
    if (code == 0)
        code = bill_add_lines(p, &b.bought.plan, bill, &b.tariff);
    if (code == 0)
        code = add_prices_per_request(p);
    if (code == 0 && !bill->options.totals_only)
        dearer_note(&m->dearer, bill, (size_t)(p - bill->plans), &b.tariff, m->notes.quanta);
    purchase_close(&b);
    p->served.fate = NULL;
    p->served.start_ns = NULL;
    return code < 0 ? too_much(p, err) : 0;
}

/* Plans that serve everything whole go before those that cut answers short; then cash decides, and
 * of equal cash the fewer subscriptions. */
static bool ranks_before(const struct plan_bill *a, const struct plan_bill *b)
{
    if ((a->served.truncated > 0) != (b->served.truncated > 0))
        return a->served.truncated == 0;
    if (a->total != b->total)
        return a->total < b->total;
    return a->subscriptions < b->subscriptions;
}

bool bill_waits_too_long(const struct plan_bill *p, const struct bill *bill)
{
    return p->served.delay_max_ns > bill->options.max_wait_ns;
}

money bill_wasted(const struct bill_waste *w)
{
    return w->retries + w->failed + w->aborted + w->slo_missed;
}

bool bill_split_saves(const struct bill *bill)
{
    const struct bill_split *s = bill->best_split;
    return s && s->to_flat > 0 && (bill->ranking_count == 0 || bill->best_split_saved > 0);
}

bool bill_split_may_save(const struct bill *bill)
{
    return bill->best_split && bill->split_below < bill->best_split->total &&
           (bill->ranking_count == 0 || bill->split_below < bill->plans[bill->ranking[0]].total);
}

bool bill_only_waits(const struct bill *b)
{
    for (size_t i = 0; i < b->plan_count; i++)
        if (bill_waits_too_long(&b->plans[i], b) && !b->plans[i].without_caps &&
            b->plans[i].period_served == b->plans[i].period_requests)
            return true;
    return false;
}

bool bill_is_ranked(const struct bill *bill, const struct plan_bill *p)
{
    return p->period_served == p->period_requests && !p->without_caps && bill->completed > 0 &&
           !bill_waits_too_long(p, bill) && p->sums.unpriced == 0;
}

bool bill_repeats(const struct bill *bill, size_t plan)
{
    const struct plan_bill *p = &bill->plans[plan];
    if (!p->without_caps)
        return false;
    const struct plan_bill *capped = p - 1;
    return capped->rejected == p->rejected && capped->served.truncated == p->served.truncated &&
           capped->total == p->total;
}

const char *bill_caps_name(const struct plan_bill *p)
{
    return p->without_caps ? "ignored" : p->plan->limits.unconfirmed ? "unconfirmed" : "applied";
}

static void rank_plans(struct bill *bill)
{
    bill->ranking = mem_alloc((bill->plan_count + 1) * sizeof *bill->ranking);
    for (size_t i = 0; i < bill->plan_count; i++) {
        if (!bill_is_ranked(bill, &bill->plans[i]))
            continue;
        size_t at = bill->ranking_count++;
        for (; at > 0 && ranks_before(&bill->plans[i], &bill->plans[bill->ranking[at - 1]]); at--)
            bill->ranking[at] = bill->ranking[at - 1];
        bill->ranking[at] = i;
    }
    for (size_t i = 0; i < bill->ranking_count; i++)
        bill->plans[bill->ranking[i]].rank = (int)i + 1;
}

static void describe_workload(struct bill *bill, const struct serve_rows *rows)
{
    const struct workload *w = bill->workload;
    for (size_t i = 0; i < w->count; i++) {
        bill->input_tokens += w->input_tokens[i];
        bill->output_tokens += w->output_tokens[i];
        bill->completed += !w->status || w->status[i] == REQUEST_OK;
    }
    for (size_t i = 0; bill->sample->cost && i < bill->sample->count; i++)
        if (bill->sample->cost[i] != MONEY_MAX) {
            bill->has_reported = true;
            bill->reported += bill->sample->cost[i];
            bill->reported_requests++;
        }
    bill->peak_minute = serve_peak_requests(rows, 60 * NS_PER_S);
    bill->peak_day = serve_peak_requests(rows, 86400 * NS_PER_S);
}

#define DAY_NS (86400 * NS_PER_S)

int64_t bill_month_length(const struct bill *bill)
{
    int64_t month = 28 * DAY_NS;
    if (!bill->has_start)
        return 30 * DAY_NS;
    while (bought_periods(30 * DAY_NS, true, bill->start_unix_ns, month) == 1)
        month += DAY_NS;
    return month;
}

uint64_t bill_at_own_rate(uint64_t requests, int64_t span_ns, int64_t length_ns)
{
    return (uint64_t)((money_magnitude)requests * (uint64_t)length_ns / (uint64_t)span_ns);
}

/* Requests of the period: as many as asked, or at the workload's own rate. */
static int period_requests(const struct bill *bill, int64_t length_ns, uint64_t *out,
                           struct error *err)
{
    *out = bill->options.volume;
    if (*out > 0)
        return 0;
    if (bill->span_ns <= bill->first_ns)
        return error_set(err, ERR_INPUT,
                         "the workload has no duration, so its rate is not known; say how many "
                         "requests a month it is with --volume N, or use --period trace");
    *out = bill_at_own_rate(bill->sample->count, bill->span_ns - bill->first_ns, length_ns);
    return 0;
}

/* The rows of a sample that is known are borrowed. */
static void drop_rows(const struct bill *bill, struct serve_rows *rows)
{
    if (!bill->options.sample || rows->workload != bill->sample)
        serve_rows_free(rows);
    *rows = (struct serve_rows){0};
}

/* Puts the period that is made of the sample in its place. */
static int take_period(struct bill *bill, struct serve_rows *rows, struct error *err)
{
    struct extrapolation *e = &bill->extrapolation;
    int64_t length = bill->options.period == PERIOD_DAY ? DAY_NS : bill_month_length(bill);
    int code = period_requests(bill, length, &e->requests, err);
    if (code < 0)
        return code;
    e->start_unix_ns = bill->start_unix_ns;
    e->drawn = bill->options.drawn;
    e->drawn_count = bill->options.drawn_count;
    e->horizon_ns = length;
    if (e->requests > EXTRAPOLATE_MOST) {
        e->horizon_ns =
            (int64_t)((money_magnitude)length * EXTRAPOLATE_MOST / (uint64_t)e->requests);
        bill->scaled_requests = e->requests;
        e->requests = EXTRAPOLATE_MOST;
        bill->scale_ns = e->horizon_ns > 0 ? e->horizon_ns : 1;
    }
    bill->period = mem_zero(1, sizeof *bill->period);
    if (bill->options.sample)
        extrapolate_sample(e, bill->options.sample, bill->period);
    else
        code = extrapolate(e, rows, bill->period, err);
    drop_rows(bill, rows);
    if (code == 0)
        code = serve_rows_make(rows, bill->period, bill->options.duration, err);
    if (code < 0)
        return code;
    bill->workload = bill->period;
    bill->first_ns = 0;
    bill->span_ns = rows->span_ns;
    bill->billed_span_ns = length;
    return 0;
}

static int set_period(struct bill *bill, struct serve_rows *rows, struct error *err)
{
    const struct bill_options *o = &bill->options;
    bill->has_start = o->has_start || bill->workload->has_start;
    bill->start_unix_ns = o->has_start ? o->start_unix_ns : bill->workload->start_unix_ns;
    if (!bill->has_start)
        bill->start_unix_ns = 0;
    bill->span_ns = bill->billed_span_ns = rows->span_ns;
    if (bill->workload->count > 0)
        bill->first_ns = serve_due(rows, rows->order ? rows->order[0] : 0);
    return o->period == PERIOD_TRACE ? 0 : take_period(bill, rows, err);
}

static void list_plans(struct bill *bill, const struct plan *const *plans, size_t count)
{
    bill->plans = mem_zero(2 * count + 1, sizeof *bill->plans);
    for (size_t i = 0; i < count; i++) {
        bill->plans[bill->plan_count++].plan = plans[i];
        if (!bill->options.both_caps || !plans[i]->limits.unconfirmed)
            continue;
        bill->plans[bill->plan_count].plan = plans[i];
        bill->plans[bill->plan_count++].without_caps = true;
    }
}

static int check_start(const struct bill *bill, struct error *err)
{
    for (size_t i = 0; i < bill->plan_count && !bill->has_start; i++)
        if (plan_needs_start(bill->plans[i].plan))
            return error_set(
                err, ERR_INPUT,
                "plan \"%s\" has prices by date or hour, and the workload does not say "
                "when it starts; give --start 2026-11-01T00:00:00Z",
                bill->plans[i].plan->name);
    return 0;
}

/* Flat plans first: what they cost is what the charges of the others are compared with. */
static int bill_plans(struct make *m, struct error *err)
{
    struct bill *bill = m->bill;
    int code = check_start(bill, err);
    dearer_init(&m->dearer, bill->plan_count);
    for (int flat = 1; flat >= 0; flat--)
        for (size_t i = 0; i < bill->plan_count && code == 0; i++)
            if (price_is_flat(bill->plans[i].plan) == flat)
                code = bill_plan(m, &bill->plans[i], err);
    return code;
}

int bill_make(struct bill *out, const struct workload *w, const struct plan *const *plans,
              size_t count, const struct bill_options *options, struct error *err)
{
    struct make m = {.bill = out};
    *out = (struct bill){.workload = w, .sample = w, .options = *options};
    workload_init(&m.ideal);
    if (out->options.workers < 1)
        out->options.workers = 1;
    if (out->options.volume > 0)
        out->options.period = PERIOD_MONTH;
    int code = 0;
    if (options->sample)
        m.rows = *options->sample->rows;
    else
        code = serve_rows_make(&m.rows, w, options->duration, err);
    if (code == 0)
        code = set_period(out, &m.rows, err);
    w = out->workload;
    if (code == 0) {
        list_plans(out, plans, count);
        describe_workload(out, &m.rows);
    }
    if (code == 0 && !options->totals_only)
        m.notes.quanta = mem_alloc((w->count + 1) * sizeof *m.notes.quanta);
    if (code == 0 && !options->totals_only)
        code = bill_ideal_cache(w, &m.ideal, err);
    if (code == 0)
        code = bill_plans(&m, err);
    if (code == 0)
        rank_plans(out);
    const struct plan_bill *beyond;
    if (code == 0 && bill_add_doubts(out, &m.rows, &beyond) < 0)
        code = too_much(beyond, err);
    free(m.notes.quanta);
    if (code == 0 && !options->totals_only)
        bill_compare(out, &m.rows, &m.dearer);
    drop_rows(out, &m.rows);
    if (code < 0)
        bill_free(out);
    dearer_free(&m.dearer);
    workload_free(&m.ideal);
    return code;
}

void bill_free(struct bill *bill)
{
    for (size_t i = 0; i < bill->plan_count; i++) {
        for (size_t g = 0; g < bill->plans[i].group_count; g++)
            free(bill->plans[i].groups[g].name);
        free(bill->plans[i].groups);
    }
    free(bill->plans);
    free(bill->break_even);
    free(bill->splits);
    free(bill->left_out);
    cheapest_map_free(&bill->map);
    free(bill->ranking);
    for (size_t i = 0; i < bill->view_count; i++) {
        token_view_free(bill->views[i]);
        free(bill->views[i]);
    }
    free(bill->views);
    if (bill->period)
        workload_free(bill->period);
    free(bill->period);
    *bill = (struct bill){0};
}
