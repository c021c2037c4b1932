#include "sim/engine/step_log.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void step_log_free(struct step_log *log)
{
    free(log->runs);
    free(log->ends);
    memset(log, 0, sizeof *log);
}

void step_log_add(struct step_log *log, uint64_t first_step, uint64_t steps,
                  struct step_instant start, struct step_duration duration)
{
    if (log->count == log->capacity && log->head > log->count / 2) {
        memmove(log->runs, log->runs + log->head, (log->count - log->head) * sizeof *log->runs);
        log->count -= log->head;
        log->next -= log->head;
        log->head = 0;
    }
    mem_grow(&log->runs, &log->capacity, log->count + 1, sizeof *log->runs);
    log->runs[log->count++] = (struct step_run){first_step, steps, start, duration};
}

/* The ends of a run's steps. */
static void run_times(const struct step_run *run, int64_t *out)
{
    int64_t ns = run->start.ns, fs = run->start.fs, step_fs = run->duration.first_fs;
    for (uint64_t i = 0; i < run->steps; i++) {
        fs += step_fs;
        step_fs += run->duration.inc_fs;
        ns += fs / FS_PER_NS;
        fs %= FS_PER_NS;
        out[i] = ns;
    }
}

/* Works out the ends up to that of step `last`, from the oldest that is kept. */
static void work_out(struct step_log *log, uint64_t last)
{
    while (log->next < log->count && (log->end_count == 0 || log->end_step <= last)) {
        const struct step_run *run = &log->runs[log->next++];
        size_t needed = log->end_count + (size_t)run->steps;
        mem_grow(&log->ends, &log->end_capacity, needed, sizeof *log->ends);
        run_times(run, log->ends + log->end_count);
        log->end_count = needed;
        log->end_step = run->first_step + run->steps;
    }
}

void step_log_times(struct step_log *log, uint64_t first_step, size_t count, int64_t *out)
{
    if (count == 0)
        return;
    work_out(log, first_step + count - 1);
    uint64_t oldest = log->end_step - log->end_count;
    memcpy(out, log->ends + (first_step - oldest), count * sizeof *out);
}

size_t step_log_room(const struct step_log *log)
{
    return log->count - log->head + log->end_count / STEP_LOG_ENDS_A_RUN;
}

/* Ends of steps before `oldest` go. */
static void drop_ends(struct step_log *log, uint64_t oldest)
{
    uint64_t first = log->end_step - log->end_count;
    size_t gone = oldest > first ? (size_t)(oldest - first) : 0;
    gone = gone < log->end_count ? gone : log->end_count;
    log->end_count -= gone;
    if (gone && log->end_count)
        memmove(log->ends, log->ends + gone, log->end_count * sizeof *log->ends);
}

void step_log_forget(struct step_log *log, uint64_t oldest_needed)
{
    while (log->head < log->count &&
           log->runs[log->head].first_step + log->runs[log->head].steps <= oldest_needed)
        log->head++;
    if (log->next < log->head)
        log->next = log->head;
    drop_ends(log, log->head < log->count ? log->runs[log->head].first_step : UINT64_MAX);
    if (log->head == log->count)
        log->head = log->count = log->next = 0;
}
