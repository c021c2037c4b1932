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

#include "sim/engine/calibrate/measured.h"
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

/* A set of constants, and how far a fit of them is off where it did not look. */
#define CALIBRATE_NAMES 128
#define CALIBRATE_CANDIDATES 4
struct calibrate_candidate {
    const char *names;
    double error; /* root mean square of log(model / measured) of TTFT and TPOT, by request */
};

/* Whether the end of the load is missing, so that the model would be asked to make up for it. */
enum calibrate_cut {
    CALIBRATE_WHOLE,
    CALIBRATE_KILLED,    /* the run says so */
    CALIBRATE_LOOKS_CUT, /* it ends at its full rate, or its end is slower than foretold */
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
    char names[CALIBRATE_NAMES];                                 /* that were fitted */
    struct calibrate_candidate candidates[CALIBRATE_CANDIDATES]; /* of an automatic choice */
    size_t candidate_count;
    enum calibrate_cut cut;
    size_t judged; /* requests whose TPOT the fit looks at: less than all of a run that was cut */
    double drift;  /* log of how much slower than the model what was not judged is; NAN */
};

/* `names`: "auto" or any of k, w0, w1, c0, c1, ap, kappa, d0, d1, s0, s1, ar_latency,
 * request_overhead_ms with commas between. "auto" takes the smallest of a few sets whose fit is off
 * least, or nearly so, where it did not look: each quarter of the run is foretold from the three
 * others, and the median counts. Of a run that was cut, what happened in the last stretch of it is
 * not judged, as long as what is left is enough: requests that were in flight at the cut have no
 * record, and slowed those that have. ERR_INPUT for an unknown name, a preset of constant times, or
 * a run that the preset cannot hold at all. */
int calibrate(const struct measured_run *run, const struct engine_config *preset, const char *names,
              struct calibration *out, struct error *err);

#endif
