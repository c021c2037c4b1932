/* Sweeps: the same run at a series of rates or concurrencies.
 *
 *     struct sweep s = {.series = {.command = "sim", .directory = "results/x", .target = target,
 *                                  .run = run_point, .context = &mine}};
 *     if (sweep_parse("rate=1..64:log:7", &s.values, err) < 0) return err->code;
 *     status = sweep_run(&s, err);
 *     sweep_write_json(&s, &writer);                  // also where it was interrupted
 *     sweep_end(&s);
 *
 * Each point is a run of its own in DIRECTORY/KEY-VALUE; its figures are appended to sweep.jsonl
 * when it is done. A point without its line there counts as not done: with `resume` it is run anew
 * and the others are left alone. All that is concluded comes from those lines, so a sweep that was
 * interrupted shows what an uninterrupted one would.
 */
#ifndef FAREBOX_SIM_PLAN_SWEEP_H
#define FAREBOX_SIM_PLAN_SWEEP_H

#include "core/stats/usl.h"
#include "sim/plan/load_series.h"

struct sweep_values {
    const char *text; /* as given; borrowed */
    bool is_rate;     /* else concurrency */
    bool adaptive;    /* doubled until throughput no longer follows */
    double values[LOAD_POINTS];
    size_t count;
};

/* "rate=1,2,4", "rate=1..64:lin:8", "rate=1..64:log:7", "concurrency=...", "rate=adaptive". Values
 * are rounded to 4 significant digits, concurrencies to whole numbers; ascending, each once. */
int sweep_parse(const char *text, struct sweep_values *out, struct error *err);

struct sweep {
    struct load_series series; /* its points: by ascending load once sweep_run returned */
    struct sweep_values values;
    bool resume;
    uint64_t options_hash; /* of what else decides the runs: resume refuses another one */

    /* Found. The knee is the highest load up to which the goodput holds at every point, and which
     * was sustained; without objectives where throughput over latency is greatest (Kleinrock's
     * power). Points at which the client was the limit count neither there nor for the USL: the
     * endpoint was not tried. */
    size_t knee;        /* SIZE_MAX: none */
    bool knee_at_least; /* at what was tried above it, the client was the limit */
    size_t limited;     /* points at which it was */
    size_t skipped;     /* higher loads left out, as --stop-when ended the last one run */
    bool has_usl;
    struct usl_fit usl;

    /* of sweep.jsonl */
    char *log_path;
    int log_fd;
};

/* Runs what is not done yet and judges. ERR_INTERRUPTED, and ERR_WORK where a budget was used up:
 * what is done is kept. sweep_end() is to follow in every case. */
int sweep_run(struct sweep *s, struct error *err);
void sweep_end(struct sweep *s);

/* sweep.json. */
void sweep_write_json(const struct sweep *s, struct json_writer *w);

#endif
