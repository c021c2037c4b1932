#include "cli/report/html.h"

#include "cli/report/html_parts.h"
#include "cli/report/summary_table.h"
#include "core/file.h"
#include "core/json_scan.h"
#include "core/memory.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void html_escape(struct buffer *out, struct text text)
{
    for (size_t i = 0; i < text.length;) {
        unsigned char c = (unsigned char)text.at[i];
        size_t step = text.length - i < 4 ? text.length - i : 4, good;
        switch (c) {
        case '<':
            buffer_add_text(out, "&lt;");
            break;
        case '>':
            buffer_add_text(out, "&gt;");
            break;
        case '&':
            buffer_add_text(out, "&amp;");
            break;
        case '"':
            buffer_add_text(out, "&quot;");
            break;
        case '\'':
            buffer_add_text(out, "&#39;");
            break;
        default:
            if (c >= 0x80) {
                /* Up to four bytes hold a whole sequence, or start with a wrong byte. */
                if (!text_is_utf8(text.at + i, step, &good))
                    step = good;
                buffer_add(out, step ? text.at + i : "\xEF\xBF\xBD", step ? step : 3);
                i += step ? step : 1;
                continue;
            }
            buffer_add_byte(out, c < 0x20 && c != '\n' && c != '\t' ? ' ' : (char)c);
        }
        i++;
    }
}

static void add_text(struct buffer *out, const char *text)
{
    html_escape(out, text_of(text));
}

static void add_cell(struct buffer *out, double value)
{
    char cell[CELL_SIZE];
    format_cell(value, cell);
    if (isfinite(value))
        buffer_add_format(out, "<td data-v=\"%.9g\">%s</td>", value, cell);
    else
        buffer_add_format(out, "<td>%s</td>", cell);
}

static void add_count(struct buffer *out, uint64_t count)
{
    char text[GROUPED_SIZE];
    format_grouped((int64_t)count, text);
    buffer_add_text(out, text);
}

static void add_count_cell(struct buffer *out, uint64_t count)
{
    buffer_add_format(out, "<td data-v=\"%llu\">", (unsigned long long)count);
    add_count(out, count);
    buffer_add_text(out, "</td>");
}

/* The value of a boolean key of a JSON object; -1 where it is not there. */
static int find_bool(const char *json, const char *name)
{
    struct json_scan s;
    struct text key;
    int found = -1;
    json_scan_init(&s, "", json, strlen(json), 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        bool value;
        if (text_equal(key, name) && (json_peek(&s) == JSON_TRUE || json_peek(&s) == JSON_FALSE)) {
            if (json_bool(&s, &value))
                found = value;
        } else {
            json_skip(&s, NULL);
        }
    }
    return found;
}

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
        format_cell(m[METRIC_TTFT_SCHEDULED].p50, a);
        format_cell(m[METRIC_TTFT_SCHEDULED].p99, b);
        buffer_add_format(out,
                          "The first token came after <b>%s ms</b> for half of the requests and "
                          "after at most <b>%s ms</b> for 99 %%, counted from when they were due. ",
                          a, b);
    }
    format_cell(m[METRIC_E2E_SCHEDULED].p50, a);
    format_cell(m[METRIC_E2E_SCHEDULED].p99, b);
    buffer_add_format(out, "The whole answer took %s ms (half) and at most %s ms (99 %%).</dd>", a,
                      b);
}

static void answer_trust(const struct html_run *run, struct buffer *out)
{
    const struct summary *s = run->summary;
    int limited = run->fidelity ? find_bool(run->fidelity, "client_limited") : -1;
    buffer_add_text(out, "<dt>May I trust this run?</dt><dd>");
    if (strcmp(s->command, "sim") == 0)
        buffer_add_text(out, "It is a simulation: as good as its engine preset. ");
    else if (limited == 1)
        buffer_add_text(out, "<b class=bad>✗ The client was the limit</b>: the figures say more "
                             "about the load generator than about the endpoint. ");
    else if (limited == 0)
        buffer_add_text(out, "<b class=good>✓ The client kept up.</b> ");
    else
        buffer_add_text(out, "The run does not say whether the client kept up. ");
    const struct accounting *a = &s->accounting;
    buffer_add_text(out, "Of ");
    add_count(out, a->scheduled);
    buffer_add_text(out, " requests ");
    add_count(out, a->completed);
    buffer_add_text(out, " completed, ");
    add_count(out, a->failed);
    buffer_add_text(out, " failed, ");
    add_count(out, a->cancelled + a->unsent);
    buffer_add_text(out, " were cancelled or not sent.");
    if (strcmp(s->load, "closed") == 0)
        buffer_add_text(out, " The load was closed: waiting that an open load would see is not in "
                             "these figures.");
    buffer_add_text(out, "</dd>");
}

