#include "cli/report/plot/load_plots.h"

#include "cli/report/plot/plot.h"

#include "core/text.h"

#include <math.h>
#include <stdio.h>

#define USL_CURVE 60
#define LIMITED_TITLE "the client was the limit"
#define LIMITED_COLOR 5 /* nothing else in these plots */
#define RATE_LABEL "rate (requests/s)"
#define THROUGHPUT_LABEL "throughput (requests/s)"

/* The points' figures as a plot takes them. */
struct columns {
    double load[LOAD_POINTS], rps[LOAD_POINTS], goodput[LOAD_POINTS], low[LOAD_POINTS],
        high[LOAD_POINTS];
    double first[2][LOAD_POINTS], each[2][LOAD_POINTS]; /* p50 and p99: to the first token or the
                                                           last, from each to the next */
    size_t count;
};

static void add_column(struct columns *c, const struct load_point *p, bool e2e)
{
    size_t i = c->count++;
    c->load[i] = p->load;
    c->rps[i] = p->request_rps;
    c->goodput[i] = 100 * p->goodput;
    c->low[i] = 100 * p->goodput_low;
    c->high[i] = 100 * p->goodput_high;
    c->first[0][i] = e2e ? p->e2e_p50 : p->ttft_p50;
    c->first[1][i] = e2e ? p->e2e_p99 : p->ttft_p99;
    c->each[0][i] = p->tpot_p50;
    c->each[1][i] = p->tpot_p99;
}

/* The median and the p99 of a latency over x. */
static struct plot_panel latency_panel(const char *x_label, const char *y_label, const double *x,
                                       double (*y)[LOAD_POINTS], size_t count)
{
    struct plot_panel p = {.x_label = x_label, .y_label = y_label};
    plot_add_series(&p, "p50", PLOT_LINES, x, y[0], count, 1);
    plot_add_series(&p, "p99", PLOT_LINES, x, y[1], count, 2);
    return p;
}

/* The first objective on the TTFT, the E2E or the TPOT, as they are asked for. */
static const struct slo *find_objective(const struct slo_list *slos, bool ttft, bool e2e, bool tpot)
{
    for (size_t i = 0; i < slos->count; i++) {
        enum metric m = slos->items[i].metric;
        if ((ttft && (m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED)) ||
            (e2e && (m == METRIC_E2E || m == METRIC_E2E_SCHEDULED)) || (tpot && m == METRIC_TPOT))
            return &slos->items[i];
    }
    return NULL;
}

static void add_objective(struct plot_panel *p, const struct slo *slo, char label[48])
{
    if (!slo)
        return;
    char limit[TEXT_GROUPED_SIZE];
    plot_limit(slo->limit_ms, limit);
    snprintf(label, 48, "SLO %s ms", limit);
    plot_add_mark(p, label, slo->limit_ms, false);
}

/* ---- sweeps ---- */

/* Points at which the client was the limit stand over the curves. */
static void add_limited(struct plot_panel *panel, const struct columns *c, const double *y)
{
    if (c->count == 0)
        return;
    plot_add_series(panel, LIMITED_TITLE, PLOT_POINTS, c->load, y, c->count, LIMITED_COLOR);
    panel->always_legend = true;
}

/* What can be seen: up to where the load held, else what the lowest did. */
static void say_sweep(const struct sweep *s, const struct columns *all, char title[256])
{
    const char *unit = s->values.is_rate ? " requests/s" : " requests at a time";
    if (s->knee != SIZE_MAX)
        snprintf(title, 256, "The load holds up to %s%.4g%s; p99 is %.4g ms there",
                 s->knee_at_least ? "at least " : "", all->load[s->knee], unit,
                 all->first[1][s->knee]);
    else
        snprintf(title, 256, "No load held: even at %.4g%s the p99 is %.4g ms", all->load[0], unit,
                 all->first[1][0]);
}

/* Throughput and the latencies over one axis, the load. */
static int draw_curve(const struct sweep *s, const char *directory, struct error *err)
{
    const struct load_point *points = s->series.points;
    struct columns all = {.count = 0}, limited = {.count = 0};
    const struct slo *slo = find_objective(s->series.target.slos, true, true, false),
                     *each = find_objective(s->series.target.slos, false, false, true);
    bool e2e = (slo && slo->metric != METRIC_TTFT && slo->metric != METRIC_TTFT_SCHEDULED) ||
               !isfinite(points[0].ttft_p50);
    char limit[2][48], title[256];
    for (size_t i = 0; i < s->series.count; i++) {
        add_column(&all, &points[i], e2e);
        if (load_client_limited(&points[i]))
            add_column(&limited, &points[i], e2e);
    }
    const char *over = s->values.is_rate ? RATE_LABEL : "concurrency (requests)";
    struct plot_panel panels[3] = {
        {.x_label = over, .y_label = THROUGHPUT_LABEL, .y_max = NAN},
        latency_panel(over, e2e ? "E2E (ms)" : "TTFT (ms)", all.load, all.first, all.count),
        latency_panel(over, "TPOT (ms)", all.load, all.each, all.count)};
    if (s->values.is_rate)
        plot_add_series(&panels[0], "as asked", PLOT_LINES, all.load, all.load, all.count, 7)
            ->dashed = true;
    plot_add_series(&panels[0], "served", PLOT_LINES, all.load, all.rps, all.count, 0);
    plot_add_series(&panels[0], NULL, PLOT_POINTS, all.load, all.rps, all.count, 0);
    add_limited(&panels[0], &limited, limited.rps);
    add_limited(&panels[1], &limited, limited.first[1]);
    panels[1].log_y = true;
    panels[2].y_max = NAN;
    for (size_t i = 0; i < 3; i++) {
        panels[i].log_x = points[all.count - 1].load > 8 * points[0].load;
        if (s->knee != SIZE_MAX)
            plot_add_mark(&panels[i], s->knee_at_least ? "knee at least" : "knee",
                          all.load[s->knee], true);
    }
    add_objective(&panels[1], slo, limit[0]);
    add_objective(&panels[2], each, limit[1]);
    say_sweep(s, &all, title);
    struct plot plot = {.name = "sweep",
                        .title = title,
                        .subtitle = "Throughput and latency over load",
                        .panels = panels,
                        .panel_count = isfinite(all.each[0][0]) ? 3 : 2,
                        .share_x = true};
    return plot_draw(&plot, directory, false, err);
}

