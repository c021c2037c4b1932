#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"

#include <stdlib.h>
#include <string.h>

#define LINE_CAP ((size_t)64 << 20)

int record_reader_open(struct record_reader *r, const char *path, struct error *err)
{
    *r = (struct record_reader){0};
    buffer_init(&r->texts, LINE_CAP);
    return line_reader_open(&r->lines, path, LINE_CAP, err);
}

void record_reader_close(struct record_reader *r)
{
    line_reader_close(&r->lines);
    buffer_free(&r->texts);
    free(r->chunks);
    r->chunks = NULL;
}

/* Where a text will stand once the line is read: the buffer may move until then. */
struct text_slot {
    const char **field;
    size_t offset;
};

struct line_parse {
    struct record_reader *reader;
    struct json_scan scan;
    struct record *record;
    struct text_slot slots[64];
    size_t slot_count;
};

static void remember(struct line_parse *p, const char **field, size_t offset)
{
    if (p->slot_count < sizeof p->slots / sizeof p->slots[0])
        p->slots[p->slot_count++] = (struct text_slot){field, offset};
}

static void read_text(struct line_parse *p, const char **field)
{
    struct text raw;
    size_t offset = p->reader->texts.length;
    if (!json_string(&p->scan, &raw))
        return;
    if (!json_unescape(raw, &p->reader->texts) || buffer_add_byte(&p->reader->texts, '\0') < 0)
        json_fail(&p->scan, "this text is too long");
    else
        remember(p, field, offset);
}

static void read_raw(struct line_parse *p, const char **field)
{
    struct text raw;
    size_t offset = p->reader->texts.length;
    if (!json_skip(&p->scan, &raw))
        return;
    buffer_add(&p->reader->texts, raw.at, raw.length);
    buffer_add_byte(&p->reader->texts, '\0');
    remember(p, field, offset);
}

/* A short text that must be one of a set of names. */
static int read_name(struct line_parse *p, int (*from_name)(const char *), const char *what)
{
    struct text raw;
    char name[40];
    if (!json_string(&p->scan, &raw))
        return 0;
    if (raw.length < sizeof name) {
        memcpy(name, raw.at, raw.length);
        name[raw.length] = '\0';
        int value = from_name(name);
        if (value >= 0)
            return value;
    }
    json_fail(&p->scan, "unknown %s \"%.*s\"", what, raw.length > 40 ? 40 : (int)raw.length,
              raw.at);
    return 0;
}

static void read_u32(struct line_parse *p, uint32_t *out)
{
    uint64_t value = 0;
    if (json_u64(&p->scan, 0, UINT32_MAX, &value))
        *out = (uint32_t)value;
}

static void read_asked(struct line_parse *p)
{
    struct text key;
    json_object_begin(&p->scan);
    while (json_object_next(&p->scan, &key)) {
        if (text_equal(key, "input"))
            read_u32(p, &p->record->asked_input);
        else if (text_equal(key, "output"))
            read_u32(p, &p->record->asked_output);
        else
            json_skip(&p->scan, NULL);
    }
}

static void read_extras(struct line_parse *p, bool units)
{
    struct text key, digits;
    struct usage *u = &p->record->usage;
    json_object_begin(&p->scan);
    while (json_object_next(&p->scan, &key)) {
        struct usage_extra *e = &p->reader->extras[u->extra_count];
        if (u->extra_count == sizeof p->reader->extras / sizeof p->reader->extras[0]) {
            json_fail(&p->scan, "more than %zu tools and units in one record", u->extra_count);
            return;
        }
        size_t offset = p->reader->texts.length;
        json_unescape(key, &p->reader->texts);
        buffer_add_byte(&p->reader->texts, '\0');
        if (!json_number(&p->scan, &digits))
            return;
        if (!text_to_fixed(digits, 6, &e->count_micro)) {
            json_fail(&p->scan, "expected a count");
            return;
        }
        e->is_unit = units;
        remember(p, &e->name, offset);
        u->extra_count++;
        u->extras = p->reader->extras;
    }
}