static void answer_plan(const struct bill *b, struct buffer *out)
{
    char name[BILL_NAME_SIZE], amount[MONEY_TEXT_SIZE];
    buffer_add_text(out, "<dt>Which plan?</dt><dd>");
    if (b->ranking_count == 0) {
        buffer_add_text(out, "No plan serves every request.</dd>");
        return;
    }
    const struct plan_bill *best = &b->plans[b->ranking[0]];
    money_format_fixed(best->prorated_total, 4, amount);
    buffer_add_text(out, "Cheapest of those that serve everything: <b>");
    add_text(out, bill_plan_name(best, name));
    buffer_add_format(out, "</b> at %s USD for this workload", amount);
    if (b->ranking_count > 1) {
        const struct plan_bill *next = &b->plans[b->ranking[1]];
        money_format_fixed(next->prorated_total, 4, amount);
        buffer_add_text(out, "; next comes ");
        add_text(out, bill_plan_name(next, name));
        buffer_add_format(out, " at %s USD", amount);
    }
    buffer_add_text(out, ".");
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct plan_bill *p = &b->plans[i];
        if (p->rank == 0 && p->rejected > 0) {
            buffer_add_text(out, " ");
            add_text(out, bill_plan_name(p, name));
            buffer_add_text(out, " does not serve ");
            add_count(out, p->rejected);
            buffer_add_text(out, " of the requests.");
        }
    }
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
        add_count(out, m->count);
        buffer_add_text(out, "</td>");
        const double values[] = {m->p50, m->p90, m->p95, m->p99, m->p999, m->max, m->mean};
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            add_cell(out, values[k]);
        char low[CELL_SIZE], high[CELL_SIZE];
        format_cell(m->ci_p99[0], low);
        format_cell(m->ci_p99[1], high);
        buffer_add_format(out, "<td>%s</td></tr>", isfinite(m->ci_p99[0]) ? "" : "too few values");
        if (isfinite(m->ci_p99[0])) {
            out->length -= strlen("</td></tr>");
            buffer_add_format(out, "%s … %s</td></tr>", low, high);
        }
    }
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
            add_count_cell(out, (uint64_t)rows[i].value);
        else
            add_cell(out, rows[i].value);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, "</tbody></table>");
}

static void add_money(struct buffer *out, money value)
{
    char text[MONEY_TEXT_SIZE];
    money_format_fixed(value, 4, text);
    buffer_add_format(out, "<td data-v=\"%.12g\">%s</td>", money_to_double(value), text);
}

/* A flat price has no distribution: it is what a request costs at full use. */
static void add_prices(const struct plan_bill *p, struct buffer *out)
{
    const double flat = p->has_full_use ? money_to_double(p->full_use) : p->stats.mean;
    const double values[] = {p->flat ? flat : p->stats.mean, p->flat ? NAN : p->stats.p50,
                             p->flat ? NAN : p->stats.p99, p->flat ? 0 : p->stats.cv};
    for (size_t i = 0; i < 4; i++) {
        if (isfinite(values[i]))
            buffer_add_format(out, "<td data-v=\"%.9g\">%.4g</td>", values[i], values[i]);
        else
            buffer_add_text(out, "<td>–</td>");
    }
}

static void add_plan(const struct plan_bill *p, struct buffer *out)
{
    char name[BILL_NAME_SIZE];
    buffer_add_text(out, "<tr><th>");
    add_text(out, bill_plan_name(p, name));
    buffer_add_format(out, "</th><td data-v=\"%d\">", p->rank ? p->rank : 999);
    if (p->rank)
        buffer_add_format(out, "%d</td>", p->rank);
    else
        buffer_add_text(out, "–</td>");
    add_money(out, p->total);
    add_money(out, p->prorated_total);
    add_prices(p, out);
    add_count_cell(out, p->served_requests);
    add_count_cell(out, p->rejected);
    buffer_add_text(out, "</tr>");
}

static void add_bill(const struct bill *b, struct buffer *out)
{
    buffer_add_text(out,
                    "<h3>Bill (USD)</h3><table class=sort><thead><tr><th>plan<th>rank<th>cash"
                    "<th>prorated<th>per request, mean<th>p50<th>p99<th>CV<th>served<th>not served"
                    "</tr></thead><tbody>");
    for (size_t i = 0; i < b->plan_count; i++)
        if (!bill_repeats(b, i))
            add_plan(&b->plans[i], out);
    buffer_add_text(out, "</tbody></table>");
}

