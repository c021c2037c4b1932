/* What to commit to: how many of a plan that is paid by the period, used or not (seats, quotas,
 * provisioned units, reserved GPUs), before it is known what will be asked.
 *
 *     struct commit_question q = {.plan = seat, .days = 90, .samples = 1000, .demand = demand,
 *                                 .elsewhere = usd, .begin_unix_ns = begin};
 *     struct commitment c = {0};
 *     if (commit_choose(&c, &q) == 0) printf("%" PRIu64 "\n", c.count);
 *     commit_free(&c);
 *
 * With n of the plan a day's demand that they have no room for goes elsewhere, at its share of what
 * the day costs there; with none, all of it does. The cost of n is the mean over the futures of
 * both (a newsvendor's: too many stand idle, too few pay more elsewhere). Sums are exact, so ties
 * are ties and go to fewer. The count is the best of all where the cost has one valley, as it has
 * for quotas and units, else the best that was found (bought_cheapest).
 */
#ifndef FAREBOX_SIM_PLAN_COMMIT_H
#define FAREBOX_SIM_PLAN_COMMIT_H

#include "sim/plan/forecast_parts.h"

struct commit_question {
    const struct plan *plan;
    size_t days, samples;
    int64_t begin_unix_ns;
    const struct block_charge *demand; /* [sample × days + day], as the plan charges it */
    const money *elsewhere;            /* likewise, what the day costs without any of the plan */
    bool pays_beyond; /* beyond its quotas it is paid as the plan asks, where it lets one; else that
                         goes elsewhere, too */
    uint64_t peak_milli; /* busiest hour over the mean, in thousandths: what a capacity by the
                            minute has room for in a day; 0 = even days */
};

/* ERR_INPUT (without a message): charges beyond 128 bits, or interrupted (core/stop.h). The caller
 * frees it. Fills all but elsewhere, why_not and what is of last month. out->plan and
 * out->elsewhere stay. */
int commit_choose(struct commitment *out, const struct commit_question *q);

/* What the horizon costs with so many, the mean over the futures; for a count that was chosen for
 * another demand. */
int commit_cost(const struct commit_question *q, uint64_t count, double *usd);

void commit_free(struct commitment *c);

#endif
