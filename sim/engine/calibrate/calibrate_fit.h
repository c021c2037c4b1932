/* Inside sim/engine: one fit of given constants to a part of a run's figures.
 *
 *     if (calibrate_fit(&run, &preset, "k", &mask, &logs, &fitted, err) < 0) return err->code;
 *
 * All requests are replayed in every case; the mask decides whose figures the fit looks at.
 */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_FIT_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_FIT_H

#include "sim/engine/calibrate/calibrate.h"

/* By request: whether its figure is fitted. NULL = every one. */
struct calibrate_mask {
    bool *ttft, *tpot;
};

/* By request: log(measured / model) under the fitted constants; NAN where there is none. */
struct calibrate_logs {
    double *ttft, *tpot;
};

/* `mask` and `logs` may be NULL. Errors as of calibrate(). */
int calibrate_fit(const struct measured_run *run, const struct engine_config *preset,
                  const char *names, const struct calibrate_mask *mask,
                  const struct calibrate_logs *logs, struct calibration *out, struct error *err);

#endif
