/* The canonical form, JSON Lines: a superset of Mooncake's {"timestamp", "input_length",
 * "output_length", "hash_ids"}, so that one reader takes both. See docs/traces.md for the keys.
 *
 * `after` names requests by id, forwards too: names that are not known yet are noted and resolved
 * at the end, with the place where they stood.
 */
#include "workloads/trace/trace_fields.h"

#include "core/json/json_fields.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOONCAKE_BLOCK_SIZE 512

/* A parent named before its row was read. */
struct pending {
    uint64_t at; /* in workload.after */
    size_t row;
    long line, column;
    char *id;
};

struct canonical {
    struct trace_row line;
    struct trace_input *in;
    struct trace_usage usage;
    uint32_t *after;
    size_t after_capacity;
    struct image_size *images;
    size_t image_capacity;
    struct pending *pending;
    size_t pending_count, row_pending;
    uint32_t *last_row; /* of each session so far, by its number */
    size_t last_row_capacity;
    struct text prompt;     /* a row's text_input, a JSON string */
    struct buffer messages; /* what is made of it */
    uint64_t ever;          /* keys of any row, by the bits of rows[] */
    bool unknown_keys;
    bool begun; /* a line was read */
};

static bool probe(const struct trace_probe *p)
{
    if (!p->is_object)
        return false;
    if (trace_probe_key(p, "start"))
        return true;
    /* One of the lengths may be missing: it is then asked for by its name. */
    if (trace_probe_key(p, "input_length"))
        return trace_probe_key(p, "output_length") || trace_probe_key(p, "timestamp");
    return trace_probe_kind(p, "text_input") == JSON_STRING;
}

/* ---- values; the scanner's context is the reader, the writer's is the workload ---- */

static void write_hash_ids(struct json_writer *w, const struct json_field *f, const void *request)
{
    (void)f;
    trace_put_hash_ids(w, request);
}

static bool has_no_hash_ids(const void *request)
{
    return ((const struct request *)request)->hash_count == 0;
}

static bool has_no_block_size(const void *member)
{
    return has_no_hash_ids((const char *)member - offsetof(struct request, block_size));
}

/* The row of a request id: given ids, or the made ones ("r1" is row 0) where none are given. */
static uint32_t row_of_id(const struct workload *w, struct text id, size_t rows)
{
    uint64_t number;
    if (w->ids.count > 0 || id.length < 2 || id.at[0] != 'r')
        return request_ids_find(&w->ids, id);
    struct text digits = {id.at + 1, id.length - 1};
    if (digits.at[0] == '0' || !text_to_u64(digits, &number) || number > rows)
        return NAME_NONE;
    return (uint32_t)(number - 1);
}

/* A parent that is not known yet is noted, to be found at the end. */
static void add_parent(struct canonical *c, size_t number, char *id, const char *place)
{
    const struct workload *w = c->in->out;
    uint32_t row = w->count > 0 ? row_of_id(w, text_of(id), w->count) : NAME_NONE;
    mem_grow(&c->after, &c->after_capacity, number + 1, sizeof *c->after);
    c->after[number] = row;
    if (row != NAME_NONE) {
        free(id);
        return;
    }
    struct pending *p = mem_append(&c->pending, &c->pending_count, sizeof *p);
    *p = (struct pending){.at = number, .row = w->count, .id = id};
    json_place(&c->line.scan, place, &p->line, &p->column);
}

static void read_after(struct json_scan *s, const struct json_field *f, void *request)
{
    struct canonical *c = s->context;
    struct request *r = request;
    size_t count = 0;
    struct text raw;
    (void)f;
    if (!json_array_begin(s))
        return;
    while (json_array_next(s)) {
        char *id = json_string(s, &raw) ? trace_string_copy(s, raw) : NULL;
        if (!id)
            return;
        add_parent(c, count++, id, raw.at - 1);
    }
    r->after = c->after;
    r->after_count = count;
}

static void write_after(struct json_writer *w, const struct json_field *f, const void *request)
{
    const struct request *r = request;
    char made[REQUEST_ID_SIZE];
    (void)f;
    json_begin_array(w);
    for (size_t i = 0; i < r->after_count; i++)
        json_put_string(w, workload_request_id(w->context, r->after[i], made));
    json_end_array(w);
}

