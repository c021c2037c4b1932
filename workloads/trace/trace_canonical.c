/* The canonical form, JSON Lines: a superset of Mooncake's {"timestamp", "input_length",
 * "output_length", "hash_ids"}, so that one reader takes both. See docs/traces.md for the keys.
 *
 * `after` names requests by id, forwards too: names that are not known yet are noted and resolved
 * at the end, with the place where they stood.
 */
#include "workloads/trace/trace_fields.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOONCAKE_BLOCK_SIZE 512

/* In the order in which the writer puts them. */
enum key {
    KEY_TIMESTAMP,
    KEY_AFTER,
    KEY_DELAY,
    KEY_INPUT,
    KEY_OUTPUT,
    KEY_HASH_IDS,
    KEY_BLOCK_SIZE,
    KEY_SESSION,
    KEY_REQUEST,
    KEY_MODEL,
    KEY_CLASS,
    KEY_SERVICE,
    KEY_PRIORITY,
    KEY_LABELS,
    KEY_MESSAGES,
    KEY_BODY,
    KEY_USAGE,
    KEY_STATUS,
    KEY_ATTEMPTS,
    KEY_COST,
    KEY_COUNT,
};

static const char *const key_names[KEY_COUNT] = {
    "timestamp",  "after",      "delay", "input_length", "output_length", "hash_ids", "block_size",
    "session_id", "request_id", "model", "class",        "service",       "priority", "labels",
    "messages",   "body",       "usage", "status",       "attempts",      "cost_usd",
};
#define MOONCAKE_KEYS \
    (1u << KEY_TIMESTAMP | 1u << KEY_INPUT | 1u << KEY_OUTPUT | 1u << KEY_HASH_IDS)
#define REQUIRED_KEYS (1u << KEY_INPUT | 1u << KEY_OUTPUT)

/* A parent named before its row was read. */
struct pending {
    uint64_t at; /* in workload.after */
    size_t row;
    long line, column;
    char *id;
};

struct canonical {
    struct trace_input *in;
    struct json_scan scan;
    struct request row;
    struct trace_usage usage;
    struct trace_strings texts;
    struct buffer extra;
    uint64_t *hash_ids;
    size_t hash_capacity;
    uint32_t *after;
    size_t after_capacity;
    struct pending *pending;
    size_t pending_count, pending_capacity, row_pending;
    uint32_t seen;     /* keys of this row */
    uint32_t ever;     /* keys of any row */
    uint32_t expected; /* the key that most likely comes next */
    bool unknown_keys;
};

static bool probe(const struct trace_probe *p)
{
    if (!p->is_object)
        return false;
    if (trace_probe_key(p, "start"))
        return true;
    return trace_probe_key(p, "input_length") && trace_probe_key(p, "output_length");
}

/* The number of a key, or KEY_COUNT. Keys mostly come in one order: look behind the last first. */
static uint32_t key_of(struct canonical *c, struct text key)
{
    for (uint32_t i = 0, k = c->expected; i < KEY_COUNT; i++, k = k + 1 == KEY_COUNT ? 0 : k + 1)
        if (text_equal(key, key_names[k]))
            return k;
    return KEY_COUNT;
}

static void read_hash_ids(struct canonical *c)
{
    json_u64_array(&c->scan, &c->hash_ids, &c->hash_capacity, &c->row.hash_count);
    c->row.hash_ids = c->hash_ids;
}

/* The row of a request id: given ids, or the made ones ("r1" is row 0) where none are given. */
static uint32_t row_of_id(const struct workload *w, struct text id, size_t rows)
{
    uint64_t number;
    if (w->ids.count > 0 || id.length < 2 || id.at[0] != 'r')
        return names_find(&w->ids, id);
    struct text digits = {id.at + 1, id.length - 1};
    if (digits.at[0] == '0' || !text_to_u64(digits, &number) || number > rows)
        return NAME_NONE;
    return (uint32_t)(number - 1);
}

