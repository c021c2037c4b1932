#include "sim/cost/bill.h"

#include "core/memory.h"
#include "sim/cost/bill_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bill_plan_name(const struct plan_bill *p, char out[BILL_NAME_SIZE])
{
    snprintf(out, BILL_NAME_SIZE, "%.120s%s", p->plan->name, p->without_caps ? " (no caps)" : "");
    return out;
}

/* No price depends on the request: paid by the period, or the same for each. */
static bool is_flat(const struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++) {
        const struct plan_rate *r = &plan->rates[i];
        for (int s = 0; s < SERVICE_COUNT * (int)(r->window_count + 1); s++)
            for (size_t k = 0; k < r->resolved[s].table_count; k++)
                if (r->resolved[s].tables[k].priced)
                    return false;
        if (r->weight_count || r->tool_count || r->unit_count)
            return false;
    }
    return true;
}

static int too_much(const struct plan_bill *p, struct error *err)
{
    return error_set(err, ERR_INPUT, "the charges of plan \"%s\" pass 1.7e14 USD", p->plan->name);
}

static int add_prices_per_request(struct plan_bill *p)
{
    uint64_t n = p->served_requests, used = p->period_served;
    p->has_full_use = plan_full_use(p->plan, &p->full_use_price, &p->full_use_requests);
    if (p->has_full_use &&
        (money_prorate(p->full_use_price, 1, p->full_use_requests, &p->full_use) < 0 ||
         money_prorate(p->full_use_price, used, p->full_use_requests, &p->full_use_total) < 0))
        return -1;
    uint64_t tokens = p->sums.input_tokens + p->sums.output_tokens;
    if (n == 0)
        return 0;
    if (tokens > 0 && p->period_requests == p->requests &&
        money_prorate(p->prorated_total, 1000000, tokens, &p->per_mtok) < 0)
        return -1;
    return money_prorate(p->sums.total, 1, n, &p->per_request) < 0 ||
                   (used > 0 && money_prorate(p->prorated_total, 1, used, &p->per_used_request) < 0)
               ? -1
               : 0;
}

struct make {
    struct bill *bill;
    struct serve_rows rows;
    struct bill_grouping grouping;
    struct workload ideal; /* with an infinite prefix cache; empty where unknown */
    int64_t *quanta;
};

static int64_t known_start(const struct bill *bill)
{
    return bill->has_start ? bill->start_unix_ns : TIME_NEVER;
}

static int bill_plan(struct make *m, struct plan_bill *p, struct error *err)
{
    struct bill *bill = m->bill;
    struct serve_conditions conditions = {bill->start_unix_ns, p->without_caps};
    struct tariff t;
    struct long_quotas quotas;
    unsigned workers = bill->options.workers;
    if (plan_needs_start(p->plan) && !bill->has_start)
        return error_set(err, ERR_INPUT,
                         "plan \"%s\" has prices by date or hour, and the workload does not say "
                         "when it starts; give --start 2026-11-01T00:00:00Z",
                         p->plan->name);
    long_quotas_take_out(&quotas, bill, p->plan);
    serve_plan(&quotas.plan, &m->rows, &conditions, &p->served);
    p->requests = bill->workload->count;
    p->served_requests = p->served.count[SERVE_PAID] + p->served.count[SERVE_INCLUDED];
    p->rejected = p->requests - p->served_requests;
    serve_plans_needed(&quotas.plan, &m->rows, &conditions, &p->need);
    p->flat = is_flat(p->plan);
    tariff_init(&t, &quotas.plan, &m->rows, &p->served, known_start(bill), p->without_caps,
                bill->options.earlier);
    tariff_charge_all(&t, workers, &p->sums, m->quanta);
    int code = p->sums.overflow ? -1 : 0;
    if (code == 0) {
        cost_stats_of(m->quanta, bill->workload->count, &p->stats);
        cost_stats_shares(&t, workers, &p->sums, &p->stats);
        bill_add_waste(p, &t);
        bill_reconcile(p, &t);
        bill_add_cache_misses(p, &t, &m->ideal, workers);
        bill_add_groups(p, &t, &m->grouping);
        bill_add_sessions(p, &t);
        code = bill_add_lines(p, bill, &t);
    }
    if (code == 0)
        code = add_prices_per_request(p);
    tariff_free(&t);
    long_quotas_free(&quotas);
    free(p->served.fate);
    free(p->served.start_ns);
    p->served.fate = NULL;
    p->served.start_ns = NULL;
    return code < 0 ? too_much(p, err) : 0;
}

