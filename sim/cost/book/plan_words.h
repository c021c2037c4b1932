/* What a bill says of a plan's own terms, beside its figures.
 *
 *     plan_put_remarks(plan, &workload, &buffer);     // "p: prices in CNY at 0.1385 USD (...).\n"
 *     plan_put_remarks_json(plan, &workload, &writer);
 */
#ifndef FAREBOX_SIM_COST_BOOK_PLAN_WORDS_H
#define FAREBOX_SIM_COST_BOOK_PLAN_WORDS_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "sim/cost/book/plan.h"

/* A sentence each, ended by a new line: the currency, and labels that the plan has an uplift by and
 * no row of the workload has. */
void plan_put_remarks(const struct plan *plan, const struct workload *w, struct buffer *out);

/* The same as pairs of an object: "currency", "labels_not_seen"; each only where there is one. */
void plan_put_remarks_json(const struct plan *plan, const struct workload *w,
                           struct json_writer *out);

#endif
