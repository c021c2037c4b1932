/* The best split of one pair: which requests to send to a flat plan and which to a token plan.
 *
 * The flat plan takes the requests that save most there (what they cost by the token, less what the
 * flat plan charges for them), ties in the workload's order, as long as its quotas and rate limits
 * have room in the window in which each request is due, and its caps allow it; nobody waits, and
 * what saves nothing stays. Requests that the token plan cannot serve go first. With windows that
 * nest (minutes in days, by the calendar or from the start) no other choice of requests saves more
 * where all weigh the same; elsewhere it is the best that was found. Rolling windows are taken as
 * if they began with the workload. Concurrency is not looked at.
 *
 *     struct split s;
 *     struct split_charges charges = {token_charges, flat_charges, row_count};
 *     struct split_order order;
 *     split_order_make(&order, &charges, flat, &rows, &conditions);
 *     split_make(&order, bought_flat, &s);
 *     split_order_free(&order);
 *
 * The order serves any number of the flat plan. It borrows charges and rows.
 */
#ifndef FAREBOX_SIM_COST_BILL_SPLIT_H
#define FAREBOX_SIM_COST_BILL_SPLIT_H

#include "sim/cost/bill/serve.h"

struct split {
    uint64_t to_flat, to_token, unserved;
    money token_usage;         /* of what goes to the token plan */
    money flat_usage;          /* what the flat plan charges for the requests that it takes */
    money moved_usage;         /* what those would have cost by the token */
    money least_moved;         /* the cheapest of them: about the price from which moving pays */
    int64_t first_ns, last_ns; /* when the first and the last of them are due */
};

/* What each row costs; lent. */
struct split_charges {
    const money *token; /* MONEY_MAX: the token plan does not serve it */
    const money *flat;  /* the flat plan's own charge for it; MONEY_MAX: it does not serve it */
    size_t count;
};

/* The rows that could move, those that save most first. What one window of the longest limit takes
 * is no matter of another where the windows of the others lie inside: each has rows of its own, and
 * a split looks at them only until it is full. */
struct split_order {
    const struct split_charges *charges;
    const struct serve_rows *rows;
    struct serve_conditions conditions;
    uint32_t *sorted;
    size_t count, *start, groups; /* group g: sorted[start[g]] … sorted[start[g + 1]] */
    size_t longest;               /* the limit whose windows the groups are; SIZE_MAX = one group */
    money_magnitude least_need;   /* of any row, in that limit's unit */
    struct split none;            /* where nothing moves */
};

/* `flat` is one of the plan. */
void split_order_make(struct split_order *out, const struct split_charges *charges,
                      const struct plan *flat, const struct serve_rows *rows,
                      const struct serve_conditions *conditions);
void split_order_free(struct split_order *order);

/* `flat` is so many of the plan as are bought. */
void split_make(const struct split_order *order, const struct plan *flat, struct split *out);

#endif
