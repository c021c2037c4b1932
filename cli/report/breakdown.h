/* The requests of a run apart by class, model and endpoint.
 *
 *     struct breakdown *b = breakdown_create();
 *     breakdown_add(b, &record);                       // every record of the run
 *     const struct breakdown_group *groups;
 *     size_t count = breakdown_finish(b, &summary_options, &groups);
 *     breakdown_free(b);
 *
 * A run with one model has nothing to tell apart by model: such keys give no groups. Beyond
 * BREAKDOWN_NAMES names of a key the rest is one group, "(others)".
 */
#ifndef FAREBOX_CLI_REPORT_BREAKDOWN_H
#define FAREBOX_CLI_REPORT_BREAKDOWN_H

#include "core/runs/summary.h"

#define BREAKDOWN_NAMES 20

struct breakdown_group {
    const char *key, *name; /* "model", "gpt-x"; lent by the breakdown */
    struct summary summary;
};

struct breakdown;
struct breakdown *breakdown_create(void);
void breakdown_free(struct breakdown *b);
void breakdown_add(struct breakdown *b, const struct record *r);

/* Groups by key, each in the order of first sight; owned by the breakdown. */
size_t breakdown_finish(struct breakdown *b, const struct summary_options *options,
                        const struct breakdown_group **out);

#endif
