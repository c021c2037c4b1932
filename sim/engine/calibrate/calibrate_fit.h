/* Inside sim/engine/calibrate: one fit of given constants to a part of the runs' figures.
 *
 *     struct calibrate_task task = {runs, count, &preset, "k", masks, CALIBRATE_NONE, logs};
 *     if (calibrate_fit(&task, &fitted, err) < 0) return err->code;
 *     calibration_free(&fitted);
 *
 * All requests are replayed in every case; the masks decide whose figures the fit looks at.
 */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_FIT_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_FIT_H

#include "sim/engine/calibrate/calibrate.h"

#define CALIBRATE_NONE SIZE_MAX

/* By request: whether its figure is fitted. */
struct calibrate_mask {
    bool *ttft, *tpot;
};

/* By request: log(measured / model) under the fitted constants; NAN where there is none. */
struct calibrate_logs {
    double *ttft, *tpot;
};

struct calibrate_task {
    const struct measured_run *runs;
    size_t count;
    const struct engine_config *preset;
    const char *names;
    const struct calibrate_mask *masks; /* by run */
    size_t left_out;                    /* the run that the fit does not look at; CALIBRATE_NONE */
    const struct calibrate_logs *logs;  /* by run, filled; NULL */
};

/* Errors as of calibrate(). Of a run that was left out `before` and `after` are told all the same;
 * neither misfit counts it. */
int calibrate_fit(const struct calibrate_task *task, struct calibration *out, struct error *err);

#endif
