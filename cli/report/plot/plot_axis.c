/* The ends and the labels of axes. */
#include "cli/report/plot/plot_parts.h"

#include "core/money.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NEAR 1e-9
#define FROM_ZERO 0.4        /* an axis that would begin below this share of its end begins at 0 */
#define DECADES_IN_NAMES 2.3 /* of more than these only powers of ten are named */

double plot_axis_share(const struct plot_axis *a, double value)
{
    if (a->log)
        return log(value / a->low) / log(a->high / a->low);
    return (value - a->low) / (a->high - a->low);
}

void plot_limit(double value, char out[TEXT_GROUPED_SIZE])
{
    char text[32];
    snprintf(text, sizeof text, "%g", value);
    text_group(text, out);
}

double plot_span_unit(double span_s, const char **name)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{1, "s"}, {60, "min"}, {3600, "h"}, {86400, "days"}};
    size_t unit = span_s < 600 ? 0 : span_s < 3 * 3600 ? 1 : span_s < 3 * 86400 ? 2 : 3;
    *name = units[unit].name;
    return units[unit].seconds;
}

/* ---- the data's ends ---- */

struct ends {
    double low, high;
};

static void take(struct ends *e, double value, bool log)
{
    if (!isfinite(value) || (log && value <= 0))
        return;
    e->low = isnan(e->low) ? value : fmin(e->low, value);
    e->high = isnan(e->high) ? value : fmax(e->high, value);
}

static void take_panel(const struct plot_panel *panel, char axis, struct ends *e)
{
    bool log = axis == 'x' ? panel->log_x : panel->log_y;
    for (size_t k = 0; k < panel->series_count; k++) {
        const struct plot_series *s = &panel->series[k];
        const double *columns[] = {axis == 'x' ? s->x : s->y, axis == 'x' ? s->x2 : s->y2};
        for (size_t j = 0; j < 2 * s->count; j++)
            if (columns[j % 2])
                take(e, columns[j % 2][j / 2], log);
    }
    for (size_t i = 0; i < panel->mark_count; i++)
        if (panel->marks[i].vertical == (axis == 'x'))
            take(e, panel->marks[i].at, log);
}

/* ---- steps ---- */

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double round_step(double least)
{
    double ten = pow(10, floor(log10(least) + NEAR));
    for (int i = 0; i < 3; i++) {
        static const double steps[] = {1, 2, 5};
        if (steps[i] * ten >= least * (1 - NEAR))
            return steps[i] * ten;
    }
    return 10 * ten;
}

/* The next of 1, 2, 5, 10, ... at or beyond the value. */
static double round_log(double value, bool up)
{
    static const double steps[] = {1, 2, 5, 10};
    double ten = pow(10, floor(log10(value) + NEAR));
    for (int i = 0; i < 4; i++)
        if (up && steps[i] * ten >= value * 0.98)
            return steps[i] * ten;
    for (int i = 3; i >= 0; i--)
        if (steps[i] * ten <= value * 1.02)
            return steps[i] * ten;
    return ten;
}

void plot_number(double value, double step, enum plot_unit unit, char out[PLOT_TICK_SIZE])
{
    char text[48], grouped[TEXT_GROUPED_SIZE];
    const char *suffix = "";
    if (fabs(value) >= 1e6 && unit == PLOT_PLAIN) {
        value /= 1e6;
        step /= 1e6;
        suffix = " M";
    }
    int decimals = step > 0 && step < 1 - NEAR ? (int)ceil(-log10(step) - NEAR) : 0;
    if (unit == PLOT_USD && decimals == 1)
        decimals = 2;
    snprintf(text, sizeof text, "%.*f", decimals < 20 ? decimals : 20,
             fabs(value) < step * NEAR ? 0 : value);
    snprintf(out, PLOT_TICK_SIZE, "%s%s%s", unit == PLOT_USD ? "$" : "", text_group(text, grouped),
             suffix);
}

/* ---- labels ---- */

static void add_tick(struct plot_axis *a, double at, const char *name)
{
    if (a->count == PLOT_TICKS)
        return;
    a->at[a->count] = at;
    snprintf(a->names[a->count++], PLOT_TICK_SIZE, "%s", name);
}

static void add_steps(struct plot_axis *a, double step, enum plot_unit unit)
{
    char name[PLOT_TICK_SIZE];
    for (double k = ceil(a->low / step - NEAR); k * step <= a->high + step * NEAR; k++) {
        plot_number(k * step, step, unit, name);
        add_tick(a, k * step, name);
    }
}