/* Plans that serve everything at once go before those that delay or truncate. */
static int serves_worse(const struct plan_bill *p)
{
    return p->served.delayed > 0 || p->served.truncated > 0;
}

static bool ranks_before(const struct plan_bill *a, const struct plan_bill *b)
{
    if (serves_worse(a) != serves_worse(b))
        return serves_worse(a) < serves_worse(b);
    return a->prorated_total < b->prorated_total;
}

bool bill_repeats(const struct bill *bill, size_t plan)
{
    const struct plan_bill *p = &bill->plans[plan];
    if (!p->without_caps)
        return false;
    const struct plan_bill *capped = p - 1;
    return capped->rejected == p->rejected && capped->served.truncated == p->served.truncated &&
           capped->prorated_total == p->prorated_total;
}

static void rank_plans(struct bill *bill)
{
    bill->ranking = mem_alloc((bill->plan_count + 1) * sizeof *bill->ranking);
    for (size_t i = 0; i < bill->plan_count; i++) {
        if (bill->plans[i].period_served < bill->plans[i].period_requests ||
            bill->plans[i].without_caps || bill->completed == 0)
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
        if (w->cost && w->cost[i] != MONEY_MAX) {
            bill->has_reported = true;
            bill->reported += w->cost[i];
            bill->reported_requests++;
        }
    }
    bill->recorded = w->status || w->attempts;
    bill->peak_minute = serve_peak_requests(rows, 60 * NS_PER_S);
    bill->peak_day = serve_peak_requests(rows, 86400 * NS_PER_S);
}

static int set_period(struct bill *bill, const struct serve_rows *rows, struct error *err)
{
    static const int64_t lengths[] = {0, 86400 * NS_PER_S, 30 * 86400 * NS_PER_S};
    const struct bill_options *o = &bill->options;
    bill->has_start = o->has_start || bill->workload->has_start;
    bill->start_unix_ns = o->has_start ? o->start_unix_ns : bill->workload->start_unix_ns;
    if (!bill->has_start)
        bill->start_unix_ns = 0;
    bill->span_ns = rows->span_ns;
    bill->billed_span_ns = o->period == PERIOD_TRACE ? bill->span_ns : lengths[o->period];
    if (o->period != PERIOD_TRACE && bill->span_ns == 0)
        return error_set(err, ERR_INPUT,
                         "the workload has no duration, so it cannot be scaled to a period; use "
                         "--period trace");
    return 0;
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

int bill_make(struct bill *out, const struct workload *w, const struct plan *const *plans,
              size_t count, const struct bill_options *options, struct error *err)
{
    struct make m = {.bill = out};
    *out = (struct bill){.workload = w, .options = *options};
    if (out->options.workers < 1)
        out->options.workers = 1;
    int code = serve_rows_make(&m.rows, w, options->duration, err);
    if (code < 0)
        return code;
    code = set_period(out, &m.rows, err);
    if (code == 0)
        code = bill_grouping_make(&m.grouping, w, &m.rows, options->by, out->start_unix_ns, err);
    if (code == 0) {
        list_plans(out, plans, count);
        describe_workload(out, &m.rows);
        m.quanta = mem_alloc((w->count + 1) * sizeof *m.quanta);
    }
    workload_init(&m.ideal);
    if (code == 0)
        code = bill_ideal_cache(w, &m.ideal, err);
    for (size_t i = 0; i < out->plan_count && code == 0; i++)
        code = bill_plan(&m, &out->plans[i], err);
    if (code == 0) {
        rank_plans(out);
        bill_compare(out, &m.rows);
    } else {
        bill_free(out);
    }
    free(m.quanta);
    workload_free(&m.ideal);
    bill_grouping_free(&m.grouping);
    serve_rows_free(&m.rows);
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
    cheapest_map_free(&bill->map);
    free(bill->ranking);
    *bill = (struct bill){0};
}
