/* Calibration: constants of an engine such that it replays measured runs.
 *
 *     struct calibration c;
 *     if (calibrate(runs, count, &preset, "k", &c, err) < 0) return err->code;
 *     save(&c.config);
 *     print(c.parts[0].after.tpot.mean_model, c.parts[0].after.tpot.mean_measured);
 *     calibration_free(&c);
 *
 * The model replays each run's arrivals. The fit makes the logarithms of its TTFT and TPOT meet the
 * measured ones in the least squares of GSL's trust-region Levenberg-Marquardt, in groups of
 * requests (by value, by prompt length, by arrival), because a single request's time jumps with
 * the schedule. Each run has as many groups and counts alike. Constants are fitted as logarithms,
 * which keeps them above zero, and are held to the preset's values by a weak prior (a factor of e
 * counts like one group being 2 % off), so that what the runs say nothing about stays as it was. A
 * fit that comes no closer than the preset is not taken.
 */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_H

#include "sim/engine/calibrate/replay.h"

#define CALIBRATE_CONSTANTS 16

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

/* A level of the server's metrics: the mean over the scrapes, and the model's at the same instants;
 * NAN = not served. */
struct calibrate_level {
    double measured, model;
};

struct calibrate_server {
    size_t scrapes; /* 0: there are none, and all else is nothing */
    struct calibrate_level waiting, running, kv_use, preemptions;
    double hit_rate; /* of the prompts' tokens, by the server; NAN */
    bool spread;     /* it stands for what no answer told, see struct measured_server */
};

/* One run: how far the model is off. */
struct calibrate_part {
    const char *name; /* the run's */
    struct calibrate_fit before, after;
    struct calibrate_fit unseen; /* by the fit to the other runs; only where there are several */
    size_t requests, refused;    /* refused: too long for the preset's KV blocks, left out */
    enum calibrate_cut cut;
    size_t judged;   /* requests whose TPOT the fit looks at: less than all of a run that was cut */
    double drift;    /* log of how much slower than the model what was not judged is; NAN */
    bool counted;    /* of a cut run: the server's metrics tell what was in flight */
    uint64_t put_in; /* requests of the load for those: in the replays, and nowhere else */
    struct calibrate_server server;
};

struct calibration {
    struct engine_config config; /* the preset with the fitted constants */
    struct calibrate_constant constants[CALIBRATE_CONSTANTS];
    size_t count;
    struct calibrate_part *parts; /* by run; owned */
    size_t part_count;
    double misfit_before, misfit_after; /* what the fit makes small: root mean square of the groups'
                                         * log(model / measured) */
    bool kept;                          /* nothing was better than the preset: it stays as it was */
    unsigned replays;
    char names[CALIBRATE_NAMES];                                 /* that were fitted */
    struct calibrate_candidate candidates[CALIBRATE_CANDIDATES]; /* of an automatic choice */
    size_t candidate_count;
};

/* `names`: "auto" or any of k, w0, w1, c0, c1, ap, kappa, d0, d1, s0, s1, ar_latency,
 * request_overhead_ms with commas between. "auto" takes the smallest of a few sets whose fit is off
 * least, or nearly so, where it did not look: each run is foretold from the others, a single one's
 * quarters from each other, and the median counts.
 *
 * Of a run that was cut, requests that were in flight at the cut have no record, and slowed those
 * that have. What happened in the last stretch is not judged, as long as what is left is enough;
 * and load is put in for them, by the server's own count or else by the rate before.
 *
 * ERR_INPUT for an unknown name, a preset of constant times, a run that the preset cannot hold at
 * all, or a cut run of which too little is left and whose load nothing tells. `preset` is checked,
 * and runs outlive the calibration. */
int calibrate(const struct measured_run *runs, size_t count, const struct engine_config *preset,
              const char *names, struct calibration *out, struct error *err);
void calibration_free(struct calibration *c);

/* Settings of the server, by its own metrics of all runs; 0 = they do not tell. */
struct calibrate_settings {
    uint64_t kv_blocks;    /* by the share that is in use for each running request, beside the
                              model's blocks for each: not where prefixes are shared */
    uint32_t max_num_seqs; /* the most that ran, where others waited and there was memory */
};

int calibrate_find_settings(const struct measured_run *runs, size_t count,
                            const struct engine_config *preset, struct calibrate_settings *out,
                            struct error *err);

#endif
