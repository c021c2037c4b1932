/* The rate limits of a plan, for a mock that enforces what the plan sells.
 *
 *     struct limit_rules rules = {0};
 *     unsigned left_out = limit_rules_from_plan(plan, &rules);
 */
#ifndef FAREBOX_SIM_MOCK_PLAN_LIMITS_H
#define FAREBOX_SIM_MOCK_PLAN_LIMITS_H

#include "sim/cost/book/plan.h"
#include "sim/mock/limiter.h"

/* Fills what the plan limits and the rules leave 0: requests a minute and a day, tokens a minute,
 * requests at once. Returns how many of the plan's rate limits have another window or unit, which
 * the limiter does not know. */
unsigned limit_rules_from_plan(const struct plan *plan, struct limit_rules *rules);

#endif