static bool has_no_parents(const void *request)
{
    return ((const struct request *)request)->after_count == 0;
}

/* [{"width": 1024, "height": 768}] */
static void read_images(struct json_scan *s, const struct json_field *f, void *request)
{
    struct canonical *c = s->context;
    struct request *r = request;
    (void)f;
    if (!json_array_begin(s))
        return;
    while (json_array_next(s)) {
        if (r->image_count == REQUEST_MAX_IMAGES) {
            json_fail(s, "more than %d images in a request", REQUEST_MAX_IMAGES);
            return;
        }
        mem_grow(&c->images, &c->image_capacity, r->image_count + 1, sizeof *c->images);
        json_fields_read(s, &image_size_table, &c->images[r->image_count++]);
    }
    r->images = c->images;
}

static void write_images(struct json_writer *w, const struct json_field *f, const void *request)
{
    const struct request *r = request;
    (void)f;
    json_begin_array(w);
    for (size_t i = 0; i < r->image_count; i++)
        json_fields_write(w, &image_size_table, &r->images[i], 0);
    json_end_array(w);
}

static bool has_no_images(const void *request)
{
    return ((const struct request *)request)->image_count == 0;
}

/* A value that is kept as it was written. */
static bool take_raw(struct json_scan *s, enum json_kind kind, const char *wanted, struct text *out)
{
    if (json_peek(s) == kind)
        return json_skip(s, out);
    json_fail(s, "expected %s", wanted);
    return false;
}

static void read_labels(struct json_scan *s, const struct json_field *f, void *member)
{
    struct canonical *c = s->context;
    struct text raw;
    (void)f;
    if (take_raw(s, JSON_OBJECT, "an object of labels", &raw))
        *(const char **)member = trace_strings_keep(&c->line.texts, s, raw);
}

static void read_messages(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    take_raw(s, JSON_ARRAY, "an array of messages", member);
}

static void read_body(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    take_raw(s, JSON_OBJECT, "an object", member);
}

static void write_raw(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    json_put_raw(w, *(const struct text *)member);
}

static bool is_empty(const void *member)
{
    return ((const struct text *)member)->length == 0;
}

static void read_usage(struct json_scan *s, const struct json_field *f, void *request)
{
    struct canonical *c = s->context;
    (void)f;
    (void)request;
    trace_json_usage(s, &c->usage);
}

static void write_usage(struct json_writer *w, const struct json_field *f, const void *request)
{
    (void)f;
    trace_put_usage(w, &((const struct request *)request)->usage);
}

static void read_cost(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    trace_json_money(s, member);
}

/* AIPerf's own prompts, in place of a length. */
static void read_prompt(struct json_scan *s, const struct json_field *f, void *request)
{
    struct canonical *c = s->context;
    (void)f;
    (void)request;
    take_raw(s, JSON_STRING, "a text", &c->prompt);
}

static bool is_one(const void *member)
{
    return *(const uint32_t *)member <= 1;
}

static bool is_zero(const void *member)
{
    return *(const int64_t *)member == 0;
}

/* Milliseconds; what is beyond them is told how it can be read. */
static void read_timestamp(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text digits;
    int64_t *ns = member;
    (void)f;
    if (json_peek(s) == JSON_STRING) {
        json_fail(s, "expected milliseconds as a number; for instants give --keys "
                     "timestamp=timestamp,input=input_length,output=output_length");
        return;
    }
    if (json_number(s, &digits) && (!text_to_fixed(digits, 6, ns) || *ns < 0 || *ns == TIME_NEVER))
        json_fail(s,
                  "expected a time from 0 to 292 years in milliseconds, found %.*s; for an epoch "
                  "in another unit give --keys "
                  "timestamp=timestamp,input=input_length,output=output_length",
                  digits.length > 40 ? 40 : (int)digits.length, digits.at);
}

static void keep_unknown(struct json_scan *s, void *request, struct text key)
{
    struct canonical *c = s->context;
    struct text raw;
    (void)request;
    if (!json_skip(s, &raw))
        return;
    if (trace_is_aggregate(key, raw, false)) {
        s->value = raw.at;
        json_fail(s,
                  "\"%.*s\" says that this row stands for %.*s requests, and a row is priced and "
                  "sent as one: expected a row for each request",
                  (int)key.length, key.at, (int)(raw.length > 20 ? 20 : raw.length), raw.at);
        return;
    }
    c->unknown_keys = true;
    trace_row_keep_text(&c->line, key, raw);
}

