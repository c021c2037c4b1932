/* Pictures of how long things took. */
#include "cli/report/plot/pictures.h"

#include "cli/report/text/summary_table.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/stats/histogram.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdlib.h>

#define CURVE_POINTS 400
#define TIMELINE_POINTS 1000
#define GAP_BINS 60
#define HEAT_COLUMNS 56
#define HEAT_ROWS 20

static const enum metric shown[] = {METRIC_TTFT, METRIC_TTFT_SCHEDULED, METRIC_E2E,
                                    METRIC_E2E_SCHEDULED};

static struct plot_series *latency_series(struct plot_panel *panel, int i)
{
    struct plot_series *series =
        plot_add_series(panel, metric_title(shown[i]), PLOT_LINES, NULL, NULL, 0, i / 2);
    series->dashed = i % 2 == 1;
    return series;
}

/* Where every request was sent when it was due the two curves are one. */
static bool is_the_same(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabs(a[i] - b[i]) > 1e-3 * fmax(a[i], b[i]))
            return false;
    return true;
}

/* Fills a series from n values in rising order. */
typedef void fill_curve(struct picture *p, const double *values, size_t n,
                        struct plot_series *series);

/* TTFT and E2E, each from sending, and from when it was due where that is another curve. Returns
 * the most values that one of them has. */
static size_t add_latencies(struct picture *p, struct collector *c, const struct summary *s,
                            fill_curve *fill)
{
    static const char *const both[] = {"TTFT, sent when due", "E2E, sent when due"};
    size_t most = 0;
    for (int pair = 0; pair < 2; pair++) {
        double *values[2];
        size_t n[2];
        for (int k = 0; k < 2; k++) {
            n[k] = picture_sorted_values(c, s, shown[2 * pair + k], &values[k]);
            most = n[k] > most ? n[k] : most;
        }
        bool same = n[0] == n[1] && is_the_same(values[0], values[1], n[0]);
        for (int k = 0; k < (same ? 1 : 2); k++) {
            if (n[k] < 2)
                continue;
            struct plot_series *series = latency_series(&p->panels[0], 2 * pair + k);
            series->title = same ? both[pair] : series->title;
            fill(p, values[k], n[k], series);
        }
        free(values[0]);
        free(values[1]);
    }
    return most;
}

static void add_slos(struct picture *p, struct plot_panel *panel, const struct summary *s,
                     bool vertical)
{
    for (size_t i = 0; i < s->slos.count; i++) {
        const struct slo *slo = &s->slos.items[i];
        char limit[CELL_SIZE];
        plot_limit(slo->limit_ms, limit);
        for (size_t k = 0; k < sizeof shown / sizeof shown[0]; k++)
            if (slo->metric == shown[k])
                plot_add_mark(panel,
                              picture_name(p, "SLO %s %s ms", metric_title(slo->metric), limit),
                              slo->limit_ms, vertical);
    }
}

/* The latency that the run leads with: to the first token, else (*whole) of the whole answer. */
static const struct metric_summary *led_by(const struct summary *s, bool *whole)
{
    bool closed = summary_is_closed(s);
    const struct metric_summary *m = s->window.metrics,
                                *first = &m[closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED];
    *whole = first->count == 0;
    return *whole ? &m[closed ? METRIC_E2E : METRIC_E2E_SCHEDULED] : first;
}

static void say_latency(struct picture *p, const struct summary *s)
{
    char half[CELL_SIZE], most[CELL_SIZE];
    bool whole;
    const struct metric_summary *m = led_by(s, &whole);
    if (m->count)
        picture_say(p, "Half of the requests %s within %s ms, 99 %% within %s ms",
                    whole ? "were answered" : "had their first token", format_cell(m->p50, half),
                    format_cell(m->p99, most));
}

static void fill_cdf(struct picture *p, const double *values, size_t n, struct plot_series *series)
{
    size_t points = n < CURVE_POINTS ? n : CURVE_POINTS;
    double *x = picture_array(p, points), *y = picture_array(p, points);
    picture_share_curve(values, n, points, x, y);
    series->x = x;
    series->y = y;
    series->count = points;
}

