#include "cli/bench/sweep_show.h"

#include "cli/report/plot/plot.h"
#include "cli/report/text/summary_table.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USL_CURVE 60
#define LIMITED_TITLE "the client was the limit"
#define LIMITED_COLOR 5 /* nothing else in these plots */

enum { SERVED = 2, GOODPUT = 4 }; /* columns of the table */

double sweep_in_flight(const struct sweep *s, const struct sweep_point *p)
{
    return s->values.is_rate ? p->request_rps * p->e2e_mean / 1e3 : p->value;
}

bool sweep_client_limited(const struct sweep_point *p)
{
    return p->client_limited == 1;
}

enum sweep_verdict sweep_judge_point(const struct sweep *s, const struct sweep_point *p)
{
    if (sweep_client_limited(p))
        return SWEEP_CLIENT_LIMITED;
    if (s->slos->count > 0 && !(p->goodput >= s->goodput))
        return SWEEP_MISSED;
    if (p->sustained == SUSTAINED_YES)
        return SWEEP_HOLDS;
    return p->sustained == SUSTAINED_NO ? SWEEP_QUEUE_GROWS : SWEEP_TOO_SHORT;
}

const char *sweep_verdict_mark(enum sweep_verdict v)
{
    static const char *const marks[] = {"", "", "  the queue grows", "  too short to tell",
                                        "  ✗ the client was the limit"};
    return marks[v];
}

/* Of what the endpoint was asked by a client that kept up. Where the next thing known of a higher
 * load is that the client was its limit, the knee is a lower bound. */
static void find_knee(struct sweep_result *r)
{
    double best = 0;
    r->knee = SIZE_MAX;
    r->knee_at_least = false;
    for (size_t i = 0; i < r->count; i++) {
        const struct sweep_point *p = &r->points[i];
        enum sweep_verdict v = sweep_judge_point(r->sweep, p);
        if (v == SWEEP_CLIENT_LIMITED) {
            r->knee_at_least = true;
        } else if (r->sweep->slos->count > 0) {
            if (v == SWEEP_MISSED || v == SWEEP_QUEUE_GROWS)
                return;
            if (v == SWEEP_HOLDS) {
                r->knee = i;
                r->knee_at_least = false;
            }
        } else {
            r->knee_at_least = false;
            if (p->request_rps / p->e2e_mean > best) {
                best = p->request_rps / p->e2e_mean;
                r->knee = i;
            }
        }
    }
}

void sweep_judge(struct sweep_result *r)
{
    double n[SWEEP_POINTS], x[SWEEP_POINTS];
    struct error err = {0};
    size_t used = 0;
    for (size_t i = 0; i < r->count; i++) {
        n[used] = sweep_in_flight(r->sweep, &r->points[i]);
        x[used] = r->points[i].request_rps;
        if (sweep_client_limited(&r->points[i]))
            r->limited++;
        else
            used += n[used] > 0 && x[used] > 0;
    }
    find_knee(r);
    r->has_usl = usl_fit(n, x, used, &r->usl, &err) == 0;
}

/* ---- text ---- */

static void add_parameter(const char *name, const struct usl_parameter *p, struct buffer *out)
{
    buffer_add_format(out, "  %-22s %.4g (95 %%: %.4g to %.4g)\n", name, p->value, p->low, p->high);
}

static void add_usl(const struct sweep_result *r, struct buffer *out)
{
    if (!r->has_usl)
        return;
    buffer_add_format(out, "\nUniversal Scalability Law on throughput over requests in flight%s\n",
                      r->sweep->values.is_rate ? " (by Little's law)" : "");
    add_parameter("one at a time (1/s)", &r->usl.lambda, out);
    add_parameter("contention", &r->usl.sigma, out);
    add_parameter("coherency", &r->usl.kappa, out);
    if (isfinite(r->usl.optimum.value))
        buffer_add_format(out, "  most throughput %.4g requests/s, at %.4g in flight\n",
                          r->usl.peak, r->usl.optimum.value);
    buffer_add_format(out, "  R² %.4f over %zu points%s\n", r->usl.r_squared, r->usl.points,
                      r->limited ? ", those that the client limited left out" : "");
}

