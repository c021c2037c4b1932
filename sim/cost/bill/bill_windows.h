/* The rows that a quota is for, each with the number of the window that it starts in.
 *
 *     struct window_walk walk;
 *     size_t row, window;
 *     window_walk_begin(&walk, &tariff, &plan->quotas[0], true);
 *     while (window_walk_next(&walk, &row, &window)) sum[window] += ...;
 *     window_walk_end(&walk);
 *
 * Rows that the plan does not serve are left out. Windows are numbered from the one around the
 * workload's start, those of a session from the first; rolling ones lie as if anchored.
 */
#ifndef FAREBOX_SIM_COST_BILL_BILL_WINDOWS_H
#define FAREBOX_SIM_COST_BILL_BILL_WINDOWS_H

#include "sim/cost/bill/tariff.h"

struct bill;

struct window_walk {
    const struct tariff *t;
    struct plan_quota windows;
    uint32_t *order; /* by start; NULL = the workload's order */
    size_t at, sessions;
    int64_t end_ns, start_unix_ns;
};

/* by_start: in the order of the starts, which windows of a session always need. Borrows both. */
void window_walk_begin(struct window_walk *walk, const struct tariff *t,
                       const struct plan_quota *windows, bool by_start);
bool window_walk_next(struct window_walk *walk, size_t *row, size_t *window);
void window_walk_end(struct window_walk *walk);

/* What the plan's free calls of tools and free units save of the requests' charges: in each window
 * those of the requests that started first. Added to `by_row`, too, of the rows as they are placed;
 * NULL. */
money bill_free_calls(const struct plan *plan, const struct bill *bill, const struct tariff *t,
                      money *by_row);

/* How many millionths of calls or units the row has of a free allowance of such, and what they cost
 * without it. */
uint64_t bill_calls(const struct tariff *t, size_t row, const struct plan_quota *quota,
                    money *cost);

/* A volume discount that is not plain: by tokens, by model, by calendar periods. -1: beyond 128
 * bits. */
int bill_volume_discount(const struct plan_volume *volume, const struct bill *bill,
                         const struct tariff *t, money *out);

#endif