static void add_errors(const struct html_run *run, struct buffer *out)
{
    if (run->error_count == 0)
        return;
    buffer_add_text(out, "<h3>Failures</h3><table class=sort><thead><tr><th>class<th>count"
                         "<th>what was said, for example</tr></thead><tbody>");
    for (size_t i = 0; i < run->error_count; i++) {
        buffer_add_text(out, "<tr><th>");
        add_text(out, run->errors[i].what);
        buffer_add_format(out, "</th><td data-v=\"%llu\">",
                          (unsigned long long)run->errors[i].count);
        add_count(out, run->errors[i].count);
        buffer_add_text(out, "</td><td class=words>");
        add_text(out, run->errors[i].message ? run->errors[i].message : "");
        buffer_add_text(out, "</td></tr>");
    }
    buffer_add_text(out, "</tbody></table>");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The picture without its XML prolog, so that it can stand inside HTML. Ids get the run's and
 * plot's number as a prefix: several SVG in one page share one name space. */
static void add_svg(const char *path, const char *name, size_t number, struct buffer *out)
{
    char *text;
    size_t length;
    if (file_read_all(path, (size_t)64 << 20, &text, &length, NULL) < 0)
        return;
    const char *svg = strstr(text, "<svg");
    if (svg) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "p%zu-", number);
        buffer_add_text(out, "<figure id=\"plot-");
        add_text(out, name);
        buffer_add_format(out, "-%zu\">", number);
        html_add_prefixed(svg, prefix, out);
        buffer_add_text(out, "</figure>");
    }
    free(text);
}

static void add_plots(const char *folder, size_t *number, struct buffer *out)
{
    DIR *d = opendir(folder);
    char **names = NULL;
    size_t count = 0, capacity = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (length <= 4 || strcmp(e->d_name + length - 4, ".svg") != 0)
            continue;
        mem_grow(&names, &capacity, count + 1, sizeof *names);
        names[count++] = mem_copy_string(e->d_name);
    }
    if (d)
        closedir(d);
    if (count)
        qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        struct buffer path;
        buffer_init(&path, BUFFER_UNBOUNDED);
        buffer_add_format(&path, "%s/%s", folder, names[i]);
        names[i][strlen(names[i]) - 4] = '\0';
        add_svg(path.data, names[i], (*number)++, out);
        buffer_free(&path);
        free(names[i]);
    }
    free(names);
}

static void add_run(const struct html_run *run, size_t *plot_number, struct buffer *out)
{
    buffer_add_text(out, "<section><h2>");
    add_text(out, run->name);
    if (run->model) {
        buffer_add_text(out, " <small>model ");
        add_text(out, run->model);
        buffer_add_text(out, "</small>");
    }
    buffer_add_text(out, "</h2><dl>");
    answer_speed(run->summary, out);
    if (run->bill)
        answer_plan(run->bill, out);
    answer_trust(run, out);
    buffer_add_text(out, "</dl>");
    add_latencies(run->summary, out);
    add_rates(run->summary, out);
    if (run->bill)
        add_bill(run->bill, out);
    add_errors(run, out);
    if (run->plots)
        add_plots(run->plots, plot_number, out);
    buffer_add_text(out, "</section>");
}

static void add_comparison(const struct html_run *runs, size_t count, struct buffer *out)
{
    buffer_add_text(out, "<section><h2>Side by side</h2><table class=sort><thead><tr><th>run"
                         "<th>completed<th>failed<th>requests/s<th>output tokens/s"
                         "<th>TTFT p50 (ms)<th>TTFT p99 (ms)<th>TPOT p50 (ms)<th>E2E p50 (ms)"
                         "<th>E2E p99 (ms)</tr></thead><tbody>");
    for (size_t i = 0; i < count; i++) {
        const struct summary *s = runs[i].summary;
        const struct metric_summary *m = s->window.metrics;
        const double values[] = {(double)s->accounting.completed,
                                 (double)s->accounting.failed,
                                 s->window.request_throughput_rps,
                                 s->window.output_throughput_tps,
                                 m[METRIC_TTFT_SCHEDULED].p50,
                                 m[METRIC_TTFT_SCHEDULED].p99,
                                 m[METRIC_TPOT].p50,
                                 m[METRIC_E2E_SCHEDULED].p50,
                                 m[METRIC_E2E_SCHEDULED].p99};
        buffer_add_text(out, "<tr><th>");
        add_text(out, runs[i].name);
        buffer_add_text(out, "</th>");
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++)
            add_cell(out, values[k]);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, "</tbody></table></section>");
}

void html_report(const struct html_run *runs, size_t count, struct buffer *out)
{
    size_t plot_number = 0;
    buffer_add_text(out, html_head);
    buffer_add_text(out, "<title>");
    add_text(out, count == 1 ? runs[0].name : "farebox: several runs");
    buffer_add_text(out, "</title></head><body><header><h1>farebox report</h1></header><main>");
    if (count > 1)
        add_comparison(runs, count, out);
    for (size_t i = 0; i < count; i++)
        add_run(&runs[i], &plot_number, out);
    buffer_add_text(out, html_foot);
}
