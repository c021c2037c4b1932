#include "cli/report/plot/forecast_plot.h"

#include "cli/report/plot/plot.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TITLE_SIZE 160

/* One panel: of every plan the median and the band between 5 and 95%. */
static void fill_panel(const struct forecast *f, const struct forecast_result *r, const double *x,
                       struct plot_panel *panel)
{
    size_t shown = f->plan_count < FORECAST_PLOT_PLANS ? f->plan_count : FORECAST_PLOT_PLANS;
    panel->x_label = "time (days from the forecast's start)";
    panel->y_label = "cumulative spend (USD)";
    panel->legend = "outside right top";
    panel->y_max = NAN;
    for (size_t p = 0; p < shown; p++)
        plot_add_series(panel, NULL, PLOT_BAND, x, r->plans[p].p5, f->days, (int)p)->y2 =
            r->plans[p].p95;
    for (size_t p = 0; p < shown; p++)
        plot_add_series(panel, r->plans[p].plan->name, PLOT_LINES, x, r->plans[p].p50, f->days,
                        (int)p);
    if (f->options.has_budget)
        plot_add_mark(panel, "budget", money_to_double(f->options.budget), false);
}

int forecast_draw(const struct forecast *f, const char *directory, bool keep_script,
                  struct error *err)
{
    size_t n = f->options.scenario_count;
    struct plot_panel *panels = mem_zero(n, sizeof *panels);
    char(*titles)[TITLE_SIZE] = mem_zero(n, sizeof *titles);
    double *days = mem_alloc(f->days * sizeof *days);
    for (size_t t = 0; t < f->days; t++)
        days[t] = (double)(t + 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(titles[i], TITLE_SIZE, "Forecast, %s: %+.1f %% a month; median and 5–95 %%",
                 f->results[i].scenario.name, f->results[i].percent);
        panels[i].title = titles[i];
        fill_panel(f, &f->results[i], days, &panels[i]);
    }
    struct plot plot = {.name = "forecast", .panels = panels, .panel_count = n};
    int code = plot_draw(&plot, directory, keep_script, err);
    free(days);
    free(titles);
    free(panels);
    return code;
}
