/* What plans would have charged for each request of two runs, for comparisons.
 *
 *     struct diff_costs costs;
 *     const struct plan *const plans[2] = {plan, plan};             // one for each side
 *     struct run_pricing pricing = diff_costs_begin(&costs, plans);  // of struct run_diff_options
 *     diff_costs_free(&costs);
 *
 * Requests that the plan does not serve, or that were never sent, have no cost. Beside the charge
 * of the request itself nothing counts: no subscription, no minimum. Writes nothing into the runs.
 * One after the other any number of pairs of runs may be priced.
 */
#ifndef FAREBOX_CLI_DIFF_COSTS_H
#define FAREBOX_CLI_DIFF_COSTS_H

#include "core/runs/compare/run_diff.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/book/plan.h"

struct diff_costs {
    const struct plan *plans[2];    /* borrowed */
    struct run_workload runs[2];    /* as long as their records come */
    struct diff_charge *charges[2]; /* by row, of the pair at hand */
};

struct run_pricing diff_costs_begin(struct diff_costs *costs, const struct plan *const plans[2]);
void diff_costs_free(struct diff_costs *costs);

#endif
