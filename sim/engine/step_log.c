#include "sim/engine/step_log.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void step_log_free(struct step_log *log)
{
    free(log->runs);
    memset(log, 0, sizeof *log);
}

void step_log_add(struct step_log *log, uint64_t first_step, uint64_t steps,
                  struct step_instant start, struct step_duration duration)
{
    if (log->count == log->capacity && log->head > log->count / 2) {
        memmove(log->runs, log->runs + log->head, (log->count - log->head) * sizeof *log->runs);
        log->count -= log->head;
        log->head = 0;
    }
    mem_grow(&log->runs, &log->capacity, log->count + 1, sizeof *log->runs);
    log->runs[log->count++] = (struct step_run){first_step, steps, start, duration};
}

/* The run that holds the step. */
static size_t find_run(const struct step_log *log, uint64_t step)
{
    size_t low = log->head, high = log->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (log->runs[middle].first_step <= step)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Ends of `count` steps of one run, from its step `skip` on. */
static void run_times(const struct step_run *run, uint64_t skip, size_t count, int64_t *out)
{
    struct step_instant at = step_instant_after(run->start, run->duration, skip);
    int64_t step_fs = run->duration.first_fs + (int64_t)skip * run->duration.inc_fs;
    int64_t ns = at.ns, fs = at.fs;
    for (size_t i = 0; i < count; i++) {
        fs += step_fs;
        step_fs += run->duration.inc_fs;
        ns += fs / FS_PER_NS;
        fs %= FS_PER_NS;
        out[i] = ns;
    }
}

void step_log_times(const struct step_log *log, uint64_t first_step, size_t count, int64_t *out)
{
    for (size_t i = find_run(log, first_step); count > 0 && i < log->count; i++) {
        const struct step_run *run = &log->runs[i];
        uint64_t skip = first_step - run->first_step;
        size_t here = run->steps - skip < count ? (size_t)(run->steps - skip) : count;
        run_times(run, skip, here, out);
        out += here;
        count -= here;
        first_step += here;
    }
}

void step_log_forget(struct step_log *log, uint64_t oldest_needed)
{
    while (log->head < log->count &&
           log->runs[log->head].first_step + log->runs[log->head].steps <= oldest_needed)
        log->head++;
    if (log->head == log->count)
        log->head = log->count = 0;
}
