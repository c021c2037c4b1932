#include "cli/report/plot/fleet_plot.h"

#include "cli/report/plot/plot.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* By slot, and once more at the end of the last, so that steps have a width. */
struct lines {
    double *hour, *demand, *spilled, *cash;
    double *replicas[COURSE_OFFERS];
    size_t count;
};

static double *line(size_t count)
{
    return mem_zero(count, sizeof(double));
}

/* What is paid for units is spread over the slots in which an offer's replicas run. */
static double slot_cash(const struct fleet_plan *p, size_t t, const double *units_usd,
                        const uint64_t *ran)
{
    size_t offers = p->options->terms->offer_count;
    const struct course_slot *s = &p->demand.slots[t];
    double usd = money_to_double(p->course.commitments_usd) / (double)p->demand.slot_count;
    for (size_t o = 0; o < offers; o++)
        if (ran[o] > 0)
            usd += units_usd[o] * p->course.replicas[t * offers + o] / (double)ran[o];
    if (s->demand > 0)
        usd += money_to_double(s->spill_usd) * (double)p->course.spilled[t] / (double)s->demand;
    return usd;
}

static void fill_cash(const struct fleet_plan *p, double *cash)
{
    const struct fleet_terms *terms = p->options->terms;
    double units_usd[COURSE_OFFERS] = {0}, sum = 0;
    uint64_t ran[COURSE_OFFERS] = {0};
    for (size_t o = 0; o < terms->offer_count; o++) {
        const struct fleet_offer *x = &terms->offers[o];
        units_usd[o] =
            money_to_double(x->hour) * (double)x->unit_ns / 3.6e12 * (double)p->course.units[o];
        for (size_t t = 0; t < p->demand.slot_count; t++)
            ran[o] += p->course.replicas[t * terms->offer_count + o];
    }
    for (size_t t = 0; t < p->demand.slot_count; t++) {
        cash[t] = sum;
        sum += slot_cash(p, t, units_usd, ran);
    }
    cash[p->demand.slot_count] = sum;
}

static void fill_lines(const struct fleet_plan *p, struct lines *l)
{
    double seconds = (double)p->options->slot_ns / 1e9;
    for (size_t i = 0; i < l->count; i++) {
        size_t t = i + 1 < l->count ? i : i - 1;
        l->hour[i] = (double)i * seconds / 3600;
        l->demand[i] = (double)p->demand.slots[t].demand / seconds;
        l->spilled[i] = (double)p->course.spilled[t] / seconds;
        for (size_t o = 0; o < p->options->terms->offer_count; o++)
            l->replicas[o][i] = fleet_plan_replicas(p, t, o);
    }
    fill_cash(p, l->cash);
}

static void free_lines(struct lines *l)
{
    free(l->hour);
    free(l->demand);
    free(l->spilled);
    free(l->cash);
    for (size_t o = 0; o < COURSE_OFFERS; o++)
        free(l->replicas[o]);
}

static int draw_lines(const struct fleet_plan *p, const struct lines *l, const char *directory,
                      bool keep_script, struct error *err)
{
    char title[256], subtitle[256], usd[MONEY_TEXT_SIZE];
    const struct fleet_terms *terms = p->options->terms;
    struct plot_panel panels[3] = {
        {.y_label = "demand (requests/s)", .y_max = NAN, .always_legend = true},
        {.y_label = "replicas", .y_max = NAN, .always_legend = true},
        {.x_label = "time (hours from the begin)",
         .y_label = "cash so far (USD)",
         .y_unit = PLOT_USD,
         .y_max = NAN,
         .always_legend = true}};
    money_format_amount(p->whole.cash, 2, usd);
    snprintf(title, sizeof title, "%u replica%s at once at most, and %s USD over %.4g hours",
             p->whole.most, p->whole.most == 1 ? "" : "s", usd, l->hour[l->count - 1]);
    snprintf(subtitle, sizeof subtitle, "The fleet of least cash for %s; units paid where they run",
             p->options->horizon->name ? p->options->horizon->name : "the workload");
    plot_add_series(&panels[0], "due", PLOT_STEPS, l->hour, l->demand, l->count, 0);
    if (p->options->spill)
        plot_add_series(&panels[0], "spilled over", PLOT_STEPS, l->hour, l->spilled, l->count, 1);
    for (size_t o = 0; o < terms->offer_count; o++)
        plot_add_series(&panels[1], terms->offers[o].name, PLOT_STEPS, l->hour, l->replicas[o],
                        l->count, (int)o);
    plot_add_series(&panels[2], "cash", PLOT_LINES, l->hour, l->cash, l->count, 0);
    struct plot plot = {.name = "fleet",
                        .title = title,
                        .subtitle = subtitle,
                        .panels = panels,
                        .panel_count = 3,
                        .share_x = true};
    return plot_draw(&plot, directory, keep_script, err);
}

/* Two points at least. */
static int draw_curve(const struct fleet_plan *p, const char *directory, bool keep_script,
                      struct error *err)
{
    double scales[FLEET_CURVE], cash[FLEET_CURVE];
    char title[256];
    size_t count = 0;
    for (size_t i = 0; i < FLEET_CURVE; i++) {
        if (!p->curve[i].possible)
            continue;
        scales[count] = p->curve[i].scale;
        cash[count++] = money_to_double(p->curve[i].cash);
    }
    if (count < 2)
        return 0;
    struct plot_panel panel = {.x_label = "objectives, times those asked for",
                               .y_label = "cash (USD)",
                               .y_unit = PLOT_USD,
                               .y_max = NAN};
    snprintf(title, sizeof title,
             "Objectives of %g times the milliseconds cost %.4g times what those of %g do",
             scales[0], cash[count - 1] > 0 ? cash[0] / cash[count - 1] : 1, scales[count - 1]);
    plot_add_series(&panel, "cash", PLOT_LINES, scales, cash, count, 0);
    struct plot plot = {.name = "fleet-objectives",
                        .title = title,
                        .subtitle = "The least cash by capacities alone, not replayed",
                        .panels = &panel,
                        .panel_count = 1};
    return plot_draw(&plot, directory, keep_script, err);
}

int fleet_plan_draw(const struct fleet_plan *p, const char *directory, bool keep_script,
                    struct error *err)
{
    size_t count = p->demand.slot_count + 1;
    struct lines l = {line(count), line(count), line(count), line(count), {0}, count};
    for (size_t o = 0; o < p->options->terms->offer_count; o++)
        l.replicas[o] = line(count);
    fill_lines(p, &l);
    int status = draw_lines(p, &l, directory, keep_script, err);
    free_lines(&l);
    if (status == 0)
        status = draw_curve(p, directory, keep_script, err);
    return status;
}
