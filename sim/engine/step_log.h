/* When each step of a replica ended: runs of equal steps, kept as long as a request in the replica
 * may still ask for them. Steps follow each other without a gap. Single ends are worked out when
 * somebody asks, once for all requests that have a token of the step.
 *
 *     step_log_add(&log, first_step, steps, start, duration);
 *     step_log_times(&log, first_step, count, out);    // ends of `count` steps, nanoseconds
 *     step_log_forget(&log, oldest_step_still_needed);
 */
#ifndef FAREBOX_SIM_ENGINE_STEP_LOG_H
#define FAREBOX_SIM_ENGINE_STEP_LOG_H

#include "sim/engine/step_time.h"

#include <stddef.h>
#include <stdint.h>

struct step_run {
    uint64_t first_step, steps;
    struct step_instant start;
    struct step_duration duration;
};

struct step_log {
    struct step_run *runs; /* from `head` to `count`, by first_step */
    size_t head, count, capacity;
    size_t next; /* the first run whose steps' ends are not worked out */
    int64_t
        *ends; /* of the steps before it, nanoseconds; the last one is that of step end_step − 1 */
    size_t end_count, end_capacity;
    uint64_t end_step;
};

void step_log_free(struct step_log *log); /* a zeroed struct is an empty log */
void step_log_add(struct step_log *log, uint64_t first_step, uint64_t steps,
                  struct step_instant start, struct step_duration duration);
void step_log_times(struct step_log *log, uint64_t first_step, size_t count, int64_t *out);

/* What the log takes, in runs: so many ends take the room of one. */
#define STEP_LOG_ENDS_A_RUN 8
size_t step_log_room(const struct step_log *log);
void step_log_forget(struct step_log *log, uint64_t oldest_needed);

#endif