static void read_after(struct canonical *c)
{
    const struct workload *w = c->in->out;
    size_t count = 0;
    struct text raw;
    char *id;
    if (!json_array_begin(&c->scan))
        return;
    while (json_array_next(&c->scan)) {
        if (!json_string(&c->scan, &raw))
            return;
        const char *place = raw.at - 1;
        id = trace_string_copy(&c->scan, raw);
        if (!id)
            return;
        uint32_t row = w->count > 0 ? row_of_id(w, text_of(id), w->count) : NAME_NONE;
        mem_grow(&c->after, &c->after_capacity, count + 1, sizeof *c->after);
        c->after[count] = row;
        if (row == NAME_NONE) {
            mem_grow(&c->pending, &c->pending_capacity, c->pending_count + 1, sizeof *c->pending);
            struct pending *p = &c->pending[c->pending_count++];
            *p = (struct pending){.at = count, .row = w->count, .id = id};
            json_place(&c->scan, place, &p->line, &p->column);
        } else {
            free(id);
        }
        count++;
    }
    c->row.after = c->after;
    c->row.after_count = count;
}

static void read_service(struct canonical *c)
{
    struct text name;
    if (!json_string(&c->scan, &name))
        return;
    int service = service_from_name(name);
    if (service < 0)
        json_fail(&c->scan, "expected \"standard\", \"batch\", \"flex\" or \"priority\"");
    else
        c->row.service = (enum service)service;
}

static void read_status(struct canonical *c)
{
    struct text name;
    if (!json_string(&c->scan, &name))
        return;
    int status = trace_status_from_name(name);
    if (status < 0)
        json_fail(&c->scan, "expected \"ok\", \"failed\" or \"aborted\"");
    else
        c->row.status = (enum request_status)status;
}

/* A value that is kept as it was written. */
static void read_raw(struct canonical *c, enum json_kind kind, const char *wanted, struct text *out)
{
    if (json_peek(&c->scan) != kind)
        json_fail(&c->scan, "expected %s", wanted);
    else
        json_skip(&c->scan, out);
}

static void read_labels(struct canonical *c)
{
    struct text raw = {0};
    read_raw(c, JSON_OBJECT, "an object of labels", &raw);
    c->row.labels = trace_strings_keep(&c->texts, &c->scan, raw);
}

static void read_count(struct canonical *c, uint64_t min, uint32_t *out)
{
    uint64_t value;
    if (json_u64(&c->scan, min, UINT32_MAX, &value))
        *out = (uint32_t)value;
}

static void read_priority(struct canonical *c)
{
    int64_t value;
    if (json_i64(&c->scan, INT16_MIN, INT16_MAX, &value))
        c->row.priority = (int)value;
}

/* Milliseconds; what is beyond them is told how it can be read. */
static void read_timestamp(struct canonical *c)
{
    struct text digits;
    if (json_peek(&c->scan) == JSON_STRING) {
        json_fail(&c->scan, "expected milliseconds as a number; for instants give --keys "
                            "timestamp=timestamp,input=input_length,output=output_length");
        return;
    }
    if (!json_number(&c->scan, &digits))
        return;
    int64_t *ns = &c->row.timestamp_ns;
    if (!text_to_fixed(digits, 6, ns) || *ns < 0 || *ns == TIME_NEVER)
        json_fail(
            &c->scan,
            "expected a time from 0 to 292 years in milliseconds, found %.*s; for an epoch in "
            "another unit give --keys "
            "timestamp=timestamp,input=input_length,output=output_length",
            digits.length > 40 ? 40 : (int)digits.length, digits.at);
}

