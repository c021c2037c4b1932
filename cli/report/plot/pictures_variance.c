/* How much a request's price varies under each plan, and which part of the charge that comes from:
 * level bars in two panels with the same rows. */
#include "cli/report/plot/pictures.h"

#include <math.h>

#define BAR 26 /* pixels from bar to bar */

static bool has_bar(const struct bill *b, size_t plan)
{
    return picture_plan_is_drawn(b, plan) && !b->plans[plan].without_caps;
}

static bool varies(const struct plan_bill *p)
{
    return !p->flat && isfinite(p->stats.cv) && p->stats.cv > 0;
}

/* A level bar around y = row. */
static void add_bar(struct picture *p, struct plot_panel *panel, const char *title, double from,
                    double to, double row, int color)
{
    double *bar[4];
    for (int k = 0; k < 4; k++)
        bar[k] = picture_array(p, 1);
    bar[0][0] = from;
    bar[3][0] = to;
    bar[1][0] = row - 0.36;
    bar[2][0] = row + 0.36;
    plot_add_cells(panel, title, bar, 1, color);
}

/* From the top down. */
static void name_rows(struct picture *p, struct plot_panel *panel, size_t rows)
{
    double *ticks = picture_array(p, rows);
    for (size_t i = 0; i < rows; i++)
        ticks[i] = (double)(rows - 1 - i);
    panel->y_names = p->name_list[0];
    panel->y_ticks = ticks;
    panel->y_name_count = rows;
    panel->y_min = -0.5;
    panel->y_max = (double)rows - 0.5;
}

/* A bar per plan, as long as its coefficient of variation, which stands behind its name. */
static void add_variation(struct picture *p, const struct bill *b, struct plot_panel *panel,
                          size_t rows)
{
    size_t n = 0;
    for (size_t i = 0; i < b->plan_count && n < rows; i++) {
        const struct plan_bill *plan = &b->plans[i];
        char name[PICTURE_PLAN_NAME];
        double cv = varies(plan) ? plan->stats.cv : 0;
        if (!has_bar(b, i))
            continue;
        p->name_list[0][n] =
            picture_name(p, "%s  %.2f", picture_plan_name(b, i, PICTURE_NAME_COLUMNS, name), cv);
        add_bar(p, panel, NULL, 0, cv, (double)(rows - 1 - n), picture_plan_color(b, i));
        n++;
    }
    name_rows(p, panel, rows);
    panel->x_max = NAN;
}

/* The same rows, filled by the parts of the charge; of a negative share nothing is drawn. */
static void add_shares(struct picture *p, const struct bill *b, struct plot_panel *panel,
                       size_t rows)
{
    bool titled[CHARGE_PARTS] = {false};
    size_t n = 0;
    for (size_t i = 0; i < b->plan_count && n < rows; i++) {
        double at = 0;
        if (!has_bar(b, i))
            continue;
        for (int part = 0; part < CHARGE_PARTS && varies(&b->plans[i]); part++) {
            double share = 100 * b->plans[i].stats.share[part];
            if (!(share > 0.005) || panel->series_count == PLOT_SERIES)
                continue;
            add_bar(p, panel, titled[part] ? NULL : charge_part_name((enum charge_part)part), at,
                    at + share, (double)(rows - 1 - n), part);
            titled[part] = true;
            at += share;
        }
        n++;
    }
    name_rows(p, panel, rows);
    panel->x_max = 100;
}

static void say_variance(struct picture *p, const struct bill *b)
{
    size_t most = SIZE_MAX;
    int part = 0;
    char name[PICTURE_PLAN_NAME];
    for (size_t i = 0; i < b->plan_count; i++)
        if (has_bar(b, i) && varies(&b->plans[i]) &&
            (most == SIZE_MAX || b->plans[i].stats.cv > b->plans[most].stats.cv))
            most = i;
    if (most == SIZE_MAX) {
        picture_say(p, "A request's price does not vary under any of these plans");
        return;
    }
    const struct cost_stats *of = &b->plans[most].stats;
    for (int i = 0; i < CHARGE_PARTS; i++)
        part = of->share[i] > of->share[part] ? i : part;
    picture_say(p, "A request's price varies most under %s (CV %.2f): %.0f %% of that by its %s",
                picture_plan_name(b, most, 28, name), of->cv, 100 * of->share[part],
                charge_part_name((enum charge_part)part));
}

bool picture_variance(struct picture *p, const struct bill *b, const char *run)
{
    struct plot_panel *first = &p->panels[0], *second = &p->panels[1];
    size_t rows = 0;
    picture_begin_plans(p, b, "variance", "How much a request's price varies, and why", run);
    for (size_t i = 0; i < b->plan_count; i++)
        rows += has_bar(b, i);
    rows = rows < PICTURE_PLANS ? rows : PICTURE_PLANS;
    first->y_label = "plan, and its CV";
    first->x_label = "deviation / mean (CV)";
    add_variation(p, b, first, rows);
    add_shares(p, b, second, rows);
    second->y_label = "which part of the charge that comes from";
    second->x_label = "share of variance (%)";
    second->always_legend = true;
    p->plot.panel_count = second->series_count > 0 ? 2 : 1;
    p->plot.panel_height = (int)rows * BAR + 8;
    say_variance(p, b);
    return rows > 0;
}
