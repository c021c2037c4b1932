/* --compare: two endpoints that take turns, and what differs between them.
 *
 *     struct bench_compare c;
 *     if (bench_compare_begin(&c, t, o, err) < 0) return err->code;
 *     if (!bench_compare_has(&c, 0, 1))
 *         ... the run of A in pair 1 ...
 *     bench_compare_note(&c, 0, 1, whole, spent, err);   // compare.json, after every run
 *     status = bench_compare_end(&c, status, err);       // compares, shows, and frees
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_COMPARE_H
#define FAREBOX_CLI_BENCH_BENCH_COMPARE_H

#include "cli/bench/bench_options.h"
#include "cli/bench/bench_series.h"
#include "cli/command.h"
#include "core/runs/compare/ab.h"
#include "sim/cost/book/select.h"

struct bench_compare {
    const struct terminal *terminal;
    const struct bench_options *o;
    struct plan_selection plans[2]; /* by side; none = what the provider reports */
    struct ab ab;
};

/* Reads the plans, and with --resume the runs of an earlier time; ERR_INPUT where there is an
 * earlier comparison and neither --resume nor --force. */
int bench_compare_begin(struct bench_compare *c, const struct terminal *t,
                        const struct bench_options *o, struct error *err);

/* What the whole runs so far have learnt of tokenizers, and what they have spent. */
void bench_compare_recall(const struct bench_compare *c, struct bench_learnt *learnt, money *left);

/* Side 0 or 1, pair from 1. */
bool bench_compare_has(const struct bench_compare *c, size_t side, uint64_t pair);
int bench_compare_note(struct bench_compare *c, size_t side, uint64_t pair, bool whole, money spent,
                       struct error *err);

/* Compares what is whole, also where the series ended early (`status`, in `err` already). */
int bench_compare_end(struct bench_compare *c, int status, struct error *err);

/* How the options go together; ERR_INPUT. */
int bench_compare_check(const struct bench_options *o, struct error *err);

/* The --plans of the runs of that side, where --plan names one. */
struct option_list bench_compare_plans(const struct bench_options *o, size_t side);

#endif
