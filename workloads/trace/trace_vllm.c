/* Result files of vLLM's serving benchmark: one JSON document with arrays by request (input_lens,
 * output_lens, errors, and in newer versions start_times in seconds of a monotonic clock).
 *
 * Without start_times the arrivals are not in the file: all requests stand at 0, and the report
 * says so. The whole document is held while it is read.
 */
#include "workloads/trace/trace_json.h"

#include "core/memory.h"

#include <stdlib.h>

struct column {
    int64_t *values;
    size_t count, capacity;
    bool given;
};

struct vllm {
    struct json_scan scan;
    struct trace_strings texts;
    struct column input, output, start, failed;
    const char *model;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "request_throughput") ||
           (trace_probe_key(p, "model_id") && trace_probe_key(p, "num_prompts"));
}

static void push(struct column *c, int64_t value)
{
    mem_grow(&c->values, &c->capacity, c->count + 1, sizeof *c->values);
    c->values[c->count++] = value;
}

static void read_lengths(struct json_scan *s, struct column *c)
{
    uint64_t value;
    c->given = true;
    json_array_begin(s);
    while (json_array_next(s))
        if (json_u64(s, 0, UINT32_MAX, &value))
            push(c, (int64_t)value);
}

static void read_times(struct json_scan *s, struct column *c)
{
    int64_t ns;
    c->given = true;
    json_array_begin(s);
    while (json_array_next(s))
        if (trace_json_seconds(s, &ns))
            push(c, ns);
}

/* Error texts: empty (or null) = it went well. */
static void read_errors(struct json_scan *s, struct column *c)
{
    struct text raw;
    c->given = true;
    json_array_begin(s);
    while (json_array_next(s))
        if (json_skip(s, &raw))
            push(c, !text_equal(raw, "\"\"") && !text_equal(raw, "null"));
}

static void read_document(struct vllm *v)
{
    struct json_scan *s = &v->scan;
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "input_lens"))
            read_lengths(s, &v->input);
        else if (text_equal(key, "output_lens"))
            read_lengths(s, &v->output);
        else if (text_equal(key, "start_times"))
            read_times(s, &v->start);
        else if (text_equal(key, "errors"))
            read_errors(s, &v->failed);
        else if (text_equal(key, "model_id") && json_peek(s) == JSON_STRING)
            v->model = trace_strings_take(&v->texts, s);
        else
            json_skip(s, NULL);
    }
}

/* All arrays must tell of the same requests. */
static int check_columns(const struct vllm *v, struct trace_input *in, struct error *err)
{
    const struct {
        const struct column *column;
        const char *name;
    } others[] = {{&v->output, "output_lens"}, {&v->start, "start_times"}, {&v->failed, "errors"}};
    if (!v->input.given || !v->output.given)
        return error_at(err, in->lines.name, 0, 0,
                        "holds no \"%s\"; let vLLM write them with --save-detailed",
                        v->input.given ? "output_lens" : "input_lens");
    for (size_t i = 0; i < 3; i++)
        if (others[i].column->given && others[i].column->count != v->input.count)
            return error_at(err, in->lines.name, 0, 0,
                            "\"%s\" has %zu entries, but \"input_lens\" has %zu", others[i].name,
                            others[i].column->count, v->input.count);
    return 0;
}

static int add_rows(const struct vllm *v, struct trace_input *in, struct error *err)
{
    for (size_t i = 0; i < v->input.count; i++) {
        struct request r = {
            .timestamp_ns = v->start.given ? v->start.values[i] : 0,
            .input_tokens = (uint32_t)v->input.values[i],
            .output_tokens = (uint32_t)v->output.values[i],
            .model = v->model,
            .attempts = 1,
        };
        if (v->failed.given && v->failed.values[i])
            r.status = REQUEST_FAILED;
        if (trace_add(in, &r, err) < 0)
            return ERR_INPUT;
    }
    if (v->start.given)
        trace_rebase(in);
    else
        trace_note(in, "no_start_times", false);
    return 0;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct vllm v = {.model = NULL};
    struct text all;
    if (line_reader_peek(&in->lines, in->lines.max_line, &all, err) < 0)
        return ERR_INPUT;
    trace_strings_init(&v.texts);
    json_scan_init(&v.scan, in->lines.name, all.at, all.length, 1);
    read_document(&v);
    int status = json_scan_end(&v.scan, err);
    if (status == 0)
        status = check_columns(&v, in, err);
    if (status == 0)
        status = add_rows(&v, in, err);
    trace_strings_free(&v.texts);
    free(v.input.values);
    free(v.output.values);
    free(v.start.values);
    free(v.failed.values);
    return status;
}

const struct trace_reader trace_reader_vllm = {
    "vllm",
    "result file of vLLM's serving benchmark, with --save-detailed (JSON)",
    probe,
    read_rows,
};
