/* Plots of loads that were measured: a sweep's, and a capacity's curve. */
#ifndef FAREBOX_CLI_REPORT_PLOT_LOAD_PLOTS_H
#define FAREBOX_CLI_REPORT_PLOT_LOAD_PLOTS_H

#include "sim/plan/capacity_compare.h"
#include "sim/plan/sweep.h"

/* sweep.svg, .png, and usl.svg, .png where there is a fit. */
int sweep_draw(const struct sweep *s, const char *directory, struct error *err);

/* capacity.svg, .png: goodput and latency over the rate. */
int capacity_plan_draw(const struct capacity_plan *p, const char *directory, bool keep_script,
                       struct error *err);

/* The same of several engines: what each costs a month over the demand, or how many GPUs it takes
 * where prices are not known, and the goodput of one replica over its rate. */
int capacity_comparison_draw(const struct capacity_comparison *c, const char *directory,
                             bool keep_script, struct error *err);

#endif
