/* The picture of a volume ladder. */
#include "cli/report/plot/pictures.h"

#include "sim/cost/ladder/ladder.h"

#include <math.h>

#define CLOSEST 60 /* points nearer than a 60th of the axis hide that a line is dashed */

/* What a plan costs along the ladder; by the token it rises evenly, else in steps. */
static void add_curve(struct picture *p, const struct bill *b, const struct ladder_curve *c)
{
    double *x = picture_array(p, c->count), *y = picture_array(p, c->count);
    char name[PICTURE_PLAN_NAME];
    bool in_steps = b->plans[c->plan].subscriptions > 0;
    const struct ladder_point *last = NULL;
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct ladder_point *at = &c->points[i];
        bool near = last && (at->requests - last->requests) * CLOSEST < b->ladder->end;
        if (at->total == MONEY_MAX || (near && (!in_steps || at->total == last->total)))
            continue;
        last = at;
        x[n] = (double)at->requests;
        y[n++] = cost_usd(at->total);
    }
    picture_plan_name(b, c->plan, PICTURE_NAME_COLUMNS, name);
    plot_add_series(&p->panels[0], picture_name(p, "%s", name), in_steps ? PLOT_STEPS : PLOT_LINES,
                    x, y, n, picture_plan_color(b, c->plan))
        ->dashed = true;
}

/* The cheapest of one interval: from end to end of every step whose totals are known. */
static void add_interval(struct picture *p, const struct bill *b, const struct ladder_interval *in)
{
    const struct ladder_run *steps = b->ladder->steps + in->first_step;
    double *x = picture_array(p, 2 * in->step_count), *y = picture_array(p, 2 * in->step_count);
    size_t n = 0;
    for (size_t i = 0; i < in->step_count; i++) {
        if (steps[i].total_from != MONEY_MAX) {
            x[n] = (double)steps[i].from;
            y[n++] = cost_usd(steps[i].total_from);
        }
        if (steps[i].total_to != MONEY_MAX && steps[i].to > steps[i].from) {
            x[n] = (double)steps[i].to;
            y[n++] = cost_usd(steps[i].total_to);
        }
    }
    plot_add_series(&p->panels[0], NULL, PLOT_LINES, x, y, n, picture_plan_color(b, in->run.plan));
}

/* The cheapest at the workload's own number of requests. */
static void say_cheapest(struct picture *p, const struct bill *b)
{
    const struct ladder *l = b->ladder;
    char name[PICTURE_PLAN_NAME], here[TEXT_GROUPED_SIZE];
    for (size_t i = 0; i < l->interval_count; i++) {
        const struct ladder_run *run = &l->intervals[i].run;
        if (run->plan == LADDER_NOBODY || !run->plan_proven || l->here < run->from ||
            l->here > run->to)
            continue;
        picture_say(p, "%s is the cheapest at %s requests a month",
                    picture_plan_name(b, run->plan, 28, name), text_group_u64(l->here, here));
    }
}

bool picture_ladder(struct picture *p, const struct bill *b, const char *run)
{
    const struct ladder *l = b->ladder;
    struct plot_panel *panel = &p->panels[0];
    picture_begin(p, "ladder", "Cheapest plan by requests a month", run);
    if (!l || l->curve_count == 0)
        return false;
    panel->x_label = "requests a month";
    panel->y_label = "a month (USD)";
    panel->y_max = NAN;
    panel->x_max = (double)l->end;
    panel->always_legend = true;
    say_cheapest(p, b);
    for (size_t i = 0; i < l->curve_count && panel->series_count < PICTURE_PLANS; i++)
        add_curve(p, b, &l->curves[i]);
    for (size_t i = 0; i < l->interval_count && panel->series_count < PLOT_SERIES; i++)
        if (l->intervals[i].run.plan != LADDER_NOBODY)
            add_interval(p, b, &l->intervals[i]);
    double most = 0;
    for (size_t k = 0; k < panel->series_count; k++)
        for (size_t i = 0; i < panel->series[k].count; i++)
            most = fmax(most, panel->series[k].y[i]);
    picture_money_axis(p, panel, most);
    plot_add_mark(panel, "here", (double)l->here, true);
    return true;
}