/* What points at which the client was the limit leave open, and what to do. */
static void add_limited(const struct sweep_result *r, struct buffer *out)
{
    const char *reason = "";
    for (size_t i = 0; i < r->count && !*reason; i++)
        reason = r->points[i].client_reason;
    if (r->limited == 0)
        return;
    buffer_add_format(out, "✗ At %zu of %zu points the client was the limit%s%s.\n", r->limited,
                      r->count, *reason ? ": " : "", reason);
    buffer_add_text(out, "  They say what this client could do, not what the endpoint can");
    if (r->knee == SIZE_MAX)
        buffer_add_text(out, ": no knee is known.\n");
    else if (r->knee_at_least)
        buffer_add_format(out, ": its knee is at least %g.\n", r->points[r->knee].value);
    else
        buffer_add_text(out, "; the knee is of the others.\n");
}

/* What makes the knee, or why there is none. */
static void add_knee(const struct sweep_result *r, struct buffer *out)
{
    const struct sweep *s = r->sweep;
    bool unclear = false;
    buffer_add_text(out, "latencies in ms; ");
    for (size_t i = 0; i < r->count; i++)
        unclear |= sweep_judge_point(s, &r->points[i]) == SWEEP_TOO_SHORT;
    if (r->count == r->limited)
        buffer_add_text(out, "no knee: the client was the limit everywhere\n");
    else if (s->slos->count == 0)
        buffer_add_text(out, "the knee is where throughput over latency is greatest\n");
    else if (r->knee == SIZE_MAX)
        buffer_add_format(out, "no point has %g %% of its requests within the objectives%s\n",
                          100 * s->goodput, s->values.is_rate ? " and is sustained" : "");
    else
        buffer_add_format(out,
                          "the knee is the last with %g %% of its requests within the "
                          "objectives%s\n",
                          100 * s->goodput, s->values.is_rate ? ", and sustained" : "");
    if (s->values.is_rate)
        buffer_add_text(out, "served: completed over due while requests came\n");
    if (unclear)
        buffer_add_text(out, "too short to tell: whether a queue grows; more --requests tell\n");
    add_limited(r, out);
}

/* The table's columns; counts that are 0 at every point need none. */
enum { COUNTS = 12, COLUMNS = 15 };

static void point_values(const struct sweep *s, const struct sweep_point *p, double out[COLUMNS])
{
    const double values[COLUMNS] = {
        p->value,    p->request_rps,        100 * p->served, p->output_tps, 100 * p->goodput,
        p->ttft_p50, p->ttft_p99,           p->tpot_p50,     p->tpot_p99,   p->e2e_p50,
        p->e2e_p99,  sweep_in_flight(s, p), p->failed,       p->cancelled,  p->unsent};
    memcpy(out, values, sizeof values);
}

static void choose_columns(const struct sweep_result *r, bool shown[COLUMNS])
{
    double values[COLUMNS];
    for (size_t k = 0; k < COLUMNS; k++)
        shown[k] = k <= COUNTS && (k != SERVED || r->sweep->values.is_rate);
    for (size_t i = 0; i < r->count; i++) {
        point_values(r->sweep, &r->points[i], values);
        for (size_t k = COUNTS; k < COLUMNS; k++)
            shown[k] |= values[k] > 0;
    }
}

/* "<- knee", "<- at least" where a client that was the limit hides whether it is higher. */
static const char *row_mark(const struct sweep_result *r, size_t at)
{
    if (at == r->knee)
        return r->knee_at_least ? "  <- at least" : "  <- knee";
    return sweep_verdict_mark(sweep_judge_point(r->sweep, &r->points[at]));
}

