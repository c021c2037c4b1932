/* What one's own records have at all: models, values of labels, hours of the day. What has none of
 * them is another's traffic on the same key.
 *
 *     struct seen seen;
 *     seen_make(&seen, &own);
 *     if (seen_is_other(&seen, "gpt-4o", NULL, at_ns, 0)) ...
 *     seen_free(&seen);
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_SEEN_H
#define FAREBOX_SIM_COST_RECONCILE_SEEN_H

#include "core/names.h"
#include "sim/cost/reconcile/own.h"

struct seen {
    struct names models, labels; /* labels as "key=value"; keys as "key" */
    bool without_model;          /* some records do not say theirs: any may be meant */
    bool timed;
    uint32_t hours; /* of the UTC day, a bit each */
};

void seen_make(struct seen *seen, const struct own_list *own);
void seen_free(struct seen *seen);

bool seen_has_model(const struct seen *seen, const char *model);

/* `at_ns` is the invoice's time, which is `offset_ns` later than one's own; TIME_NEVER where none
 * is known. */
bool seen_is_other(const struct seen *seen, const char *model, const char *labels, int64_t at_ns,
                   int64_t offset_ns);

#endif
