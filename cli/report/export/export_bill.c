#include "cli/report/export/export_bill.h"

#include "core/csv/sheet.h"
#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *workload_name(const struct bill *b)
{
    return b->workload->name ? b->workload->name : "workload";
}

/* ---- plans ---- */

#define TITLE_SIZE 64

/* "usage" and "_usd" make a title. */
static const char *title(char out[TITLE_SIZE], const char *name, const char *ending)
{
    snprintf(out, TITLE_SIZE, "%s%s", name, ending);
    return out;
}

static void put_prices(struct sheet *s, const struct plan_bill *p)
{
    const struct cost_stats *c = &p->stats;
    sheet_put_known_money(s, "per_request_usd", p->period_served > 0, p->per_used_request);
    sheet_put_money(s, "usage_per_request_usd", p->per_request);
    sheet_put_number(s, "usage_min_usd", c->min);
    sheet_put_number(s, "usage_p50_usd", c->p50);
    sheet_put_number(s, "usage_p90_usd", c->p90);
    sheet_put_number(s, "usage_p99_usd", c->p99);
    sheet_put_number(s, "usage_max_usd", c->max);
    sheet_put_number(s, "max_over_median", c->max_over_median);
    sheet_put_number(s, "cv", c->cv);
    sheet_put_known_money(s, "at_full_use_usd", p->has_full_use, p->full_use);
    sheet_put_known_money(s, "usd_per_mtok", p->per_mtok != 0, p->per_mtok);
}

static void put_fates(struct sheet *s, const struct bill *b, const struct plan_bill *p)
{
    char name[TITLE_SIZE];
    sheet_put_u64(s, "requests", p->requests);
    sheet_put_u64(s, "served", p->served_requests);
    sheet_put_u64(s, "included", p->served.count[SERVE_INCLUDED]);
    sheet_put_u64(s, "rejected", p->rejected);
    for (int i = SERVE_INCLUDED + 1; i < SERVE_FATES; i++)
        sheet_put_u64(s, title(name, "rejected_by_", serve_fate_name((enum serve_fate)i)),
                      p->served.count[i]);
    sheet_put_u64(s, "period_requests", p->period_requests);
    sheet_put_u64(s, "period_served", p->period_served);
    sheet_put_u64(s, "delayed", p->served.delayed);
    sheet_put_seconds(s, "delay_max_s", p->served.delay_max_ns);
    sheet_put_u64(s, "truncated", p->served.truncated);
    sheet_put_u64(s, "unpriced", p->sums.unpriced);
    sheet_put_number(s, "utilisation", bill_utilisation(p, b));
    sheet_put_u64(s, "input_tokens", p->sums.input_tokens);
    sheet_put_u64(s, "output_tokens", p->sums.output_tokens);
}

static void put_parts(struct sheet *s, const struct plan_bill *p)
{
    char name[TITLE_SIZE];
    for (int i = 0; i < BILL_LINES; i++)
        sheet_put_money(s, title(name, bill_line_name((enum bill_line)i), "_usd"), p->cash[i]);
    for (int i = 0; i < CHARGE_PARTS; i++)
        sheet_put_money(s, title(name, charge_part_name((enum charge_part)i), "_part_usd"),
                        p->sums.part[i]);
    for (int i = 0; i < CHARGE_PARTS; i++)
        sheet_put_number(s, title(name, charge_part_name((enum charge_part)i), "_variance_share"),
                         p->stats.share[i]);
}

static void put_waste(struct sheet *s, const struct plan_bill *p)
{
    const struct bill_waste *w = &p->waste;
    bool known = p->reconciled.requests > 0;
    sheet_put_money(s, "retries_usd", w->retries);
    sheet_put_money(s, "failed_usd", w->failed);
    sheet_put_money(s, "aborted_usd", w->aborted);
    sheet_put_known_money(s, "slo_missed_usd", w->has_slo, w->slo_missed);
    sheet_put_known_money(s, "cache_misses_usd", w->has_cache, w->cache_misses);
    sheet_put_u64(s, "good_requests", w->good_requests);
    sheet_put_money(s, "usage_per_good_request_usd", w->usage_per_good);
    sheet_put_known_u64(s, "compared_requests", known, p->reconciled.requests);
    sheet_put_known_money(s, "compared_reported_usd", known, p->reconciled.reported);
    sheet_put_known_money(s, "compared_ours_usd", known, p->reconciled.ours);
}

