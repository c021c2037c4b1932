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

enum { INPUT, OUTPUT, QUEUED };
static const char *const servingsim_required[] = {"input_toks", "output_toks", "queued_ts", NULL};

enum usage_key {
    USAGE_PROMPT,
    USAGE_COMPLETION,
    USAGE_TOTAL,
    USAGE_THOUGHT,
    USAGE_CACHE_READ,
    USAGE_CACHE_WRITTEN,
    USAGE_KEYS,
};

static const char *const usage_keys[USAGE_KEYS] = {
    "usage_prompt_tokens",    "usage_completion_tokens",        "usage_total_tokens",
    "usage_reasoning_tokens", "usage_prompt_cache_read_tokens", "usage_prompt_cache_write_tokens"};

struct results {
    struct trace_row line;
    int64_t arrival_ns; /* wall clock */
    int64_t end_ns;
    int64_t *ends; /* by row */
    size_t end_capacity;
    bool warmup, cancelled, failed;
    uint32_t reasoning;
    uint32_t usage[USAGE_KEYS]; /* what the server said */
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

static int read_servingsim_row(struct trace_input *in, void *context, struct text line,
                               struct error *err)
{
    struct results *r = context;
    struct trace_row *l = &r->line;
    struct text key;
    trace_row_start(l, in, line);
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "input_toks"))
            trace_row_count(l, INPUT, &l->row.input_tokens);
        else if (text_equal(key, "output_toks"))
            trace_row_count(l, OUTPUT, &l->row.output_tokens);
        else if (text_equal(key, "queued_ts"))
            trace_row_time(l, QUEUED, 9, &l->row.timestamp_ns);
        else if (text_equal(key, "arrival_time"))
            trace_json_time(&l->scan, 9, &r->arrival_ns);
        else if (text_equal(key, "request_id"))
            l->row.request_id = trace_row_name(l);
        else
            json_skip(&l->scan, NULL);
    }
    int status = trace_row_end(l, in, line, servingsim_required, err);
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

static void read_flag(struct json_scan *s, bool *out)
{
    if (json_peek(s) == JSON_NULL)
        json_null(s);
    else
        json_bool(s, out);
}

/* Nanoseconds, or null. */
static void read_ns(struct json_scan *s, int64_t *out)
{
    if (json_peek(s) == JSON_NULL)
        json_null(s);
    else
        json_i64(s, 0, INT64_MAX - 1, out);
}

static void read_phase(struct results *r)
{
    struct text phase;
    if (json_peek(&r->line.scan) == JSON_NULL)
        json_null(&r->line.scan);
    else if (json_string(&r->line.scan, &phase))
        r->warmup = text_equal(phase, "warmup");
}

static void read_metadata(struct results *r)
{
    struct trace_row *l = &r->line;
    struct text key;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "request_start_ns"))
            read_ns(&l->scan, &l->row.timestamp_ns);
        else if (text_equal(key, "request_end_ns"))
            read_ns(&l->scan, &r->end_ns);
        else if (text_equal(key, "x_request_id"))
            l->row.request_id = trace_row_name(l);
        else if (text_equal(key, "x_correlation_id"))
            r->correlation = trace_row_name(l);
        else if (text_equal(key, "conversation_id"))
            r->turn_of = trace_row_name(l);
        else if (text_equal(key, "benchmark_phase"))
            read_phase(r);
        else if (text_equal(key, "was_cancelled"))
            read_flag(&l->scan, &r->cancelled);
        else
            json_skip(&l->scan, NULL);
    }
}

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

static void read_server_count(struct results *r, struct text key)
{
    int i = 0;
    while (i < USAGE_KEYS && !text_equal(key, usage_keys[i]))
        i++;
    if (i == USAGE_KEYS || json_peek(&r->line.scan) != JSON_OBJECT)
        json_skip(&r->line.scan, NULL);
    else
        r->has_usage[i] = read_metric(&r->line.scan, &r->usage[i]);
}

static void read_metrics(struct results *r)
{
    struct trace_row *l = &r->line;
    struct text key;
    uint32_t visible = 0;
    bool whole = false;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "input_sequence_length"))
            read_metric(&l->scan, &l->row.input_tokens);
        else if (text_equal(key, "output_sequence_length"))
            whole = read_metric(&l->scan, &l->row.output_tokens);
        else if (text_equal(key, "output_token_count"))
            read_metric(&l->scan, &visible);
        else if (text_equal(key, "reasoning_token_count"))
            read_metric(&l->scan, &r->reasoning);
        else
            read_server_count(r, key);
    }
    if (!whole && !l->scan.failed)
        l->row.output_tokens = visible + r->reasoning;
}

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

static void read_error(struct results *r)
{
    r->failed = json_peek(&r->line.scan) != JSON_NULL;
    json_skip(&r->line.scan, NULL);
}

static int read_aiperf_row(struct trace_input *in, void *context, struct text line,
                           struct error *err)
{
    static const char *const none[] = {NULL};
    struct results *r = context;
    struct trace_row *l = &r->line;
    struct text key;
    trace_row_start(l, in, line);
    r->warmup = r->cancelled = r->failed = false;
    r->turn_of = r->correlation = NULL;
    r->reasoning = 0;
    memset(r->usage, 0, sizeof r->usage);
    memset(r->has_usage, 0, sizeof r->has_usage);
    r->end_ns = TIME_NEVER;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "metadata"))
            read_metadata(r);
        else if (text_equal(key, "metrics"))
            read_metrics(r);
        else if (text_equal(key, "error"))
            read_error(r);
        else
            json_skip(&l->scan, NULL);
    }
    int status = trace_row_end(l, in, line, none, err);
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
