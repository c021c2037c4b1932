/* Inside sim/plan: one simulation of a workload at a rate, and what came of it. A trial is a task:
 * seeds and rates depend on each other in nothing but which of them are asked for. */
#ifndef FAREBOX_SIM_PLAN_TRIAL_H
#define FAREBOX_SIM_PLAN_TRIAL_H

#include "sim/plan/capacity.h"

/* What of a workload is simulated. */
struct trial_load {
    const struct workload *workload; /* one of the options' */
    uint64_t seed;
    double service_s; /* mean time in the engine without load; 0 = not known */
};

/* Plain values: they come from another process as they are. */
struct trial_result {
    struct load_point point; /* of the measured window; in_flight is averaged over it */
    struct engine_state engine;
    double duration_s, goodput_all; /* of the whole simulation */
    double p99_ms[SLO_MAX];         /* of the objectives' metrics, in the window */
    double measured_rps;            /* requests that became due in the window */
    double start_drift, end_drift;  /* of scheduled to first, to last token, seconds a second;
                                       NAN = too short to tell */
};

/* At `rate_rps` requests per second; a rate of 0 stands for one request at a time. */
int trial_run(const struct capacity_options *o, const struct trial_load *load, double rate_rps,
              struct trial_result *out, struct error *err);

/* The same will be asked for, or perhaps: others may begin (core/farm/tasks.h). */
void trial_want(const struct capacity_options *o, const struct trial_load *load, double rate_rps);

/* Nothing that was wanted is worth beginning any more. */
void trial_forget(const struct capacity_options *o);

#endif
