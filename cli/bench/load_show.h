/* Sweeps and the search for the highest rate on a terminal: the options and the terminal of the
 * runs inside, progress, and what is shown and written at the end.
 *
 *     struct sweep s = {...};
 *     return sweep_show(&s, t, o->common.json, err);
 */
#ifndef FAREBOX_CLI_BENCH_LOAD_SHOW_H
#define FAREBOX_CLI_BENCH_LOAD_SHOW_H

#include "cli/command.h"
#include "sim/plan/find_max.h"
#include "sim/plan/sweep.h"

/* A command's options without those of the series itself, for run.json of the runs inside, with the
 * value of `key` ("rate", "concurrency", NULL). */
#define CHILD_OPTIONS 128
void load_child_options(const struct option_spec *specs, const char *key,
                        struct option_spec out[CHILD_OPTIONS]);

/* Of the same options: equal where the runs would be. */
uint64_t load_options_hash(const struct option_spec *specs, const void *options);

/* The terminal for the runs inside: they tell their progress and warnings, and show nothing. */
int load_quiet_terminal(const struct terminal *t, struct terminal *out, struct error *err);
void load_quiet_free(struct terminal *quiet);

/* Runs it and shows what was found, also where it ended early: a table, sweep.json and plots, or
 * find-max.json; with `json` the same for machines. Errors as sweep_run() and find_max_run(). */
int sweep_show(struct sweep *s, const struct terminal *t, bool json, struct error *err);
int find_max_show(struct find_max *f, const struct terminal *t, bool json, struct error *err);

#endif
