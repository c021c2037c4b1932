/* OpenAI Batch input files, JSON Lines: {"custom_id", "method", "url", "body"}.
 *
 * The body goes along as it is. Its token counts are not in the file: the input is estimated from
 * the text in it, at four bytes a token (OpenAI's rule of thumb for English), and the output is
 * what it asks for at most (max_completion_tokens, max_output_tokens, max_tokens). Estimates are
 * counted in the report; so are bodies that set no bound, whose output length is 0.
 */
#include "workloads/trace/trace_json.h"

#include <string.h>

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

static void read_text(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    measure_text(s, member);
}

#define AT(member) JSON_AT(struct batch, member)
#define BOUND JSON_AS_UINT, AT(line.row.output_tokens), JSON_HAS(struct batch, bounded)
#define TEXT JSON_AS_OTHER, AT(text_bytes), .read = read_text
static const struct json_field body_rows[] = {
    {"model", TRACE_NAME(AT(line.row.model))},
    {"max_completion_tokens", BOUND},
    {"max_output_tokens", BOUND},
    {"max_tokens", BOUND},
    {"messages", TEXT},
    {"prompt", TEXT},
    {"input", TEXT},
    {"instructions", TEXT},
};
static const struct json_table body_table = {JSON_ROWS(body_rows), .open = true, .nulls = true};

static void read_body(struct json_scan *s, const struct json_field *f, void *batch)
{
    struct batch *b = batch;
    json_peek(s);
    const char *start = s->at;
    json_fields_read(s, f->table, b);
    b->line.row.body = (struct text){start, (size_t)(s->at - start)};
}

static void read_url(struct json_scan *s, const struct json_field *f, void *batch)
{
    struct batch *b = batch;
    struct json_scan peek = *s;
    struct text url;
    b->embeddings = json_string(&peek, &url) && text_matches(url, text_of("*/embeddings"));
    trace_row_keep(&b->line, f->name);
}

static void read_method(struct json_scan *s, const struct json_field *f, void *batch)
{
    (void)batch;
    trace_row_keep(s->context, f->name);
}

static const struct json_field rows[] = {
    {"custom_id", TRACE_NAME(AT(line.row.request_id))},
    {"body", .read = read_body, .table = &body_table, .required = true},
    {"url", .read = read_url},
    {"method", .read = read_method},
};
static const struct json_table table = {JSON_ROWS(rows), .open = true};

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct batch *b = context;
    struct trace_row *l = &b->line;
    trace_row_start(l, in, line);
    b->text_bytes = 0;
    b->bounded = b->embeddings = false;
    l->row.timestamp_ns = 0;
    l->row.service = SERVICE_BATCH;
    l->seen = json_fields_read(&l->scan, &table, b);
    int status = trace_row_end(l, in, line, &table, err);
    if (status < 0)
        return status;
    l->row.input_tokens = trace_estimate_tokens(b->text_bytes);
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