static void read_value(struct canonical *c, uint32_t key)
{
    struct json_scan *s = &c->scan;
    struct request *r = &c->row;
    switch ((enum key)key) {
    case KEY_TIMESTAMP:
        read_timestamp(c);
        break;
    case KEY_AFTER:
        read_after(c);
        break;
    case KEY_DELAY:
        trace_json_time(s, 6, &r->delay_ns);
        break;
    case KEY_INPUT:
        read_count(c, 0, &r->input_tokens);
        break;
    case KEY_OUTPUT:
        read_count(c, 0, &r->output_tokens);
        break;
    case KEY_HASH_IDS:
        read_hash_ids(c);
        break;
    case KEY_BLOCK_SIZE:
        read_count(c, 1, &r->block_size);
        break;
    case KEY_SESSION:
        r->session_id = trace_strings_take(&c->texts, s);
        break;
    case KEY_REQUEST:
        r->request_id = trace_strings_take(&c->texts, s);
        break;
    case KEY_MODEL:
        r->model = trace_strings_take(&c->texts, s);
        break;
    case KEY_CLASS:
        r->class_name = trace_strings_take(&c->texts, s);
        break;
    case KEY_SERVICE:
        read_service(c);
        break;
    case KEY_PRIORITY:
        read_priority(c);
        break;
    case KEY_LABELS:
        read_labels(c);
        break;
    case KEY_MESSAGES:
        read_raw(c, JSON_ARRAY, "an array of messages", &r->messages);
        break;
    case KEY_BODY:
        read_raw(c, JSON_OBJECT, "an object", &r->body);
        break;
    case KEY_USAGE:
        trace_json_usage(s, &c->usage);
        break;
    case KEY_STATUS:
        read_status(c);
        break;
    case KEY_ATTEMPTS:
        read_count(c, 1, &r->attempts);
        break;
    case KEY_COST:
        r->has_cost = trace_json_money(s, &r->cost);
        break;
    case KEY_COUNT:
        break;
    }
}

static void read_unknown(struct canonical *c, struct text key)
{
    struct text raw;
    if (!json_skip(&c->scan, &raw))
        return;
    if (trace_is_aggregate(key, raw, false)) {
        c->scan.value = raw.at;
        json_fail(&c->scan,
                  "\"%.*s\" says that this row stands for %.*s requests, and a row is priced and "
                  "sent as one: expected a row for each request",
                  (int)key.length, key.at, (int)(raw.length > 20 ? 20 : raw.length), raw.at);
        return;
    }
    c->unknown_keys = true;
    if (c->extra.length > 0)
        buffer_add_text(&c->extra, ", ");
    buffer_add_byte(&c->extra, '"');
    buffer_add(&c->extra, key.at, key.length);
    buffer_add_text(&c->extra, "\": ");
    buffer_add(&c->extra, raw.at, raw.length);
}

static void read_keys(struct canonical *c)
{
    struct text key;
    json_object_begin(&c->scan);
    while (json_object_next(&c->scan, &key)) {
        uint32_t k = key_of(c, key);
        if (k == KEY_COUNT) {
            read_unknown(c, key);
            continue;
        }
        c->expected = k + 1 < KEY_COUNT ? k + 1 : 0;
        if (c->seen & 1u << k) {
            json_fail(&c->scan, "key \"%s\" stands twice", key_names[k]);
            return;
        }
        if (json_peek(&c->scan) == JSON_NULL) {
            json_null(&c->scan);
            continue;
        }
        c->seen |= 1u << k;
        read_value(c, k);
    }
}

static const char *missing_key(const struct canonical *c)
{
    if (!(c->seen & 1u << KEY_INPUT))
        return "\"input_length\"";
    if (!(c->seen & 1u << KEY_OUTPUT))
        return "\"output_length\"";
    if (!(c->seen & (1u << KEY_TIMESTAMP | 1u << KEY_AFTER)))
        return "\"timestamp\" or \"after\"";
    return NULL;
}

