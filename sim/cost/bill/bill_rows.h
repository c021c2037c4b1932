/* The requests of a bill one by one: what a plan charged for each, and when it let them run.
 *
 *     struct bill_row *rows;
 *     size_t count = bill_rows(&bill, plan_number, &rows);
 *     for (size_t i = 0; i < count; i++) draw(rows[i].due_ns, rows[i].charge);
 *     free(rows);
 *
 * A bill keeps sums and statistics only; this computes the plan's charges once more, exactly as
 * bill_make did. For plots and sentences.
 */
#ifndef FAREBOX_SIM_COST_BILL_BILL_ROWS_H
#define FAREBOX_SIM_COST_BILL_BILL_ROWS_H

#include "sim/cost/bill/bill.h"

struct bill_row {
    int64_t due_ns, start_ns; /* start_ns > due_ns: the plan made it wait */
    money charge;             /* 0 where it is not served or included */
    enum serve_fate fate;
    uint32_t row; /* in the workload */
};

/* In the order of their due times. The charges add up to the plan's sums.total. 0 and an empty
 * array where the workload has no rows. The caller frees *out. */
size_t bill_rows(const struct bill *bill, size_t plan, struct bill_row **out);

/* The same under so many `subscriptions` instead of as many as the bill buys. */
size_t bill_rows_of(const struct bill *bill, size_t plan, uint64_t subscriptions,
                    struct bill_row **out);

/* The first row that the plan's limits or quotas make wait or turn away; `count` where none is. */
size_t bill_rows_first_limited(const struct bill_row *rows, size_t count);

/* When a plan's period `number` (0, 1, ...) begins, on the clock of the rows' due times: months and
 * years are anniversaries where the start is known. And what its first `begun` periods cost, of
 * those that the bill pays: all of that line where they are all begun; with what is paid once at
 * first. */
int64_t bill_period_begin(const struct bill *bill, const struct plan_bill *p, uint64_t number);
money bill_paid_by_periods(const struct plan_bill *p, uint64_t begun);

#endif