static void add_row(const struct sweep_result *r, size_t at, const bool shown[COLUMNS],
                    struct buffer *out)
{
    double values[COLUMNS];
    point_values(r->sweep, &r->points[at], values);
    for (size_t k = 0; k < COLUMNS; k++) {
        char text[CELL_SIZE], number[CELL_SIZE + 4];
        bool share = k == SERVED || k == GOODPUT;
        if (!shown[k])
            continue;
        format_cell(values[k], text);
        snprintf(number, sizeof number, "%s%s", text, share && isfinite(values[k]) ? " %" : "");
        add_padded(out, number, k == 0 ? 12 : 11, true);
    }
    buffer_add_format(out, "%s\n", row_mark(r, at));
}

void sweep_write_table(const struct sweep_result *r, struct buffer *out)
{
    const char *const heads[COLUMNS] = {r->sweep->values.is_rate ? "rate (1/s)" : "concurrency",
                                        "req/s",
                                        "served",
                                        "output t/s",
                                        "goodput",
                                        "TTFT p50",
                                        "p99",
                                        "TPOT p50",
                                        "p99",
                                        "E2E p50",
                                        "p99",
                                        "in flight",
                                        "failed",
                                        "cancelled",
                                        "unsent"};
    bool shown[COLUMNS];
    choose_columns(r, shown);
    for (size_t i = 0; i < COLUMNS; i++)
        if (shown[i])
            add_padded(out, heads[i], i == 0 ? 12 : 11, true);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < r->count; i++)
        add_row(r, i, shown, out);
    add_knee(r, out);
    add_usl(r, out);
}

/* ---- JSON ---- */

static void write_parameter(struct json_writer *w, const char *key, const struct usl_parameter *p)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "value", p->value);
    json_pair_statistic(w, "low", p->low);
    json_pair_statistic(w, "high", p->high);
    json_end_object(w);
}

void sweep_write_sustained(const struct sweep_point *p, struct json_writer *w)
{
    json_pair_statistic(w, "served_fraction", p->served);
    json_pair_statistic(w, "delay_growth", p->growth);
    json_pair_string(w, "sustained", sustained_name((enum sustained_verdict)p->sustained));
}

void sweep_write_trust(const struct sweep_point *p, struct json_writer *w)
{
    json_key(w, "client_limited");
    if (isnan(p->client_limited))
        json_put_null(w);
    else
        json_put_bool(w, sweep_client_limited(p));
    json_pair_string(w, "client_reason", p->client_reason[0] ? p->client_reason : NULL);
}

void sweep_write_counts(const struct sweep_point *p, struct json_writer *w)
{
    json_pair_statistic(w, "scheduled", p->requests);
    json_pair_statistic(w, "failed", p->failed);
    json_pair_statistic(w, "cancelled", p->cancelled);
    json_pair_statistic(w, "unsent", p->unsent);
}

static void write_point(const struct sweep *s, const struct sweep_point *p, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_statistic(w, "value", p->value);
    sweep_write_counts(p, w);
    json_pair_statistic(w, "request_throughput_rps", p->request_rps);
    json_pair_statistic(w, "output_throughput_tps", p->output_tps);
    json_pair_statistic(w, "goodput_fraction", p->goodput);
    json_pair_statistic(w, "ttft_ms_p50", p->ttft_p50);
    json_pair_statistic(w, "ttft_ms_p99", p->ttft_p99);
    json_pair_statistic(w, "tpot_ms_p50", p->tpot_p50);
    json_pair_statistic(w, "tpot_ms_p99", p->tpot_p99);
    json_pair_statistic(w, "e2e_ms_mean", p->e2e_mean);
    json_pair_statistic(w, "e2e_ms_p50", p->e2e_p50);
    json_pair_statistic(w, "e2e_ms_p99", p->e2e_p99);
    json_pair_statistic(w, "in_flight", sweep_in_flight(s, p));
    if (s->values.is_rate)
        sweep_write_sustained(p, w);
    sweep_write_trust(p, w);
    json_end_object(w);
}

