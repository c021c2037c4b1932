/* Result files of other tools' benchmarks, read as the workload that they sent.
 *
 * servingsim: JSON Lines of LLMServingSim's measured vLLM runs (input_toks, output_toks, queued_ts,
 * ...). Arrivals are queued_ts, a monotonic clock in seconds; the first row's arrival_time is the
 * start on the wall clock.
 *
 * aiperf: profile_export.jsonl, rows of {metadata, metrics, error}. Warm-up rows are left out;
 * turns of a conversation wait for the one that ended before them. Beside AIPerf's own counts stand
 * those of the server (usage_prompt_tokens, ...): they are what is billed, so they win.
 */
#include "workloads/trace/trace_json.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum usage_key {
    USAGE_PROMPT,
    USAGE_COMPLETION,
    USAGE_TOTAL,
    USAGE_THOUGHT,
    USAGE_CACHE_READ,
    USAGE_CACHE_WRITTEN,
    USAGE_KEYS,
};

static const char *const usage_keys[USAGE_KEYS + 1] = {
    "usage_prompt_tokens",    "usage_completion_tokens",        "usage_total_tokens",
    "usage_reasoning_tokens", "usage_prompt_cache_read_tokens", "usage_prompt_cache_write_tokens"};

struct results {
    struct trace_row line;
    int64_t arrival_ns; /* wall clock */
    int64_t end_ns;
    int64_t *ends; /* by row */
    size_t end_capacity;
    bool warmup, cancelled, failed;
    uint32_t reasoning, visible; /* output: the rest of it */
    bool has_output;             /* the whole is said */
    uint32_t usage[USAGE_KEYS];  /* what the server said */
    bool has_usage[USAGE_KEYS];
    const char *turn_of, *correlation;
};

static void results_free(struct results *r)
{
    trace_row_free(&r->line);
    free(r->ends);
}

static bool probe_servingsim(const struct trace_probe *p)
{
    return trace_probe_key(p, "input_toks") && trace_probe_key(p, "queued_ts");
}

#define AT(member) JSON_AT(struct results, member)
static const struct json_field servingsim_rows[] = {
    {"input_toks", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    {"output_toks", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"queued_ts", TRACE_SECONDS(AT(line.row.timestamp_ns)), .required = true},
    {"arrival_time", TRACE_SECONDS(AT(arrival_ns))},
    {"request_id", TRACE_NAME(AT(line.row.request_id))},
};
static const struct json_table servingsim_table = {JSON_ROWS(servingsim_rows), .open = true};

static int read_servingsim_row(struct trace_input *in, void *context, struct text line,
                               struct error *err)
{
    struct results *r = context;
    struct trace_row *l = &r->line;
    trace_row_start(l, in, line);
    l->seen = json_fields_read(&l->scan, &servingsim_table, r);
    int status = trace_row_end(l, in, line, &servingsim_table, err);
    if (status == 0 && in->out->count == 0 && r->arrival_ns != TIME_NEVER) {
        in->out->has_start = true;
        in->out->start_unix_ns = r->arrival_ns - l->row.timestamp_ns;
    }
    return status < 0 ? status : trace_add(in, &l->row, err);
}

static int read_servingsim(struct trace_input *in, struct error *err)
{
    struct results r = {.arrival_ns = TIME_NEVER};
    trace_row_init(&r.line, in);
    int status = trace_each_line(in, &r, read_servingsim_row, err);
    if (status == 0)
        trace_rebase(in);
    results_free(&r);
    return status;
}

static bool probe_aiperf(const struct trace_probe *p)
{
    return trace_probe_kind(p, "metadata") == JSON_OBJECT &&
           trace_probe_kind(p, "metrics") == JSON_OBJECT;
}

static void read_phase(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text phase;
    (void)f;
    if (json_string(s, &phase))
        *(bool *)member = text_equal(phase, "warmup");
}

static const struct json_field metadata_rows[] = {
    {"request_start_ns", JSON_AS_NS, AT(line.row.timestamp_ns)},
    {"request_end_ns", JSON_AS_NS, AT(end_ns)},
    {"x_request_id", TRACE_NAME(AT(line.row.request_id))},
    {"x_correlation_id", TRACE_NAME(AT(correlation))},
    {"conversation_id", TRACE_NAME(AT(turn_of))},
    {"benchmark_phase", JSON_AS_OTHER, AT(warmup), .read = read_phase},
    {"was_cancelled", JSON_AS_BOOL, AT(cancelled)},
};
static const struct json_table metadata_table = {JSON_ROWS(metadata_rows), .open = true,
                                                 .nulls = true};

/* {"value": 12, "unit": "tokens"}: the value as a whole number. */
static bool read_metric(struct json_scan *s, uint32_t *out)
{
    struct text key, digits;
    int64_t value = -1;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (!text_equal(key, "value"))
            json_skip(s, NULL);
        else if (json_number(s, &digits) &&
                 (!text_to_fixed(digits, 0, &value) || value < 0 || value > UINT32_MAX))
            json_fail(s, "expected a token count from 0 to %u", UINT32_MAX);
    }
    if (s->failed || value < 0)
        return false;
    *out = (uint32_t)value;
    return true;
}

