/* When a rate of requests is reached.
 *
 *     int64_t steady_ns = rate_ramp_ns(&workload, answer_ns);
 *
 * Later turns follow after answers, think times and tools, so that requests come more slowly at
 * first.
 */
#ifndef FAREBOX_WORKLOADS_LOAD_REQUEST_RATE_H
#define FAREBOX_WORKLOADS_LOAD_REQUEST_RATE_H

#include "workloads/model/workload.h"

#define RATE_REACHED 0.95 /* the share of a rate from which on a load counts as steady */

/* From the start of a load at one rate, how long until requests come at RATE_REACHED of it: by then
 * that share of the rows follows on the row that began their session. A row comes after the last of
 * its parents, `answer_ns` (how long an answer takes; 0 = not known, which gives the least time)
 * and its delay. 0 where no row waits for another. */
int64_t rate_ramp_ns(const struct workload *w, int64_t answer_ns);

#endif
