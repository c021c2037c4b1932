/* A measured run through the engine, and what of it the model meets.
 *
 *     struct replay p;
 *     replay_init(&p, &run);
 *     if (replay_run(&p, &config, err) < 0) return err->code;
 *     struct calibrate_fit fit = replay_compare(&p);
 *     replay_free(&p);
 *
 * Times are seconds by request, NAN where there is none. The run is borrowed.
 */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_REPLAY_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_REPLAY_H

#include "sim/engine/calibrate/measured.h"
#include "sim/engine/preset.h"

/* One figure, seconds: the run's and the model's. */
struct calibrate_figure {
    double mean_measured, mean_model, p50_measured, p50_model, p90_measured, p90_model,
        p99_measured, p99_model;
    double error;            /* root mean square of log(model / measured), by request */
    double off_p50, off_p90; /* quantiles of |model / measured − 1|, by request */
};

struct calibrate_fit {
    struct calibrate_figure ttft, tpot, e2e;
};

/* What one side was measured or made. */
struct replay_times {
    double *ttft, *tpot, *e2e;
};

/* The model at the instant of one of the run's scrapes. */
struct replay_level {
    double waiting, running, kv_blocks, kv_use;
};

struct replay {
    const struct measured_run *run;
    struct replay_times measured, model;
    uint32_t *hung_up;           /* run->load requests, by when the client hung up on them */
    struct replay_level *levels; /* by scrape of the run; NULL = not wanted */
    uint64_t preemptions;        /* of the model */
};

void replay_init(struct replay *p, const struct measured_run *run);
void replay_free(struct replay *p);

/* Runs the requests through the engine. Returns how many it refused, or an error. */
int replay_run(struct replay *p, const struct engine_config *config, struct error *err);

/* Of the requests whose figure both sides have. */
struct calibrate_fit replay_compare(const struct replay *p);

#endif
