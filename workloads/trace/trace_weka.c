/* Weka agent traces, JSON Lines, in two forms: one line a request (normalised), or one line a
 * session with its requests inside (as published).
 *
 * A request's time is its offset from the start of its session; the sessions' own starts are not in
 * the trace, so that all sessions start at 0. A turn waits for the turn of its session that
 * ended before it. Requests of a group of sub-agents (requests inside a request, on the same clock)
 * are turns of the session, too, of class "subagent": the first ones start beside each other,
 * and the next turn of the main agent waits for the one that ended last. Blocks hold 64 tokens, and
 * their ids are local to the session: they are mixed with it. The normalised form holds only a
 * sample of the ids, which is no prefix: noted, not read.
 */
#include "workloads/trace/trace_json.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 64

struct weka {
    struct trace_row line;
    struct trace_input *in;
    struct trace_strings session_texts; /* of the session around the requests */
    int64_t *end_ns;                    /* by row */
    size_t end_capacity;
    int64_t duration_ns;
    uint64_t scope; /* what local block ids are mixed with; 0 = they are global */
    uint32_t block_size;
    bool local;           /* they are of the session */
    const char *session;  /* the session around the requests */
    struct text requests; /* inside a session or a group; NULL = none */
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "request_arrival_delta_s") ||
           (trace_probe_kind(p, "requests") == JSON_ARRAY && trace_probe_key(p, "block_size"));
}

/* Appends the row and remembers when it ended. */
static int add_row(struct weka *k, struct trace_input *in, struct error *err)
{
    struct request *r = &k->line.row;
    size_t row = in->out->count;
    r->block_size = k->block_size;
    for (size_t i = 0; i < r->hash_count && k->scope; i++)
        k->line.hash_ids[i] = random_mix(k->scope, k->line.hash_ids[i]);
    mem_grow(&k->end_ns, &k->end_capacity, row + 1, sizeof *k->end_ns);
    k->end_ns[row] = k->duration_ns == TIME_NEVER ? TIME_NEVER : r->timestamp_ns + k->duration_ns;
    return trace_add(in, r, err);
}

static void read_scope(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text scope;
    (void)f;
    *(bool *)member = json_string(s, &scope) && text_equal(scope, "local");
}

static void read_blocks(struct json_scan *s, const struct json_field *f, void *member)
{
    if (json_skip_unless(s, JSON_ARRAY))
        trace_read_hash_ids(s, f, member);
}

static void note_sample(struct json_scan *s, const struct json_field *f, void *weka)
{
    (void)f;
    trace_note(((struct weka *)weka)->in, "block_hashes_only_sampled", false);
    json_skip(s, NULL);
}

static void read_requests_text(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    json_skip(s, member);
}

static void read_session_name(struct json_scan *s, const struct json_field *f, void *weka)
{
    struct weka *k = weka;
    (void)f;
    k->session = trace_strings_take(&k->session_texts, s);
}

/* A duration may be null. */
static void read_duration(struct json_scan *s, const struct json_field *f, void *member)
{
    if (json_peek(s) == JSON_NULL)
        json_null(s);
    else
        trace_read_seconds(s, f, member);
}

