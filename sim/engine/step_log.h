/* When each step of a replica ended: runs of equal steps, kept as long as a request in the replica
 * may still ask for them.
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
};

void step_log_free(struct step_log *log); /* a zeroed struct is an empty log */
void step_log_add(struct step_log *log, uint64_t first_step, uint64_t steps,
                  struct step_instant start, struct step_duration duration);
void step_log_times(const struct step_log *log, uint64_t first_step, size_t count, int64_t *out);
void step_log_forget(struct step_log *log, uint64_t oldest_needed);

#endif
