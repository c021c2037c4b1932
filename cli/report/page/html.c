#include "cli/report/page/html.h"

#include "cli/report/page/html_parts.h"
#include "cli/report/plot/run_plots.h"
#include "cli/report/text/group_table.h"
#include "cli/report/text/start_parts.h"
#include "cli/report/text/summary_table.h"
#include "core/file.h"
#include "core/memory.h"

#include <dirent.h>
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
    if (strcmp(s->load, "closed") == 0)
        buffer_add_text(out, " The load was closed: waiting that an open load would see is not in "
                             "these figures.");
    buffer_add_text(out, "</dd>");
}

static void add_latencies(const struct summary *s, struct buffer *out)
{
    buffer_add_text(out,
                    "<h3>Latency</h3><table class=sort><thead><tr><th>metric (ms)<th>count"
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
    buffer_add_text(out, "</tbody></table>");
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
                                 "byte and tokens since sending; over all attempts.</p><table "
                                 "class=sort><thead><tr><th>part (ms)<th>count<th>p50<th>p90"
                                 "<th>p99<th>mean</tr></thead><tbody>");
        some = true;
        buffer_add_format(out, "<tr><th>%s</th>", start_part_title(part));
        html_add_count_cell(out, m->count);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            html_add_cell(out, values[i]);
        buffer_add_text(out, "</tr>");
    }
    if (some)
        buffer_add_text(out, "</tbody></table>");
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
    buffer_add_text(out, "<h3>Throughput</h3><table class=sort><thead><tr><th>figure<th>value</tr>"
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
    buffer_add_text(out, "</tbody></table>");
}

static void add_group(const struct summary *s, const struct group_summary *g, struct buffer *out)
{
    bool closed = strcmp(s->load, "closed") == 0;
    const struct short_metric *ttft = &g->metrics[closed ? GROUP_TTFT : GROUP_TTFT_SCHEDULED];
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
                              "<h3>By %s</h3><table class=sort><thead><tr><th>%s<th>requests"
                              "<th>completed<th>failed<th>cancelled<th>unsent"
                              "<th>input tokens<th>output tokens"
                              "<th>TTFT p50 (ms)<th>TTFT p99 (ms)<th>TPOT p50 (ms)"
                              "<th>E2E p50 (ms)<th>E2E p99 (ms)</tr></thead><tbody>",
                              dimension, dimension);
        add_group(s, &s->groups[i], out);
        if (i + 1 == s->group_count || strcmp(s->groups[i + 1].dimension, dimension) != 0)
            buffer_add_text(out, "</tbody></table>");
    }
}

static void add_errors(const struct html_run *run, struct buffer *out)
{
    if (run->error_count == 0)
        return;
    buffer_add_text(out, "<h3>Failures</h3><table class=sort><thead><tr><th>class<th>count"
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
    buffer_add_text(out, "</tbody></table>");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The picture without its XML prolog, so that it can stand inside HTML. Ids get the plot's number
 * as a prefix: several SVG in one page share one name space. */
static void add_svg(const char *folder, const char *name, size_t number, struct buffer *out)
{
    char *text = NULL, *path = mem_alloc(strlen(folder) + strlen(name) + sizeof "/.svg");
    const char *svg = NULL, *caption = run_plots_caption(name);
    size_t length;
    sprintf(path, "%s/%s.svg", folder, name);
    if (file_read_all(path, (size_t)64 << 20, &text, &length, NULL) == 0)
        svg = strstr(text, "<svg");
    if (svg) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "p%zu-", number);
        buffer_add_text(out, "<figure id=\"plot-");
        html_add_text(out, name);
        buffer_add_format(out, "-%zu\">", number);
        html_add_prefixed(svg, prefix, out);
        buffer_add_text(out, "<figcaption>");
        html_add_text(out, caption ? caption : name);
        buffer_add_text(out, "</figcaption></figure>");
    }
    free(text);
    free(path);
}

/* Names of the .svg files of a folder, sorted; the caller frees them. */
static size_t list_pictures(const char *folder, char ***out)
{
    DIR *d = opendir(folder);
    size_t count = 0, capacity = 0;
    *out = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (length <= 4 || strcmp(e->d_name + length - 4, ".svg") != 0)
            continue;
        mem_grow(out, &capacity, count + 1, sizeof **out);
        (*out)[count++] = mem_copy_text(e->d_name, length - 4);
    }
    if (d)
        closedir(d);
    if (count)
        qsort(*out, count, sizeof **out, by_name);
    return count;
}

void html_add_plots(const char *folder, size_t *number, struct buffer *out)
{
    char **names;
    size_t count = list_pictures(folder, &names);
    const char *known;
    for (size_t i = 0; (known = run_plots_name(i)); i++)
        add_svg(folder, known, (*number)++, out);
    for (size_t i = 0; i < count; i++) {
        if (!run_plots_caption(names[i]))
            add_svg(folder, names[i], (*number)++, out);
        free(names[i]);
    }
    free(names);
}

static void add_run(const struct html_run *run, size_t *plot_number, struct buffer *out)
{
    buffer_add_text(out, "<section><h2>");
    html_add_text(out, run->name);
    if (run->model) {
        buffer_add_text(out, " <small>model ");
        html_add_text(out, run->model);
        buffer_add_text(out, "</small>");
    }
    buffer_add_text(out, "</h2><dl>");
    answer_speed(run->summary, out);
    if (run->bill) {
        html_answer_plan(run->bill, out);
        html_answer_runs_out(run->bill, out);
        html_answer_savings(run->bill, out);
    }
    answer_trust(run, out);
    buffer_add_text(out, "</dl>");
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
    if (run->plots)
        html_add_plots(run->plots, plot_number, out);
    buffer_add_text(out, "</section>");
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
    buffer_add_text(out, "<section><h2>Side by side</h2><table class=sort><thead><tr><th>run"
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
    buffer_add_text(out, "</tbody></table></section>");
}

/* What each plan would have charged for each run. */
static void add_bill_comparison(const struct html_run *runs, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        if (!runs[i].bill || runs[i].bill->plan_count != runs[0].bill->plan_count)
            return;
    buffer_add_text(out, "<section><h2>Bills side by side</h2><table class=sort><thead><tr>"
                         "<th>plan, USD");
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
    buffer_add_text(out, "</tbody></table></section>");
}

void html_report(const struct html_run *runs, size_t count, struct buffer *out)
{
    size_t plot_number = 0;
    buffer_add_text(out, html_head);
    buffer_add_text(out, "<title>");
    html_add_text(out, count == 1 ? runs[0].name : "farebox: several runs");
    buffer_add_text(out, "</title></head><body><header><h1>farebox report</h1></header><main>");
    if (count > 1) {
        add_comparison(runs, count, out);
        add_bill_comparison(runs, count, out);
    }
    for (size_t i = 0; i < count; i++)
        add_run(&runs[i], &plot_number, out);
    buffer_add_text(out, html_foot);
}
