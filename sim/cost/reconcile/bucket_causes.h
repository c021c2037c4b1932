/* What a difference between sums may be, by its shape: tokens that only change their class, sums
 * that are another model's, requests of one's own that are too many or too few. Private to the
 * room.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_BUCKET_CAUSES_H
#define FAREBOX_SIM_COST_RECONCILE_BUCKET_CAUSES_H

#include "sim/cost/reconcile/cells.h"

/* Explains what it can of every cell, and adds the findings. */
void bucket_causes(struct cells *c);

/* The last part: attempts that one's own plan does not bill, requests too few and too many. */
void bucket_counts(struct cells *c);

/* One or two own charges of a cell whose sum is `sum`. */
struct row_search {
    bool any;       /* whether they are billed or not; else: */
    bool unbilled;  /* among those that are not billed */
    bool of_status; /* only such: */
    enum record_status status;
    bool totals;      /* tokens in and out are compared, whatever their classes */
    int64_t requests; /* how many they are; 0 = not known: one, then two */
};

/* Their number (0: none), numbers in `rows` and price (of unbilled ones: what the plan asks for
 * them) in *price. */
int bucket_find_rows(const struct cells *c, uint32_t cell, const money sum[CELL_VALUES],
                     const struct row_search *how, uint32_t rows[2], money *price);

/* True if a difference of one or two requests more may be two or three of the cell's own again,
 * less one or two of them that are missing; also where that is too much to try. */
bool bucket_may_be_mixed(const struct cells *c, uint32_t cell, const money d[CELL_VALUES],
                         int64_t requests);

/* Marks a part of a cell's difference as found. `known` is false where its price is not. */
void bucket_found(struct cells *c, struct cell *cell, const money value[CELL_VALUES],
                  int64_t requests, bool known, money list);

#endif