/* Who began the request: "user" or "agent"; anything else is kept, and is no user. */
static void read_initiator(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text raw;
    (void)f;
    if (json_string(s, &raw))
        *(enum request_initiator *)member =
            text_equal(raw, "user") ? INITIATOR_USER : INITIATOR_AGENT;
}

static void write_initiator(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    json_put_string(w,
                    *(const enum request_initiator *)member == INITIATOR_USER ? "user" : "agent");
}

static bool is_unknown_initiator(const void *member)
{
    return *(const enum request_initiator *)member == INITIATOR_UNKNOWN;
}

/* What it is paid as, by any name that a seller has for it. */
static void read_service(struct json_scan *s, const struct json_field *f, void *request)
{
    struct request *r = request;
    const char *name = NULL;
    trace_read_name(s, f, &name);
    if (name && strlen(name) > SERVICE_NAME_MAX)
        json_fail(s, "a service's name has at most %d bytes", SERVICE_NAME_MAX);
    r->service = name ? service_called(text_of(name)) : SERVICE_STANDARD;
    r->other_service = r->service == SERVICE_OTHER ? name : NULL;
}

static void write_service(struct json_writer *w, const struct json_field *f, const void *request)
{
    (void)f;
    json_put_string(w, request_service(request));
}

static bool is_standard(const void *request)
{
    return ((const struct request *)request)->service == SERVICE_STANDARD;
}

/* ---- the table ---- */

#define AT(member) JSON_AT(struct request, member)
#define TEXT(member) JSON_AS_STRING, AT(member), .read = trace_read_name, .optional = true
#define RAW(member) JSON_AS_OTHER, AT(member), .write = write_raw, .is_nothing = is_empty

enum { TIMESTAMP, AFTER, DELAY, INPUT, OUTPUT, HASH_IDS };
static const struct json_field rows[] = {
    [TIMESTAMP] = {"timestamp", JSON_AS_MS, AT(timestamp_ns), .read = read_timestamp,
                   .optional = true},
    [AFTER] = {"after", .read = read_after, .write = write_after, .is_nothing = has_no_parents},
    [DELAY] = {"delay", JSON_AS_MS, AT(delay_ns), .is_nothing = is_zero},
    [INPUT] = {"input_length", JSON_AS_UINT, AT(input_tokens)},
    [OUTPUT] = {"output_length", JSON_AS_UINT, AT(output_tokens)},
    [HASH_IDS] = {"hash_ids", .read = trace_read_hash_ids, .write = write_hash_ids,
                  .is_nothing = has_no_hash_ids},
    {"block_size", JSON_AS_UINT, AT(block_size), 1, UINT32_MAX, .is_nothing = has_no_block_size},
    {"session_id", TEXT(session_id)},
    {"request_id", TEXT(request_id)},
    {"model", TEXT(model)},
    {"class", TEXT(class_name)},
    {"service", JSON_AS_OTHER, .read = read_service, .write = write_service,
     .is_nothing = is_standard},
    {"initiator", JSON_AS_OTHER, AT(initiator), .read = read_initiator, .write = write_initiator,
     .is_nothing = is_unknown_initiator},
    {"priority", JSON_AS_INT, AT(priority), INT16_MIN, INT16_MAX, .optional = true},
    {"first_token_ms", JSON_AS_MS, AT(first_token_ns), .is_nothing = is_zero},
    {"end_ms", JSON_AS_MS, AT(end_ns), .is_nothing = is_zero},
    {"finish_reason", TEXT(finish_reason)},
    {"requests", .read = trace_read_requests, .write = trace_write_requests,
     JSON_AT(struct request, requests), .is_nothing = is_one},
    {"bucket_ms", JSON_AS_MS, AT(bucket_ns), .is_nothing = is_zero},
    {"images", .read = read_images, .write = write_images, .is_nothing = has_no_images},
    {"labels", JSON_AS_RAW, AT(labels), .read = read_labels, .optional = true},
    {"messages", RAW(messages), .read = read_messages},
    {"body", RAW(body), .read = read_body},
    {"usage", .read = read_usage, .write = write_usage, JSON_HAS(struct request, has_usage)},
    {"status", JSON_AS_CHOICE, AT(status), .names = trace_status_names, .optional = true},
    {"attempts", JSON_AS_UINT, AT(attempts), 1, UINT32_MAX, .is_nothing = is_one},
    {"cost_usd", JSON_AS_MONEY, AT(cost), .read = read_cost, JSON_HAS(struct request, has_cost)},
    {"text_input", .read = read_prompt},
};
static const struct json_table table = {JSON_ROWS(rows), .once = true, .nulls = true,
                                        .other = keep_unknown};

