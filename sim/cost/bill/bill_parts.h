/* The steps of a bill; private to sim/cost. */
#ifndef FAREBOX_SIM_COST_BILL_BILL_PARTS_H
#define FAREBOX_SIM_COST_BILL_BILL_PARTS_H

#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/bought.h"

/* The lines beside the requests' own charges, and the totals, of `bought`: the plan so many times.
 * -1: beyond 128 bits. */
int bill_add_lines(struct plan_bill *p, const struct plan *bought, const struct bill *bill,
                   const struct tariff *t);

/* Until when one pays by the period: the last request is served. A month that was asked for ends
 * where it ends, unless a queue outlasts it: what of its last sessions goes beyond belongs to the
 * next, as the end of the month before lies in this one. */
int64_t bill_paid_until(const struct plan_bill *p, const struct bill *bill);

/* How many of the plan to buy: into p->subscriptions, with p->need. -1: beyond 128 bits. */
int bill_choose_count(struct plan_bill *p, const struct bill *bill, const struct serve_rows *rows);

static inline int64_t bill_known_start(const struct bill *bill)
{
    return bill->has_start ? bill->start_unix_ns : TIME_NEVER;
}

/* Quotas whose windows are longer than the workload, where it is scaled to a period: they would
 * be filled anew with every repetition, so they are taken out of the plan that the rows run
 * through, and settled for the whole period instead. */
struct long_quotas {
    struct plan plan;          /* without them; borrows everything else */
    struct plan_quota *quotas; /* what is left */
};
void long_quotas_take_out(struct long_quotas *q, const struct bill *bill, const struct plan *plan);
void long_quotas_free(struct long_quotas *q);

/* What the long quotas ask for, into p->need; p->sums of one plan must be known. */
void bill_need_of_period(struct plan_bill *p, const struct bill *bill);

/* Scales the requests' charges to the period, and lets the long quotas cover their part. -1: beyond
 * 128 bits. */
int bill_scale(struct plan_bill *p, const struct plan *bought, const struct bill *bill);

/* What failed, was cut or retried; what the provider reported. */
void bill_add_waste(struct plan_bill *p, const struct tariff *t);
void bill_reconcile(struct plan_bill *p, const struct tariff *t);

/* The split by options.by, and by session. */
struct bill_grouping {
    uint32_t *group; /* by row; NAME_NONE = none */
    struct names names;
};
int bill_grouping_make(struct bill_grouping *g, const struct workload *w,
                       const struct serve_rows *rows, const char *by, int64_t start_unix_ns,
                       struct error *err);
void bill_grouping_free(struct bill_grouping *g);
void bill_add_groups(struct plan_bill *p, const struct tariff *t, const struct bill_grouping *g);
void bill_add_sessions(struct plan_bill *p, const struct tariff *t);

/* A copy that the caller frees. */
int bill_copy_workload(const struct workload *from, struct workload *to, struct error *err);

/* The workload with every prefix that repeats served from a cache, where it says what repeats and
 * is not larger than this; else *out stays empty. */
#define IDEAL_CACHE_ROWS 200000
int bill_ideal_cache(const struct workload *w, struct workload *out, struct error *err);
void bill_add_cache_misses(struct plan_bill *p, const struct tariff *t,
                           const struct workload *ideal, unsigned workers);

/* Break-evens and splits of every pair, and the map of the cheapest. */
void bill_compare(struct bill *bill, const struct serve_rows *rows);

#endif
