#include "cli/report/run_plots.h"

#include "cli/report/plot.h"
#include "core/memory.h"
#include "core/runs/record_file.h"
#include "core/runs/run_dir.h"
#include "core/stats/quantile.h"
#include "sim/cost/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURVE_POINTS 1000

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* x: quantiles of the metric, y: the share of requests at or below. 0 points without values. */
static size_t cdf_points(struct collector *c, enum metric m, double **x, double **y)
{
    double *values;
    size_t n = collector_values(c, m, &values);
    size_t points = n < 2 ? 0 : n < CURVE_POINTS ? n : CURVE_POINTS;
    *x = mem_zero(points, sizeof **x);
    *y = mem_zero(points, sizeof **y);
    qsort(values, n, sizeof *values, compare_doubles);
    for (size_t i = 0; i < points; i++) {
        double p = (double)i / (double)(points - 1);
        (*x)[i] = quantile_sorted(values, n, p);
        (*y)[i] = p;
    }
    free(values);
    return points;
}

static int draw_cdf(const struct run_plots *p, const char *directory, struct collector *c,
                    const struct summary *s, unsigned *drawn, struct error *err)
{
    static const enum metric shown[] = {METRIC_TTFT, METRIC_TTFT_SCHEDULED, METRIC_E2E,
                                        METRIC_E2E_SCHEDULED};
    double *xs[4], *ys[4];
    struct plot_panel panel = {.x_label = "latency (ms)",
                               .y_label = "share of requests",
                               .log_x = true,
                               .y_max = 1,
                               .legend = "bottom right"};
    char title[300];
    int status = 0;
    snprintf(title, sizeof title, "Latency · %s", p->title);
    panel.title = title;
    for (int i = 0; i < 4; i++) {
        size_t n = cdf_points(c, shown[i], &xs[i], &ys[i]);
        if (n == 0)
            continue;
        panel.series[panel.series_count++] = (struct plot_series){.title = metric_title(shown[i]),
                                                                  .style = PLOT_LINES,
                                                                  .x = xs[i],
                                                                  .y = ys[i],
                                                                  .count = n,
                                                                  .color = i / 2,
                                                                  .dashed = i % 2 == 1};
    }
    for (size_t i = 0; i < s->slos.count && panel.mark_count < PLOT_MARKS; i++) {
        static const char *const label = "SLO";
        enum metric m = s->slos.items[i].metric;
        if (m == METRIC_TTFT || m == METRIC_E2E || m == METRIC_TTFT_SCHEDULED)
            panel.marks[panel.mark_count++] =
                (struct plot_mark){label, s->slos.items[i].limit_ms, true};
    }
    if (panel.series_count > 0) {
        struct plot plot = {.name = "latency-cdf", .panels = &panel, .panel_count = 1};
        status = plot_draw(&plot, directory, p->keep_script, err);
        *drawn += status == 0;
    }
    for (int i = 0; i < 4; i++) {
        free(xs[i]);
        free(ys[i]);
    }
    return status;
}

/* Joins neighbouring lines until at most CURVE_POINTS are left; rates become means per second. */
struct timeline_curves {
    double *t, *due, *completed, *failed, *tokens, *in_flight;
    size_t count;
};

static void fill_curves(const struct timeline_line *lines, size_t n, struct timeline_curves *v)
{
    size_t join = (n + CURVE_POINTS - 1) / CURVE_POINTS;
    v->count = (n + join - 1) / join;
    double *all = mem_zero(v->count * 6, sizeof *all);
    v->t = all;
    v->due = all + v->count;
    v->completed = all + 2 * v->count;
    v->failed = all + 3 * v->count;
    v->tokens = all + 4 * v->count;
    v->in_flight = all + 5 * v->count;
    for (size_t i = 0; i < v->count; i++) {
        struct timeline_line sum = {0};
        for (size_t k = i * join; k < n && k < (i + 1) * join; k++) {
            sum.seconds += lines[k].seconds;
            sum.due += lines[k].due;
            sum.completed += lines[k].completed;
            sum.failed += lines[k].failed;
            sum.output_tokens += lines[k].output_tokens;
            if (lines[k].in_flight > sum.in_flight)
                sum.in_flight = lines[k].in_flight;
        }
        double seconds = (double)sum.seconds;
        v->t[i] = (double)lines[i * join].t_s;
        v->due[i] = (double)sum.due / seconds;
        v->completed[i] = (double)sum.completed / seconds;
        v->failed[i] = (double)sum.failed / seconds;
        v->tokens[i] = (double)sum.output_tokens / seconds;
        v->in_flight[i] = (double)sum.in_flight;
    }
}

static void add_curve(struct plot_panel *panel, const char *title, const double *y, int color,
                      const struct timeline_curves *v)
{
    panel->series[panel->series_count++] = (struct plot_series){
        .title = title, .style = PLOT_STEPS, .x = v->t, .y = y, .count = v->count, .color = color};
}

static int draw_timeline(const struct run_plots *p, const char *directory, struct collector *c,
                         unsigned *drawn, struct error *err)
{
    struct timeline_line *lines;
    struct timeline_curves v;
    char title[300];
    size_t n = collector_timeline(c, &lines);
    if (n < 2) {
        free(lines);
        return 0;
    }
    fill_curves(lines, n, &v);
    free(lines);
    struct plot_panel panels[3] = {
        {.y_label = "requests/s", .legend = "outside right top", .y_max = NAN},
        {.y_label = "output tokens/s", .legend = "outside right top", .y_max = NAN},
        {.y_label = "in flight",
         .x_label = "time since the start (s)",
         .legend = "outside right top",
         .y_max = NAN},
    };
    add_curve(&panels[0], "due", v.due, 7, &v);
    add_curve(&panels[0], "completed", v.completed, 0, &v);
    add_curve(&panels[0], "failed", v.failed, 1, &v);
    add_curve(&panels[1], "output", v.tokens, 2, &v);
    add_curve(&panels[2], "peak", v.in_flight, 3, &v);
    snprintf(title, sizeof title, "Timeline · %s", p->title);
    struct plot plot = {.name = "timeline", .title = title, .panels = panels, .panel_count = 3};
    int status = plot_draw(&plot, directory, p->keep_script, err);
    *drawn += status == 0;
    free(v.t);
    return status;
}