static void put_plan(struct sheet *s, const struct bill *b, const struct plan_bill *p)
{
    static const char *const periods[] = {"trace", "day", "month"};
    char start[CLOCK_INSTANT_SIZE];
    clock_format_instant(b->start_unix_ns, start);
    sheet_put_text(s, "workload", workload_name(b));
    sheet_put_text(s, "plan", p->plan->name);
    sheet_put_text(s, "caps", bill_caps_name(p));
    sheet_put_text(s, "period", periods[b->options.period]);
    sheet_put_text(s, "start", b->has_start ? start : NULL);
    sheet_put_known_u64(s, "rank", p->rank > 0, (uint64_t)p->rank);
    sheet_put_money(s, "total_usd", p->total);
    sheet_put_known_money(s, "paid_usd", b->has_reported, b->reported);
    sheet_put_u64(s, "subscriptions", p->subscriptions);
    sheet_put_u64(s, "periods", p->periods);
    put_prices(s, p);
    put_fates(s, b, p);
    put_parts(s, p);
    put_waste(s, p);
    sheet_put_money(s, "prorated_usd", p->prorated_total);
    sheet_end_row(s);
}

void export_bill_plans(const struct bill *const *bills, size_t count, struct buffer *out)
{
    struct sheet s;
    sheet_init(&s, out);
    put_plan(&s, bills[0], &bills[0]->plans[0]); /* the titles */
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < bills[i]->plan_count; p++)
            if (!bill_repeats(bills[i], p))
                put_plan(&s, bills[i], &bills[i]->plans[p]);
    sheet_end(&s);
}

/* ---- requests ---- */

/* What every plan charges, by plan and row; MONEY_MAX where it does not serve the request. */
struct charges {
    struct bill_row *rows; /* of the first plan: the order */
    size_t count;
    money **by_plan;
};

static void charges_make(struct charges *c, const struct bill *b)
{
    *c = (struct charges){.by_plan = mem_zero(b->plan_count + 1, sizeof *c->by_plan)};
    for (size_t p = 0; p < b->plan_count; p++) {
        struct bill_row *rows;
        size_t count = bill_rows(b, p, &rows);
        c->by_plan[p] = mem_alloc((count + 1) * sizeof *c->by_plan[p]);
        for (size_t i = 0; i < count; i++)
            c->by_plan[p][rows[i].row] = serve_is_served(rows[i].fate) ? rows[i].charge : MONEY_MAX;
        if (p == 0)
            *c = (struct charges){rows, count, c->by_plan};
        else
            free(rows);
    }
}

static void charges_free(struct charges *c, const struct bill *b)
{
    for (size_t p = 0; p < b->plan_count; p++)
        free(c->by_plan[p]);
    free(c->by_plan);
    free(c->rows);
}

static void put_due(struct sheet *s, const struct bill *b, const struct bill_row *row)
{
    char at[CLOCK_INSTANT_SIZE] = "";
    if (b->has_start && !sheet_in_titles(s))
        clock_format_instant(b->start_unix_ns + row->due_ns, at);
    sheet_put_text(s, "due", b->has_start ? at : NULL);
    sheet_put_seconds(s, "due_s", row->due_ns);
}

static void put_request(struct sheet *s, const struct bill *b, const struct charges *c,
                        const struct bill_row *row)
{
    static const char *const fates[] = {"ok", "failed", "aborted"};
    char id[REQUEST_ID_SIZE], name[BILL_NAME_SIZE];
    struct request r = {0};
    if (!sheet_in_titles(s))
        workload_get(b->workload, row->row, &r);
    sheet_put_text(s, "workload", workload_name(b));
    sheet_put_text(s, "request_id",
                   sheet_in_titles(s) ? "" : workload_request_id(b->workload, row->row, id));
    sheet_put_text(s, "session_id", r.session_id);
    put_due(s, b, row);
    sheet_put_text(s, "model", r.model);
    sheet_put_text(s, "class", r.class_name);
    sheet_put_text(s, "service", service_name(r.service));
    sheet_put_text(s, "labels", r.labels);
    sheet_put_text(s, "status", fates[r.status]);
    sheet_put_u64(s, "input_tokens", r.input_tokens);
    sheet_put_u64(s, "output_tokens", r.output_tokens);
    sheet_put_known_money(s, "paid_usd", r.has_cost, r.cost);
    for (size_t p = 0; p < b->plan_count; p++) {
        money charge = c ? c->by_plan[p][row->row] : 0; /* titles have none */
        if (!b->plans[p].without_caps)
            sheet_put_known_money(s, bill_plan_name(&b->plans[p], name), charge != MONEY_MAX,
                                  charge);
    }
    sheet_end_row(s);
}

void export_bill_requests(const struct bill *const *bills, size_t count, struct buffer *out)
{
    struct sheet s;
    sheet_init(&s, out);
    put_request(&s, bills[0], NULL, &(struct bill_row){0}); /* the titles */
    for (size_t i = 0; i < count; i++) {
        struct charges c;
        charges_make(&c, bills[i]);
        for (size_t k = 0; k < c.count; k++)
            put_request(&s, bills[i], &c, &c.rows[k]);
        charges_free(&c, bills[i]);
    }
    sheet_end(&s);
}
