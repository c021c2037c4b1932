/* farebox sim, shared by cmd_sim.c (one run) and sim_sweep.c (a series of them). */
#ifndef FAREBOX_CLI_COMMANDS_SIM_SWEEP_H
#define FAREBOX_CLI_COMMANDS_SIM_SWEEP_H

#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load_options.h"
#include "core/runs/summary/collector.h"
#include "sim/plan/load_series.h"
#include "sim/simulate.h"

struct sim_options {
    struct common_options common;
    struct workload_source source;
    struct engine_options engine;
    struct load_options load;
    const char *output, *record, *warmup, *sweep;
    struct option_list plans, tokens_as, slos, asserts;
    double goodput;
    bool force, resume, no_intervals;
    const struct option_spec *written; /* into run.json; NULL = all */
    struct load_run *point;            /* of a sweep: where its figures go; NULL */
    bool sent;                         /* for another process, which shows its own progress */
};

extern const struct option_spec sim_option_specs[];

/* `rate` is filled, for the caller to free, and lent to `s`. */
int sim_choose_load(const struct sim_options *o, struct simulate_options *s, struct rate_load *rate,
                    struct error *err);

/* The workload of one run: a scenario at a rate is another one at each. */
int sim_load_workload(const struct terminal *t, const struct sim_options *o,
                      const struct rate_load *rate, struct workload *w, struct error *err);

int sim_choose_summary(const struct sim_options *o, const struct rate_run *rated,
                       struct summary_options *out, struct error *err);

/* A run of `shared`, or of a workload of its own where that is NULL. */
int sim_run_once(const struct terminal *t, const struct sim_options *o,
                 const struct engine_config *engine, const struct workload *shared,
                 struct error *err);

/* All points, what is shown of them, and sweep.json. */
int sim_sweep(const struct terminal *t, const struct sim_options *o,
              const struct engine_config *engine, struct error *err);
extern const struct task_kind sim_sweep_points;

#endif
