#include "cli/report/text/summary_table.h"

#include "cli/report/text/group_table.h"
#include "cli/report/text/server_text.h"
#include "cli/report/text/start_parts.h"
#include "core/memory.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The table of latencies. */
#define NAME_WIDTH 22
#define FIGURE_WIDTH 9
#define INTERVAL_WIDTH 19
#define INTERVAL_HEAD "p99 lies in (95 %)"

const char *format_cell(double value, char out[CELL_SIZE])
{
    double magnitude = fabs(value);
    if (!isfinite(value)) {
        snprintf(out, CELL_SIZE, "–");
    } else if (magnitude >= 999999.5) {
        snprintf(out, CELL_SIZE, "%s M", TEXT_SHORT(value / 1e6, 3));
    } else if (magnitude >= 999.95) {
        char plain[16];
        snprintf(plain, sizeof plain, "%.0f", value);
        text_group(plain, out);
    } else if (magnitude >= 0.995 || value == 0) {
        snprintf(out, CELL_SIZE, "%.1f", text_shown(value, 1));
    } else {
        snprintf(out, CELL_SIZE, "%.3f", text_shown(value, 3));
    }
    return out;
}

const char *format_span(double seconds, char out[CELL_SIZE])
{
    char plain[TEXT_GROUPED_SIZE], grouped[TEXT_GROUPED_SIZE];
    if (seconds > 0 && seconds < 1e-4)
        snprintf(out, CELL_SIZE, "%s µs", TEXT_SHORT(seconds * 1e6, 3));
    else if (seconds < 120)
        snprintf(out, CELL_SIZE, "%s s", TEXT_SHORT(seconds, 3));
    else if (seconds < 7200)
        snprintf(out, CELL_SIZE, "%s min", TEXT_SHORT(seconds / 60, 3));
    else if (seconds < 172800)
        snprintf(out, CELL_SIZE, "%s h", TEXT_SHORT(seconds / 3600, 3));
    else if (seconds < 86400 * 999.5)
        snprintf(out, CELL_SIZE, "%s days", TEXT_SHORT(seconds / 86400, 3));
    else {
        snprintf(plain, sizeof plain, "%.0f", seconds / 86400);
        snprintf(out, CELL_SIZE, "%s days", text_group(plain, grouped));
    }
    return out;
}

void add_padded(struct buffer *out, const char *text, int width, bool right)
{
    wrap_padded(text, width > 0 ? (size_t)width : 0, right, out);
}

void add_padded_number(struct buffer *out, double value, int width)
{
    char cell[CELL_SIZE];
    add_padded(out, format_cell(value, cell), width, true);
}

static void add_classes(struct buffer *out, const uint64_t *counts, int n, bool failures)
{
    const char *separator = " (";
    for (int i = 1; i < n; i++) {
        if (counts[i] == 0)
            continue;
        char count[TEXT_GROUPED_SIZE];
        buffer_add_format(out, "%s%s %s", separator, text_group_u64(counts[i], count),
                          failures ? failure_name((enum failure_class)i)
                                   : unsent_name((enum unsent_reason)i));
        separator = ", ";
    }
    if (separator[0] == ',')
        buffer_add_byte(out, ')');
}

static void add_requests(const struct summary *s, struct buffer *out)
{
    const struct accounting *a = &s->accounting;
    char n[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "requests     %s = ", text_group_u64(a->scheduled, n));
    buffer_add_format(out, "%s completed", text_group_u64(a->completed, n));
    if (a->failed) {
        buffer_add_format(out, " + %s failed", text_group_u64(a->failed, n));
        add_classes(out, a->failed_by, FAILURE_CLASSES, true);
    }
    if (a->cancelled)
        buffer_add_format(out, " + %s cancelled", text_group_u64(a->cancelled, n));
    if (a->unsent) {
        buffer_add_format(out, " + %s unsent", text_group_u64(a->unsent, n));
        add_classes(out, a->unsent_by, UNSENT_REASONS, false);
    }
    if (a->retried) {
        buffer_add_format(out, "; %s retried", text_group_u64(a->retried, n));
        buffer_add_format(out, " (%s attempts)", text_group_u64(a->attempts, n));
    }
    if (a->not_due)
        buffer_add_format(out, "; %s more never became due", text_group_u64(a->not_due, n));
    buffer_add_byte(out, '\n');
}

/* What was said of each class of failures, one sample a class. */
static void add_words(const struct summary *s, struct buffer *out)
{
    for (int f = 1; f < FAILURE_CLASSES; f++)
        if (s->accounting.failed_by[f] && *s->error_samples[f][0])
            buffer_add_format(out, "             %s: %s\n", failure_name((enum failure_class)f),
                              s->error_samples[f][0]);
}