static void read_usage(struct line_parse *p)
{
    struct text key;
    json_object_begin(&p->scan);
    while (json_object_next(&p->scan, &key)) {
        int c = 0;
        while (c < USAGE_CLASSES && !text_equal(key, usage_class_name((enum usage_class)c)))
            c++;
        if (c < USAGE_CLASSES)
            json_u64(&p->scan, 0, INT64_MAX, &p->record->usage.tokens[c]);
        else if (text_equal(key, "tools") || text_equal(key, "units"))
            read_extras(p, key.at[0] == 'u');
        else
            json_skip(&p->scan, NULL);
    }
    if (p->record->usage_from == USAGE_NONE)
        p->record->usage_from = USAGE_SERVER;
}

static void read_chunks(struct line_parse *p)
{
    size_t count = 0;
    json_array_begin(&p->scan);
    while (json_array_next(&p->scan)) {
        mem_grow(&p->reader->chunks, &p->reader->chunk_capacity, count + 1, sizeof(int64_t));
        json_i64(&p->scan, INT64_MIN, INT64_MAX, &p->reader->chunks[count++]);
    }
    p->reader->chunk_count = count;
    p->record->chunk_ns = p->reader->chunks;
}

static void read_cost(struct line_parse *p)
{
    struct text raw;
    if (!json_string(&p->scan, &raw))
        return;
    enum money_fault fault = money_parse(raw.at, raw.length, MONEY_PER_ONE, &p->record->cost);
    if (fault != MONEY_OK)
        json_fail(&p->scan, "\"%.*s\" %s", raw.length > 40 ? 40 : (int)raw.length, raw.at,
                  money_fault_text(fault));
    p->record->has_cost = true;
}

/* Keys whose values are all of one kind, in tables. */
static bool read_time(struct line_parse *p, struct text key)
{
    struct record *r = p->record;
    const struct {
        const char *name;
        int64_t *field;
    } times[] = {
        {"scheduled_ns", &r->scheduled_ns},
        {"ready_ns", &r->ready_ns},
        {"sent_ns", &r->sent_ns},
        {"first_byte_ns", &r->first_byte_ns},
        {"first_token_ns", &r->first_token_ns},
        {"first_output_ns", &r->first_output_ns},
        {"first_reasoning_ns", &r->first_reasoning_ns},
        {"first_text_ns", &r->first_text_ns},
        {"first_tool_ns", &r->first_tool_ns},
        {"last_token_ns", &r->last_token_ns},
        {"done_ns", &r->done_ns},
        {"dns_ns", &r->dns_ns},
        {"connect_ns", &r->connect_ns},
        {"tls_ns", &r->tls_ns},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (text_equal(key, times[i].name)) {
            json_i64(&p->scan, 0, INT64_MAX - 1, times[i].field);
            return true;
        }
    }
    return false;
}

static bool read_named(struct line_parse *p, struct text key)
{
    struct record *r = p->record;
    const struct {
        const char *name;
        const char **field;
    } texts[] = {
        {"request_id", &r->request_id},
        {"session_id", &r->session_id},
        {"endpoint", &r->endpoint},
        {"model", &r->model},
        {"class", &r->class_name},
        {"service", &r->service},
        {"message", &r->message},
        {"finish_reason", &r->finish_reason},
        {"text", &r->text},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (text_equal(key, texts[i].name)) {
            read_text(p, texts[i].field);
            return true;
        }
    }
    return false;
}

static int outcome_from_name(const char *name)
{
    int failure = failure_from_name(name);
    int unsent = unsent_from_name(name);
    return failure > 0 ? failure : unsent > 0 ? FAILURE_CLASSES + unsent : -1;
}

static int usage_source_from_name(const char *name)
{
    return strcmp(name, "server") == 0      ? USAGE_SERVER
           : strcmp(name, "estimated") == 0 ? USAGE_ESTIMATED
                                            : -1;
}

