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
    struct trace_strings session_texts; /* of the session around the requests */
    int64_t *end_ns;                    /* by row */
    size_t end_capacity;
    int64_t duration_ns;
    uint64_t scope; /* what local block ids are mixed with; 0 = they are global */
    uint32_t block_size;
};

enum { TIME, INPUT, OUTPUT };
static const char *const flat_required[] = {"request_arrival_delta_s", "input_tokens",
                                            "output_tokens", NULL};
static const char *const nested_required[] = {"t", "in", "out", NULL};

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

static bool is_local(struct json_scan *s)
{
    struct text scope;
    return json_string(s, &scope) && text_equal(scope, "local");
}

static void read_block_size(struct weka *k)
{
    uint64_t size;
    if (json_u64(&k->line.scan, 1, 1 << 20, &size))
        k->block_size = (uint32_t)size;
}

/* A duration that may be null. */
static void read_duration(struct weka *k)
{
    if (json_peek(&k->line.scan) == JSON_NULL)
        json_null(&k->line.scan);
    else
        trace_json_time(&k->line.scan, 9, &k->duration_ns);
}

static void read_flat_value(struct weka *k, struct trace_input *in, struct text key, bool *local)
{
    struct trace_row *l = &k->line;
    if (text_equal(key, "request_arrival_delta_s")) {
        trace_row_time(l, TIME, 9, &l->row.timestamp_ns);
    } else if (text_equal(key, "input_tokens")) {
        trace_row_count(l, INPUT, &l->row.input_tokens);
    } else if (text_equal(key, "output_tokens")) {
        trace_row_count(l, OUTPUT, &l->row.output_tokens);
    } else if (text_equal(key, "session_id")) {
        l->row.session_id = trace_row_name(l);
    } else if (text_equal(key, "model_id")) {
        l->row.model = trace_row_name(l);
    } else if (text_equal(key, "api_time_s")) {
        read_duration(k);
    } else if (text_equal(key, "hash_id_scope")) {
        *local = is_local(&l->scan);
    } else if (text_equal(key, "block_size_tokens")) {
        read_block_size(k);
    } else if (text_equal(key, "block_hashes") && json_peek(&l->scan) == JSON_ARRAY) {
        trace_row_hash_ids(l);
    } else {
        if (text_equal(key, "block_hashes_sample"))
            trace_note(in, "block_hashes_only_sampled", false);
        json_skip(&l->scan, NULL);
    }
}

static int read_flat(struct weka *k, struct trace_input *in, struct text line, struct error *err)
{
    struct trace_row *l = &k->line;
    struct text key;
    bool local = false;
    trace_row_start(l, in, line);
    k->duration_ns = TIME_NEVER;
    k->block_size = BLOCK_SIZE;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key))
        read_flat_value(k, in, key, &local);
    int status = trace_row_end(l, in, line, flat_required, err);
    const char *session = l->row.session_id ? l->row.session_id : "";
    k->scope = local ? text_hash(session, strlen(session)) | 1 : 0;
    return status < 0 ? status : add_row(k, in, err);
}

static void read_nested_value(struct weka *k, struct text key)
{
    struct trace_row *l = &k->line;
    if (text_equal(key, "t"))
        trace_row_time(l, TIME, 9, &l->row.timestamp_ns);
    else if (text_equal(key, "in"))
        trace_row_count(l, INPUT, &l->row.input_tokens);
    else if (text_equal(key, "out"))
        trace_row_count(l, OUTPUT, &l->row.output_tokens);
    else if (text_equal(key, "model"))
        l->row.model = trace_row_name(l);
    else if (text_equal(key, "api_time"))
        read_duration(k);
    else if (text_equal(key, "hash_ids"))
        trace_row_hash_ids(l);
    else
        json_skip(&l->scan, NULL);
}

static int read_requests(struct weka *k, struct trace_input *in, struct text raw,
                         const char *session, const char *class_name, struct error *err);

/* One element of "requests": a request, or a group with more of them inside. */
static int read_nested(struct weka *k, struct trace_input *in, struct text raw, const char *session,
                       const char *class_name, struct error *err)
{
    struct trace_row *l = &k->line;
    struct text key, group = {NULL, 0};
    trace_row_start(l, in, raw);
    k->duration_ns = TIME_NEVER;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "requests"))
            json_skip(&l->scan, &group);
        else
            read_nested_value(k, key);
    }
    if (group.at && !l->scan.failed)
        return read_requests(k, in, group, session, "subagent", err);
    int status = trace_row_end(l, in, raw, nested_required, err);
    l->row.session_id = session;
    l->row.class_name = class_name;
    return status < 0 ? status : add_row(k, in, err);
}

static int read_requests(struct weka *k, struct trace_input *in, struct text raw,
                         const char *session, const char *class_name, struct error *err)
{
    struct json_scan list;
    struct text element;
    json_scan_init(&list, in->lines.name, raw.at, raw.length, in->lines.number);
    json_array_begin(&list);
    while (json_array_next(&list) && json_skip(&list, &element)) {
        int status = read_nested(k, in, element, session, class_name, err);
        if (status < 0)
            return status;
    }
    return json_scan_end(&list, err);
}

static int read_session(struct weka *k, struct trace_input *in, struct text line, struct error *err)
{
    struct trace_row *l = &k->line;
    struct text key, requests = {"[]", 2};
    const char *session = NULL;
    bool local = false;
    trace_row_start(l, in, line);
    trace_strings_clear(&k->session_texts);
    k->block_size = BLOCK_SIZE;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "id"))
            session = trace_strings_take(&k->session_texts, &l->scan);
        else if (text_equal(key, "block_size"))
            read_block_size(k);
        else if (text_equal(key, "hash_id_scope"))
            local = is_local(&l->scan);
        else if (text_equal(key, "requests"))
            json_skip(&l->scan, &requests);
        else
            json_skip(&l->scan, NULL);
    }
    static const char *const none[] = {NULL};
    int status = trace_row_end(l, in, line, none, err);
    if (status < 0)
        return status;
    k->scope = local ? text_hash(session ? session : "", session ? strlen(session) : 0) | 1 : 0;
    return read_requests(k, in, requests, session, NULL, err);
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct trace_probe p = {.line = line, .all = line, .is_object = line.at[0] == '{'};
    if (trace_probe_key(&p, "requests"))
        return read_session(context, in, line, err);
    return read_flat(context, in, line, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct weka k = {.end_ns = NULL};
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
