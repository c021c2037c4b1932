/* Why a change of the workload moves a plan's total, or does not; private to sim/cost. */
#ifndef FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_WHY_H
#define FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_WHY_H

#include "sim/cost/what_if/what_if.h"

/* A sentence without its full stop. kind: enum transform_kind, or -1 for several transforms. The
 * caller frees it. */
char *what_if_why(const struct plan *plan, int kind, const struct what_if_case *before,
                  const struct what_if_case *after, size_t plan_number);

#endif
