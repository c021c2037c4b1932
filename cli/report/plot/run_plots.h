/* The plots of a run, drawn into its directory. */
#ifndef FAREBOX_CLI_REPORT_PLOT_RUN_PLOTS_H
#define FAREBOX_CLI_REPORT_PLOT_RUN_PLOTS_H

#include "core/error.h"
#include "core/runs/summary/collector.h"
#include "sim/cost/bill/bill.h"

#include <stdbool.h>

struct run_plots {
    const char *run;   /* the run's directory; plots go to its plots/ */
    const char *title; /* for people */
    bool keep_script;
    const struct bill *bill; /* NULL: no plots of costs */
};

/* Draws every plot that the run has data for, and removes those of its names that it has none for
 * any more. *drawn counts them. */
int run_plots_draw(const struct run_plots *p, struct collector *c, const struct summary *s,
                   unsigned *drawn, struct error *err);

/* The same of a bill without a run: its plots of costs, drawn into `folder`. */
int bill_plots_draw(const struct bill *b, const char *folder, unsigned *drawn, struct error *err);

/* What a plot shows, for a caption; NULL for an unknown name. Number 0, 1, ... gives the names in
 * the order in which they are shown; NULL after the last. */
bool run_plots_has(const char *name);
const char *run_plots_caption(const char *name);
const char *run_plots_name(size_t number);

#endif
