/* An A/B: two endpoints that took turns, pair after pair of runs, and what differs between them.
 *
 *     struct ab ab;
 *     ab_init(&ab);                                   // its sides are filled by the caller
 *     ab_add_run(&ab, 0, 1, true, spent);             // DIR/1-1, of side A, is whole
 *     ab_write_file(&ab, "results/ab", err);          // compare.json: can be read after any kill
 *     if (ab_compare(&ab, "results/ab", &options, err) == 0) ...   // ab.result
 *     ab_free(&ab);
 *
 * compare.json is the record of the series, too: ab_read_runs() takes it up where it ended.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_AB_H
#define FAREBOX_CORE_RUNS_COMPARE_AB_H

#include "core/runs/compare/repeat_diff.h"

#define AB_FILE "compare.json"
#define AB_SURE_PAIRS 6 /* below, an interval leans on the pairs' being normally distributed */

struct ab_side {
    char *name, *url, *model, *plan; /* owned; NULL = not said; `url` without secrets */
    bool paid_by_period;             /* the plan charges by the period, too: not in its requests */
};

struct ab_run {
    size_t side;   /* 0 or 1 */
    uint64_t pair; /* from 1 */
    bool whole;    /* it ended by itself; else it was interrupted, or failed */
    money spent;
};

struct ab {
    struct ab_side sides[2];
    struct ab_run *runs; /* in the order in which they were made */
    size_t count, capacity;
    uint64_t pairs_asked;
    uint64_t options_hash; /* of what decides the runs */
    bool compared;
    struct repeat_diff result;    /* of the whole pairs, once compared */
    struct buffer answer, doubts; /* sentences for compare.json, a line each */
};

void ab_init(struct ab *ab);
void ab_free(struct ab *ab);

/* Notes a run, in place of an earlier one of that side and pair. */
void ab_add_run(struct ab *ab, size_t side, uint64_t pair, bool whole, money spent);
bool ab_has_run(const struct ab *ab, size_t side, uint64_t pair); /* and it is whole */

/* Pairs of which both runs are whole. */
uint64_t ab_pairs(const struct ab *ab);

/* Takes the runs of an earlier compare.json that has the same options. ERR_INPUT where there is
 * none, or of others. */
int ab_read_runs(struct ab *ab, const char *directory, struct error *err);

/* Compares the whole pairs. ERR_WORK without any. */
int ab_compare(struct ab *ab, const char *directory, const struct run_diff_options *options,
               struct error *err);

/* What a thousand requests cost on that side; false: nothing is known. */
bool ab_per_thousand(const struct ab *ab, int side, money *out);

/* In which way the sides differ in a row, and to whose favour. */
enum diff_outcome ab_outcome_of(const struct ab *ab, size_t row);
int ab_winner_of(const struct ab *ab, size_t row); /* 0, 1; -1 = none */

/* True for the few rows that an answer speaks of: TTFT, TPOT, E2E, shares, and the throughput of
 * closed loops. */
bool ab_is_headline(const struct ab *ab, size_t row);

/* compare.json, whole or not at all; and its text. */
int ab_write_file(const struct ab *ab, const char *directory, struct error *err);
void ab_write(const struct ab *ab, struct json_writer *w);

#endif
