#include "cli/report/plot/forecast_plot.h"

#include "cli/report/plot/plot.h"
#include "core/memory.h"
#include "sim/cost/bill/bill_stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TITLE_SIZE 160
#define TICKS 5

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

/* Of a plan, what is paid by then: 5 %, median, 95 %. */
struct curve {
    double *x, *y[3];
    size_t count;
};

/* A subscription is paid when its period begins: its plan's days are steps, of the day from its
 * start to its end. What is paid by use rises from the start of the first day on. */
static void fill_curve(const struct forecast *f, const struct forecast_plan *p, struct curve *c)
{
    const double *const values[] = {p->p5, p->p50, p->p95};
    bool steps = p->subscriptions > 0;
    c->x = mem_alloc(2 * (f->days + 1) * sizeof *c->x);
    for (int k = 0; k < 3; k++)
        c->y[k] = mem_zero(2 * (f->days + 1), sizeof *c->y[k]);
    c->count = 0;
    if (!steps)
        c->x[c->count++] = 0;
    for (size_t t = 0; t < f->days; t++)
        for (int end = !steps; end < 2; end++) {
            c->x[c->count] = (double)(t + (size_t)end);
            for (int k = 0; k < 3; k++)
                c->y[k][c->count] = values[k][t];
            c->count++;
        }
}

static void free_curve(struct curve *c)
{
    free(c->x);
    for (int k = 0; k < 3; k++)
        free(c->y[k]);
}

static void add_band(const struct forecast *f, const struct forecast_plan *p, int number,
                     struct curve *c, struct plot_panel *panel)
{
    fill_curve(f, p, c);
    plot_add_series(panel, NULL, PLOT_BAND, c->x, c->y[0], c->count, number)->y2 = c->y[2];
}

/* One panel: of every plan the median and the band between 5 and 95%. */
static void fill_panel(const struct forecast *f, const struct forecast_result *r,
                       struct curve *curves, const struct dates *dates, struct plot_panel *panel)
{
    size_t shown = f->plan_count < FORECAST_PLOT_PLANS ? f->plan_count : FORECAST_PLOT_PLANS;
    panel->x_label = f->has_start ? "date (UTC)" : "time (days from the forecast's start)";
    if (f->has_start) {
        panel->x_names = dates->names;
        panel->x_ticks = dates->days;
        panel->x_name_count = dates->count;
    }
    panel->y_unit = PLOT_USD;
    panel->x_unit = f->has_start ? PLOT_INSTANT : PLOT_PLAIN;
    panel->x_epoch_s = (double)f->begin_unix_ns / 1e9;
    panel->x_unit_s = 86400;
    panel->always_legend = true;
    panel->x_max = (double)f->days;
    panel->y_max = NAN;
    for (size_t p = 0; p < shown; p++)
        add_band(f, &r->plans[p], (int)p, curves + p, panel);
    for (size_t p = 0; p < shown; p++)
        plot_add_series(panel, r->plans[p].plan->name, PLOT_LINES, curves[p].x, curves[p].y[1],
                        curves[p].count, (int)p);
    if (f->options.has_budget)
        plot_add_mark(panel, "budget", money_to_double(f->options.budget), false);
}

/* What the first scenario comes to. */
static void say_forecast(const struct forecast *f, char title[400])
{
    const struct forecast_result *r = &f->results[0];
    char mean[MONEY_TEXT_SIZE], low[MONEY_TEXT_SIZE], high[MONEY_TEXT_SIZE];
    if (r->cheapest == FORECAST_NEVER || r->undecided) {
        snprintf(title, 400, "What is paid by each day, under each plan");
        return;
    }
    const struct forecast_band *bill = &r->plans[r->cheapest].bill;
    money_format_amount(cost_money(bill->mean), 2, mean);
    money_format_amount(cost_money(bill->p5), 2, low);
    money_format_amount(cost_money(bill->p95), 2, high);
    snprintf(title, 400,
             "%.60s is the cheapest that serves everything: $%s expected (90 %%: $%s to $%s)",
             forecast_plan_name(r, r->cheapest), mean, low, high);
}

int forecast_draw(const struct forecast *f, const char *directory, bool keep_script,
                  struct error *err)
{
    size_t n = f->options.scenario_count;
    struct plot_panel *panels = mem_zero(n, sizeof *panels);
    char(*titles)[TITLE_SIZE] = mem_zero(n, sizeof *titles), title[400];
    size_t plans = f->plan_count < FORECAST_PLOT_PLANS ? f->plan_count : FORECAST_PLOT_PLANS;
    struct curve *curves = mem_zero(n * plans + 1, sizeof *curves);
    struct dates dates = {.count = 0};
    find_dates(f, &dates);
    for (size_t i = 0; i < n; i++) {
        snprintf(titles[i], TITLE_SIZE, "%s, %+.1f %% a month: paid so far (USD)",
                 f->results[i].scenario.name, text_shown(f->results[i].percent, 1));
        panels[i].y_label = titles[i];
        fill_panel(f, &f->results[i], curves + i * plans, &dates, &panels[i]);
    }
    say_forecast(f, title);
    struct plot plot = {.name = "forecast",
                        .title = title,
                        .subtitle =
                            "Forecast · median, and the band that holds 90 % of the futures",
                        .panels = panels,
                        .panel_count = n,
                        .share_x = true};
    int code = plot_draw(&plot, directory, keep_script, err);
    for (size_t i = 0; i < n * plans; i++)
        free_curve(&curves[i]);
    free(curves);
    free(titles);
    free(panels);
    return code;
}
