/* OpenAI Batch input files, JSON Lines: {"custom_id", "method", "url", "body"}.
 *
 * The body goes along as it is. Its token counts are not in the file: the input is estimated from
 * the text in it, at four bytes a token (OpenAI's rule of thumb for English), and the output is
 * what it asks for at most (max_completion_tokens, max_output_tokens, max_tokens). Estimates are
 * counted in the report; so are bodies that set no bound, whose output length is 0.
 */
#include "workloads/trace/trace_json.h"

#include <string.h>

#define BYTES_PER_TOKEN 4

enum { BODY };
static const char *const required[] = {"body", NULL};

struct batch {
    struct trace_row line;
    uint64_t text_bytes;
    bool bounded, embeddings;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "custom_id") && trace_probe_kind(p, "body") == JSON_OBJECT;
}

/* The length of all texts of a value: strings, and under the keys that hold text for the model. */
static void measure_text(struct json_scan *s, uint64_t *bytes)
{
    struct text key, raw;
    enum json_kind kind = json_peek(s);
    if (kind == JSON_STRING) {
        if (json_string(s, &raw))
            *bytes += raw.length;
    } else if (kind == JSON_ARRAY) {
        json_array_begin(s);
        while (json_array_next(s))
            measure_text(s, bytes);
    } else if (kind == JSON_OBJECT) {
        json_object_begin(s);
        while (json_object_next(s, &key)) {
            if (text_equal(key, "content") || text_equal(key, "text") || text_equal(key, "input"))
                measure_text(s, bytes);
            else
                json_skip(s, NULL);
        }
    } else {
        json_skip(s, NULL);
    }
}

static bool is_bound(struct text key)
{
    return text_equal(key, "max_completion_tokens") || text_equal(key, "max_output_tokens") ||
           text_equal(key, "max_tokens");
}

static void read_bound(struct batch *b)
{
    uint64_t value;
    if (json_peek(&b->line.scan) == JSON_NULL) {
        json_null(&b->line.scan);
    } else if (json_u64(&b->line.scan, 0, UINT32_MAX, &value)) {
        b->line.row.output_tokens = (uint32_t)value;
        b->bounded = true;
    }
}

static void read_body(struct batch *b)
{
    struct trace_row *l = &b->line;
    struct text key;
    const char *start = NULL;
    json_peek(&l->scan);
    start = l->scan.at;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (is_bound(key))
            read_bound(b);
        else if (text_equal(key, "model"))
            l->row.model = trace_row_name(l);
        else if (text_equal(key, "messages") || text_equal(key, "prompt") ||
                 text_equal(key, "input") || text_equal(key, "instructions"))
            measure_text(&l->scan, &b->text_bytes);
        else
            json_skip(&l->scan, NULL);
    }
    l->row.body = (struct text){start, (size_t)(l->scan.at - start)};
    l->seen |= 1u << BODY;
}

static void read_url(struct batch *b)
{
    struct json_scan peek = b->line.scan;
    struct text url;
    b->embeddings = json_string(&peek, &url) && text_matches(url, text_of("*/embeddings"));
    trace_row_keep(&b->line, "url");
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct batch *b = context;
    struct trace_row *l = &b->line;
    struct text key;
    trace_row_start(l, in, line);
    b->text_bytes = 0;
    b->bounded = b->embeddings = false;
    l->row.timestamp_ns = 0;
    l->row.service = SERVICE_BATCH;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "custom_id"))
            l->row.request_id = trace_row_name(l);
        else if (text_equal(key, "body"))
            read_body(b);
        else if (text_equal(key, "url"))
            read_url(b);
        else if (text_equal(key, "method"))
            trace_row_keep(l, "method");
        else
            json_skip(&l->scan, NULL);
    }
    int status = trace_row_end(l, in, line, required, err);
    if (status < 0)
        return status;
    uint64_t tokens = (b->text_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
    l->row.input_tokens = tokens > UINT32_MAX ? UINT32_MAX : (uint32_t)tokens;
    trace_note(in, "input_tokens_estimated", false);
    if (!b->bounded && !b->embeddings)
        trace_note(in, "no_output_bound", false);
    return trace_add(in, &l->row, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct batch b = {.text_bytes = 0};
    trace_row_init(&b.line, in);
    int status = trace_each_line(in, &b, read_row, err);
    trace_row_free(&b.line);
    return status;
}

const struct trace_reader trace_reader_batch = {
    "openai-batch",
    "OpenAI Batch input files (JSON Lines)",
    probe,
    read_rows,
};
