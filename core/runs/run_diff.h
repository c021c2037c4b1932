/* What changed between two runs: every measure that they have in common, compared in one family.
 *
 *     struct run_diff d;
 *     const char *const paths[2] = {"results/before", "results/after"};
 *     struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
 *     if (run_diff_make(&d, paths, &options, err) < 0) ...
 *     for (size_t i = 0; i < d.count; i++)
 *         show(&d.rows[i]);                           // and d.notes
 *     return run_diff_judge(&d, err);                 // ERR_WORK: something got worse
 *
 * Requests are those of the measured windows: what a run left out as its warm-up stays out. The
 * same requests in both runs are paired; latencies, tokens and costs are then of requests that
 * completed in both, so that a run cannot look fast by failing its slow ones.
 *
 * Throughput: the window is cut into 320 slices of equal length; the rates of the slices are
 * compared as the latencies are, pair by pair where both runs followed one schedule.
 *
 * A finding is a change beyond chance at 5% over all rows together (Holm), a regression one for the
 * worse beyond the tolerance. Failures in a single stretch (an endpoint that died) are one event,
 * which no test of chance can tell from bad luck; where they are 10 points more than before, and
 * more than chance would give to requests that each fail by themselves (Bonferroni over all rows),
 * they are a regression all the same.
 */
#ifndef FAREBOX_CORE_RUNS_RUN_DIFF_H
#define FAREBOX_CORE_RUNS_RUN_DIFF_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json_write.h"
#include "core/names.h"
#include "core/runs/slo.h"
#include "core/stats/compare.h"

#include <stdbool.h>
#include <stdint.h>

enum diff_better { DIFF_LESS, DIFF_MORE, DIFF_NEITHER };

struct diff_row {
    const char *key;   /* "e2e_ms", as in summary.json where it has one */
    const char *title; /* "E2E, sent ms" */
    enum diff_better better;
    bool latency; /* slower and faster, not higher and lower */
    bool failures;
    struct comparison comparison;
    bool finding, regression;
};

#define DIFF_ROWS 48
#define DIFF_NOTES 10
#define DIFF_NOTE_SIZE 200

struct run_diff {
    struct diff_row rows[DIFF_ROWS];
    size_t count;
    bool paired;
    uint64_t requests[2]; /* in the windows */
    uint64_t pairs;       /* in both windows; 0 unless paired */
    uint64_t alone[2];    /* pairs that completed in this run only */
    char notes[DIFF_NOTES][DIFF_NOTE_SIZE];
    size_t note_count;
    double tolerance, share_tolerance;
};

/* What requests cost by a plan, by request id, instead of what their records say. */
struct run_costs {
    struct names ids;
    double *usd; /* by number; NAN = nothing known */
};

struct run_diff_options {
    double tolerance;                 /* percent */
    double share_tolerance;           /* percentage points */
    struct slo_list slos;             /* none: those that both runs were held to */
    const struct run_costs *costs[2]; /* NULL: the records' */
};

/* `paths`: two run directories, before and after. */
int run_diff_make(struct run_diff *out, const char *const paths[2],
                  const struct run_diff_options *options, struct error *err);

/* 0, or ERR_WORK with the worst regression, or where nothing could be compared. */
int run_diff_judge(const struct run_diff *d, struct error *err);

/* For run_diff_make: findings and regressions of the rows, and notes about them. */
void run_diff_conclude(struct run_diff *d);
void run_diff_note(struct run_diff *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "mean", "p99", "share", "rate" */
#define DIFF_STATISTIC_SIZE 16
void diff_statistic(const struct comparison *c, char out[DIFF_STATISTIC_SIZE]);

/* {"paired", "requests", ..., "comparisons": [...], "notes": [...]} */
void run_diff_write(const struct run_diff *d, struct json_writer *w);

#endif