bool picture_latency_cdf(struct picture *p, struct collector *c, const struct summary *s,
                         const char *run)
{
    struct plot_panel *panel = &p->panels[0];
    picture_begin(p, "latency-cdf", "Latency", run);
    panel->x_label = "latency (ms)";
    panel->log_x = true;
    picture_share_axis(panel, "share of requests");
    say_latency(p, s);
    add_latencies(p, c, s, fill_cdf);
    add_slos(p, panel, s, true);
    return panel->series_count > 0;
}

/* Quantiles at 1/(1 − q) = 1, …, n, evenly on a logarithmic scale: p90, p99 and p99.9 have the same
 * room. */
static void fill_spectrum(struct picture *p, const double *values, size_t n,
                          struct plot_series *series)
{
    const size_t steps = 300;
    double *x = picture_array(p, steps + 1), *y = picture_array(p, steps + 1);
    for (size_t i = 0; i <= steps; i++) {
        x[i] = pow((double)n, (double)i / (double)steps);
        y[i] = quantile_sorted(values, n, fmin(1, 1 - 1 / x[i]));
    }
    series->x = x;
    series->y = y;
    series->count = steps + 1;
}

bool picture_spectrum(struct picture *p, struct collector *c, const struct summary *s,
                      const char *run)
{
    static const char *const names[] = {"0",    "50",    "90",     "99",
                                        "99.9", "99.99", "99.999", "99.9999"};
    static const double ticks[] = {1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6};
    struct plot_panel *panel = &p->panels[0];
    picture_begin(p, "spectrum", "Latency by percentile", run);
    char tail[CELL_SIZE];
    bool whole;
    const struct metric_summary *m = led_by(s, &whole);
    if (m->count)
        picture_say(p, "One request in a hundred took longer than %s ms %s",
                    format_cell(m->p99, tail), whole ? "in all" : "to its first token");
    panel->x_label = "percentile (%), spaced by 1/(1 − q)";
    panel->y_label = "latency (ms)";
    panel->log_x = panel->log_y = true;
    panel->x_names = names;
    panel->x_ticks = ticks;
    panel->x_min = 1;
    panel->x_max = (double)add_latencies(p, c, s, fill_spectrum);
    while (panel->x_name_count < 8 && ticks[panel->x_name_count] <= panel->x_max)
        panel->x_name_count++;
    add_slos(p, panel, s, false);
    return panel->series_count > 0;
}

/* Bins of equal width on a logarithmic scale where the values span more than fourfold. */
static double bin_edge(double low, double high, size_t bins, size_t i)
{
    double share = (double)i / (double)bins;
    return high / low > 4 ? low * pow(high / low, share) : low + (high - low) * share;
}

static size_t bin_of(double low, double high, size_t bins, double value)
{
    double share =
        high / low > 4 ? log(value / low) / log(high / low) : (value - low) / (high - low);
    if (!(share > 0))
        return 0;
    size_t bin = (size_t)(share * (double)bins);
    return bin < bins ? bin : bins - 1;
}

/* A little room around the extremes; never empty, never at 0. */
static void value_range(double least, double most, double *low, double *high)
{
    *low = fmax(least, 1e-3) * 0.98;
    *high = fmax(most * 1.02, *low * 1.05);
}

bool picture_chunk_gaps(struct picture *p, struct collector *c, const struct summary *s,
                        const char *run)
{
    const struct metric_summary *m = &s->window.metrics[METRIC_CHUNK_GAP];
    struct plot_panel *panel = &p->panels[0];
    struct histogram h = {0};
    double low, high;
    picture_begin(p, "chunk-gaps", "Gaps between chunks", run);
    if (m->count == 0)
        return false;
    double *x = picture_array(p, GAP_BINS), *x2 = picture_array(p, GAP_BINS);
    double *y = picture_array(p, GAP_BINS), *y2 = picture_array(p, GAP_BINS);
    value_range(m->min, m->max, &low, &high);
    for (size_t i = 0; i < GAP_BINS; i++) {
        x[i] = bin_edge(low, high, GAP_BINS, i);
        x2[i] = bin_edge(low, high, GAP_BINS, i + 1);
        y[i] = 0.5; /* the least that the logarithmic axis shows */
    }
    collector_fill_histogram(c, s, METRIC_CHUNK_GAP, &h);
    for (struct histogram_bucket b = {0}; histogram_next(&h, &b);)
        y2[bin_of(low, high, GAP_BINS, ((double)b.lower + (double)b.upper) / 2 / NS_PER_MS)] +=
            (double)b.count;
    histogram_free(&h);
    for (size_t i = 0; i < GAP_BINS; i++)
        y2[i] = y2[i] > 0 ? y2[i] : NAN;
    plot_add_cells(panel, NULL, (double *[]){x, y, y2, x2}, GAP_BINS, 3);
    panel->x_label = "gap between chunks (ms)";
    panel->y_label = "gaps (count)";
    panel->log_x = high / low > 4;
    panel->log_y = true;
    panel->x_min = low;
    panel->x_max = high;
    panel->y_min = 0.5;
    panel->y_max = NAN;
    char half[CELL_SIZE], most[CELL_SIZE];
    picture_say(p, "Half of the gaps between chunks were at most %s ms, 99 %% at most %s ms",
                format_cell(m->p50, half), format_cell(m->p99, most));
    plot_add_mark(panel, "p50", m->p50, true);
    if (m->p99 > m->p50 * 1.15)
        plot_add_mark(panel, "p99", m->p99, true);
    return true;
}

