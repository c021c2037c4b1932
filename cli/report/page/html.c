#include "cli/report/page/html.h"

#include "cli/report/page/html_parts.h"
#include "cli/report/plot/run_plots.h"
#include "cli/report/text/group_table.h"
#include "cli/report/text/start_parts.h"
#include "cli/report/text/summary_table.h"
#include "core/file.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_speed(const struct summary *s, struct buffer *out)
{
    const struct metric_summary *m = s->window.metrics;
    char a[CELL_SIZE], b[CELL_SIZE];
    buffer_add_text(out, "<dt>Fast enough?</dt><dd>");
    if (s->accounting.completed == 0) {
        buffer_add_text(out, "No request completed.</dd>");
        return;
    }
    if (s->slos.count) {
        buffer_add_format(out, "<b>%.1f %%</b> of the requests met every objective (",
                          s->window.goodput_fraction * 100);
        for (size_t i = 0; i < s->slos.count; i++)
            buffer_add_format(out, "%s%s ≤ %g ms", i ? ", " : "",
                              metric_title(s->slos.items[i].metric), s->slos.items[i].limit_ms);
        buffer_add_text(out, "). ");
    }
    if (m[METRIC_TTFT_SCHEDULED].count) {
        buffer_add_format(out,
                          "The first token came after <b>%s ms</b> for half of the requests and "
                          "after at most <b>%s ms</b> for 99 %%, counted from when they were due. ",
                          format_cell(m[METRIC_TTFT_SCHEDULED].p50, a),
                          format_cell(m[METRIC_TTFT_SCHEDULED].p99, b));
    }
    buffer_add_format(out, "The whole answer took %s ms (half) and at most %s ms (99 %%).</dd>",
                      format_cell(m[METRIC_E2E_SCHEDULED].p50, a),
                      format_cell(m[METRIC_E2E_SCHEDULED].p99, b));
}

/* The verdict in bold, as every table has it. */
static void add_verdict(const struct summary *s, struct buffer *out)
{
    bool limited = s->fidelity.client_limited;
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    fidelity_add_verdict(s, &words);
    if (words.length) {
        buffer_add_format(out, "<b class=%s>", limited ? "bad" : "good");
        html_add_text(out, words.data);
        buffer_add_format(out, "%s</b> ", limited ? "" : ".");
    }
    if (limited)
        buffer_add_text(out, "The figures say more about the load generator than about the "
                             "endpoint. ");
    buffer_free(&words);
}

static void add_version(const struct fidelity *f, struct buffer *out)
{
    struct buffer versions;
    buffer_init(&versions, BUFFER_UNBOUNDED);
    fidelity_add_versions(f, &versions);
    if (versions.length)
        buffer_add_format(out, "Its answers came over %s. ", versions.data);
    buffer_free(&versions);
}

static void add_oddities(const struct summary *s, struct buffer *out)
{
    for (int i = 0; i < ODDITIES; i++) {
        if (s->odd[i] == 0)
            continue;
        buffer_add_text(out, " <b>");
        html_add_count(out, s->odd[i]);
        buffer_add_format(out, " answer%s</b> ", s->odd[i] == 1 ? "" : "s");
        html_add_text(out, oddity_words((enum oddity)i));
        buffer_add_byte(out, '.');
    }
}

