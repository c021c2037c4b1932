/* The changes that one would look at for a workload, and changes that go together.
 *
 *     struct what_if_changes changes = {0};
 *     what_if_changes_all(&changes, &workload, plans, plan_count);
 *     what_if_make(&table, &w, plans, n, changes.items, changes.count, ...);
 *     what_if_changes_free(&changes);
 */
#ifndef FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_CHANGES_H
#define FAREBOX_SIM_COST_WHAT_IF_WHAT_IF_CHANGES_H

#include "core/error.h"
#include "sim/cost/book/plan.h"

struct what_if_changes {
    const char **items; /* owned */
    size_t count;
};

/* Caches by how long they keep a prompt, where prefixes are known; the shorter half of the requests
 * to the cheapest model, where a plan sells several; contexts cut to the median; batch; tool calls
 * side by side, where some wait for each other; retries of 5 % of the attempts, which find their
 * prompt no longer cached. */
void what_if_changes_all(struct what_if_changes *out, const struct workload *w,
                         const struct plan *const *plans, size_t plan_count);
void what_if_changes_add(struct what_if_changes *out, const char *change);
void what_if_changes_free(struct what_if_changes *changes);

/* Cuts "cache=ttl:5m+retry=max:3" into its transforms: at each '+' that a transform's name and '='
 * follow. The caller frees items and what they hold, by what_if_changes_free. */
void what_if_changes_split(const char *change, struct what_if_changes *out);

#endif
