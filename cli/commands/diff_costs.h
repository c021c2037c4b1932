/* What a plan would have charged for each request of two runs, for farebox diff.
 *
 *     struct diff_costs costs;
 *     struct run_pricing pricing = diff_costs_begin(&costs, plan);  // of struct run_diff_options
 *     diff_costs_free(&costs);
 *
 * Requests that the plan does not serve, or that were never sent, have no cost. Beside the charge
 * of the request itself nothing counts: no subscription, no minimum. Writes nothing into the runs.
 */
#ifndef FAREBOX_CLI_COMMANDS_DIFF_COSTS_H
#define FAREBOX_CLI_COMMANDS_DIFF_COSTS_H

#include "core/runs/compare/run_diff.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/book/plan.h"

struct diff_costs {
    const struct plan *plan;
    struct run_workload runs[2]; /* as long as their records come */
    double *usd[2];              /* by row */
};

struct run_pricing diff_costs_begin(struct diff_costs *costs, const struct plan *plan);
void diff_costs_free(struct diff_costs *costs);

#endif