static void answer_trust(const struct html_run *run, struct buffer *out)
{
    const struct summary *s = run->summary;
    buffer_add_text(out, "<dt>May I trust this run?</dt><dd>");
    if (strcmp(s->command, "sim") == 0)
        buffer_add_text(out, "It is a simulation, a model's times and not a measurement: as good "
                             "as its engine preset. ");
    else if (s->fidelity.known)
        add_verdict(s, out);
    else
        buffer_add_text(out, "The run does not say whether the client kept up. ");
    if (s->fidelity.insecure)
        buffer_add_text(out, "<b class=bad>✗ Certificates were not checked</b> (--insecure): who "
                             "answered is not known. ");
    if (run->recomputed)
        buffer_add_text(out, "The figures are recomputed from its records, for it has no summary "
                             "of its own: what the records do not say is missing. ");
    add_version(&s->fidelity, out);
    const struct accounting *a = &s->accounting;
    buffer_add_text(out, "Of ");
    html_add_count(out, a->scheduled);
    buffer_add_text(out, " requests ");
    html_add_count(out, a->completed);
    buffer_add_text(out, " completed, ");
    html_add_count(out, a->failed);
    buffer_add_text(out, " failed, ");
    html_add_count(out, a->cancelled);
    buffer_add_text(out, " were cancelled, ");
    html_add_count(out, a->unsent);
    buffer_add_text(out, " not sent");
    if (a->not_due) {
        buffer_add_text(out, "; ");
        html_add_count(out, a->not_due);
        buffer_add_text(out, " more never became due");
    }
    buffer_add_text(out, ".");
    add_oddities(s, out);
    if (summary_is_closed(s))
        buffer_add_text(out, " The load was closed: waiting that an open load would see is not in "
                             "these figures.");
    buffer_add_text(out, "</dd>");
}

