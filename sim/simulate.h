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
#include "workloads/load/profile.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum simulate_load { SIMULATE_TRACE, SIMULATE_OPEN, SIMULATE_CLOSED };

/* A snapshot of a simulation on its way. */
struct simulate_progress {
    int64_t virtual_ns;
    uint64_t planned, sent, completed, failed, unsent, in_flight;
};

struct simulate_options {
    struct engine_config engine;
    uint64_t seed;
    enum simulate_load load;
    double speed;                /* trace: 60 = an hour in a minute; 1 */
    double rate_rps;             /* open: requests per second */
    const struct profile *rate;  /* open: instead of rate_rps, a rate that changes; or NULL */
    enum arrivals_kind arrivals; /* open */
    double burstiness;           /* of gamma arrivals: their shape */
    uint32_t concurrency;        /* closed: requests at a time */
    uint32_t max_in_flight;      /* trace and open: due requests wait above it; 0 = no cap */
    uint64_t max_requests; /* 0 = the workload once, or at a rate until the duration ends it */
    int64_t duration_ns;   /* nothing becomes due from here on; TIME_NEVER */
    bool no_chunks;        /* records without chunk_ns */
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

/* Returns 0 for every simulation that was carried out, interrupted ones too; ERR_INPUT for an
 * empty workload or options that contradict themselves. */
int simulate_run(const struct workload *w, const struct simulate_options *options,
                 const struct run_observer *observer, struct simulate_report *report,
                 struct error *err);

#endif
