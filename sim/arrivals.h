/* Arrivals: which request of a workload becomes due when, in virtual time.
 *
 *     struct arrivals *a = arrivals_create(&options, &workload, err);
 *     while (arrivals_take(a, now_ns, &due)) submit(&due);
 *     arrivals_ended(a, row, now_ns, completed);       // frees the slot, releases dependents
 *     now_ns = min(arrivals_next_ns(a), ...);
 *     while (arrivals_take_unsent(a, &due)) count(&due);  // behind a failed parent
 *
 * A trace has the workload's own times, divided by `speed` (delays too). An open loop draws
 * arrivals, whoever still waits, so often that requests come at the rate with those that wait for
 * them; a closed loop keeps `concurrency` requests in flight. Requests
 * with parents are due at max(own time, last parent's end + delay) in every mode, and never if a
 * parent fails. Open and closed loops begin a workload without parents anew when it ends before
 * max_requests, an open one also before its duration. The workload is borrowed.
 */
#ifndef FAREBOX_SIM_ARRIVALS_H
#define FAREBOX_SIM_ARRIVALS_H

#include "core/error.h"
#include "sim/simulate.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

struct due {
    uint32_t row, repeat; /* repeat: how often the workload was begun before */
    int64_t scheduled_ns, ready_ns;
};

struct arrivals;

/* What arrivals_create would refuse: an empty workload, options that contradict themselves, and
 * what would be due after TIME_LAST_DUE. */
int arrivals_check(const struct simulate_options *options, const struct workload *w,
                   struct error *err);

struct arrivals *arrivals_create(const struct simulate_options *options, const struct workload *w,
                                 struct error *err);
void arrivals_free(struct arrivals *a);

/* A request that may be sent at now_ns; false if there is none. */
bool arrivals_take(struct arrivals *a, int64_t now_ns, struct due *out);

/* When arrivals_take may next give something without a request ending; TIME_NEVER. */
int64_t arrivals_next_ns(const struct arrivals *a);

/* A request that was taken has ended. */
void arrivals_ended(struct arrivals *a, uint32_t row, int64_t now_ns, bool completed);

/* Nothing becomes due after now_ns. */
void arrivals_close(struct arrivals *a, int64_t now_ns);

/* A request that was due and will not be sent: behind a failed parent; after the close also one
 * that waited. */
bool arrivals_take_unsent(struct arrivals *a, struct due *out, bool *parent_failed);

uint64_t arrivals_planned(const struct arrivals *a); /* 0 where only the duration limits them */
uint64_t arrivals_not_due(const struct arrivals *a); /* planned, and not handed out */

#endif
