/* What a plan would have charged for each request of a run, for farebox diff. */
#ifndef FAREBOX_CLI_COMMANDS_DIFF_COSTS_H
#define FAREBOX_CLI_COMMANDS_DIFF_COSTS_H

#include "core/runs/compare/run_diff.h"
#include "sim/cost/book/plan.h"

/* Requests that the plan does not serve, or that were never sent, have no cost. Beside the charge
 * of the request itself nothing counts: no subscription, no minimum. Writes nothing into the run.
 */
int diff_costs_make(struct run_costs *out, const char *run, const struct plan *plan,
                    struct error *err);
void diff_costs_free(struct run_costs *costs);

#endif