/* {"start": "2026-11-01T00:00:00Z"} may stand before the first request. True if the line is one. */
static bool read_start(struct canonical *c, struct text line, int *status, struct error *err)
{
    struct trace_input *in = c->in;
    struct json_scan *s = &c->scan;
    struct text key, instant = {"", 0};
    json_scan_init(s, in->lines.name, line.at, line.length, in->lines.number);
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

/* Usage classes of the row, checked against its lengths. */
static void finish_usage(struct canonical *c)
{
    struct request *r = &c->row;
    r->has_usage = c->seen & 1u << KEY_USAGE;
    if (r->has_usage)
        trace_usage_fill(&c->scan, &c->usage, r);
}

static int add_row(struct canonical *c, struct text line, struct error *err)
{
    struct trace_input *in = c->in;
    const char *missing = missing_key(c);
    finish_usage(c);
    int status = json_scan_end(&c->scan, err);
    if (status < 0)
        return status;
    if (missing)
        return trace_fail(in, (long)line.length, err, "expected the key %s", missing);
    if (c->row.hash_count > 0 && c->row.block_size == 0)
        c->row.block_size = in->options.block_size ? in->options.block_size : MOONCAKE_BLOCK_SIZE;
    c->row.extra = (struct text){c->extra.data, c->extra.length};
    uint64_t before = in->out->after_start ? in->out->after_start[in->out->count] : 0;
    status = trace_add(in, &c->row, err);
    for (size_t i = c->row_pending; i < c->pending_count; i++)
        c->pending[i].at += before;
    c->ever |= c->seen;
    return status;
}

static int read_row(struct canonical *c, struct text line, struct error *err)
{
    struct trace_input *in = c->in;
    json_scan_init(&c->scan, in->lines.name, line.at, line.length, in->lines.number);
    c->row = (struct request){.timestamp_ns = TIME_NEVER, .attempts = 1};
    c->seen = 0;
    c->expected = 0;
    c->row_pending = c->pending_count;
    trace_strings_clear(&c->texts);
    buffer_clear(&c->extra);
    read_keys(c);
    return add_row(c, line, err);
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

/* Epochs in milliseconds become the start. Times behind a line with a start are offsets, and a form
 * that was named is believed. */
static int settle_times(struct trace_input *in, struct error *err)
{
    static const char advice[] =
        "--keys timestamp_s=timestamp,input=input_length,output=output_length (or --format "
        "canonical, which takes them for milliseconds)";
    int64_t first = 0, last = 0;
    if (!workload_time_range(in->out, &first, &last))
        return 0;
    if (last >= TRACE_WALL_NS && (first < TRACE_WALL_NS || in->out->has_start))
        return error_at(err, in->lines.name, 0, 0,
                        in->out->has_start
                            ? "the first line says when 0 was, and \"timestamp\" holds epochs: "
                              "expected one or the other"
                            : "some of \"timestamp\" are epochs and some are offsets from a "
                              "start: expected one or the other");
    if (first >= TRACE_WALL_NS)
        trace_start_at_first(in);
    else if (!in->out->has_start && !in->options.format)
        return trace_refuse_seconds(in, true, "timestamp", advice, err);
    return 0;
}

static int finish(struct canonical *c, struct error *err)
{
    if (resolve(c, err) < 0 || check_rings(c, err) < 0 || settle_times(c->in, err) < 0)
        return ERR_INPUT;
    if (!c->unknown_keys && !(c->ever & ~MOONCAKE_KEYS) && c->ever & 1u << KEY_HASH_IDS)
        c->in->report->format = "mooncake";
    return 0;
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct canonical c = {.in = in};
    struct text line;
    int status = 0, more;
    bool first = true;
    trace_strings_init(&c.texts);
    trace_usage_init(&c.usage);
    buffer_init(&c.extra, in->lines.max_line * 2);
    while (status == 0 && (more = trace_next_line(in, &line, err)) != 0) {
        if (more < 0)
            status = more;
        else if (!first || !read_start(&c, line, &status, err))
            status = read_row(&c, line, err);
        first = false;
    }
    if (status == 0)
        status = finish(&c, err);
    for (size_t i = 0; i < c.pending_count; i++)
        free(c.pending[i].id);
    free(c.pending);
    free(c.after);
    free(c.hash_ids);
    buffer_free(&c.extra);
    trace_usage_free(&c.usage);
    trace_strings_free(&c.texts);
    return status;
}

const struct trace_reader trace_reader_canonical = {
    "canonical",
    "farebox's own JSON Lines, a superset of Mooncake's",
    probe,
    read_rows,
};
