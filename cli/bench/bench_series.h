/* Series of bench runs: --repeat, --sweep and --find-max, under one budget.
 *
 *     status = bench_series_run(terminal, options, run_once, err);
 *
 * Without any of the three it is a series of one run. With --dry-run each run is told, not made.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_SERIES_H
#define FAREBOX_CLI_BENCH_BENCH_SERIES_H

#include "cli/bench/bench_options.h"
#include "cli/command.h"
#include "core/money.h"
#include "sim/plan/dry_run.h"
#include "sim/plan/load_series.h"

/* What the runs have learnt of models' tokenizers: each asks for what none before it did. */
struct bench_learnt {
    struct prompt_scale *scales;
    size_t count, capacity;
};

/* Adds what a probe measured of a model that is new. NULL: there is no series. */
void bench_learnt_add(struct bench_learnt *l, const struct fidelity_probe *probe);

/* One run of the series. */
struct bench_turn {
    const struct terminal *terminal;
    const struct bench_options *o;   /* --max-cost: what is left of it */
    const char *path;                /* where the run goes; NULL = results/... */
    uint64_t number;                 /* with --repeat: 0, 1, ... */
    size_t endpoint;                 /* the only one of this turn; SIZE_MAX = all */
    const struct option_spec *specs; /* what goes into run.json; NULL = all options */
    struct dry_run *dry;             /* with --dry-run: where to say what would be sent */
    const char *label;               /* there: "rate 4"; NULL */
    struct load_run *load;           /* of a sweep or search: where its figures go; NULL */
    struct bench_learnt *learnt;     /* of the series; NULL without one */
    bool later;                      /* an earlier one gave the warnings that hold for all */

    /* filled by the run */
    bool over_budget; /* it ended at --max-cost, or could not begin */
    bool missed;      /* an assertion, and nothing worse */
    bool limited;     /* the client was the limit */
    money spent;      /* of the first plan, with what the probe may have cost */
};

typedef int bench_turn_run(struct bench_turn *turn, struct error *err);

/* A missed assertion lets the other repeats go on and is ERR_WORK at the end; every other error
 * ends the series. */
int bench_series_run(const struct terminal *t, const struct bench_options *o, bench_turn_run *run,
                     struct error *err);

#endif
