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
 *     struct split_candidate *sorted = split_candidates(token_charges, flat_charges, row_count);
 *     split_make(sorted, row_count, flat, &rows, &conditions, &s);
 *
 * The candidates belong to the caller and serve any number of the flat plan.
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

struct split_candidate {
    money charge; /* MONEY_MAX: the token plan does not serve it */
    money flat;   /* the flat plan's own charge for it; MONEY_MAX: it does not serve it */
    uint32_t row;
};

/* All rows, those that save most first; charges by row, flat NULL = all 0. The caller frees it. */
struct split_candidate *split_candidates(const money *charges, const money *flat, size_t count);

void split_make(const struct split_candidate *sorted, size_t count, const struct plan *flat,
                const struct serve_rows *rows, const struct serve_conditions *conditions,
                struct split *out);

#endif
