/* What stands on a bill of sums beside the requests' own charges; private to sim/cost/sums. */
#ifndef FAREBOX_SIM_COST_SUMS_SUM_FEES_H
#define FAREBOX_SIM_COST_SUMS_SUM_FEES_H

#include "sim/cost/sums/sum_parts.h"

/* When the first and the last request can have come. */
struct sum_extent {
    int64_t first_least_ns, first_most_ns, last_least_ns, last_most_ns;
};
struct sum_extent sum_extent_of(const struct sum_bill *bill);

/* Credits, discounts, minimum and fees on these usage charges: what is paid for usage in all. -1:
 * beyond 128 bits. */
int sum_settle(const struct sum_bill *bill, const struct plan *plan,
               const struct sum_extent *extent, const struct sum_limits *limits,
               struct money_range usage, struct money_range *paid, uint32_t *why);

/* True if no further subscription's credit could be worth its price. */
bool sum_credit_is_dear(const struct sum_bill *bill, const struct plan *plan,
                        const struct sum_extent *extent, money price);

#endif
