#include "cli/report/plot/overlay.h"

#include "cli/report/text/summary_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define POINTS 200
#define ROW 30 /* pixels from row to row */

/* Closed loads lead with what counts from sending. */
static bool is_closed(const struct overlay *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (summary_is_closed(o->runs[i].summary))
            return true;
    return false;
}

static void add_curve(struct picture *p, struct plot_panel *panel, const struct overlay_run *run,
                      enum metric metric, const char *title)
{
    double *values;
    size_t n = picture_sorted_values(run->collector, run->summary, metric, &values);
    size_t count = n < 2 ? 0 : n < POINTS ? n : POINTS;
    double *x = picture_array(p, count), *y = picture_array(p, count);
    picture_share_curve(values, n, count, x, y);
    if (count)
        plot_add_series(panel, title, PLOT_LINES, x, y, count, (int)run->group);
    free(values);
}

/* The first run of a group has its name. */
static const char *name_of(const struct overlay *o, size_t run)
{
    for (size_t i = 0; i < run; i++)
        if (o->runs[i].group == o->runs[run].group)
            return NULL;
    return o->groups[o->runs[run].group];
}

/* Mean over the group's runs of the median; NAN where none has it. */
static double median_of(const struct overlay *o, size_t group, enum metric metric)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++) {
        const struct metric_summary *m = &o->runs[i].summary->window.metrics[metric];
        if (o->runs[i].group == group && m->count > 0) {
            sum += m->p50;
            count++;
        }
    }
    return count ? sum / (double)count : NAN;
}

/* The fastest, and the slowest. */
static void say(struct picture *p, const struct overlay *o, enum metric metric, const char *what)
{
    size_t best = 0, worst = 0;
    char ms[2][CELL_SIZE];
    for (size_t g = 0; g < o->group_count; g++) {
        double median = median_of(o, g, metric);
        best = median < median_of(o, best, metric) ? g : best;
        worst = median > median_of(o, worst, metric) ? g : worst;
    }
    format_cell(median_of(o, best, metric), ms[0]);
    format_cell(median_of(o, worst, metric), ms[1]);
    if (isnan(median_of(o, best, metric)))
        return;
    if (best == worst)
        picture_say(p, "Half of the requests %s within %s ms", what, ms[0]);
    else
        picture_say(p, "Half of the requests %s within %s ms (%.28s), %s ms (%.28s)", what, ms[0],
                    o->groups[best], ms[1], o->groups[worst]);
}

bool overlay_latency(const struct overlay *o, struct picture *p)
{
    bool closed = is_closed(o);
    const enum metric metrics[] = {closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED,
                                   closed ? METRIC_E2E : METRIC_E2E_SCHEDULED};
    static const char *const labels[] = {"share of requests with their first token",
                                         "share of requests answered"};
    size_t shown = o->count < PLOT_SERIES ? o->count : PLOT_SERIES;
    picture_begin(p, "latency-runs", "Latency of the runs", closed ? "since sending" : "since due");
    if (isnan(median_of(o, 0, metrics[0])))
        say(p, o, metrics[1], "were answered");
    else
        say(p, o, metrics[0], "had their first token");
    p->plot.panel_count = 0;
    p->plot.share_x = true;
    for (int k = 0; k < 2; k++) {
        struct plot_panel *panel = &p->panels[p->plot.panel_count];
        *panel =
            (struct plot_panel){.x_label = "latency (ms)", .log_x = true, .always_legend = true};
        picture_share_axis(panel, labels[k]);
        for (size_t i = 0; i < shown; i++)
            add_curve(p, panel, &o->runs[i], metrics[k], name_of(o, i));
        p->plot.panel_count += panel->series_count > 0;
    }
    p->plot.panel_height = 190;
    return p->plot.panel_count > 0;
}

/* ---- changes ---- */

/* A bar for the interval, and the estimate on it. */
static void add_change(struct picture *p, struct plot_panel *panel,
                       const struct overlay_change *row, double y)
{
    if (isfinite(row->low) && isfinite(row->high)) {
        double *box[4];
        for (int k = 0; k < 4; k++)
            box[k] = picture_array(p, 1);
        box[0][0] = 100 * row->low;
        box[3][0] = 100 * row->high;
        box[1][0] = y - 0.16;
        box[2][0] = y + 0.16;
        plot_add_cells(panel, NULL, box, 1, row->color);
    }
    double *x = picture_array(p, 1), *at = picture_array(p, 1);
    x[0] = 100 * row->change;
    at[0] = y;
    plot_add_series(panel, NULL, PLOT_POINTS, x, at, 1, PLOT_INK_COLOR);
}

/* Some room beyond the bars, and "no change" inside. */
#define ROOM 0.05
static void find_ends(const struct overlay_change *rows, size_t count, struct plot_panel *panel)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, 100 * fmin(rows[i].change, rows[i].low));
        high = fmax(high, 100 * fmax(rows[i].change, rows[i].high));
    }
    double room = fmax(ROOM * (high - low), 0.5);
    panel->x_min = low - room;
    panel->x_max = high + room;
}

bool overlay_changes(const struct overlay_change *rows, size_t count, const char *title,
                     const char *subtitle, struct picture *p)
{
    struct plot_panel *panel = &p->panels[0];
    size_t shown = count < PLOT_SERIES / 2 ? count : PLOT_SERIES / 2;
    picture_begin(p, "changes", "Changes", "");
    double *ticks = picture_array(p, shown + 1);
    for (size_t i = 0; i < shown; i++) {
        double y = (double)(shown - 1 - i);
        ticks[i] = y;
        p->name_list[0][i] = picture_name(p, "%.40s", rows[i].name);
        add_change(p, panel, &rows[i], y);
    }
    snprintf(p->title, sizeof p->title, "%s", subtitle);
    picture_say(p, "%s", title);
    panel->x_label = "change (%)";
    find_ends(rows, shown, panel);
    panel->y_names = p->name_list[0];
    panel->y_ticks = ticks;
    panel->y_name_count = shown;
    panel->y_min = -0.6;
    panel->y_max = (double)shown - 0.4;
    p->plot.panel_height = (int)shown * ROW + 10;
    plot_add_mark(panel, "no change", 0, true);
    return shown > 0;
}
