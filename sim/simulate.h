/* The simulation: a workload against the engine model, in virtual time.
 *
 *     struct simulate_options options;
 *     simulate_options_init(&options);
 *     engine_config_load("rtx4090-llama-3.1-8b-tp1", &options.engine, err);
 *     struct simulate_report report;
 *     if (simulate_run(&workload, &options, &observer, &report, err) < 0) ...
 *
 * The observer gets the records that a live run would have given: times are nanoseconds from the
 * start of virtual time (which is 0 and the workload's zero), a request is sent when it is ready,
 * usage holds the tokens that the prefix cache served. The same workload, options and seed give
 * the same records. Everything is borrowed until simulate_run returns.
 */
#ifndef FAREBOX_SIM_SIMULATE_H
#define FAREBOX_SIM_SIMULATE_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "sim/engine/engine.h"
#include "workloads/load/schedule.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

/* A snapshot of a simulation on its way. */
struct simulate_progress {
    int64_t virtual_ns;
    uint64_t planned, sent, completed, failed, unsent, in_flight;
};

struct simulate_options {
    struct engine_config engine;
    uint64_t seed;
    struct schedule_config schedule; /* its seed and worker are simulate's to fill */
    bool no_chunks;                  /* records without chunk_ns */
    /* Called every few thousand events. NULL */
    void (*on_progress)(void *context, const struct simulate_progress *p);
    void *context;
};

enum simulate_end {
    SIMULATE_FINISHED,
    SIMULATE_INTERRUPTED, /* stop_level() */
    SIMULATE_STOPPED,     /* the observer said stop */
};

struct simulate_report {
    enum simulate_end end;
    int64_t duration_ns; /* of virtual time, to the last end */
    uint64_t planned, not_due;
    uint64_t peak_in_flight;
    uint64_t
        recorded_cache; /* answers whose usage has the recording's cache hits, not the model's */
    struct engine_state engine; /* as it stands at the end */
};

/* A trace at its own speed, without limits, on an engine that is still to be given. */
void simulate_options_init(struct simulate_options *options);

/* ERR_INPUT for what the schedule refuses, and a loop that no request's end moves on. */
int simulate_check(const struct workload *w, const struct simulate_options *options,
                   struct error *err);

/* Returns 0 for every simulation that was carried out, interrupted ones too; ERR_INPUT where
 * simulate_check() fails, the engine cannot be, or time would pass TIME_LAST_SIMULATED. */
int simulate_run(const struct workload *w, const struct simulate_options *options,
                 const struct run_observer *observer, struct simulate_report *report,
                 struct error *err);

#endif
