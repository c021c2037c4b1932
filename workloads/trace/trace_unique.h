/* Rows of which several tell of one request, as logs that repeat themselves have them. Private to
 * workloads/.
 *
 *     struct trace_unique *u = trace_unique_create(true);
 *     trace_unique_add(u, in, &fields, err);      // for each row; fields.unique is its id
 *     trace_unique_settle(u, in, err);            // after the last one
 *     trace_unique_free(u);
 *
 * Of the rows with one id the one of the most output tokens is kept, the last of equals; the time
 * is the first one's. A row without an id stands for itself.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_UNIQUE_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_UNIQUE_H

#include "workloads/trace/trace_fields.h"

struct trace_unique;

/* `wanted` false: NULL, and rows are added as they come. */
struct trace_unique *trace_unique_create(bool wanted);
void trace_unique_free(struct trace_unique *u);

int trace_unique_add(struct trace_unique *u, struct trace_input *in, const struct trace_fields *f,
                     struct error *err);

/* When the request of the row added last ended; of several the latest. TIME_NEVER = not known. */
void trace_unique_end(struct trace_unique *u, int64_t end_ns);

/* Leaves the request of an id out. False where none has it, or it was left out already. */
bool trace_unique_drop(struct trace_unique *u, struct text id);

/* Puts the rows that are kept into the workload; where ends are known, turns of a session wait for
 * each other as workload_link_sessions() has it. How many were repetitions is noted. */
int trace_unique_settle(struct trace_unique *u, struct trace_input *in, struct error *err);

#endif