void sweep_write_json(const struct sweep_result *r, struct json_writer *w)
{
    const struct sweep *s = r->sweep;
    json_begin_object(w);
    json_pair_string(w, "command", s->command);
    json_pair_string(w, "sweep", s->values.text);
    json_pair_string(w, "over", s->values.is_rate ? "rate" : "concurrency");
    json_key(w, "points");
    json_begin_array(w);
    for (size_t i = 0; i < r->count; i++)
        write_point(s, &r->points[i], w);
    json_end_array(w);
    json_pair_statistic(w, "knee", r->knee == SIZE_MAX ? NAN : r->points[r->knee].value);
    json_pair_string(w, "knee_is",
                     r->knee == SIZE_MAX ? "unknown"
                     : r->knee_at_least  ? "at_least"
                                         : "measured");
    if (r->has_usl) {
        json_key(w, "usl");
        json_begin_object(w);
        write_parameter(w, "lambda", &r->usl.lambda);
        write_parameter(w, "sigma", &r->usl.sigma);
        write_parameter(w, "kappa", &r->usl.kappa);
        write_parameter(w, "optimum", &r->usl.optimum);
        json_pair_statistic(w, "peak_rps", r->usl.peak);
        json_pair_statistic(w, "r_squared", r->usl.r_squared);
        json_end_object(w);
    }
    json_end_object(w);
}

/* ---- plots ---- */

static const struct slo *latency_objective(const struct slo_list *slos, bool *whole)
{
    for (size_t i = 0; i < slos->count; i++) {
        enum metric m = slos->items[i].metric;
        *whole = m == METRIC_E2E || m == METRIC_E2E_SCHEDULED;
        if (*whole || m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED)
            return &slos->items[i];
    }
    *whole = false;
    return NULL;
}

/* Points at which the client was the limit, drawn over the curves. */
struct limited_points {
    double load[SWEEP_POINTS], rps[SWEEP_POINTS], p99[SWEEP_POINTS];
    size_t count;
};

static void add_limited_point(struct limited_points *l, double load, double rps, double p99)
{
    l->load[l->count] = load;
    l->rps[l->count] = rps;
    l->p99[l->count++] = p99;
}

static void draw_limited(const struct limited_points *l, struct plot_panel panels[3])
{
    const double *const x[] = {l->load, l->load, l->rps}, *const y[] = {l->rps, l->p99, l->p99};
    for (size_t i = 0; i < 3 && l->count; i++) {
        panels[i].series[panels[i].series_count++] = (struct plot_series){.title = LIMITED_TITLE,
                                                                          .style = PLOT_POINTS,
                                                                          .x = x[i],
                                                                          .y = y[i],
                                                                          .count = l->count,
                                                                          .color = LIMITED_COLOR};
        panels[i].legend = "outside right top";
        panels[i].always_legend = true;
    }
}

