/* Several workloads under the same plans, side by side: what each plan charges for each of them,
 * and for all together.
 *
 *     struct several all;
 *     const struct bill *bills[] = {&chat, &agents};        // made of the same plans
 *     several_make(&all, bills, 2);
 *     several_write_table(&all, width, &buffer);
 *     several_write_json(&all, &writer);
 *     several_free(&all);
 *
 * Together is the sum of the bills: each workload buys its own subscriptions. Only a plan that is
 * ranked for every one of them has such a sum. The bills are borrowed.
 */
#ifndef FAREBOX_SIM_COST_SEVERAL_SEVERAL_H
#define FAREBOX_SIM_COST_SEVERAL_SEVERAL_H

#include "sim/cost/bill/bill.h"

struct several_plan {
    bool serves; /* every workload whole: there is a sum */
    money total;
    int rank; /* 1 = the cheapest for all of them; 0 = no sum */
};

struct several {
    const struct bill *const *bills;
    size_t count;
    struct several_plan *plans; /* as those of each bill */
    size_t plan_count;
    bool has_reported; /* every request of every workload says what it cost */
    money reported;
    size_t *ranking; /* by the sum, cheapest first */
    size_t ranking_count;
};

/* At least one bill; all of the same plans in the same order. */
void several_make(struct several *out, const struct bill *const *bills, size_t count);
void several_free(struct several *all);

/* {"bills": [...], "together": {...}}. */
void several_write_json(const struct several *all, struct json_writer *w);

/* A row for each plan and a column for each workload, `width` columns wide, and a sentence. */
void several_write_table(const struct several *all, int width, struct buffer *out);

/* True for the plans that are shown: one without its caps where that makes a difference for one of
 * the workloads. */
bool several_shows(const struct several *all, size_t plan);

/* True if the plan serves all of a workload, and in time. */
bool several_serves(const struct several *all, size_t bill, size_t plan);

/* That sentence, a line, also for a page. */
void several_put_cheapest(const struct several *all, struct buffer *out);

#endif
