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
 * A finding is a change beyond chance at 5% over all rows together (Holm). The verdict is of the
 * figures of the gate (core/runs/compare/gate.h) alone, worse being positive. FAIL: beyond chance
 * at 2.5%, one-sided, over the judged figures together (Holm), and the estimate is more than is
 * allowed. PASS: the upper 97.5% limit is no more than is allowed. Else UNDECIDED: the runs are too
 * short. A row that fails is a finding too. Failures in a single stretch (an endpoint that died)
 * are one event, which no test of chance can tell from bad luck; where they are 10 points more than
 * before, and more than chance would give to requests that each fail by themselves (Bonferroni over
 * all rows), they fail all the same.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_RUN_DIFF_H
#define FAREBOX_CORE_RUNS_COMPARE_RUN_DIFF_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json/json_write.h"
#include "core/money.h"
#include "core/runs/compare/gate.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/fidelity.h"
#include "core/runs/summary/slo.h"
#include "core/runs/summary/summary.h"
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
    bool finding, regression; /* regression: the gate's verdict on it is FAIL */
};

/* In which way the two sides differ in a row. */
enum diff_outcome {
    DIFF_NOT_COMPARED,
    DIFF_HIGHER, /* findings */
    DIFF_LOWER,
    DIFF_PERHAPS_HIGHER, /* by the row's own interval, which among so many may be chance */
    DIFF_PERHAPS_LOWER,
    DIFF_NO_DIFFERENCE, /* the interval lies within the tolerance */
    DIFF_NONE_FOUND,
};

enum diff_verdict { DIFF_PASS, DIFF_UNDECIDED, DIFF_FAIL };

/* One figure of the gate, judged. */
struct diff_judged {
    struct gate_figure figure;
    enum diff_verdict verdict;
    double worse, limit;     /* the estimate, and its upper 97.5% limit; NaN if unknown. Of a figure
                                that is held against a limit: by how much it is beyond */
    double value, low, high; /* of such a figure itself, and its 95% interval; else NaN */
    double p, p_adjusted;    /* one-sided, of no worsening; NaN if it could not be tested */
    uint64_t would_decide;   /* requests (where the runs are repeats: repeats) like these, from n ·
                                (half-width ÷ distance to what   is allowed)²; 0 if unknown */
    bool at_least;           /* would_decide only makes up the ten episodes that a limit needs */
    const char *why;         /* static words where a limit is missing, else NULL */
};

/* What the requests cost whose costs are known, of pairs in both runs; exact. */
struct diff_charges {
    money usd[2];
    uint64_t requests[2];
    bool fits; /* false: a sum passes what money holds */
};

/* A figure of the gate that is held against a limit, before it is judged. */
struct diff_level {
    double value, low, high, p_beyond; /* the run's own, as in struct run_level; p: one-sided, of
                                          not being beyond the limit */
    size_t values;
    const char *why;
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
    struct diff_judged judged[GATE_FIGURES];
    size_t judged_count;
    bool undecided_fails;
    bool closed;      /* both runs are closed loops */
    uint64_t repeats; /* a side: the rows are of repeats (repeat_diff.h); 0 = of one run each */
    struct diff_charges charges;
    struct accounting accounting[2];
    struct diff_level levels[GATE_FIGURES]; /* by figure of the gate; of those with limits */
    bool client_limited[2]; /* a change may be the client's; why it was the limit, "" = not said */
    char limits[2][FIDELITY_TEXT_SIZE];
};

/* What requests cost by a plan, instead of what their records say. */
struct run_pricing {
    void *context;
    /* Takes each record of a run, 0 or 1; *row is its request's number there, by which its cost is
     * asked for, or RUN_PRICING_NONE. Then all of them are there. */
    int (*add)(void *context, int run, const struct record *r, uint32_t *row, struct error *err);
    int (*end)(void *context, int run, const char *path, struct error *err);
    /* False: nothing is known. */
    bool (*cost)(const void *context, int run, uint32_t row, money *out);
};
#define RUN_PRICING_NONE UINT32_MAX

struct run_diff_options {
    double tolerance;                  /* percent */
    double share_tolerance;            /* percentage points */
    struct gate gate;                  /* none: failed, TTFT p50 and p99, TPOT mean, E2E mean and
                                          p99 where the runs have them, by the two tolerances */
    bool undecided_fails;              /* run_diff_judge takes UNDECIDED for FAIL */
    struct slo_list slos;              /* none: those that both runs were held to */
    const struct run_pricing *pricing; /* NULL: what the records say */
    bool apart;                        /* never pair by pair */
    bool plain; /* the estimates of all rows and nothing else: no intervals, no verdict, no notes of
                   counts; for those who compare repeats */
    bool open;  /* leave the verdict to run_diff_apply: several comparisons are judged together */
};

/* `paths`: two run directories, before and after; the same one twice where it is held against
 * limits alone. */
int run_diff_make(struct run_diff *out, const char *const paths[2],
                  const struct run_diff_options *options, struct error *err);

/* 0, or ERR_WORK with the worst FAIL, or where nothing could be compared. */
int run_diff_judge(struct run_diff *d, struct error *err);

/* FAIL if any figure failed, else UNDECIDED if any is, else PASS. */
enum diff_verdict run_diff_verdict(const struct run_diff *d);
const char *diff_verdict_name(enum diff_verdict v); /* "FAIL" */
const char *diff_verdict_key(enum diff_verdict v);  /* "fail" */

/* For run_diff_make: the findings of the rows and the notes about them. */
void run_diff_conclude(struct run_diff *d);

/* The row with that key and statistic; NULL: there is none. */
struct diff_row *run_diff_find(struct run_diff *d, const char *key, double what);

/* The tolerance is what the gate allows, else that of the comparison. */
enum diff_outcome run_diff_outcome(const struct run_diff *d, const struct diff_row *row);

/* The gate: what is given, or without any figure failed, TTFT p50 and p99, TPOT mean, E2E mean and
 * p99 as far as the runs have them. It judges the comparisons of one run with several others in one
 * family; limits, which are the run's own, with the first of them. */
struct gate run_diff_gate(const struct run_diff *d, const struct gate *given);
void run_diff_apply(struct run_diff *const *all, size_t count, const struct gate *given);
void run_diff_note(struct run_diff *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "mean", "p99", "share", "rate" */
#define DIFF_STATISTIC_SIZE 16
void diff_statistic(const struct comparison *c, char out[DIFF_STATISTIC_SIZE]);

/* Members of an object that is begun: of a row, and of the comparison without its rows. */
void run_diff_put_row(const struct diff_row *row, struct json_writer *w);
void run_diff_put(const struct run_diff *d, struct json_writer *w);

#endif
