/* Two sides of which each was measured several times: what differs, by the repeat.
 *
 *     struct repeat_side sides[2] = {{before, 6}, {after, 6}};       // run directories
 *     struct repeat_diff r;
 *     if (repeat_diff_make(&r, sides, REPEAT_IF_SAME, &options, err) < 0) ...
 *     for (size_t i = 0; i < r.diff.count; i++)
 *         show(&r.diff.rows[i], &r.rows[i]);          // and r.diff.notes
 *     status = run_diff_judge(&r.diff, err);
 *     repeat_diff_free(&r);
 *
 * Each figure is worked out for every repeat as run_diff.h does it for one run, of requests that
 * completed on both sides where a pair of runs holds the same ones. The rows hold the comparison of
 * the figures of the repeats (repeats.h); findings and the gate are those of run_diff.h.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_REPEAT_DIFF_H
#define FAREBOX_CORE_RUNS_COMPARE_REPEAT_DIFF_H

#include "core/runs/compare/run_diff.h"

struct repeat_side {
    const char *const *paths; /* of run directories; borrowed */
    size_t count;
};

enum repeat_pairing {
    REPEAT_IF_SAME, /* the i-th runs are a pair where all of them hold the same requests */
    REPEAT_IN_TIME, /* they are, because they were made next to each other */
};

/* A figure of every repeat, by side; NAN where a run has none. */
struct repeat_row {
    double *values[2];
};

struct repeat_diff {
    struct run_diff diff;
    struct repeat_row rows[DIFF_ROWS];
    size_t repeats[2];
    bool paired;       /* the i-th of both sides are compared with each other */
    size_t strange;    /* pairs whose two runs do not hold the same requests */
    size_t limited[2]; /* runs in which the client was the limit */
};

/* `pricing` of the options prices one pair after the other. ERR_INPUT as run_diff_make. */
int repeat_diff_make(struct repeat_diff *out, const struct repeat_side sides[2],
                     enum repeat_pairing pairing, const struct run_diff_options *options,
                     struct error *err);
void repeat_diff_free(struct repeat_diff *r);

/* The run directories inside a folder of repeats (DIR/1, DIR/2, ...), in the order of their
 * numbers. With `side` above 0 those of an A/B alone: DIR/1-SIDE, DIR/2-SIDE, ... 0 where the
 * folder holds none. The caller frees the paths and the list. */
size_t repeat_folder_list(const char *folder, size_t side, char ***paths);

#endif
