/* Inside sim/plan: one simulation of a workload at a rate, and what came of it. */
#ifndef FAREBOX_SIM_PLAN_TRIAL_H
#define FAREBOX_SIM_PLAN_TRIAL_H

#include "core/runs/compare/sustained.h"
#include "core/runs/summary/collector.h"
#include "sim/plan/capacity.h"

/* What of a workload is simulated. */
struct trial_load {
    const struct workload *workload;
    uint64_t seed;
    double service_s; /* mean time in the engine without load; 0 = not known */
};

struct trial_result {
    struct summary summary;
    struct engine_state engine;
    double span_s;       /* of the measured window */
    double measured_rps; /* requests that became due in it */
    double in_flight;    /* averaged over it */
    struct sustained sustained;
    double end_drift; /* of scheduled to last token, seconds a second; NAN = too short to tell */
};

/* At `rate_rps` requests per second; a rate of 0 stands for one request at a time. */
int trial_run(const struct capacity_options *o, const struct trial_load *load, double rate_rps,
              struct trial_result *out, struct error *err);

#endif
