/* One's own records as single charges: every attempt that was sent, at what it used, and what the
 * plan asks for it.
 *
 *     struct own_list own;
 *     if (own_list_make(&own, &workload, plan, err) < 0) return err->code;
 *     for (size_t i = 0; i < own.count; i++) total += own.items[i].price;
 *     own_list_free(&own);
 *
 * Without a plan the price is what the records report. Texts are lent by the workload and the plan.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_OWN_H
#define FAREBOX_SIM_COST_RECONCILE_OWN_H

#include "core/runs/record/record.h"
#include "sim/cost/book/price.h"
#include "workloads/model/workload.h"

struct own {
    const char *id;                          /* the list's own */
    const char *model, *class_name, *labels; /* NULL */
    int64_t at_ns;                           /* since 1970; TIME_NEVER = not known */
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER */
    struct usage usage;        /* delivered */
    uint64_t asked_output;
    enum record_status status;
    int http_status;
    uint32_t attempts; /* of its request */
    bool earlier;      /* an attempt before the last */
    bool billed;
    money price; /* USD; 0 where it is not billed */
};

struct own_list {
    struct own *items; /* requests in the order of the workload, each behind its earlier attempts */
    size_t count, capacity;
    const struct plan *plan; /* NULL */
    struct names ids;        /* of requests */
    uint64_t requests;
    uint64_t unpriced; /* of a model that the plan does not sell, or without a reported cost */
    money total;
};

/* ERR_INPUT: no time where the plan's prices need one, rows that stand for many requests, amounts
 * beyond 1.7e14 USD. */
int own_list_make(struct own_list *out, const struct workload *w, const struct plan *plan,
                  struct error *err);
void own_list_free(struct own_list *own);

/* Whether the plan charges more than what single requests do: a subscription, units, a quota, a
 * minimum, a volume discount. No line of a request says that. */
bool own_plan_charges_more(const struct plan *plan);

/* What is charged for. */
struct facts {
    const char *model, *class_name;
    const char *labels; /* for uplifts; a JSON object, NULL */
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER */
    const struct usage *usage;
    int64_t at_ns;
    bool has_tier; /* the prices from so much input on, whatever the usage */
    uint64_t tier_from;
};

/* What the plan asks for it, exactly: 1; 0 and no price where it does not sell the model; -1 where
 * it does not fit, or the tier is none of the plan's. */
int facts_price(const struct plan *plan, const struct facts *f, money *out);

/* The same, line by line. */
int facts_charge(const struct plan *plan, const struct facts *f, struct charge *out);

/* The same hour on the day of another instant; TIME_NEVER for the day: as it is. */
int64_t facts_on_day(int64_t at_ns, int64_t day_ns);

/* The tables of prices that the facts choose among; NULL where the plan does not sell the model. */
const struct rate_prices *facts_tables(const struct plan *plan, const struct facts *f);

/* The facts of an own charge, and the usage that its plan bills for it (zero where it is not
 * billed). */
struct facts own_facts(const struct own *o, const struct usage *usage);
struct usage own_billed_usage(const struct own *o, const struct plan *plan);

#endif