static void say_usl(const struct usl_fit *fit, char title[160])
{
    if (isfinite(fit->optimum.value) && fit->optimum.value > 0)
        snprintf(title, 160,
                 "By the law throughput peaks at %.3g requests in flight: %.4g a second",
                 fit->optimum.value, fit->peak);
    else
        snprintf(title, 160, "Throughput over requests in flight, and the law fitted to it");
}

static int draw_usl(const struct sweep *s, const char *directory, struct error *err)
{
    double n[LOAD_POINTS], x[LOAD_POINTS], fit_n[USL_CURVE], fit_x[USL_CURVE], most = 1;
    size_t kept = 0, limited = 0;
    for (size_t i = 0; i < s->series.count; i++) { /* those that the client limited stand behind */
        const struct load_point *p = &s->series.points[i];
        size_t at = load_client_limited(p) ? LOAD_POINTS - ++limited : kept++;
        n[at] = p->in_flight;
        x[at] = p->request_rps;
        most = fmax(most, n[at]);
    }
    for (size_t i = 0; i < USL_CURVE; i++) {
        fit_n[i] = most * 1.2 * (double)(i + 1) / USL_CURVE;
        fit_x[i] = usl_throughput(&s->usl, fit_n[i]);
    }
    struct plot_panel panel = {
        .x_label = "in flight (requests)", .y_label = THROUGHPUT_LABEL, .y_max = NAN};
    plot_add_series(&panel, "fit", PLOT_LINES, fit_n, fit_x, USL_CURVE, 1);
    plot_add_series(&panel, s->series.command[0] == 's' ? "simulated" : "measured", PLOT_POINTS, n,
                    x, kept, 0);
    if (limited)
        plot_add_series(&panel, LIMITED_TITLE, PLOT_POINTS, n + LOAD_POINTS - limited,
                        x + LOAD_POINTS - limited, limited, LIMITED_COLOR);
    char title[160];
    say_usl(&s->usl, title);
    struct plot plot = {.name = "usl",
                        .title = title,
                        .subtitle = "Universal Scalability Law: throughput over requests in flight",
                        .panels = &panel,
                        .panel_count = 1};
    return plot_draw(&plot, directory, false, err);
}

int sweep_draw(const struct sweep *s, const char *directory, struct error *err)
{
    int status = draw_curve(s, directory, err);
    return status == 0 && s->has_usl ? draw_usl(s, directory, err) : status;
}

/* ---- capacity ---- */

int capacity_plan_draw(const struct capacity_plan *p, const char *directory, bool keep_script,
                       struct error *err)
{
    const struct capacity *c = &p->capacity;
    struct columns all = {.count = 0};
    char title[256], subtitle[256], target[32], first[48], each[48];
    for (size_t i = 0; i < c->curve_count; i++)
        add_column(&all, &c->curve[i], false);
    snprintf(title, sizeof title,
             "One replica sustains %.3g requests/s (95 %%: %.3g to %.3g) within the objectives",
             c->rate_rps, c->low_rps, c->high_rps);
    snprintf(subtitle, sizeof subtitle, "Capacity · %s on %s", p->stem, p->engine->name);
    snprintf(target, sizeof target, "target %g %%", 100 * p->goodput);
    struct plot_panel panels[3] = {
        {.x_label = RATE_LABEL, .y_label = "goodput (%)", .y_min = NAN, .y_max = 100},
        latency_panel(RATE_LABEL, "TTFT (ms)", all.load, all.first, all.count),
        latency_panel(RATE_LABEL, "TPOT (ms)", all.load, all.each, all.count)};
    plot_add_series(&panels[0], "every seed", PLOT_BAND, all.load, all.low, all.count, 0)->y2 =
        all.high;
    plot_add_series(&panels[0], "goodput", PLOT_LINES, all.load, all.goodput, all.count, 0);
    plot_add_mark(&panels[0], target, 100 * p->goodput, false);
    panels[1].log_y = true;
    panels[2].y_max = NAN;
    for (size_t i = 0; i < 3; i++)
        plot_add_mark(&panels[i], "knee", c->rate_rps, true);
    add_objective(&panels[1], find_objective(p->slos, true, false, false), first);
    add_objective(&panels[2], find_objective(p->slos, false, false, true), each);
    size_t count = isfinite(c->knee.tpot_p50) ? 3 : isfinite(c->knee.ttft_p50) ? 2 : 1;
    struct plot plot = {.name = "capacity",
                        .title = title,
                        .subtitle = subtitle,
                        .panels = panels,
                        .panel_count = count,
                        .share_x = true};
    return plot_draw(&plot, directory, keep_script, err);
}
