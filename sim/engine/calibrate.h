/* Calibration: constants of an engine such that it replays a measured run.
 *
 *     struct calibration c;
 *     if (calibrate(&run, &preset, "k", &c, err) < 0) return err->code;
 *     save(&c.config);
 *     print(c.after.tpot.mean_model, c.after.tpot.mean_measured);
 *
 * The model replays the run's arrivals. The fit makes the logarithms of its TTFT and TPOT meet the
 * measured ones in the least squares of GSL's trust-region Levenberg-Marquardt, in groups of
 * requests (by value, by prompt length, by arrival), because a single request's time jumps with
 * the schedule. Constants are fitted as logarithms, which keeps them above zero, and are held to
 * the preset's values by a weak prior (a factor of e counts like one group being 2 % off), so that
 * what the run says nothing about stays as it was. A fit that comes no closer than the preset is
 * not taken.
 */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_H

#include "sim/engine/measured.h"
#include "sim/engine/preset.h"

#define CALIBRATE_CONSTANTS 16

/* One figure, seconds: the run's and the model's. */
struct calibrate_figure {
    double mean_measured, mean_model, p50_measured, p50_model, p99_measured, p99_model;
    double error; /* root mean square of log(model / measured), by request */
};

struct calibrate_fit {
    struct calibrate_figure ttft, tpot, e2e;
};

struct calibrate_constant {
    const char *name;
    double before, after;
    bool at_limit;         /* the fit would have moved it farther, a thousandfold is the end */
    double relative_error; /* of `after`, one standard error by the fit; NAN = not known */
};

struct calibration {
    struct engine_config config; /* the preset with the fitted constants */
    struct calibrate_constant constants[CALIBRATE_CONSTANTS];
    size_t count;
    struct calibrate_fit before, after;
    double misfit_before, misfit_after; /* what the fit makes small: root mean square of the groups'
                                         * log(model / measured) */
    bool kept;                          /* nothing was better than the preset: it stays as it was */
    size_t requests, refused;           /* refused: too long for the preset's KV blocks, left out */
    unsigned replays;
};

/* `names`: "k", or any of k, w0, w1, c0, c1, ap, kappa, d0, d1, s0, s1, ar_latency,
 * request_overhead_ms with commas between. ERR_INPUT for an unknown name, a preset of constant
 * times, or a run that the preset cannot hold at all. */
int calibrate(const struct measured_run *run, const struct engine_config *preset, const char *names,
              struct calibration *out, struct error *err);

#endif