static void add_latencies(const struct summary *s, struct buffer *out)
{
    buffer_add_text(out,
                    "<h3>Latency</h3>" HTML_TABLE "<thead><tr><th>metric (ms)<th>count"
                    "<th>p50<th>p90<th>p95<th>p99<th>p99.9<th>max<th>mean<th>p99 lies in (95 %)"
                    "</tr></thead><tbody>");
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_summary *m = &s->window.metrics[i];
        if (m->count == 0)
            continue;
        buffer_add_format(out, "<tr><th>%s</th><td data-v=\"%llu\">", metric_title((enum metric)i),
                          (unsigned long long)m->count);
        html_add_count(out, m->count);
        buffer_add_text(out, "</td>");
        const double values[] = {m->p50, m->p90, m->p95, m->p99, m->p999, m->max, m->mean};
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            html_add_cell(out, values[k]);
        char low[CELL_SIZE], high[CELL_SIZE];
        if (isfinite(m->ci_p99[0]))
            buffer_add_format(out, "<td>%s … %s</td></tr>", format_cell(m->ci_p99[0], low),
                              format_cell(m->ci_p99[1], high));
        else
            buffer_add_text(out, "<td>too few values</td></tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

/* Parts of the start that tell something. */
static void add_start(const struct summary *s, struct buffer *out)
{
    bool some = false;
    for (int part = 0; part < SET_UP_PARTS; part++) {
        const struct short_metric *m = &s->set_up[part];
        const double values[] = {m->p50, m->p90, m->p99, m->mean};
        if (!start_part_tells(s, part))
            continue;
        if (!some)
            buffer_add_text(out, "<h3>Parts of the start</h3><p>Set-up of new connections; first "
                                 "byte and tokens since sending; over all attempts.</p>" HTML_TABLE
                                 "<thead><tr><th>part (ms)<th>count<th>p50<th>p90"
                                 "<th>p99<th>mean</tr></thead><tbody>");
        some = true;
        buffer_add_format(out, "<tr><th>%s</th>", start_part_title(part));
        html_add_count_cell(out, m->count);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            html_add_cell(out, values[i]);
        buffer_add_text(out, "</tr>");
    }
    if (some)
        buffer_add_text(out, HTML_TABLE_END);
}

static void add_rates(const struct summary *s, struct buffer *out)
{
    const struct {
        const char *name;
        double value;
        bool count;
    } rows[] = {
        {"requests per second", s->window.request_throughput_rps, false},
        {"output tokens per second", s->window.output_throughput_tps, false},
        {"tokens per second in all", s->window.total_throughput_tps, false},
        {"goodput, requests per second", s->window.goodput_rps, false},
        {"duration (s)", s->duration_s, false},
        {"measured window (s)", s->window.duration_s, false},
        {"warm-up left out (s)", s->warmup_s, false},
        {"peak in flight", (double)s->peak_in_flight, true},
        {"input tokens", (double)s->all.input_tokens, true},
        {"cached input tokens", (double)s->all.cached_input_tokens, true},
        {"output tokens", (double)s->all.output_tokens, true},
    };
    buffer_add_text(out, "<h3>Throughput</h3>" HTML_TABLE "<thead><tr><th>figure<th>value</tr>"
                         "</thead><tbody>");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_add_format(out, "<tr><th>%s</th>", rows[i].name);
        if (rows[i].count)
            html_add_count_cell(out, (uint64_t)rows[i].value);
        else
            html_add_cell(out, rows[i].value);
        buffer_add_text(out, "</tr>");
    }
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++) {
        if (s->all.media_tokens[i] == 0)
            continue;
        buffer_add_format(out, "<tr><th>%s tokens</th>",
                          usage_class_words((enum usage_class)(USAGE_PLAIN_CLASSES + i)));
        html_add_count_cell(out, s->all.media_tokens[i]);
        buffer_add_text(out, "</tr>");
    }
    if (s->steady_rate_from_s > 0) { /* where sessions have later turns */
        buffer_add_text(out, "<tr><th>95 % of --rate reached (s)</th>");
        html_add_cell(out, s->steady_rate_from_s);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

static void add_group(const struct summary *s, const struct group_summary *g, struct buffer *out)
{
    const struct short_metric *ttft =
        &g->metrics[summary_is_closed(s) ? GROUP_TTFT : GROUP_TTFT_SCHEDULED];
    const struct short_metric *e2e = &g->metrics[GROUP_E2E];
    const double values[] = {ttft->p50, ttft->p99, g->metrics[GROUP_TPOT].p50, e2e->p50, e2e->p99};
    buffer_add_text(out, "<tr><th>");
    html_add_text(out, g->name);
    buffer_add_text(out, "</th>");
    html_add_count_cell(out, g->requests);
    html_add_count_cell(out, g->completed);
    html_add_count_cell(out, g->failed);
    html_add_count_cell(out, g->cancelled);
    html_add_count_cell(out, g->unsent);
    html_add_count_cell(out, g->input_tokens);
    html_add_count_cell(out, g->output_tokens);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        html_add_cell(out, values[i]);
    buffer_add_text(out, "</tr>");
}

/* One table per dimension that tells requests apart; of turns and labels summary.json has many. */
static void add_groups(const struct summary *s, struct buffer *out)
{
    for (size_t i = 0; i < s->group_count; i++) {
        const char *dimension = s->groups[i].dimension;
        if (!group_is_shown(dimension))
            continue;
        if (i == 0 || strcmp(s->groups[i - 1].dimension, dimension) != 0)
            buffer_add_format(out,
                              "<h3>By %s</h3>" HTML_TABLE "<thead><tr><th>%s<th>requests"
                              "<th>completed<th>failed<th>cancelled<th>unsent"
                              "<th>input tokens<th>output tokens"
                              "<th>TTFT p50 (ms)<th>TTFT p99 (ms)<th>TPOT p50 (ms)"
                              "<th>E2E p50 (ms)<th>E2E p99 (ms)</tr></thead><tbody>",
                              dimension, dimension);
        add_group(s, &s->groups[i], out);
        if (i + 1 == s->group_count || strcmp(s->groups[i + 1].dimension, dimension) != 0)
            buffer_add_text(out, HTML_TABLE_END);
    }
}

static void add_errors(const struct html_run *run, struct buffer *out)
{
    if (run->error_count == 0)
        return;
    buffer_add_text(out, "<h3>Failures</h3>" HTML_TABLE "<thead><tr><th>class<th>count"
                         "<th>what was said, for example</tr></thead><tbody>");
    for (size_t i = 0; i < run->error_count; i++) {
        buffer_add_text(out, "<tr><th>");
        html_add_text(out, run->errors[i].what);
        buffer_add_format(out, "</th><td data-v=\"%llu\">",
                          (unsigned long long)run->errors[i].count);
        html_add_count(out, run->errors[i].count);
        buffer_add_text(out, "</td><td class=words>");
        html_add_text(out, run->errors[i].message ? run->errors[i].message : "");
        buffer_add_text(out, "</td></tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

/* What makes the figures doubtful has to be read before them. */
static bool is_doubtful(const struct html_run *run)
{
    const struct fidelity *f = &run->summary->fidelity;
    return f->client_limited || f->insecure || run->recomputed;
}

static void add_answers(const struct html_run *run, struct buffer *out)
{
    buffer_add_text(out, "<dl>");
    if (is_doubtful(run))
        answer_trust(run, out);
    answer_speed(run->summary, out);
    if (run->bill) {
        html_answer_plan(run->bill, out);
        html_answer_runs_out(run->bill, out);
        html_answer_savings(run->bill, out);
    }
    if (!is_doubtful(run))
        answer_trust(run, out);
    buffer_add_text(out, "</dl>");
}

static void add_tables(const struct html_run *run, struct buffer *out)
{
    add_latencies(run->summary, out);
    add_start(run->summary, out);
    add_rates(run->summary, out);
    html_add_server(run->summary, out);
    add_groups(run->summary, out);
    if (run->bill) {
        html_add_bill(run->bill, out);
        html_add_waste(run->bill, out);
    }
    add_errors(run, out);
}

static void add_name(const struct html_run *run, struct buffer *out)
{
    html_add_text(out, run->name);
    if (run->model || run->started) {
        buffer_add_text(out, " <small>");
        if (run->model) {
            buffer_add_text(out, "model ");
            html_add_text(out, run->model);
        }
        if (run->started)
            buffer_add_format(out, "%s%s", run->model ? " · " : "", run->started);
        buffer_add_text(out, "</small>");
    }
}

/* The answers, the charts that prove them, the tables, and all other plots. */
static void add_run(const struct html_run *run, size_t *plot_number, struct buffer *out)
{
    static const char *const proof[] = {"latency-cdf", "spend", NULL};
    buffer_add_text(out, "<section><h2>");
    add_name(run, out);
    buffer_add_text(out, "</h2>");
    add_answers(run, out);
    html_add_plots(run->plots, proof, plot_number, out);
    add_tables(run, out);
    html_add_other_plots(run->plots, proof, plot_number, out);
    buffer_add_text(out, "</section>");
}

/* One of several: below their comparison, closed until somebody asks. */
static void add_run_closed(const struct html_run *run, struct buffer *out)
{
    buffer_add_text(out, "<details><summary>");
    add_name(run, out);
    buffer_add_text(out, "</summary>");
    add_answers(run, out);
    add_tables(run, out);
    buffer_add_text(out, "</details>");
}

/* What stands beside other runs must not look like a measurement of the endpoint if it is none. */
static void add_trust_cell(const struct summary *s, struct buffer *out)
{
    bool simulated = strcmp(s->command, "sim") == 0;
    buffer_add_format(out, "<td class=words>%s</td>",
                      simulated                    ? "simulated"
                      : s->fidelity.client_limited ? "<b class=bad>✗ the client was the limit</b>"
                      : s->fidelity.known          ? "<b class=good>✓ the client kept up</b>"
                                                   : "not said");
}

static void add_comparison(const struct html_run *runs, size_t count, struct buffer *out)
{
    buffer_add_text(out, "<h3>Side by side</h3>" HTML_TABLE "<thead><tr><th>run"
                         "<th>trust<th>completed<th>failed<th>cancelled<th>unsent"
                         "<th>requests/s<th>output tokens/s"
                         "<th>TTFT p50 (ms)<th>TTFT p99 (ms)<th>TPOT p50 (ms)<th>E2E p50 (ms)"
                         "<th>E2E p99 (ms)</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        const struct summary *s = runs[i].summary;
        const struct metric_summary *m = s->window.metrics;
        const double values[] = {s->window.request_throughput_rps,
                                 s->window.output_throughput_tps,
                                 m[METRIC_TTFT_SCHEDULED].p50,
                                 m[METRIC_TTFT_SCHEDULED].p99,
                                 m[METRIC_TPOT].p50,
                                 m[METRIC_E2E_SCHEDULED].p50,
                                 m[METRIC_E2E_SCHEDULED].p99};
        buffer_add_text(out, "<tr><th>");
        html_add_text(out, runs[i].name);
        buffer_add_text(out, "</th>");
        add_trust_cell(s, out);
        html_add_count_cell(out, s->accounting.completed);
        html_add_count_cell(out, s->accounting.failed);
        html_add_count_cell(out, s->accounting.cancelled);
        html_add_count_cell(out, s->accounting.unsent);
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            html_add_cell(out, values[k]);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

/* What each plan would have charged for each run. */
static void add_bill_comparison(const struct html_run *runs, size_t count, struct buffer *out)
{
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (!runs[i].bill || runs[i].bill->plan_count != runs[0].bill->plan_count)
            return;
    buffer_add_text(out, "<h3>Bills side by side</h3>" HTML_TABLE "<thead><tr>"
                         "<th>plan");
    for (size_t i = 0; i < count; i++) {
        buffer_add_text(out, "<th>");
        html_add_text(out, runs[i].name);
    }
    buffer_add_text(out, "</tr></thead><tbody>");
    for (size_t k = 0; k < runs[0].bill->plan_count; k++) {
        char name[BILL_NAME_SIZE];
        if (runs[0].bill->plans[k].without_caps)
            continue;
        buffer_add_text(out, "<tr><th>");
        html_add_text(out, bill_plan_name(&runs[0].bill->plans[k], name));
        buffer_add_text(out, "</th>");
        for (size_t i = 0; i < count; i++)
            html_add_money(out, runs[i].bill->plans[k].total);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

/* What each of them is worth, before any of its figures. */
static void add_doubts(const struct html_run *runs, size_t count, struct buffer *out)
{
    size_t limited = 0;
    for (size_t i = 0; i < count; i++)
        limited += runs[i].summary->fidelity.client_limited;
    if (limited == 0)
        return;
    buffer_add_text(out, "<p class=doubt><b class=bad>✗ The client was the limit</b> in ");
    html_add_count(out, limited);
    buffer_add_text(out, " of ");
    html_add_count(out, count);
    buffer_add_text(out, " runs: ");
    for (size_t i = 0, n = 0; i < count; i++)
        if (runs[i].summary->fidelity.client_limited) {
            buffer_add_text(out, n++ ? ", " : "");
            html_add_text(out, runs[i].name);
        }
    buffer_add_text(out, ". Their figures say more about the load generator than about the "
                         "endpoint.</p>");
}

static void add_several(const struct html_several *all, size_t *number, struct buffer *out)
{
    buffer_add_text(out, "<section><h2>");
    html_add_text(out, all->title ? all->title : "Side by side");
    buffer_add_text(out, "</h2>");
    add_doubts(all->runs, all->count, out);
    if (all->answer)
        buffer_add_text(out, all->answer);
    for (size_t i = 0; i < all->plot_count; i++)
        html_add_svg(all->plots[i].svg, all->plots[i].name, all->plots[i].caption, number, out);
    if (all->tables)
        buffer_add_text(out, all->tables);
    add_comparison(all->runs, all->count, out);
    add_bill_comparison(all->runs, all->count, out);
    for (size_t i = 0; i < all->count; i++)
        add_run_closed(&all->runs[i], out);
    buffer_add_text(out, "</section>");
}

void html_add_runs(const struct html_several *all, size_t *plot_number, struct buffer *out)
{
    if (all->count == 1 && !all->answer)
        add_run(&all->runs[0], plot_number, out);
    else
        add_several(all, plot_number, out);
}
