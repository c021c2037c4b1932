/* Axes that people read at once: dates, times of day and amounts of money instead of seconds and
 * powers of ten. */
#include "cli/report/plot/pictures.h"
#include "core/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HOUR_S 3600.0
#define DAY_S 86400.0
#define MOST_TICKS 7
#define DATE_STEPS 4 /* beside each other, as "2026-10-04" */

/* A label at a place of one of the axes; `list` is 0 for x, 1 for y. */
static void add_tick(struct picture *p, int list, double *ticks, size_t *count, double at,
                     const char *label)
{
    if (*count == MOST_TICKS + 2)
        return;
    ticks[*count] = at;
    p->name_list[list][(*count)++] = picture_name(p, "%s", label);
}

/* The smallest of the steps that gives at most DATE_STEPS over the span. */
static double step_of(double span, const double *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span / steps[i] <= DATE_STEPS)
            return steps[i];
    double step = steps[count - 1];
    while (span / step > DATE_STEPS)
        step *= 2;
    return step;
}

/* Whole days of UTC, or hours and minutes of them; midnights are named by their date. */
static void add_dates(struct picture *p, struct plot_panel *panel, double start_s, double span_s)
{
    static const double steps[] = {
        1,           2,          5,          10,          30,         60,         120,
        300,         600,        1800,       HOUR_S,      2 * HOUR_S, 3 * HOUR_S, 6 * HOUR_S,
        12 * HOUR_S, DAY_S,      2 * DAY_S,  5 * DAY_S,   7 * DAY_S,  10 * DAY_S, 14 * DAY_S,
        30 * DAY_S,  60 * DAY_S, 91 * DAY_S, 182 * DAY_S, 365 * DAY_S};
    double step = step_of(span_s, steps, sizeof steps / sizeof *steps);
    double *ticks = picture_array(p, MOST_TICKS + 2);
    size_t count = 0;
    for (double at = ceil(start_s / step) * step; at <= start_s + span_s; at += step) {
        char text[CLOCK_INSTANT_SIZE], label[24];
        clock_format_instant((int64_t)at * NS_PER_S, text);
        bool midnight = fmod(at, DAY_S) == 0;
        if (midnight)
            snprintf(label, sizeof label, "%.10s", text);
        else
            snprintf(label, sizeof label, "%.*s", step < 60 ? 8 : 5, text + 11);
        add_tick(p, 0, ticks, &count, at - start_s, label);
    }
    panel->x_names = p->name_list[0];
    panel->x_ticks = ticks;
    panel->x_name_count = count;
}

void picture_share_axis(struct plot_panel *panel, const char *label)
{
    static const char *const names[] = {"0 %", "25 %", "50 %", "75 %", "100 %"};
    static const double ticks[] = {0, 0.25, 0.5, 0.75, 1};
    panel->y_label = label;
    panel->y_unit = PLOT_SHARE;
    panel->y_max = 1;
    panel->y_names = names;
    panel->y_ticks = ticks;
    panel->y_name_count = 5;
}

double picture_span_axis(struct picture *p, struct plot_panel *panel, double span_s,
                         const char *since)
{
    const char *unit;
    p->unit_s = plot_span_unit(span_s, &unit);
    panel->x_label = picture_name(p, "time since %s (%s)", since, unit);
    return p->unit_s;
}

double picture_time_axis(struct picture *p, struct plot_panel *panel, const struct bill *b,
                         int64_t end_ns)
{
    double span_s = (double)(end_ns - b->first_ns) / 1e9;
    if (!b->has_start)
        return picture_span_axis(p, panel, span_s, "the first request");
    double start_s = (double)(b->start_unix_ns + b->first_ns) / 1e9;
    char from[CLOCK_INSTANT_SIZE];
    clock_format_instant(b->start_unix_ns + b->first_ns, from);
    panel->x_label = span_s < 2 * DAY_S
                         ? picture_name(p, "time (UTC), from %.10s %.5s", from, from + 11)
                         : "date (UTC)";
    panel->x_unit = PLOT_INSTANT;
    panel->x_epoch_s = start_s;
    panel->x_unit_s = 1;
    add_dates(p, panel, start_s, span_s);
    return 1;
}

void picture_money_axis(struct picture *p, struct plot_panel *panel, double most)
{
    static const double mantissas[] = {1, 2, 5};
    if (!(most > 0) || !isfinite(most))
        return;
    panel->y_unit = PLOT_USD;
    double step = pow(10, floor(log10(most)) - 2), *ticks = picture_array(p, MOST_TICKS + 2);
    size_t count = 0;
    for (int i = 0; most / (step * mantissas[i]) > MOST_TICKS - 1;)
        if (++i == 3) {
            i = 0;
            step *= 10;
        } else if (most / (step * mantissas[i]) <= MOST_TICKS - 1) {
            step *= mantissas[i];
            break;
        }
    for (int k = 0; k * step <= most * 1.000001; k++) {
        char text[MONEY_TEXT_SIZE], label[MONEY_TEXT_SIZE + 1];
        int decimals = step < 0.01 ? (int)ceil(-log10(step)) : 2;
        money_format_amount(cost_money(k * step), decimals, text);
        char *cents = strchr(text, '.');
        if (step >= 1 && cents)
            *cents = '\0';
        snprintf(label, sizeof label, "$%s", text);
        add_tick(p, 1, ticks, &count, k * step, label);
    }
    panel->y_max = most * 1.04;
    panel->y_names = p->name_list[1];
    panel->y_ticks = ticks;
    panel->y_name_count = count;
}

const char *picture_plan_name(const struct bill *b, size_t plan, size_t columns,
                              char out[PICTURE_PLAN_NAME])
{
    char name[BILL_NAME_SIZE], other[BILL_NAME_SIZE], cut[PICTURE_PLAN_NAME];
    size_t same = 0;
    plot_cut(bill_plan_name(&b->plans[plan], name), columns, out, PICTURE_PLAN_NAME - 8);
    for (size_t i = 0; i < plan; i++) {
        plot_cut(bill_plan_name(&b->plans[i], other), columns, cut, sizeof cut);
        same += strcmp(cut, out) == 0 && strcmp(other, name) != 0;
    }
    if (same) {
        size_t length = strlen(out);
        snprintf(out + length, PICTURE_PLAN_NAME - length, " #%zu", same + 1);
    }
    return out;
}
