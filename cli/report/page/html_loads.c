/* A sweep, and the search for the highest rate: loads that were tried one after the other. */
#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/pictures.h"
#include "core/json/json_look.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PER_SECOND " requests/s"

static bool is_over_rate(struct text document)
{
    struct text over;
    return !json_look(document, "over", &over) || text_equal(over, "\"rate\"");
}

static const char *load_key(const struct html_document *d)
{
    return d->kind == HTML_SWEEP ? "value" : "rate_rps";
}

static const char *unit_of(const struct html_document *d)
{
    return is_over_rate(d->json) ? PER_SECOND : " requests at a time";
}

static void add_doubt(const struct html_document *d, const struct text *points, size_t count,
                      struct buffer *out)
{
    size_t limited = 0;
    for (size_t i = 0; i < count; i++)
        if (json_look_true(points[i], "client_limited")) {
            buffer_add_text(out, limited++ ? ", "
                                           : "<p class=doubt><b class=bad>✗ The client was the "
                                             "limit</b> at ");
            html_add_figure(json_look_number(points[i], load_key(d)), out);
        }
    if (limited)
        buffer_add_format(out,
                          "%s: these points say more about the load generator than about the "
                          "endpoint, and nothing is concluded from them.</p>",
                          unit_of(d));
}

/* The point at that load; NULL. */
static const struct text *find_point(const struct html_document *d, const struct text *points,
                                     size_t count, double load)
{
    for (size_t i = 0; i < count; i++)
        if (fabs(json_look_number(points[i], load_key(d)) - load) <= 1e-6 * load)
            return &points[i];
    return NULL;
}

static void add_latencies(const struct text *point, struct buffer *out)
{
    double ttft = json_look_number(*point, "ttft_ms_p99"),
           e2e = json_look_number(*point, "e2e_ms_p99"),
           goodput = json_look_number(*point, "goodput_fraction");
    if (isfinite(ttft)) {
        buffer_add_text(out, " The first token came within ");
        html_add_figure(ttft, out);
        buffer_add_text(out, " ms for 99 % there.");
    } else if (isfinite(e2e)) {
        buffer_add_text(out, " The answer was whole within ");
        html_add_figure(e2e, out);
        buffer_add_text(out, " ms for 99 % there.");
    }
    if (isfinite(goodput)) {
        buffer_add_text(out, " ");
        html_add_figure(100 * goodput, out);
        buffer_add_text(out, " % of the requests met every objective.");
    }
}

static void add_answer(const struct html_document *d, const struct text *points, size_t count,
                       struct buffer *out)
{
    bool sweep = d->kind == HTML_SWEEP;
    double load = json_look_number(d->json, sweep ? "knee" : "rate_rps"),
           failed = json_look_number(d->json, "fails_at_rps");
    char *is = json_look_string(d->json, sweep ? "knee_is" : "rate_is");
    const struct text *point = find_point(d, points, count, load);
    buffer_add_text(out, "<dl><dt>How much load does it take?</dt><dd>");
    if (isfinite(load)) {
        buffer_add_format(out, "It holds up to <b>%s",
                          is && strcmp(is, "at_least") == 0 ? "at least " : "");
        html_add_figure(load, out);
        buffer_add_format(out, "%s</b>.", unit_of(d));
    } else {
        buffer_add_text(out, "<b>No load that was tried held.</b>");
        if (count > 0) {
            buffer_add_text(out, " The lowest was ");
            html_add_figure(json_look_number(points[0], load_key(d)), out);
            buffer_add_format(out, "%s.", unit_of(d));
            point = &points[0];
        }
    }
    if (point)
        add_latencies(point, out);
    if (isfinite(failed)) {
        buffer_add_text(out, " At ");
        html_add_figure(failed, out);
        buffer_add_text(out, PER_SECOND " it failed.");
    }
    buffer_add_text(out, "</dd></dl>");
    free(is);
}

static const struct {
    const char *head, *key;
    double unit;
} columns[] = {{"served (1/s)", "request_throughput_rps", 1},
               {"served (%)", "served_fraction", 100},
               {"output tokens/s", "output_throughput_tps", 1},
               {"goodput (%)", "goodput_fraction", 100},
               {"TTFT p50 (ms)", "ttft_ms_p50", 1},
               {"TTFT p99 (ms)", "ttft_ms_p99", 1},
               {"TPOT p50 (ms)", "tpot_ms_p50", 1},
               {"TPOT p99 (ms)", "tpot_ms_p99", 1},
               {"E2E p50 (ms)", "e2e_ms_p50", 1},
               {"E2E p99 (ms)", "e2e_ms_p99", 1},
               {"in flight", "in_flight", 1}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static bool is_known(const struct text *points, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(json_look_number(points[i], columns[column].key)))
            return true;
    return false;
}

static void add_remark(struct text point, struct buffer *out)
{
    struct text sustained;
    buffer_add_text(out, "<td class=words>");
    if (json_look_true(point, "client_limited"))
        buffer_add_text(out, "<b class=bad>✗ the client was the limit</b>");
    else if (json_look_true(point, "stopped"))
        buffer_add_text(out, "stopped");
    else if (json_look(point, "sustained", &sustained) && text_equal(sustained, "\"no\""))
        buffer_add_text(out, "the queue grows");
    buffer_add_text(out, "</td></tr>");
}

