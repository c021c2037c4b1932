/* The plots of a run: latency CDF, timeline, cumulative spend per plan. */
#ifndef FAREBOX_CLI_REPORT_RUN_PLOTS_H
#define FAREBOX_CLI_REPORT_RUN_PLOTS_H

#include "core/error.h"
#include "core/runs/summary.h"
#include "sim/cost/plan.h"

#include <stdbool.h>

struct run_plots {
    const char *run;   /* the run's directory; plots go to its plots/ */
    const char *title; /* for people */
    bool keep_script;
    const struct plan *const *plans; /* to draw the spend of; NULL */
    size_t plan_count;
};

/* Draws every plot that the run has data for. *drawn counts them. */
int run_plots_draw(const struct run_plots *p, struct collector *c, const struct summary *s,
                   unsigned *drawn, struct error *err);

#endif