#define AT(member) JSON_AT(struct weka, member)
static const struct json_field flat_rows[] = {
    {"request_arrival_delta_s", TRACE_SECONDS(AT(line.row.timestamp_ns)), .required = true},
    {"input_tokens", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    {"output_tokens", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"session_id", TRACE_NAME(AT(line.row.session_id))},
    {"model_id", TRACE_NAME(AT(line.row.model))},
    {"api_time_s", JSON_AS_OTHER, AT(duration_ns), .read = read_duration},
    {"hash_id_scope", JSON_AS_OTHER, AT(local), .read = read_scope},
    {"block_size_tokens", JSON_AS_UINT, AT(block_size), 1, 1 << 20},
    {"block_hashes", .read = read_blocks},
    {"block_hashes_sample", .read = note_sample},
};
static const struct json_table flat_table = {JSON_ROWS(flat_rows), .open = true};

/* A request of a session, or a group with more of them inside. */
static const struct json_field nested_rows[] = {
    {"t", TRACE_SECONDS(AT(line.row.timestamp_ns)), .required = true},
    {"in", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    {"out", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"model", TRACE_NAME(AT(line.row.model))},
    {"api_time", JSON_AS_OTHER, AT(duration_ns), .read = read_duration},
    {"hash_ids", .read = trace_read_hash_ids},
    {"requests", JSON_AS_OTHER, AT(requests), .read = read_requests_text},
};
static const struct json_table nested_table = {JSON_ROWS(nested_rows), .open = true};

static const struct json_field session_rows[] = {
    {"id", .read = read_session_name},
    {"block_size", JSON_AS_UINT, AT(block_size), 1, 1 << 20},
    {"hash_id_scope", JSON_AS_OTHER, AT(local), .read = read_scope},
    {"requests", JSON_AS_OTHER, AT(requests), .read = read_requests_text},
};
static const struct json_table session_table = {JSON_ROWS(session_rows), .open = true};

/* What local block ids are mixed with. */
static uint64_t scope_of(const struct weka *k, const char *session)
{
    return k->local ? text_hash(session ? session : "", session ? strlen(session) : 0) | 1 : 0;
}

/* Reads an object into the row and what stands beside it. */
static int read_object(struct weka *k, struct text line, const struct json_table *t,
                       struct error *err)
{
    struct trace_row *l = &k->line;
    trace_row_start(l, k->in, line);
    k->duration_ns = TIME_NEVER;
    k->requests = (struct text){NULL, 0};
    l->seen = json_fields_read(&l->scan, t, k);
    if (k->requests.at && t == &nested_table && !l->scan.failed)
        return 0; /* a group needs nothing else */
    return trace_row_end(l, k->in, line, t, err);
}

static int read_flat(struct weka *k, struct text line, struct error *err)
{
    k->local = false;
    k->block_size = BLOCK_SIZE;
    int status = read_object(k, line, &flat_table, err);
    k->scope = scope_of(k, k->line.row.session_id);
    return status < 0 ? status : add_row(k, k->in, err);
}

static int read_requests(struct weka *k, struct text raw, const char *class_name,
                         struct error *err);

/* One element of "requests". */
static int read_nested(struct weka *k, struct text raw, const char *class_name, struct error *err)
{
    int status = read_object(k, raw, &nested_table, err);
    if (status == 0 && k->requests.at)
        return read_requests(k, k->requests, "subagent", err);
    k->line.row.session_id = k->session;
    k->line.row.class_name = class_name;
    return status < 0 ? status : add_row(k, k->in, err);
}

static int read_requests(struct weka *k, struct text raw, const char *class_name, struct error *err)
{
    struct json_scan list;
    struct text element;
    json_scan_init(&list, k->in->lines.name, raw.at, raw.length, trace_line_number(k->in));
    json_array_begin(&list);
    while (json_array_next(&list) && json_skip(&list, &element)) {
        int status = read_nested(k, element, class_name, err);
        if (status < 0)
            return status;
    }
    return json_scan_end(&list, err);
}

static int read_session(struct weka *k, struct text line, struct error *err)
{
    trace_strings_clear(&k->session_texts);
    k->session = NULL;
    k->local = false;
    k->block_size = BLOCK_SIZE;
    int status = read_object(k, line, &session_table, err);
    k->scope = scope_of(k, k->session);
    return status < 0 || !k->requests.at ? status : read_requests(k, k->requests, NULL, err);
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    (void)in;
    struct trace_probe p = {.line = line, .all = line, .is_object = line.at[0] == '{'};
    if (trace_probe_key(&p, "requests"))
        return read_session(context, line, err);
    return read_flat(context, line, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct weka k = {.in = in};
    trace_row_init(&k.line, in);
    trace_strings_init(&k.session_texts);
    int status = trace_each_line(in, &k, read_row, err);
    if (status == 0)
        workload_link_sessions(in->out, k.end_ns);
    trace_row_free(&k.line);
    trace_strings_free(&k.session_texts);
    free(k.end_ns);
    return status;
}

const struct trace_reader trace_reader_weka = {
    "weka",
    "Weka agent traces, by request or by session (JSON Lines)",
    probe,
    read_rows,
};