/* One attempt's end and what each plan charged for it. */
struct spend {
    size_t plan_count, count, capacity;
    double *t_s;
    money *charges; /* [row × plan_count + plan] */
};

static int read_spend(const struct run_plots *p, const struct plan *const *plans,
                      struct spend *spend, struct error *err)
{
    char *file = run_dir_file(p->run, "requests.jsonl");
    struct record_reader reader;
    struct record r;
    int more = record_reader_open(&reader, file, err);
    free(file);
    if (more < 0)
        return more;
    size_t charge_capacity = 0;
    while ((more = record_reader_next(&reader, &r, err)) > 0) {
        if (r.done_ns == TIME_NEVER)
            continue;
        mem_grow(&spend->t_s, &spend->capacity, spend->count + 1, sizeof *spend->t_s);
        mem_grow(&spend->charges, &charge_capacity, (spend->count + 1) * spend->plan_count,
                 sizeof *spend->charges);
        spend->t_s[spend->count] = (double)r.done_ns / 1e9;
        for (size_t k = 0; k < spend->plan_count; k++) {
            money charge = 0;
            price_record(plans[k], &r, TIME_NEVER, &charge);
            spend->charges[spend->count * spend->plan_count + k] = charge;
        }
        spend->count++;
    }
    record_reader_close(&reader);
    return more;
}

static int by_time(const void *a, const void *b, void *times)
{
    const double *t = times;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return t[x] < t[y] ? -1 : t[x] > t[y] ? 1 : x < y ? -1 : x > y;
}

/* What a request takes of a subscription that is used to the full; 0 for other plans. The price of
 * a whole month would dwarf every run of minutes, and its share of minutes would flatter it. */
static money full_use_share(const struct plan *plan)
{
    money price, share = 0;
    uint64_t requests;
    if (plan_full_use(plan, &price, &requests))
        money_prorate(price, 1, requests, &share);
    return share;
}

/* The running total of one plan at up to CURVE_POINTS instants. */
static void spend_curve(const struct spend *s, const size_t *order, size_t plan, money each,
                        double *x, double *y, size_t points)
{
    money total = 0;
    x[0] = y[0] = 0;
    for (size_t i = 0, at = 1; i < s->count; i++) {
        money_add(total, s->charges[order[i] * s->plan_count + plan] + each, &total);
        if ((i + 1) * (points - 1) / s->count < at)
            continue;
        x[at] = s->t_s[order[i]];
        y[at++] = money_to_double(total);
    }
}

static int draw_spend_curves(const struct run_plots *p, const char *directory,
                             const struct plan *const *plans, const struct spend *s,
                             struct error *err)
{
    size_t points = s->count < CURVE_POINTS ? s->count + 1 : CURVE_POINTS;
    double *values = mem_zero(points * 2 * s->plan_count, sizeof *values);
    size_t *order = mem_alloc(s->count * sizeof *order);
    char title[300], names[PLOT_SERIES][200];
    struct plot_panel panel = {.x_label = "time since the start (s)",
                               .y_label = "cumulative spend (USD)",
                               .y_max = NAN,
                               .legend = "outside right top"};
    for (size_t i = 0; i < s->count; i++)
        order[i] = i;
    qsort_r(order, s->count, sizeof *order, by_time, s->t_s);
    for (size_t k = 0; k < s->plan_count; k++) {
        double *x = values + 2 * k * points, *y = x + points;
        money each = full_use_share(plans[k]);
        snprintf(names[k], sizeof names[k], "%s%s", plans[k]->name, each ? ", at full use" : "");
        spend_curve(s, order, k, each, x, y, points);
        panel.series[panel.series_count++] = (struct plot_series){.title = names[k],
                                                                  .style = PLOT_STEPS,
                                                                  .x = x,
                                                                  .y = y,
                                                                  .count = points,
                                                                  .color = (int)k};
    }
    snprintf(title, sizeof title, "Cumulative spend · %s", p->title);
    panel.title = title;
    struct plot plot = {.name = "spend", .panels = &panel, .panel_count = 1};
    int status = plot_draw(&plot, directory, p->keep_script, err);
    free(order);
    free(values);
    return status;
}

static int draw_spend(const struct run_plots *p, const char *directory, unsigned *drawn,
                      struct error *err)
{
    struct spend spend = {.plan_count = p->plan_count};
    if (spend.plan_count > PLOT_SERIES)
        spend.plan_count = PLOT_SERIES;
    if (spend.plan_count == 0)
        return 0;
    int status = read_spend(p, p->plans, &spend, err);
    if (status == 0 && spend.count > 0) {
        status = draw_spend_curves(p, directory, p->plans, &spend, err);
        *drawn += status == 0;
    }
    free(spend.t_s);
    free(spend.charges);
    return status;
}

int run_plots_draw(const struct run_plots *p, struct collector *c, const struct summary *s,
                   unsigned *drawn, struct error *err)
{
    char *directory = run_dir_file(p->run, "plots");
    *drawn = 0;
    int status = draw_cdf(p, directory, c, s, drawn, err);
    if (status == 0)
        status = draw_timeline(p, directory, c, drawn, err);
    if (status == 0)
        status = draw_spend(p, directory, drawn, err);
    free(directory);
    return status;
}