static void read_key(struct line_parse *p, struct text key)
{
    struct record *r = p->record;
    if (read_time(p, key) || read_named(p, key))
        return;
    if (text_equal(key, "attempt")) {
        read_u32(p, &r->attempt);
    } else if (text_equal(key, "final")) {
        json_bool(&p->scan, &r->final);
    } else if (text_equal(key, "labels")) {
        read_raw(p, &r->labels);
    } else if (text_equal(key, "raw_usage")) {
        read_raw(p, &r->raw_usage);
    } else if (text_equal(key, "status")) {
        r->status = (enum record_status)read_name(p, record_status_from_name, "status");
    } else if (text_equal(key, "error")) {
        int outcome = read_name(p, outcome_from_name, "error class");
        if (outcome >= FAILURE_CLASSES)
            r->unsent = (enum unsent_reason)(outcome - FAILURE_CLASSES);
        else
            r->failure = (enum failure_class)outcome;
    } else if (text_equal(key, "http_status")) {
        int64_t status = 0;
        json_i64(&p->scan, 0, 999, &status);
        r->http_status = (int)status;
    } else if (text_equal(key, "asked")) {
        read_asked(p);
    } else if (text_equal(key, "usage")) {
        read_usage(p);
    } else if (text_equal(key, "usage_from")) {
        r->usage_from = (enum usage_source)read_name(p, usage_source_from_name, "usage source");
    } else if (text_equal(key, "streamed")) {
        json_bool(&p->scan, &r->streamed);
    } else if (text_equal(key, "chunks")) {
        read_u32(p, &r->chunks);
    } else if (text_equal(key, "reasoning_chunks")) {
        json_bool(&p->scan, &r->reasoning_chunks);
    } else if (text_equal(key, "buffered")) {
        json_bool(&p->scan, &r->slow_reader);
    } else if (text_equal(key, "connects")) {
        read_u32(p, &r->connects);
    } else if (text_equal(key, "cost_usd")) {
        read_cost(p);
    } else if (text_equal(key, "chunks_ns")) {
        read_chunks(p);
    } else {
        json_skip(&p->scan, NULL);
    }
}

static void check_line(struct line_parse *p)
{
    struct record *r = p->record;
    if (p->scan.failed)
        return;
    if (!r->request_id)
        json_fail(&p->scan, "expected a record with \"request_id\"");
    else if (r->chunk_ns && p->reader->chunk_count != r->chunks)
        json_fail(&p->scan, "\"chunks_ns\" has %zu entries, \"chunks\" says %u",
                  p->reader->chunk_count, r->chunks);
}

int record_reader_next(struct record_reader *r, struct record *out, struct error *err)
{
    struct text line, key;
    int more = line_reader_next(&r->lines, &line, err);
    if (more <= 0)
        return more;
    bool whole = r->lines.offset + line.length < r->lines.next_offset;
    struct line_parse p = {.reader = r, .record = out};
    record_init(out);
    buffer_clear(&r->texts);
    json_scan_init(&p.scan, r->lines.name, line.at, line.length, r->lines.number);
    json_object_begin(&p.scan);
    while (json_object_next(&p.scan, &key))
        read_key(&p, key);
    for (size_t i = 0; i < p.slot_count; i++)
        *p.slots[i].field = r->texts.data + p.slots[i].offset;
    check_line(&p);
    if (out->first_reasoning_ns == TIME_NEVER && out->first_tool_ns == TIME_NEVER && out->streamed)
        out->first_text_ns = out->first_output_ns; /* as record_write_line leaves it out */
    struct error why = {0};
    if (json_scan_end(&p.scan, &why) == 0)
        return 1;
    if (!whole) {
        r->torn = true;
        return 0;
    }
    if (err && err->code == ERR_NONE)
        *err = why;
    return ERR_INPUT;
}