#define BIT(row) (UINT64_C(1) << (row))
#define MOONCAKE_KEYS (BIT(TIMESTAMP) | BIT(INPUT) | BIT(OUTPUT) | BIT(HASH_IDS))

void trace_put_canonical(const struct workload *w, const struct request *r, struct buffer *out)
{
    struct json_writer j;
    json_write_init(&j, out, 0);
    j.context = w;
    json_begin_object(&j);
    json_fields_put(&j, &table, r, 0);
    if (r->extra.length > 0) {
        buffer_add_text(out, ", ");
        buffer_add(out, r->extra.at, r->extra.length);
    }
    json_end_object(&j);
    buffer_add_byte(out, '\n');
}

/* ---- rows ---- */

static const char *missing_key(const struct canonical *c)
{
    if (!(c->line.seen & BIT(INPUT)))
        return "\"input_length\"";
    if (!(c->line.seen & BIT(OUTPUT)))
        return "\"output_length\"";
    if (!(c->line.seen & (BIT(TIMESTAMP) | BIT(AFTER))))
        return "\"timestamp\" or \"after\"";
    if (c->line.row.requests > 1 && c->line.row.bucket_ns == 0)
        return "\"bucket_ms\", the length of the time that the row sums up";
    return NULL;
}

/* {"start": "2026-11-01T00:00:00Z"} may stand before the first request. True if the line is one. */
static bool read_start(struct canonical *c, struct text line, int *status, struct error *err)
{
    struct trace_input *in = c->in;
    struct json_scan *s = &c->line.scan;
    struct text key, instant = {"", 0};
    json_scan_init(s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_object_begin(s);
    if (!json_object_next(s, &key) || !text_equal(key, "start"))
        return false;
    if (json_string(s, &instant) &&
        clock_parse_instant(instant.at, instant.length, &in->out->start_unix_ns) < 0)
        json_fail(s, "expected an instant such as \"2026-11-01T00:00:00Z\"");
    if (json_object_next(s, &key))
        json_unknown_key(s, key, (const char *const[]){"start", NULL}, "the start line");
    in->out->has_start = true;
    *status = json_scan_end(s, err);
    return true;
}

/* A row's own prompt: what is sent, and its length where none is given. */
static void take_prompt(struct canonical *c)
{
    struct request *r = &c->line.row;
    buffer_clear(&c->messages);
    buffer_add_text(&c->messages, "[{\"role\": \"user\", \"content\": ");
    buffer_add(&c->messages, c->prompt.at, c->prompt.length);
    buffer_add_text(&c->messages, "}]");
    if (r->messages.length == 0)
        r->messages = (struct text){c->messages.data, c->messages.length};
    if (c->line.seen & BIT(INPUT))
        return;
    r->input_tokens = trace_estimate_tokens(c->prompt.length - 2);
    c->line.seen |= BIT(INPUT);
    trace_note(c->in, "input_tokens_estimated", false);
}

/* AIPerf's later turns have a delay alone: they wait for the turn before. */
static void wait_for_last_turn(struct canonical *c)
{
    struct request *r = &c->line.row;
    uint32_t session =
        r->session_id ? names_find(&c->in->out->sessions, text_of(r->session_id)) : NAME_NONE;
    if (session == NAME_NONE)
        return;
    mem_grow(&c->after, &c->after_capacity, 1, sizeof *c->after);
    c->after[0] = c->last_row[session];
    r->after = c->after;
    r->after_count = 1;
    c->line.seen |= BIT(AFTER);
}

static void note_last_row(struct canonical *c)
{
    const struct workload *w = c->in->out;
    uint32_t session = w->session ? w->session[w->count - 1] : NAME_NONE;
    if (session == NAME_NONE)
        return;
    mem_grow(&c->last_row, &c->last_row_capacity, (size_t)session + 1, sizeof *c->last_row);
    c->last_row[session] = (uint32_t)w->count - 1;
}

static int add_row(struct canonical *c, struct text line, struct error *err)
{
    struct trace_input *in = c->in;
    struct request *r = &c->line.row;
    if (c->prompt.length)
        take_prompt(c);
    if ((c->line.seen & (BIT(TIMESTAMP) | BIT(AFTER) | BIT(DELAY))) == BIT(DELAY))
        wait_for_last_turn(c);
    const char *missing = missing_key(c);
    if (r->has_usage)
        trace_usage_fill(&c->line.scan, &c->usage, r);
    int status = json_scan_end(&c->line.scan, err);
    if (status < 0)
        return status;
    if (missing)
        return trace_fail(in, (long)line.length, err, "expected the key %s", missing);
    if (r->hash_count > 0 && r->block_size == 0)
        r->block_size = in->options.block_size ? in->options.block_size : MOONCAKE_BLOCK_SIZE;
    uint64_t before = in->out->after_start ? in->out->after_start[in->out->count] : 0;
    status = trace_add(in, r, err);
    if (status == 0)
        note_last_row(c);
    for (size_t i = c->row_pending; i < c->pending_count; i++)
        c->pending[i].at += before;
    c->ever |= c->line.seen;
    return status;
}

static int read_row(struct canonical *c, struct text line, struct error *err)
{
    struct trace_row *l = &c->line;
    trace_row_start(l, c->in, line);
    c->prompt.length = 0;
    c->row_pending = c->pending_count;
    l->seen = json_fields_read(&l->scan, &table, &l->row);
    int status = add_row(c, line, err);
    while (status < 0 && c->pending_count > c->row_pending)
        free(c->pending[--c->pending_count].id);
    return status;
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct canonical *c = context;
    int status = 0;
    bool first = !c->begun;
    (void)in;
    c->begun = true;
    return first && read_start(c, line, &status, err) ? status : read_row(c, line, err);
}

/* Parents that were named before they were read. */
static int resolve(struct canonical *c, struct error *err)
{
    struct workload *w = c->in->out;
    for (size_t i = 0; i < c->pending_count; i++) {
        const struct pending *p = &c->pending[i];
        uint32_t row = row_of_id(w, text_of(p->id), w->count);
        if (row == NAME_NONE)
            return error_at(err, c->in->lines.name, p->line, p->column,
                            "\"after\" names \"%.60s\"; no request of this trace has that id",
                            p->id);
        w->after[p->at] = row;
    }
    return 0;
}

/* A ring always holds a parent that was named before it was read: that is where it is shown. */
static int check_rings(const struct canonical *c, struct error *err)
{
    struct error why = {0};
    size_t row = 0;
    if (workload_check_order(c->in->out, &row, &why) == 0)
        return 0;
    const struct pending *p = c->pending;
    while (p < c->pending + c->pending_count && p->row != row)
        p++;
    bool found = p < c->pending + c->pending_count;
    return error_at(err, c->in->lines.name, found ? p->line : 0, found ? p->column : 0, "%s",
                    why.message);
}

static int finish(struct canonical *c, struct error *err)
{
    if (resolve(c, err) < 0 || check_rings(c, err) < 0 || trace_settle_timestamps(c->in, err) < 0)
        return ERR_INPUT;
    if (!c->unknown_keys && !(c->ever & ~MOONCAKE_KEYS) && c->ever & BIT(HASH_IDS))
        c->in->report->format = "mooncake";
    return 0;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct canonical c = {.in = in};
    trace_row_init(&c.line, in);
    trace_usage_init(&c.usage);
    buffer_init(&c.messages, BUFFER_UNBOUNDED);
    int status = trace_each_line(in, &c, read_line, err);
    if (status == 0)
        status = finish(&c, err);
    for (size_t i = 0; i < c.pending_count; i++)
        free(c.pending[i].id);
    free(c.pending);
    free(c.after);
    free(c.last_row);
    buffer_free(&c.messages);
    free(c.images);
    trace_usage_free(&c.usage);
    trace_row_free(&c.line);
    return status;
}

const struct trace_reader trace_reader_canonical = {
    "canonical",
    "farebox's own JSON Lines, a superset of Mooncake's",
    probe,
    read_rows,
};