static int draw_curve(const struct sweep_result *r, const char *directory, struct error *err)
{
    const struct sweep *s = r->sweep;
    double load[SWEEP_POINTS], rps[SWEEP_POINTS], p50[SWEEP_POINTS], p99[SWEEP_POINTS];
    struct limited_points limited = {.count = 0};
    char limit[48];
    bool whole;
    const struct slo *slo = latency_objective(s->slos, &whole);
    bool e2e = whole || !isfinite(r->points[0].ttft_p50);
    for (size_t i = 0; i < r->count; i++) {
        const struct sweep_point *p = &r->points[i];
        load[i] = p->value;
        rps[i] = p->request_rps;
        p50[i] = e2e ? p->e2e_p50 : p->ttft_p50;
        p99[i] = e2e ? p->e2e_p99 : p->ttft_p99;
        if (sweep_client_limited(p))
            add_limited_point(&limited, load[i], rps[i], p99[i]);
    }
    const char *over = s->values.is_rate ? "rate (requests/s)" : "concurrency (requests)";
    bool wide = r->points[r->count - 1].value > 8 * r->points[0].value;
    struct plot_panel panels[3] = {
        {.title = "Throughput and latency over load",
         .x_label = over,
         .y_label = "throughput (requests/s)",
         .y_max = NAN,
         .log_x = wide,
         .series = {{.style = PLOT_LINES, .x = load, .y = rps, .count = r->count, .color = 0},
                    {.style = PLOT_POINTS, .x = load, .y = rps, .count = r->count, .color = 0}},
         .series_count = 2},
        {.x_label = over,
         .y_label = e2e ? "E2E (ms)" : "TTFT (ms)",
         .log_x = wide,
         .log_y = true,
         .legend = "outside right top",
         .series = {{.title = "p50",
                     .style = PLOT_LINES,
                     .x = load,
                     .y = p50,
                     .count = r->count,
                     .color = 1},
                    {.title = "p99",
                     .style = PLOT_LINES,
                     .x = load,
                     .y = p99,
                     .count = r->count,
                     .color = 2}},
         .series_count = 2},
        {.x_label = "throughput (requests/s)",
         .y_label = e2e ? "E2E (ms)" : "TTFT (ms)",
         .log_y = true,
         .legend = "outside right top",
         .series = {{.title = "p50",
                     .style = PLOT_LINES,
                     .x = rps,
                     .y = p50,
                     .count = r->count,
                     .color = 1},
                    {.title = "p99",
                     .style = PLOT_LINES,
                     .x = rps,
                     .y = p99,
                     .count = r->count,
                     .color = 2}},
         .series_count = 2}};
    draw_limited(&limited, panels);
    for (size_t i = 0; i < 3 && r->knee != SIZE_MAX; i++)
        panels[i].marks[panels[i].mark_count++] =
            (struct plot_mark){r->knee_at_least ? "knee at least" : "knee",
                               i == 2 ? rps[r->knee] : load[r->knee], true};
    for (size_t i = 1; i < 3 && slo; i++) {
        snprintf(limit, sizeof limit, "SLO %g ms", slo->limit_ms);
        panels[i].marks[panels[i].mark_count++] = (struct plot_mark){limit, slo->limit_ms, false};
    }
    struct plot plot = {
        .name = "sweep", .panels = panels, .panel_count = 3, .width = 900, .height = 1000};
    return plot_draw(&plot, directory, s->keep_script, err);
}

static int draw_usl(const struct sweep_result *r, const char *directory, struct error *err)
{
    double n[SWEEP_POINTS], x[SWEEP_POINTS], fit_n[USL_CURVE], fit_x[USL_CURVE], most = 1;
    size_t kept = 0, limited = 0;
    for (size_t i = 0; i < r->count; i++) { /* those that the client limited stand behind */
        bool is_limited = sweep_client_limited(&r->points[i]);
        size_t at = is_limited ? SWEEP_POINTS - ++limited : kept++;
        n[at] = sweep_in_flight(r->sweep, &r->points[i]);
        x[at] = r->points[i].request_rps;
        most = fmax(most, n[at]);
    }
    for (size_t i = 0; i < USL_CURVE; i++) {
        fit_n[i] = most * 1.2 * (double)(i + 1) / USL_CURVE;
        fit_x[i] = usl_throughput(&r->usl, fit_n[i]);
    }
    struct plot_panel panel = {
        .title = "Universal Scalability Law",
        .x_label = "in flight (requests)",
        .y_label = "throughput (requests/s)",
        .y_max = NAN,
        .series = {{.title = "fit",
                    .style = PLOT_LINES,
                    .x = fit_n,
                    .y = fit_x,
                    .count = USL_CURVE,
                    .color = 1},
                   {.title = r->sweep->command[0] == 's' ? "simulated" : "measured",
                    .style = PLOT_POINTS,
                    .x = n,
                    .y = x,
                    .count = kept,
                    .color = 0},
                   {.title = LIMITED_TITLE,
                    .style = PLOT_POINTS,
                    .x = n + SWEEP_POINTS - limited,
                    .y = x + SWEEP_POINTS - limited,
                    .count = limited,
                    .color = LIMITED_COLOR}},
        .series_count = limited ? 3 : 2};
    struct plot plot = {.name = "usl", .panels = &panel, .panel_count = 1};
    return plot_draw(&plot, directory, r->sweep->keep_script, err);
}

int sweep_draw(const struct sweep_result *r, struct error *err)
{
    char *directory = run_dir_file(r->sweep->directory, "plots");
    int status = draw_curve(r, directory, err);
    if (status == 0 && r->has_usl)
        status = draw_usl(r, directory, err);
    free(directory);
    return status;
}