static void read_count(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    read_metric(s, member);
}

static void read_output(struct json_scan *s, const struct json_field *f, void *results)
{
    struct results *r = results;
    (void)f;
    r->has_output = read_metric(s, &r->line.row.output_tokens);
}

static void read_server_count(struct json_scan *s, const struct json_field *f, void *member)
{
    struct results *r = s->context;
    (void)f;
    if (json_skip_unless(s, JSON_OBJECT))
        r->has_usage[(uint32_t *)member - r->usage] = read_metric(s, member);
}

static void check_metrics(struct json_scan *s, void *results, uint64_t seen)
{
    struct results *r = results;
    (void)s;
    (void)seen;
    if (!r->has_output)
        r->line.row.output_tokens = r->visible + r->reasoning;
}

#define METRIC(member) JSON_AS_OTHER, AT(member), .read = read_count
static const struct json_field server_count = {.size = sizeof(uint32_t), .read = read_server_count};
static const struct json_field metrics_rows[] = {
    {"input_sequence_length", METRIC(line.row.input_tokens)},
    {"output_sequence_length", .read = read_output},
    {"output_token_count", METRIC(visible)},
    {"reasoning_token_count", METRIC(reasoning)},
    {NULL, JSON_AS_EACH, AT(usage), .item = &server_count, .names = usage_keys},
};
static const struct json_table metrics_table = {JSON_ROWS(metrics_rows), .open = true,
                                                .check = check_metrics};

static void read_error(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    *(bool *)member = json_peek(s) != JSON_NULL;
    json_skip(s, NULL);
}

static const struct json_field aiperf_rows[] = {
    {"metadata", JSON_AS_OBJECT, .table = &metadata_table},
    {"metrics", JSON_AS_OBJECT, .table = &metrics_table},
    {"error", JSON_AS_OTHER, AT(failed), .read = read_error},
};
static const struct json_table aiperf_table = {JSON_ROWS(aiperf_rows), .open = true};

/* The server's counts in place of the client's. Some servers count what was cached beside the
 * prompt (then the parts pass it), or reasoning beside the completion (then the total tells). */