static void add_rates(const struct summary *s, struct buffer *out)
{
    const struct phase_summary *w = &s->window;
    char a[CELL_SIZE], b[CELL_SIZE], c[CELL_SIZE];
    buffer_add_format(out, "throughput   %s req/s · %s output tok/s · %s tok/s in all\n",
                      format_cell(w->request_throughput_rps, a),
                      format_cell(w->output_throughput_tps, b),
                      format_cell(w->total_throughput_tps, c));
    char in[TEXT_GROUPED_SIZE], got[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "tokens       %s in · %s out", text_group_u64(s->all.input_tokens, in),
                      text_group_u64(s->all.output_tokens, got));
    if (s->all.cached_input_tokens)
        buffer_add_format(out, " · %s of the input from cache",
                          text_group_u64(s->all.cached_input_tokens, in));
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
        if (s->all.media_tokens[i])
            buffer_add_format(out, " · %s of %s", text_group_u64(s->all.media_tokens[i], in),
                              usage_class_words((enum usage_class)(USAGE_PLAIN_CLASSES + i)));
    double error = s->input_error_p99 * 100;
    int places = error >= 9.95 || error == 0 ? 0 : error >= 0.1 ? 1 : 3;
    if (s->asked_input && isfinite(error))
        buffer_add_format(out, " · asked against got input: p99 off by %.*f %%", places, error);
    char span[CELL_SIZE], peak[TEXT_GROUPED_SIZE];
    /* The one counts from the first arrival, the other from the run's start. */
    bool begins_late = s->last_due_s > s->duration_s;
    buffer_add_format(out, "\nduration     %s%s, last arrival at %.3f s%s, at most %s in flight\n",
                      format_span(s->duration_s, span),
                      begins_late ? " from the first arrival" : "", s->last_due_s,
                      begins_late ? " of the run" : "", text_group_u64(s->peak_in_flight, peak));
}

/* Where sessions have later turns: when the load is the one that was asked for. */
static void add_ramp(const struct summary *s, struct buffer *out)
{
    char from[CELL_SIZE], until[CELL_SIZE];
    if (!(s->steady_rate_from_s > 0))
        return;
    format_span(s->steady_rate_from_s, from);
    format_span(s->steady_rate_until_s, until);
    if (s->steady_rate_from_s < s->steady_rate_until_s)
        buffer_add_format(out,
                          "steady rate  from %s (95 %% of it) to %s, when the last session begins: "
                          "before, the sessions' later turns are still to come%s\n",
                          from, until,
                          s->warmup_s < s->steady_rate_from_s ? " (--warmup leaves that out)" : "");
    else
        buffer_add_format(out,
                          "! the rate is not reached: with the sessions' later turns that takes %s "
                          "(95 %%), and the last session begins at %s; these are figures of a "
                          "lighter load\n",
                          from, until);
}

static void add_goodput(const struct summary *s, struct buffer *out)
{
    char rate[CELL_SIZE];
    if (s->slos.count == 0)
        return;
    buffer_add_format(out, "goodput      %s req/s, %.1f %% of requests within ",
                      format_cell(s->window.goodput_rps, rate), s->window.goodput_fraction * 100);
    for (size_t i = 0; i < s->slos.count; i++)
        buffer_add_format(out, "%s%s ≤ %s ms", i ? " and " : "",
                          metric_title(s->slos.items[i].metric),
                          TEXT_SHORT(s->slos.items[i].limit_ms, 6));
    buffer_add_byte(out, '\n');
}

/* "2.3 … 2.7" */
static void add_interval(const struct metric_summary *m, struct buffer *out)
{
    char low[CELL_SIZE], high[CELL_SIZE];
    buffer_add_format(out, "%s … %s", format_cell(m->ci_p99[0], low),
                      format_cell(m->ci_p99[1], high));
}

static void add_row(const struct metric_summary *m, const char *title, bool wide,
                    struct buffer *out)
{
    const double values[] = {m->p50, m->p90, m->p99, m->p999, m->max, m->mean};
    char name[64];
    snprintf(name, sizeof name, "%s ms", title);
    add_padded(out, name, NAME_WIDTH, false);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        add_padded_number(out, values[i], FIGURE_WIDTH);
    if (wide && isfinite(m->ci_p99[0])) {
        struct buffer both;
        buffer_init(&both, BUFFER_UNBOUNDED);
        add_interval(m, &both);
        add_padded(out, both.data, INTERVAL_WIDTH, true);
        buffer_free(&both);
    }
    buffer_add_byte(out, '\n');
}

/* Open loop and traces lead with the time from the schedule, closed loop with the sending. */
static const enum metric open_order[] = {
    METRIC_TTFT_SCHEDULED, METRIC_TTFT, METRIC_TTFO,  METRIC_TPOT,    METRIC_CHUNK_GAP,
    METRIC_E2E_SCHEDULED,  METRIC_E2E,  METRIC_QUEUE, METRIC_SEND_LAG};
static const enum metric closed_order[] = {
    METRIC_TTFT, METRIC_TTFT_SCHEDULED, METRIC_TTFO,  METRIC_TPOT,    METRIC_CHUNK_GAP,
    METRIC_E2E,  METRIC_E2E_SCHEDULED,  METRIC_QUEUE, METRIC_SEND_LAG};

