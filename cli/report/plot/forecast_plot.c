#include "cli/report/plot/forecast_plot.h"

#include "cli/report/plot/plot.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TITLE_SIZE 160
#define TICKS 8

/* The days that have a date below the axis. */
struct dates {
    char text[TICKS][FORECAST_DATE_SIZE];
    const char *names[TICKS];
    double days[TICKS];
    size_t count;
};

static void find_dates(const struct forecast *f, struct dates *d)
{
    static const size_t steps[] = {1, 2, 5, 7, 14, 30, 60, 91, 182, 365};
    size_t step = steps[0];
    for (size_t i = 0; f->days / step >= TICKS; i++)
        step = i < sizeof steps / sizeof *steps ? steps[i] : 2 * step;
    for (size_t day = 0; day <= f->days && d->count < TICKS; day += step) {
        d->names[d->count] = forecast_date(f, day, d->text[d->count]);
        d->days[d->count++] = (double)day;
    }
}

/* One panel: of every plan the median and the band between 5 and 95%. */
static void fill_panel(const struct forecast *f, const struct forecast_result *r, const double *x,
                       const struct dates *dates, struct plot_panel *panel)
{
    size_t shown = f->plan_count < FORECAST_PLOT_PLANS ? f->plan_count : FORECAST_PLOT_PLANS;
    panel->x_label = f->has_start ? "date (UTC)" : "time (days from the forecast's start)";
    if (f->has_start) {
        panel->x_names = dates->names;
        panel->x_ticks = dates->days;
        panel->x_name_count = dates->count;
    }
    panel->y_label = "cumulative spend (USD)";
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
    struct dates dates = {.count = 0};
    find_dates(f, &dates);
    for (size_t t = 0; t < f->days; t++)
        days[t] = (double)(t + 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(titles[i], TITLE_SIZE, "Forecast, %s: %+.1f %% a month; median and 5–95 %%",
                 f->results[i].scenario.name, f->results[i].percent);
        panels[i].title = titles[i];
        fill_panel(f, &f->results[i], days, &dates, &panels[i]);
    }
    size_t legend = f->plan_count < FORECAST_PLOT_PLANS ? f->plan_count : FORECAST_PLOT_PLANS;
    struct plot plot = {.name = "forecast", .panels = panels, .panel_count = n, .right_margin = 8};
    if (n > 1)
        plot.height = (int)(100 + n * (300 + 18 * legend));
    int code = plot_draw(&plot, directory, keep_script, err);
    free(days);
    free(titles);
    free(panels);
    return code;
}
