/* Result files of vLLM's serving benchmark and of SGLang's: one JSON document a run with arrays by
 * request (input_lens, output_lens, errors, and in newer versions of vLLM start_times in seconds of
 * a monotonic clock). Runs that were appended to one file follow each other.
 *
 * Without start_times the arrivals are not in the file: all requests of a run stand at its start,
 * and the report says so. A whole document is held while it is read.
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
    bool sglang;
    int64_t duration_ns, begin_ns; /* of this run */
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "request_throughput") ||
           (trace_probe_key(p, "input_lens") && trace_probe_key(p, "output_lens")) ||
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
    struct text key, word;
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
        else if (text_equal(key, "backend") && json_peek(s) == JSON_STRING)
            v->sglang = json_string(s, &word) && text_starts(word, "sglang");
        else if (text_equal(key, "duration") && json_peek(s) == JSON_NUMBER)
            trace_json_seconds(s, &v->duration_ns);
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
        return error_at(err, in->lines.name, 0, 0, "holds no \"%s\"; let %s",
                        v->input.given ? "output_lens" : "input_lens",
                        v->sglang ? "SGLang write them with --output-details"
                                  : "vLLM write them with --save-detailed");
    for (size_t i = 0; i < 3; i++)
        if (others[i].column->given && others[i].column->count != v->input.count)
            return error_at(err, in->lines.name, 0, 0,
                            "\"%s\" has %zu entries, but \"input_lens\" has %zu", others[i].name,
                            others[i].column->count, v->input.count);
    return 0;
}

static int64_t first_start(const struct column *start)
{
    int64_t first = start->count ? start->values[0] : 0;
    for (size_t i = 1; i < start->count; i++)
        first = start->values[i] < first ? start->values[i] : first;
    return first;
}

static int add_rows(const struct vllm *v, struct trace_input *in, struct error *err)
{
    int64_t first = first_start(&v->start);
    for (size_t i = 0; i < v->input.count; i++) {
        struct request r = {
            .timestamp_ns = v->begin_ns + (v->start.given ? v->start.values[i] - first : 0),
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
    if (!v->start.given)
        trace_note(in, "no_start_times", false);
    return 0;
}

static void begin_run(struct vllm *v)
{
    struct column *columns[] = {&v->input, &v->output, &v->start, &v->failed};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        columns[i]->count = 0;
        columns[i]->given = false;
    }
    trace_strings_clear(&v->texts);
    v->model = NULL;
    v->sglang = false;
    v->duration_ns = 0;
}

/* Behind the runs before it by as long as they took, as far as that can be told. */
static void end_run(struct vllm *v)
{
    if (v->duration_ns < TIME_NEVER / 4 && v->begin_ns < TIME_NEVER / 4)
        v->begin_ns += v->duration_ns;
}

static int read_run(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct vllm *v = context;
    begin_run(v);
    json_scan_init(&v->scan, in->lines.name, line.at, line.length, trace_line_number(in));
    read_document(v);
    int status = json_scan_end(&v->scan, err);
    if (status == 0)
        status = check_columns(v, in, err);
    if (status == 0)
        status = add_rows(v, in, err);
    end_run(v);
    return status;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct vllm v = {.model = NULL};
    trace_strings_init(&v.texts);
    int status = trace_each_document(in, &v, read_run, err);
    trace_strings_free(&v.texts);
    free(v.input.values);
    free(v.output.values);
    free(v.start.values);
    free(v.failed.values);
    return status;
}

const struct trace_reader trace_reader_vllm = {
    "vllm",
    "results of vLLM's serving benchmark (--save-detailed) and SGLang's (--output-details)",
    probe,
    read_rows,
};