/* Only cells that hold a request. */
static void add_heat(struct picture *p, struct plot_panel *panel, const struct metric_point *points,
                     size_t n, const struct metric_summary *m, double unit_s)
{
    const size_t cells = HEAT_COLUMNS * HEAT_ROWS;
    double *count = mem_zero(cells, sizeof *count), low, high;
    double *data[5];
    double from = points[0].due_s / unit_s, to = fmax(points[n - 1].due_s / unit_s, from + 1e-3);
    double width = (to - from) / HEAT_COLUMNS;
    size_t used = 0;
    value_range(m->min, m->max, &low, &high);
    for (size_t i = 0; i < n; i++) {
        size_t column = (size_t)((points[i].due_s / unit_s - from) / width);
        column = column < HEAT_COLUMNS ? column : HEAT_COLUMNS - 1;
        count[column * HEAT_ROWS + bin_of(low, high, HEAT_ROWS, points[i].value_ms)]++;
    }
    for (int k = 0; k < 5; k++)
        data[k] = picture_array(p, cells);
    for (size_t i = 0; i < cells; i++) {
        if (count[i] == 0)
            continue;
        data[0][used] = from + width * (double)(i / HEAT_ROWS);
        data[1][used] = bin_edge(low, high, HEAT_ROWS, i % HEAT_ROWS);
        data[2][used] = bin_edge(low, high, HEAT_ROWS, i % HEAT_ROWS + 1);
        data[3][used] = data[0][used] + width;
        data[4][used++] = count[i];
    }
    free(count);
    struct plot_series *heat = plot_add_cells(panel, NULL, data, used, 0);
    heat->style = PLOT_HEAT;
    heat->value = data[4];
    panel->log_y = high / low > 4;
    panel->x_min = from;
    panel->x_max = to;
    panel->y_min = low;
    panel->y_max = high;
    panel->value_label = "requests (count)";
}

