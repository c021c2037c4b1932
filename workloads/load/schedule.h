/* The schedule: which request is due when. Pure: time is an argument, nothing is sent here.
 *
 *     struct schedule_config config;
 *     schedule_config_init(&config);
 *     struct schedule *s = schedule_create(&config, &workload, err);
 *     while (schedule_take(s, now_ns, &due)) send(&due);
 *     ... schedule_ended(s, &due, now_ns, completed);     // frees the slot, releases dependents
 *     wait_until(schedule_next_ns(s, now_ns));
 *     schedule_close(s, now_ns, UNSENT_CAP);              // the end: what was due, was not sent?
 *     while (schedule_take_unsent(s, &due, &reason)) count(&due);
 *     schedule_free(s);
 *
 * - SCHEDULE_TRACE: the workload's own times, divided by `speed` (delays too).
 * - SCHEDULE_OPEN: arrivals of the load profile, whoever still waits; requests in row order. The
 *   profile is in requests: rows without parents arrive at its rate × their share of the rows.
 * - SCHEDULE_CLOSED: as many requests at a time as the profile says; the next one is due when
 *   another ends.
 *
 * Requests with parents (`after`) are due at max(own time, last parent's end + delay), in every
 * mode; a failed parent leaves them, and those behind them, unsent. In open and closed loop a
 * workload without parents is begun anew when it ends before the limits (repeat 1, 2, ...).
 *
 * Several workers: each holds its own schedule over the same workload and takes the rows that it
 * owns (sessions stay together); the arrival process is the same whatever their number. Worker k of
 * shard i of n is number i + n k.
 *
 * Of equal times dependents come before roots, and rows in their order.
 *
 * The schedule borrows the workload and the load's stages; both must outlive it.
 */
#ifndef FAREBOX_WORKLOADS_LOAD_SCHEDULE_H
#define FAREBOX_WORKLOADS_LOAD_SCHEDULE_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "workloads/load/profile.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum schedule_mode { SCHEDULE_TRACE, SCHEDULE_OPEN, SCHEDULE_CLOSED };

struct schedule_config {
    enum schedule_mode mode;
    double speed;                  /* trace: 60 = an hour in a minute */
    struct profile load;           /* open: requests/s; closed: requests at a time */
    enum arrival_process arrivals; /* open */
    double burstiness;
    uint64_t seed;
    uint32_t max_in_flight; /* trace and open: due requests wait above it; 0 = no cap */
    uint64_t max_requests;  /* 0 = the workload once (or without end, where duration_ns ends it) */
    int64_t duration_ns;    /* nothing becomes due from here on; TIME_NEVER = no limit */
    /* This worker's number and their count, of all shards together; no workers or shards = 1 */
    uint32_t worker, workers, shards;
    /* Closed: slots that the profile opens at one instant open so far apart, over all workers, and
     * each of a worker's no earlier than its last one was taken. A crowd would make the client late
     * and the server's first answers with it. 0 = all at once */
    int64_t slot_step_ns;
};

struct due {
    uint32_t row;
    uint32_t repeat;  /* how often the workload was begun before */
    uint64_t ordinal; /* number of the request in the run, the same for any worker count */
    int64_t scheduled_ns, ready_ns;
};

struct schedule;

/* A trace at its own speed, without limits. */
void schedule_config_init(struct schedule_config *config);

/* ERR_INPUT for an empty workload, a speed or a shape that is not positive, a loop without a load,
 * and what would be due after TIME_LAST_DUE. */
int schedule_check(const struct schedule_config *config, const struct workload *w,
                   struct error *err);

/* NULL where schedule_check() fails. */
struct schedule *schedule_create(const struct schedule_config *config, const struct workload *w,
                                 struct error *err);
void schedule_free(struct schedule *s);

/* Gives one request that is due at now_ns and may be sent; false if there is none. */
bool schedule_take(struct schedule *s, int64_t now_ns, struct due *out);

/* The request that schedule_take is to give next, whenever that is, as far as can be known now: a
 * dependent that becomes due before then comes first. False where none is known. */
bool schedule_foresee(const struct schedule *s, int64_t now_ns, struct due *out);

/* When schedule_take may next give something without any request ending: TIME_NEVER if only ends
 * can change that; an instant that has passed means at once. */
int64_t schedule_next_ns(struct schedule *s, int64_t now_ns);

/* A request that was taken has ended for good. */
void schedule_ended(struct schedule *s, const struct due *due, int64_t now_ns, bool completed);

/* Nothing becomes due after end_ns. `reason` is why requests that are due by then stay unsent. */
void schedule_close(struct schedule *s, int64_t end_ns, enum unsent_reason reason);

/* Gives one request that was due and will never be sent: behind a failed parent at any time,
 * everything else after the close. scheduled_ns is set. */
bool schedule_take_unsent(struct schedule *s, struct due *out, enum unsent_reason *reason);

/* True when no request will come from schedule_take any more, whatever ends. */
bool schedule_exhausted(struct schedule *s, int64_t now_ns);

/* From here on nothing becomes due: the shorter of duration and load profile, or TIME_NEVER. */
int64_t schedule_end_ns(const struct schedule *s);

/* Requests planned; 0 where only the duration limits them. All workers together. */
uint64_t schedule_planned(const struct schedule *s);

/* Of this worker's share, what has not become due (after the close: never did). */
uint64_t schedule_not_due(const struct schedule *s);

#endif