static bool has_row(const struct summary *s, enum metric metric)
{
    const struct metric_summary *m = &s->window.metrics[metric];
    if (m->count == 0)
        return false;
    /* Without reasoning the first output token is the first token: one row says it. */
    if (metric == METRIC_TTFO)
        return m->mean != s->window.metrics[METRIC_TTFT].mean;
    return (metric != METRIC_QUEUE && metric != METRIC_SEND_LAG) || m->max != 0;
}

/* Where the table has no room for them, a line below: "p99 lies in (95 %)  TPOT 14.1 … 14.5". */
static void add_intervals(const struct summary *s, const enum metric *order, struct buffer *out)
{
    const char *before = INTERVAL_HEAD "  ";
    size_t length = out->length;
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_summary *m = &s->window.metrics[order[i]];
        if (!has_row(s, order[i]) || !isfinite(m->ci_p99[0]))
            continue;
        buffer_add_format(out, "%s%s ", before, metric_title(order[i]));
        add_interval(m, out);
        before = " · ";
    }
    if (out->length > length)
        buffer_add_byte(out, '\n');
}

static void add_latencies(const struct summary *s, int width, struct buffer *out)
{
    static const char *const heads[] = {"p50", "p90", "p99", "p99.9", "max", "mean"};
    bool wide = width >= NAME_WIDTH + (int)COUNT_OF(heads) * FIGURE_WIDTH + INTERVAL_WIDTH;
    const enum metric *order = summary_is_closed(s) ? closed_order : open_order;
    buffer_add_format(out, "\n%*s", NAME_WIDTH, "");
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        add_padded(out, heads[i], FIGURE_WIDTH, true);
    if (wide)
        add_padded(out, INTERVAL_HEAD, INTERVAL_WIDTH, true);
    buffer_add_byte(out, '\n');
    for (int i = 0; i < METRIC_COUNT; i++)
        if (has_row(s, order[i]))
            add_row(&s->window.metrics[order[i]], metric_title(order[i]), wide, out);
    if (!wide)
        add_intervals(s, order, out);
    if (isfinite(s->tokens_per_chunk) && s->tokens_per_chunk > 1.05)
        buffer_add_format(out,
                          "! %.2f tokens per chunk: the chunk gap is not the time per token here\n",
                          s->tokens_per_chunk);
    if (summary_is_closed(s))
        buffer_add_text(out, "closed loop: a slow answer delays the next request, so waiting that "
                             "an open load would see is not in these figures\n");
}

/* Whether the figures can be trusted. */
static void add_verdict(const struct summary *s, struct buffer *out)
{
    size_t before = out->length;
    fidelity_add_verdict(s, out);
    if (s->fidelity.insecure)
        buffer_add_format(
            out, "%s! certificates were not checked (--insecure): who answered is not known",
            out->length > before ? "\n" : "");
    if (out->length > before)
        buffer_add_text(out, "\n\n");
}

/* What was odd about answers, a line a kind. */
static void add_oddities(const struct summary *s, struct buffer *out)
{
    char count[TEXT_GROUPED_SIZE];
    for (int i = 0; i < ODDITIES; i++)
        if (s->odd[i])
            buffer_add_format(out, "! %s answer%s %s\n", text_group_u64(s->odd[i], count),
                              s->odd[i] == 1 ? "" : "s", oddity_words((enum oddity)i));
}

/* Answers whose usage held zeros or nothing known have lines of their own. */
static void add_estimated(const struct summary *s, struct buffer *out)
{
    uint64_t told = s->odd[ODDITY_USAGE_ZERO] + s->odd[ODDITY_USAGE_UNKNOWN];
    if (s->estimated_usage <= told)
        return;
    uint64_t answers = s->estimated_usage - told;
    buffer_add_format(out,
                      "! usage of %" PRIu64 " answer%s was estimated from %s chunks: the server "
                      "reported none\n",
                      answers, answers == 1 ? "" : "s", answers == 1 ? "its" : "their");
}

void summary_table(const struct summary *s, const char *title, int width, struct buffer *out)
{
    buffer_add_format(out, "\n%s\n\n", title);
    add_verdict(s, out);
    add_requests(s, out);
    add_words(s, out);
    if (s->accounting.completed > 0) {
        add_rates(s, out);
        server_text(s, out);
        add_ramp(s, out);
        add_goodput(s, out);
        if (s->warmup_s > 0)
            buffer_add_format(out, "warm-up      the first %s s are left out (%s)\n",
                              TEXT_SHORT(s->warmup_s, 3), s->warmup_method);
        else if (strcmp(s->warmup_method, "beyond") == 0)
            buffer_add_text(out, "! --warmup is longer than the run: nothing is left out\n");
        else if (strcmp(s->warmup_method, "unsettled") == 0)
            buffer_add_text(out,
                            "! --warmup auto found no steady state (MSER-5): nothing is left out; "
                            "measure longer\n");
        add_latencies(s, width, out);
        start_parts_table(s, out);
        group_table(s, width, out);
    }
    add_estimated(s, out);
    add_oddities(s, out);
}
