/* The plot of a forecast: a panel for each scenario. */
#ifndef FAREBOX_CLI_REPORT_PLOT_FORECAST_PLOT_H
#define FAREBOX_CLI_REPORT_PLOT_FORECAST_PLOT_H

#include "sim/plan/forecast.h"

#define FORECAST_PLOT_PLANS 8 /* the first of them */

/* forecast.svg, .png: of every plan the median spend and the band between 5 and 95 %. */
int forecast_draw(const struct forecast *f, const char *directory, bool keep_script,
                  struct error *err);

#endif