static double median_of(const struct metric_point *points, size_t n)
{
    double *values = mem_alloc((n + 1) * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = points[i].value_ms;
    double median = quantile_select(values, n, 0.5);
    free(values);
    return median;
}

/* The medians of the first and the last third of the requests. */
#define CHANGED 1.25
static void say_course(struct picture *p, const struct metric_point *points, size_t n,
                       const char *what)
{
    size_t third = n / 3 ? n / 3 : 1;
    double before = median_of(points, third), after = median_of(points + n - third, third);
    char a[CELL_SIZE], b[CELL_SIZE];
    format_cell(before, a);
    format_cell(after, b);
    if (after > before * CHANGED || after * CHANGED < before)
        picture_say(p,
                    "%s came ever %s: after %s ms in the first third, %s ms in the last (medians)",
                    what, after > before ? "later" : "earlier", a, b);
    else
        picture_say(
            p, "%s came as fast in the last third as in the first: after %s and %s ms (medians)",
            what, b, a);
}

bool picture_heat(struct picture *p, struct collector *c, const struct summary *s, const char *run)
{
    static const enum metric wanted[] = {METRIC_TTFT_SCHEDULED, METRIC_E2E_SCHEDULED};
    static const char *const labels[] = {"TTFT, scheduled (ms)", "E2E, scheduled (ms)"};
    picture_begin(p, "latency-heat", "Latency over time", run);
    p->plot.panel_count = 0;
    p->plot.share_x = true;
    for (int k = 0; k < 2; k++) {
        struct metric_point *points;
        size_t n = collector_points(c, s, wanted[k], &points);
        if (n >= 2) {
            struct plot_panel *panel = &p->panels[p->plot.panel_count++];
            panel->y_label = labels[k];
            double unit_s = picture_span_axis(p, panel, points[n - 1].due_s, "the start");
            add_heat(p, panel, points, n, &s->window.metrics[wanted[k]], unit_s);
            if (p->plot.panel_count == 1)
                say_course(p, points, n, k == 0 ? "The first token" : "The whole answer");
        }
        free(points);
    }
    return p->plot.panel_count > 0;
}

enum { TIMELINE_CURVES = 7 };

/* Joins neighbouring lines until at most TIMELINE_POINTS are left; rates become means per second.
 */
static void fill_curves(const struct timeline_line *lines, size_t n, size_t join, double unit_s,
                        double *curve[TIMELINE_CURVES + 1])
{
    for (size_t i = 0; i * join < n; i++) {
        struct timeline_line sum = {0};
        for (size_t k = i * join; k < n && k < (i + 1) * join; k++) {
            sum.seconds += lines[k].seconds;
            sum.due += lines[k].due;
            sum.completed += lines[k].completed;
            sum.failed += lines[k].failed;
            sum.cancelled += lines[k].cancelled;
            sum.unsent += lines[k].unsent;
            sum.output_tokens += lines[k].output_tokens;
            if (lines[k].in_flight > sum.in_flight)
                sum.in_flight = lines[k].in_flight;
        }
        double seconds = (double)sum.seconds;
        curve[0][i] = (double)lines[i * join].t_s / unit_s;
        curve[1][i] = (double)sum.due / seconds;
        curve[2][i] = (double)sum.completed / seconds;
        curve[3][i] = (double)sum.failed / seconds;
        curve[4][i] = (double)sum.cancelled / seconds;
        curve[5][i] = (double)sum.unsent / seconds;
        curve[6][i] = (double)sum.output_tokens / seconds;
        curve[7][i] = (double)sum.in_flight;
    }
}

static void say_timeline(struct picture *p, const struct summary *s)
{
    char done[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE], most[TEXT_GROUPED_SIZE];
    picture_say(p, "%s of %s requests completed, at most %s in flight at once",
                text_group_u64(s->accounting.completed, done),
                text_group_u64(s->accounting.scheduled, all),
                text_group_u64(s->peak_in_flight, most));
}

bool picture_timeline(struct picture *p, struct collector *c, const struct summary *s,
                      const char *run)
{
    static const struct {
        const char *title;
        int panel, color;
    } curves[TIMELINE_CURVES] = {{"due", 0, 7},       {"completed", 0, 0}, {"failed", 0, 1},
                                 {"cancelled", 0, 4}, {"unsent", 0, 5},    {"output", 1, 2},
                                 {"peak", 2, 3}};
    const struct accounting *a = &s->accounting;
    const bool none[TIMELINE_CURVES] = {
        [2] = a->failed == 0, [3] = a->cancelled == 0, [4] = a->unsent == 0};
    static const char *const labels[] = {"requests/s", "output tokens/s", "in flight (requests)"};
    struct timeline_line *lines;
    double *curve[TIMELINE_CURVES + 1];
    size_t n = collector_timeline(c, &lines), join = (n + TIMELINE_POINTS - 1) / TIMELINE_POINTS;
    picture_begin(p, "timeline", "Timeline", run);
    if (n >= 2) {
        for (int k = 0; k <= TIMELINE_CURVES; k++)
            curve[k] = picture_array(p, n);
        double unit_s = picture_span_axis(p, &p->panels[2], (double)lines[n - 1].t_s, "the start");
        fill_curves(lines, n, join, unit_s, curve);
        p->plot.panel_count = 3;
        p->plot.share_x = true;
        for (int k = 0; k < 3; k++) {
            p->panels[k].y_label = labels[k];
            p->panels[k].y_max = NAN;
        }
        say_timeline(p, s);
    }
    for (int k = 0; k < TIMELINE_CURVES && n >= 2; k++) {
        if (none[k])
            continue; /* no line along 0 */
        plot_add_series(&p->panels[curves[k].panel], curves[k].title, PLOT_STEPS, curve[0],
                        curve[k + 1], (n + join - 1) / join, curves[k].color);
    }
    free(lines);
    return n >= 2;
}