static void add_table(const struct html_document *d, const struct text *points, size_t count,
                      struct buffer *out)
{
    buffer_add_format(out,
                      "<h3>Each load</h3>" HTML_TABLE "<thead><tr><th>%s<th>scheduled<th>failed",
                      is_over_rate(d->json) ? "rate (1/s)" : "concurrency");
    for (size_t k = 0; k < COLUMNS; k++)
        if (is_known(points, count, k))
            buffer_add_format(out, "<th>%s", columns[k].head);
    buffer_add_text(out, "<th>remark</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<tr>");
        html_look_cell(points[i], load_key(d), 1, out);
        html_look_count_cell(points[i], "scheduled", out);
        html_look_count_cell(points[i], "failed", out);
        for (size_t k = 0; k < COLUMNS; k++)
            if (is_known(points, count, k))
                html_look_cell(points[i], columns[k].key, columns[k].unit, out);
        add_remark(points[i], out);
    }
    buffer_add_text(out, HTML_TABLE_END);
}

/* ---- the picture of a search ---- */

struct probe {
    double rate, goodput, p99;
};

static int by_rate(const void *a, const void *b)
{
    const struct probe *x = a, *y = b;
    return x->rate < y->rate ? -1 : x->rate > y->rate;
}

static size_t read_probes(const struct text *points, size_t count, const char *p99,
                          struct probe **out)
{
    size_t n = 0;
    *out = mem_zero(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        struct probe p = {json_look_number(points[i], "rate_rps"),
                          100 * json_look_number(points[i], "goodput_fraction"),
                          json_look_number(points[i], p99)};
        if (isfinite(p.rate) && !json_look_true(points[i], "client_limited"))
            (*out)[n++] = p;
    }
    if (n)
        qsort(*out, n, sizeof **out, by_rate);
    return n;
}

static void add_curve(struct picture *p, struct plot_panel *panel, const struct probe *probes,
                      size_t count, bool goodput)
{
    double *x = picture_array(p, count), *y = picture_array(p, count);
    for (size_t i = 0; i < count; i++) {
        x[i] = probes[i].rate;
        y[i] = goodput ? probes[i].goodput : probes[i].p99;
    }
    plot_add_series(panel, NULL, PLOT_LINES, x, y, count, goodput ? 0 : 2);
    plot_add_series(panel, NULL, PLOT_POINTS, x, y, count, goodput ? 0 : 2);
}

static bool picture_probes(const struct html_document *d, const struct text *points, size_t count,
                           struct picture *p)
{
    bool ttft = count && isfinite(json_look_number(points[0], "ttft_ms_p99"));
    double found = json_look_number(d->json, "rate_rps");
    struct probe *probes;
    size_t n = read_probes(points, count, ttft ? "ttft_ms_p99" : "e2e_ms_p99", &probes);
    bool goodput = n && isfinite(probes[0].goodput);
    picture_begin(p, "find-max", "What each rate that was tried gave", d->name);
    if (isfinite(found))
        picture_say(p, "It holds up to %.4g requests/s", found);
    p->plot.share_x = true;
    p->plot.panel_count = goodput ? 2 : 1;
    for (size_t i = 0; i < p->plot.panel_count; i++) {
        struct plot_panel *panel = &p->panels[i];
        bool is_goodput = goodput && i == 0;
        panel->x_label = "rate (requests/s)";
        panel->y_label = is_goodput ? "goodput (%)" : ttft ? "TTFT p99 (ms)" : "E2E p99 (ms)";
        panel->log_y = !is_goodput;
        panel->y_max = is_goodput ? 100 : 0;
        add_curve(p, panel, probes, n, is_goodput);
        if (isfinite(found))
            plot_add_mark(panel, "holds", found, true);
    }
    free(probes);
    return n > 1;
}

static void add_probes(const struct html_document *d, const struct text *points, size_t count,
                       size_t *plot_number, struct buffer *out)
{
    struct picture *p = mem_zero(1, sizeof *p);
    struct buffer svg;
    if (picture_probes(d, points, count, p)) {
        if (plot_svg(&p->plot, &svg, &(struct error){0}) == 0)
            html_add_svg(svg.data, "find-max", "The rates that were tried, and what each gave.",
                         plot_number, out);
        buffer_free(&svg);
    }
    picture_free(p);
    free(p);
}

void html_loads(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"sweep", "usl", NULL};
    struct text *points;
    size_t count = json_look_items(d->json, d->kind == HTML_SWEEP ? "points" : "probes", &points);
    buffer_add_text(out, " <small>");
    if (d->kind == HTML_SWEEP) {
        html_look_text(d->json, "command", out);
        buffer_add_text(out, ", sweep over ");
        html_look_text(d->json, "sweep", out);
    } else {
        buffer_add_text(out, "the search for the highest rate");
    }
    buffer_add_text(out, "</small></h2>");
    add_doubt(d, points, count, out);
    add_answer(d, points, count, out);
    html_add_plots(d->plots, proof, plot_number, out);
    if (d->draws && d->kind == HTML_FIND_MAX)
        add_probes(d, points, count, plot_number, out);
    add_table(d, points, count, out);
    free(points);
}
