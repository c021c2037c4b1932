/* A mapping for a table or log whose form is not known, guessed from its names. Private to
 * workloads/.
 *
 *     if (trace_propose(&probe, &mapping))
 *         ... "its header suggests --columns timestamp=time,input=prompt_tokens,output=..."
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_PROPOSE_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_PROPOSE_H

#include "workloads/trace/trace_input.h"

/* Appends "--columns ..." or "--keys ..." with what the first line's names look like. False, with
 * nothing appended, where no input and output were found among them. */
bool trace_propose(const struct trace_probe *p, struct buffer *out);

#endif
