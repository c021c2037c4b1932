/* Sweeps: the same run at a series of rates or concurrencies, and the search for the highest rate.
 *
 *     struct sweep s = {.terminal = t, .command = "sim", .directory = "results/x",
 *                       .slos = &slos, .run = run_point, .context = &mine};
 *     if (sweep_parse("rate=1..64:log:7", &s.values, err) < 0) return err->code;
 *     status = sweep_run(&s, err);
 *
 * Each point is a run of its own in DIRECTORY/KEY-VALUE; its figures are appended to sweep.jsonl
 * when it is done. A point without its line there counts as not done: --resume runs it anew and
 * leaves the others alone. All that is shown comes from those lines, so a sweep that was
 * interrupted shows what an uninterrupted one would. At the end: a table, sweep.json, and plots.
 */
#ifndef FAREBOX_CLI_BENCH_SWEEP_H
#define FAREBOX_CLI_BENCH_SWEEP_H

#include "cli/command.h"
#include "core/runs/compare/sustained.h"
#include "core/runs/record/run_place.h"
#include "core/runs/summary/fidelity.h"
#include "core/runs/summary/slo.h"

#include <stdint.h>

#define SWEEP_POINTS 64
/* What sweep.run returns when the cost budget ended the run: it does not count. */
#define SWEEP_BUDGET 1

struct sweep_values {
    const char *text; /* as given; borrowed */
    bool is_rate;     /* else concurrency */
    bool adaptive;    /* doubled until throughput no longer follows */
    double values[SWEEP_POINTS];
    size_t count;
};

/* "rate=1,2,4", "rate=1..64:lin:8", "rate=1..64:log:7", "concurrency=...", "rate=adaptive". Values
 * are rounded to 4 significant digits, concurrencies to whole numbers; ascending, each once. */
int sweep_parse(const char *text, struct sweep_values *out, struct error *err);

struct sweep {
    const struct terminal *terminal;
    const char *command;   /* "sim" or "bench" */
    const char *directory; /* of the sweep */
    bool force, resume, json, keep_script;
    uint64_t options_hash; /* of what else decides the runs: --resume refuses another one */
    struct sweep_values values;
    const struct slo_list *slos;
    double goodput;    /* target for the knee, 0.99 */
    uint64_t requests; /* of this run; 0 = as the options say */
    /* Runs one point into `path`, replacing what is there. */
    int (*run)(void *context, const struct sweep *s, double value, const char *path,
               struct error *err);
    void *context;
};

/* ERR_INTERRUPTED, and ERR_WORK where a budget was used up: what is done is kept and shown. */
int sweep_run(const struct sweep *s, struct error *err);

#define SWEEP_REASON_SIZE FIDELITY_TEXT_SIZE

/* One point as it stands in sweep.jsonl; NAN = not known. */
struct sweep_point {
    double value;
    double requests, failed, cancelled, unsent;
    double request_rps, output_tps, goodput;
    double ttft_p50, ttft_p99, tpot_p50, tpot_p99, e2e_mean, e2e_p50, e2e_p99;
    double served, growth; /* completed over due; of the delay, seconds a second; open loops */
    double sustained;      /* enum sustained_verdict; a closed loop is, by its nature */
    double client_limited; /* 1 or 0; NAN where nobody was audited, as in a simulation */
    char client_reason[SWEEP_REASON_SIZE]; /* why it was the limit; "" = not said */
};

/* Whether the objectives are met by the share of requests, and whether the load was sustained. A
 * point at which the client was the limit tells neither: it may have held back the load or added to
 * the latencies. */
enum sweep_verdict {
    SWEEP_MISSED,
    SWEEP_HOLDS,
    SWEEP_QUEUE_GROWS,
    SWEEP_TOO_SHORT,
    SWEEP_CLIENT_LIMITED
};

enum sweep_verdict sweep_judge_point(const struct sweep *s, const struct sweep_point *p);

/* What a table says beside the point: "" for one that misses its objectives or holds. */
const char *sweep_verdict_mark(enum sweep_verdict v);

bool sweep_client_limited(const struct sweep_point *p);

/* The figures of a finished run, from its summary.json and, of open loops, its requests: latencies
 * from the scheduled instant, of a closed loop from sending. */
int sweep_read_run(const char *path, bool closed, double value, struct sweep_point *out,
                   struct error *err);

/* A command's options without those of the sweep itself, for run.json of the runs inside, with the
 * value of `key` ("rate", "concurrency", NULL). */
#define SWEEP_OPTIONS 128
void sweep_child_options(const struct option_spec *specs, const char *key,
                         struct option_spec out[SWEEP_OPTIONS]);

/* Of the same options: equal where the runs would be. */
uint64_t sweep_options_hash(const struct option_spec *specs, const void *options);

/* The terminal for the runs inside: they tell their progress and warnings, and show nothing. */
int sweep_quiet_terminal(const struct terminal *t, struct terminal *out, struct error *err);
void sweep_quiet_free(struct terminal *quiet);

/* A request of the point completed. */
bool sweep_point_completed(const struct sweep_point *p);

/* What was there is replaced, if a request of a point completed and everything could be written. */
int sweep_take_place(struct run_place *place, const struct sweep_point *points, size_t count,
                     int status, struct error *err);

/* Says where the runs are if they replaced nothing; removes them if no point ended. Frees it. */
void sweep_end_place(struct run_place *place, const struct terminal *t, size_t count);

#endif