/* Powers of ten; of a short axis 1, 2 and 5 as well, and of one that is hardly any even steps. */
static void add_log_steps(struct plot_axis *a, double pixels, enum plot_unit unit, bool across)
{
    double decades = log10(a->high / a->low);
    bool all = decades <= DECADES_IN_NAMES && pixels / decades > (across ? 210 : 70);
    if (decades < 0.7) {
        add_steps(a, round_step((a->high - a->low) / 5), unit);
        return;
    }
    for (double e = floor(log10(a->low) - NEAR); e <= log10(a->high) + NEAR; e++)
        for (int k = 1; k < 10; k++) {
            double ten = pow(10, e), at = k * ten;
            char name[PLOT_TICK_SIZE] = "";
            if (at < a->low * (1 - NEAR) || at > a->high * (1 + NEAR))
                continue;
            if (k == 1 || (all && (k == 2 || k == 5)))
                plot_number(at, ten, unit, name);
            if (name[0] || decades <= 4)
                add_tick(a, at, name);
        }
}

#define NAME_COLUMNS 36
static void add_name(struct plot_axis *a, double at, const char *name)
{
    char cut[PLOT_TICK_SIZE];
    plot_cut(name, NAME_COLUMNS, cut, sizeof cut);
    add_tick(a, at, cut);
}

static void add_given(struct plot_axis *a, const char *const *names, const double *ticks,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double at = ticks ? ticks[i] : (double)i;
        if (plot_axis_share(a, at) >= -NEAR && plot_axis_share(a, at) <= 1 + NEAR)
            add_name(a, at, names[i]);
    }
}

/* ---- an axis ---- */

/* Ends of the data where the panel does not give them; up an axis of values from 0, and on to the
 * next step. */
static void set_ends(struct plot_axis *a, const struct ends *data, double min, double max,
                     bool is_y, double step_count)
{
    bool both_free = min == 0 && max == 0;
    bool free_low = isnan(min) || (both_free && !is_y) || (a->log && min <= 0) ||
                    (is_y && min == 0 && data->low < 0);
    bool free_high = both_free || isnan(max) || (max == 0 && min >= 0);
    a->low = free_low ? data->low : min;
    a->high = free_high ? data->high : max;
    if (isnan(a->low) || isnan(a->high)) {
        a->low = a->log ? 1 : 0;
        a->high = a->log ? 10 : 1;
    }
    if (!a->log && !is_y && free_low && a->low > 0 && a->low < FROM_ZERO * a->high)
        a->low = 0;
    if (a->log && free_low)
        a->low = round_log(a->low, false);
    if (a->log && free_high)
        a->high = round_log(a->high, true);
    if (!(a->high > a->low))
        a->high = a->log ? a->low * 10 : a->low + (a->low != 0 ? fabs(a->low) : 1);
    double step = round_step((a->high - a->low) / step_count);
    if (is_y && !a->log && free_high)
        a->high = ceil(a->high / step - 1e-6) * step;
    if (is_y && !a->log && free_low)
        a->low = floor(a->low / step + 1e-6) * step;
}

void plot_axis_make(const struct plot *p, size_t number, char axis, double pixels,
                    struct plot_axis *out)
{
    const struct plot_panel *panel = &p->panels[number];
    bool is_y = axis == 'y';
    struct ends data = {NAN, NAN};
    *out = (struct plot_axis){.log = is_y ? panel->log_y : panel->log_x};
    for (size_t i = 0; i < p->panel_count; i++)
        if (i == number || (!is_y && p->share_x))
            take_panel(&p->panels[i], axis, &data);
    double steps = fmax(2, floor(pixels / (is_y ? 42 : 95)));
    set_ends(out, &data, is_y ? panel->y_min : panel->x_min, is_y ? panel->y_max : panel->x_max,
             is_y, steps);
    enum plot_unit unit = is_y ? panel->y_unit : panel->x_unit;
    if (is_y && panel->y_names)
        add_given(out, panel->y_names, panel->y_ticks, panel->y_name_count);
    else if (!is_y && panel->x_names)
        add_given(out, panel->x_names, panel->x_ticks, panel->x_name_count);
    else if (out->log)
        add_log_steps(out, pixels, unit, !is_y);
    else
        add_steps(out, round_step((out->high - out->low) / steps), unit);
}
