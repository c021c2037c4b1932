/* Several engines for one demand: what each of them costs, and which is the cheapest.
 *
 *     struct capacity_comparison c = {.plans = plans, .count = 3, ...};
 *     capacity_compare(&c);
 *     for (size_t i = 0; i < c.count; i++) show(&c.plans[c.order[i]], &c.costs[c.order[i]]);
 *     capacity_comparison_write(&c, &writer);
 *
 * All are compared at the same demand; where none is known, by what a fully loaded replica costs
 * for each request ("fully": less the headroom). A month has 30 days.
 */
#ifndef FAREBOX_SIM_PLAN_CAPACITY_COMPARE_H
#define FAREBOX_SIM_PLAN_CAPACITY_COMPARE_H

#include "sim/plan/capacity_plan.h"

#define CAPACITY_ENGINES 16

/* What an engine costs, USD; NAN where it is not known. */
struct capacity_cost {
    double request;                  /* a request at the demand */
    double full_request;             /* a request of replicas that are loaded to 1 − headroom */
    double objective_lifts[SLO_MAX]; /* capacity_find_objective() */
    size_t objective;                /* that binds; SLO_MAX = a queue */
};

struct capacity_comparison {
    const struct capacity_plan *plans;  /* of the same workload, demand and objectives */
    size_t count;                       /* at most CAPACITY_ENGINES */
    double input_tokens, output_tokens; /* of a request, mean */
    struct capacity_cost costs[CAPACITY_ENGINES];
    size_t order[CAPACITY_ENGINES]; /* by rising cost, equal ones as they are given; then those
                                       whose cost is not known, then those that serve nothing */
    size_t cheapest;                /* so many, from the first of the order on, cost the least */
};

/* Fills costs (the objective is the caller's), order and cheapest. */
void capacity_compare(struct capacity_comparison *c);

/* The engine has a rate within the objectives, and it was found. */
bool capacity_plan_serves(const struct capacity_plan *p);

/* The cheapest in a month ahead; SIZE_MAX where no price is known. */
size_t capacity_cheapest_in(const struct capacity_comparison *c, size_t month);

/* The errors that both presets state of what binds, the root of the sum of their squares; NAN where
 * one states none. Of the TTFT where the objective that binds the first is one on it, else TPOT. */
double capacity_error_between(const struct capacity_comparison *c, size_t a, size_t b);
bool capacity_error_is_ttft(const struct capacity_comparison *c, size_t a);

/* capacity.json of several engines. */
void capacity_comparison_write(const struct capacity_comparison *c, struct json_writer *w);

#endif
