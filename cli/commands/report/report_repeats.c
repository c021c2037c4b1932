#include "cli/commands/report/report_repeats.h"

#include "cli/report/page/html_document.h"
#include "cli/report/page/html_parts.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

struct repeated {
    double mean, low, high; /* NAN: not known */
    size_t count;
};

static const struct {
    const char *title;
    enum metric metric; /* METRIC_COUNT: a rate */
    size_t offset;
} figures[] = {
    {"TTFT, scheduled, p50 (ms)", METRIC_TTFT_SCHEDULED, offsetof(struct metric_summary, p50)},
    {"TTFT, scheduled, p99 (ms)", METRIC_TTFT_SCHEDULED, offsetof(struct metric_summary, p99)},
    {"TTFT, sent, p50 (ms)", METRIC_TTFT, offsetof(struct metric_summary, p50)},
    {"TTFT, sent, p99 (ms)", METRIC_TTFT, offsetof(struct metric_summary, p99)},
    {"TPOT mean (ms)", METRIC_TPOT, offsetof(struct metric_summary, mean)},
    {"E2E, scheduled, p50 (ms)", METRIC_E2E_SCHEDULED, offsetof(struct metric_summary, p50)},
    {"E2E, scheduled, p99 (ms)", METRIC_E2E_SCHEDULED, offsetof(struct metric_summary, p99)},
    {"requests/s", METRIC_COUNT, offsetof(struct phase_summary, request_throughput_rps)},
    {"output tokens/s", METRIC_COUNT, offsetof(struct phase_summary, output_throughput_tps)},
    {"goodput (share)", METRIC_COUNT, offsetof(struct phase_summary, goodput_fraction)},
};
#define FIGURES (sizeof figures / sizeof figures[0])

static double figure_of(const struct summary *s, size_t i)
{
    const char *of = (const char *)&s->window;
    if (figures[i].metric != METRIC_COUNT) {
        if (s->window.metrics[figures[i].metric].count == 0)
            return NAN;
        of = (const char *)&s->window.metrics[figures[i].metric];
    }
    return *(const double *)(const void *)(of + figures[i].offset);
}

/* Mean ± t s / √n over the group's runs. */
static struct repeated summarize(const struct report_section *s, const struct report_run *runs,
                                 const struct report_subject *subjects, size_t group, size_t figure)
{
    struct repeated r = {.mean = 0, .low = NAN, .high = NAN};
    double squares = 0;
    for (size_t i = s->first; i < s->first + s->count; i++) {
        double value = figure_of(&subjects[i].summary, figure);
        if (runs[i].group != group || !isfinite(value))
            continue;
        double before = value - r.mean;
        r.mean += before / (double)++r.count;
        squares += before * (value - r.mean);
    }
    if (r.count == 0)
        r.mean = NAN;
    if (r.count < 2)
        return r;
    double freedom = (double)r.count - 1,
           half = gsl_cdf_tdist_Qinv(0.025, freedom) * sqrt(squares / freedom / (double)r.count);
    r.low = r.mean - half;
    r.high = r.mean + half;
    return r;
}

static void add_interval(const struct repeated *r, const char *unit, struct buffer *out)
{
    buffer_add_text(out, "<b>");
    html_add_figure(r->mean, out);
    buffer_add_format(out, "%s</b>", unit);
    if (r->count < 2)
        return;
    buffer_add_text(out, " (95 %: ");
    html_add_figure(r->low, out);
    buffer_add_text(out, " … ");
    html_add_figure(r->high, out);
    buffer_add_text(out, ")");
}

static void add_run(const struct report_subject *s, size_t figure, struct buffer *out)
{
    buffer_add_text(out, "<b>");
    html_add_text(out, s->name);
    buffer_add_text(out, "</b> (");
    html_add_figure(figure_of(&s->summary, figure), out);
    buffer_add_text(out, " ms)");
}

void report_runs_answer(const struct report_section *s, const struct report_subject *subjects,
                        struct buffer *out)
{
    bool closed = summary_is_closed(&subjects[s->first].summary);
    size_t figure = closed ? 2 : 0, best = s->first, worst = s->first;
    if (isnan(figure_of(&subjects[s->first].summary, figure)))
        figure = 5;
    for (size_t i = s->first; i < s->first + s->count; i++) {
        double value = figure_of(&subjects[i].summary, figure);
        best = value < figure_of(&subjects[best].summary, figure) ? i : best;
        worst = value > figure_of(&subjects[worst].summary, figure) ? i : worst;
    }
    if (isnan(figure_of(&subjects[best].summary, figure)) || best == worst)
        return;
    buffer_add_format(out,
                      "<dl><dt>Which of these runs is fastest?</dt><dd>Half of the requests "
                      "%s the soonest in ",
                      figure == 5 ? "were answered" : "had their first token");
    add_run(&subjects[best], figure, out);
    buffer_add_text(out, ", and the latest in ");
    add_run(&subjects[worst], figure, out);
    buffer_add_text(out, ". This is of these runs, not of their endpoints: what chance does from "
                         "run to run only repeats show (bench --repeat, farebox diff).</dd></dl>");
}

void report_repeats_answer(const struct report_section *s, const struct report_run *runs,
                           const struct report_subject *subjects, struct buffer *out)
{
    buffer_add_text(out, "<dl>");
    for (size_t g = 0; g < s->group_count; g++) {
        struct repeated half = summarize(s, runs, subjects, g, 0),
                        most = summarize(s, runs, subjects, g, 1),
                        rate = summarize(s, runs, subjects, g, FIGURES - 3);
        const char *what = "The first token came after ";
        if (half.count == 0) {
            half = summarize(s, runs, subjects, g, 5);
            most = summarize(s, runs, subjects, g, 6);
            what = "The answer was whole after ";
        }
        buffer_add_text(out, "<dt>How fast");
        if (s->group_count > 1) {
            buffer_add_text(out, " is ");
            html_add_text(out, s->groups[g]);
        }
        buffer_add_format(out, "?</dt><dd>%s", what);
        add_interval(&half, " ms", out);
        buffer_add_text(out, " for half of the requests, and after at most ");
        add_interval(&most, " ms", out);
        buffer_add_text(out, " for 99 %, counted from when they were due; ");
        add_interval(&rate, " requests/s", out);
        buffer_add_format(out, " were answered. Means over %zu run%s", half.count,
                          half.count == 1 ? "" : "s");
        buffer_add_text(out, half.count > 1
                                 ? "; the intervals are by Student's t over the repeats.</dd>"
                                 : ": of one run nothing says how far the next would be.</dd>");
    }
    buffer_add_text(out, "</dl>");
}

void report_repeats_table(const struct report_section *s, const struct report_run *runs,
                          const struct report_subject *subjects, struct buffer *out)
{
    buffer_add_text(out, "<h3>Means over the repeats</h3>" HTML_TABLE "<thead><tr><th>figure");
    for (size_t g = 0; g < s->group_count; g++) {
        buffer_add_text(out, "<th>");
        html_add_text(out, s->groups[g]);
        buffer_add_text(out, "<th>95 % (t)");
    }
    buffer_add_text(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < FIGURES; i++) {
        buffer_add_format(out, "<tr><th>%s</th>", figures[i].title);
        for (size_t g = 0; g < s->group_count; g++) {
            struct repeated r = summarize(s, runs, subjects, g, i);
            html_add_cell(out, r.mean);
            buffer_add_text(out, "<td>");
            html_add_figure(r.low, out);
            buffer_add_text(out, " … ");
            html_add_figure(r.high, out);
            buffer_add_text(out, "</td>");
        }
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}