static void take_server_counts(struct trace_input *in, struct results *r)
{
    struct request *q = &r->line.row;
    const uint32_t *u = r->usage;
    uint64_t input = q->input_tokens, output = q->output_tokens;
    uint64_t cached = u[USAGE_CACHE_READ], written = u[USAGE_CACHE_WRITTEN];
    if (r->has_usage[USAGE_PROMPT])
        input = u[USAGE_PROMPT];
    if (r->has_usage[USAGE_COMPLETION])
        output = u[USAGE_COMPLETION];
    if (r->has_usage[USAGE_THOUGHT])
        r->reasoning = u[USAGE_THOUGHT];
    if (r->has_usage[USAGE_PROMPT] && cached + written > input)
        input += cached + written;
    if (r->has_usage[USAGE_TOTAL] && r->has_usage[USAGE_COMPLETION] && r->reasoning > 0 &&
        u[USAGE_TOTAL] == input + output + r->reasoning)
        output += r->reasoning;
    if (input > WORKLOAD_MAX_TOKENS || output > WORKLOAD_MAX_TOKENS || cached + written > input)
        return;
    if (r->has_usage[USAGE_PROMPT] && q->input_tokens > 0 && input != q->input_tokens)
        trace_note(in, "server_counted_other_input", false);
    if (r->has_usage[USAGE_COMPLETION] && q->output_tokens > 0 && output != q->output_tokens)
        trace_note(in, "server_counted_other_output", false);
    q->input_tokens = (uint32_t)input;
    q->output_tokens = (uint32_t)output;
    if (cached + written > 0 || r->has_usage[USAGE_CACHE_READ]) {
        q->has_usage = true;
        q->usage = usage_from_totals(input, cached, written, 0, output, 0);
    }
}

static void finish_aiperf(struct trace_input *in, struct results *r)
{
    struct request *q = &r->line.row;
    take_server_counts(in, r);
    q->session_id = r->turn_of ? (r->correlation ? r->correlation : r->turn_of) : NULL;
    q->status = r->cancelled ? REQUEST_ABORTED : r->failed ? REQUEST_FAILED : REQUEST_OK;
    if (r->reasoning > 0 && r->reasoning <= q->output_tokens) {
        uint64_t cached = q->has_usage ? q->usage.tokens[USAGE_CACHED_INPUT] : 0;
        uint64_t written = q->has_usage ? q->usage.tokens[USAGE_CACHE_WRITE] : 0;
        q->usage =
            usage_from_totals(q->input_tokens, cached, written, 0, q->output_tokens, r->reasoning);
        q->has_usage = true;
    }
}

static int read_aiperf_row(struct trace_input *in, void *context, struct text line,
                           struct error *err)
{
    struct results *r = context;
    struct trace_row *l = &r->line;
    trace_row_start(l, in, line);
    r->warmup = r->cancelled = r->failed = false;
    r->turn_of = r->correlation = NULL;
    r->reasoning = r->visible = 0;
    r->has_output = false;
    memset(r->usage, 0, sizeof r->usage);
    memset(r->has_usage, 0, sizeof r->has_usage);
    r->end_ns = TIME_NEVER;
    l->seen = json_fields_read(&l->scan, &aiperf_table, r);
    int status = trace_row_end(l, in, line, &aiperf_table, err);
    if (status < 0)
        return status;
    if (l->row.timestamp_ns == TIME_NEVER)
        return trace_fail(in, 1, err, "expected \"request_start_ns\" in \"metadata\"");
    if (r->warmup) {
        trace_note(in, "warmup", true);
        return 0;
    }
    finish_aiperf(in, r);
    mem_grow(&r->ends, &r->end_capacity, in->out->count + 1, sizeof *r->ends);
    r->ends[in->out->count] = r->end_ns;
    return trace_add(in, &l->row, err);
}

static int read_aiperf(struct trace_input *in, struct error *err)
{
    struct results r = {.ends = NULL};
    trace_row_init(&r.line, in);
    int status = trace_each_line(in, &r, read_aiperf_row, err);
    if (status == 0 && in->out->count > 0) {
        workload_link_sessions(in->out, r.ends);
        trace_start_at_first(in);
    }
    results_free(&r);
    return status;
}

const struct trace_reader trace_reader_servingsim = {
    "servingsim",
    "measured vLLM runs of LLMServingSim (JSON Lines)",
    probe_servingsim,
    read_servingsim,
};

const struct trace_reader trace_reader_aiperf = {
    "aiperf",
    "AIPerf's profile_export.jsonl",
    probe_aiperf,
    read_aiperf,
};
