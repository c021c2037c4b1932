/* Several engines in one picture. */
#include "cli/report/plot/load_plots.h"
#include "cli/report/plot/plot.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLES 600
#define BEYOND 1.3 /* times the highest demand */
#define REPLICAS 6 /* where no demand is known: so many of the strongest */
#define MONTH_HOURS 720

/* What is drawn, of each engine that serves. */
struct lines {
    double demand[SAMPLES], cost[CAPACITY_ENGINES][SAMPLES];
    double rate[CAPACITY_ENGINES][CAPACITY_CURVE], goodput[CAPACITY_ENGINES][CAPACITY_CURVE];
};

static double usable_rps(const struct capacity_plan *p)
{
    return p->capacity.rate_rps * (1 - p->headroom);
}

/* The demand up to which is drawn. */
static double last_demand(const struct capacity_comparison *c)
{
    double most = 0, strongest = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct capacity_plan *p = &c->plans[i];
        for (size_t m = 0; m < p->month_count; m++)
            most = fmax(most, p->months[m].demand_rps);
        if (capacity_plan_serves(p))
            strongest = fmax(strongest, usable_rps(p));
    }
    return most > 0 ? BEYOND * most : REPLICAS * strongest;
}

static void fill_lines(const struct capacity_comparison *c, struct lines *l)
{
    double last = last_demand(c);
    for (size_t k = 0; k < SAMPLES; k++)
        l->demand[k] = last * (double)(k + 1) / SAMPLES;
    for (size_t i = 0; i < c->count; i++) {
        const struct capacity_plan *p = &c->plans[i];
        double each = p->gpus * (p->has_price ? money_to_double(p->gpu_hour) * MONTH_HOURS : 1);
        if (!capacity_plan_serves(p))
            continue;
        for (size_t k = 0; k < SAMPLES; k++)
            l->cost[i][k] =
                each * (double)fleet_replicas(l->demand[k], p->capacity.rate_rps, p->headroom);
        for (size_t k = 0; k < p->capacity.curve_count; k++) {
            l->rate[i][k] = p->capacity.curve[k].load;
            l->goodput[i][k] = 100 * p->capacity.curve[k].goodput;
        }
    }
}

static void say_fleets(const struct capacity_comparison *c, char title[256])
{
    const struct capacity_plan *best = &c->plans[c->order[0]];
    if (c->cheapest != 1 || !best->has_price)
        snprintf(title, 256, "What a fleet of each engine takes over the demand");
    else if (best->month_count > 0)
        snprintf(title, 256, "%s is the cheapest at %.4g requests/s", best->engine->name,
                 best->months[0].demand_rps);
    else
        snprintf(title, 256, "%s is the cheapest for each request", best->engine->name);
}

int capacity_comparison_draw(const struct capacity_comparison *c, const char *directory,
                             bool keep_script, struct error *err)
{
    const struct capacity_plan *first = &c->plans[c->order[0]];
    char title[256], subtitle[256], target[32], demand[48];
    struct lines *l = mem_zero(1, sizeof *l);
    fill_lines(c, l);
    say_fleets(c, title);
    snprintf(subtitle, sizeof subtitle, "Fleets for %s, and one replica of each", first->stem);
    snprintf(target, sizeof target, "target %g %%", 100 * first->goodput);
    struct plot_panel panels[2] = {{.x_label = "demand (requests/s)",
                                    .y_label = first->has_price ? "USD a month" : "GPUs",
                                    .y_unit = first->has_price ? PLOT_USD : PLOT_PLAIN,
                                    .y_max = NAN,
                                    .always_legend = true},
                                   {.x_label = "rate (requests/s)",
                                    .y_label = "goodput of one replica (%)",
                                    .y_min = NAN,
                                    .y_max = 100,
                                    .always_legend = true}};
    for (size_t r = 0; r < c->count; r++) {
        size_t i = c->order[r];
        const struct capacity_plan *p = &c->plans[i];
        if (!capacity_plan_serves(p))
            continue;
        plot_add_series(&panels[0], p->engine->name, PLOT_STEPS, l->demand, l->cost[i], SAMPLES,
                        (int)r);
        plot_add_series(&panels[1], p->engine->name, PLOT_LINES, l->rate[i], l->goodput[i],
                        p->capacity.curve_count, (int)r);
    }
    if (first->month_count > 0) {
        snprintf(demand, sizeof demand, "%.4g requests/s", first->months[0].demand_rps);
        plot_add_mark(&panels[0], demand, first->months[0].demand_rps, true);
    }
    plot_add_mark(&panels[1], target, 100 * first->goodput, false);
    struct plot plot = {.name = "capacity",
                        .title = title,
                        .subtitle = subtitle,
                        .panels = panels,
                        .panel_count = 2};
    int status = plot_draw(&plot, directory, keep_script, err);
    free(l);
    return status;
}
