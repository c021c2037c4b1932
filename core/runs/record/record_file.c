#include "core/runs/record/record_file.h"

#include "core/json/json_fields.h"
#include "core/memory.h"

#include <stdlib.h>

/* More than the longest that a run can write: a text of 16 MiB, of which JSON may make six times as
 * much, and the times of 2 million chunks (check_attempt_caps.c). */
#define LINE_CAP ((size_t)256 << 20)

/* Groups of rows beside enum record_detail: times that most records can do without. */
enum { RECORD_KINDS = 8 };

/* ---- values that the record lends from its reader, which is the scanner's context ---- */

/* The line is longer than all of its texts, and the buffer has room for it: texts stay put. */
static const char *keep(struct record_reader *r, struct text raw, bool escaped)
{
    size_t start = r->texts.length;
    if (escaped)
        json_unescape(raw, &r->texts);
    else
        buffer_add(&r->texts, raw.at, raw.length);
    buffer_add_byte(&r->texts, '\0');
    return r->texts.data + start;
}

static void read_text(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text raw;
    (void)f;
    if (json_string(s, &raw))
        *(const char **)member = keep(s->context, raw, true);
}

static void read_raw(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text raw;
    (void)f;
    if (json_skip(s, &raw))
        *(const char **)member = keep(s->context, raw, false);
}

static void read_chunks(struct json_scan *s, const struct json_field *f, void *record)
{
    struct record_reader *r = s->context;
    size_t count = 0;
    (void)f;
    json_array_begin(s);
    while (json_array_next(s)) {
        mem_grow(&r->chunks, &r->chunk_capacity, count + 1, sizeof(int64_t));
        json_i64(s, INT64_MIN, INT64_MAX, &r->chunks[count++]);
    }
    r->chunk_count = count;
    ((struct record *)record)->chunk_ns = r->chunks;
}

static void write_chunks(struct json_writer *w, const struct json_field *f, const void *record)
{
    const struct record *r = record;
    (void)f;
    json_begin_array(w);
    for (uint32_t i = 0; i < r->chunks; i++)
        json_put_i64(w, r->chunk_ns[i]);
    json_end_array(w);
}

static bool has_no_chunks(const void *record)
{
    return !((const struct record *)record)->chunk_ns;
}

/* ---- why a record failed or was not sent: one key ---- */

static void read_error(struct json_scan *s, const struct json_field *f, void *record)
{
    struct record *r = record;
    struct text word;
    int place;
    (void)f;
    if (!json_string(s, &word))
        return;
    if ((place = text_place(word, failure_names)) >= 0)
        r->failure = (enum failure_class)place;
    else if ((place = text_place(word, unsent_names)) >= 0)
        r->unsent = (enum unsent_reason)place;
    else
        json_unknown_choice(s, word, unsent_names, "error class");
}

static void write_error(struct json_writer *w, const struct json_field *f, const void *record)
{
    const struct record *r = record;
    (void)f;
    json_put_string(w, r->failure ? failure_names[r->failure] : unsent_names[r->unsent]);
}

static bool has_no_error(const void *record)
{
    const struct record *r = record;
    return r->failure == FAILURE_NONE && r->unsent == UNSENT_NONE;
}

/* ---- usage ---- */

/* Tools and units: {"web_search": 2}. */
static void read_extras(struct json_scan *s, const struct json_field *f, void *record)
{
    struct record_reader *r = s->context;
    struct usage *u = &((struct record *)record)->usage;
    struct text key, digits;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (u->extra_count == sizeof r->extras / sizeof *r->extras) {
            json_fail(s, "more than %zu tools and units in one record", u->extra_count);
            return;
        }
        struct usage_extra *e = &r->extras[u->extra_count];
        e->name = keep(r, key, true);
        e->is_unit = f->max > 0;
        if (!json_number(s, &digits))
            return;
        if (!text_to_fixed(digits, 6, &e->count_micro))
            json_fail(s, "expected a count");
        u->extra_count++;
        u->extras = r->extras;
    }
}

static bool has_extras(const struct usage *u, bool units)
{
    for (size_t i = 0; i < u->extra_count; i++)
        if ((u->extras[i].is_unit != 0) == units)
            return true;
    return false;
}

static bool has_no_tools(const void *record)
{
    return !has_extras(&((const struct record *)record)->usage, false);
}

static bool has_no_units(const void *record)
{
    return !has_extras(&((const struct record *)record)->usage, true);
}

static void write_extras(struct json_writer *w, const struct json_field *f, const void *record)
{
    const struct usage *u = &((const struct record *)record)->usage;
    json_begin_object(w);
    for (size_t i = 0; i < u->extra_count; i++)
        if ((u->extras[i].is_unit != 0) == (f->max > 0))
            json_pair_double(w, u->extras[i].name, (double)u->extras[i].count_micro / 1e6);
    json_end_object(w);
}

/* Files of the first versions do not say where their usage is from. */
static void check_usage(struct json_scan *s, void *record, uint64_t seen)
{
    struct record *r = record;
    (void)seen;
    if (usage_input(&r->usage) > RECORD_MOST_TOKENS || usage_output(&r->usage) > RECORD_MOST_TOKENS)
        json_fail(s, "a request has at most %u tokens of input and of output", RECORD_MOST_TOKENS);
    if (r->usage_from == USAGE_NONE)
        r->usage_from = USAGE_SERVER;
}

static bool has_no_usage(const void *record)
{
    return ((const struct record *)record)->usage_from == USAGE_NONE;
}

/* ---- what was odd: a list of names ---- */

/* Names of later versions are passed over. */
static void read_odd(struct json_scan *s, const struct json_field *f, void *record)
{
    struct text name;
    (void)f;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (!json_string(s, &name))
            return;
        int place = text_place(name, oddity_names);
        if (place >= 0)
            ((struct record *)record)->odd |= UINT32_C(1) << place;
    }
}

static void write_odd(struct json_writer *w, const struct json_field *f, const void *record)
{
    const struct record *r = record;
    (void)f;
    json_begin_array(w);
    for (int i = 0; i < ODDITIES; i++)
        if (r->odd & UINT32_C(1) << i)
            json_put_string(w, oddity_names[i]);
    json_end_array(w);
}

static bool has_no_oddity(const void *record)
{
    return ((const struct record *)record)->odd == 0;
}

/* Most chunks bear one token. */
static bool is_one_or_unsaid(const void *first_chunk_tokens)
{
    return *(const uint32_t *)first_chunk_tokens <= 1;
}

/* ---- the table ---- */

#define AT(member) JSON_AT(struct record, member)
#define TEXT(key, member)                                                    \
    {                                                                        \
        key, JSON_AS_STRING, AT(member), .read = read_text, .optional = true \
    }
#define TOKENS(class) AT(usage.tokens[class]), .max = RECORD_MOST_TOKENS

static const struct json_field usage_rows[] = {
    {"uncached_input", JSON_AS_UINT, TOKENS(USAGE_UNCACHED_INPUT)},
    {"cached_input", JSON_AS_UINT, TOKENS(USAGE_CACHED_INPUT), .optional = true},
    {"cache_write", JSON_AS_UINT, TOKENS(USAGE_CACHE_WRITE), .optional = true},
    {"cache_write_1h", JSON_AS_UINT, TOKENS(USAGE_CACHE_WRITE_1H), .optional = true},
    {"output", JSON_AS_UINT, TOKENS(USAGE_OUTPUT)},
    {"reasoning", JSON_AS_UINT, TOKENS(USAGE_REASONING), .optional = true},
    {"image_input", JSON_AS_UINT, TOKENS(USAGE_IMAGE_INPUT), .optional = true},
    {"audio_input", JSON_AS_UINT, TOKENS(USAGE_AUDIO_INPUT), .optional = true},
    {"video_input", JSON_AS_UINT, TOKENS(USAGE_VIDEO_INPUT), .optional = true},
    {"cached_image_input", JSON_AS_UINT, TOKENS(USAGE_CACHED_IMAGE_INPUT), .optional = true},
    {"cached_audio_input", JSON_AS_UINT, TOKENS(USAGE_CACHED_AUDIO_INPUT), .optional = true},
    {"image_output", JSON_AS_UINT, TOKENS(USAGE_IMAGE_OUTPUT), .optional = true},
    {"audio_output", JSON_AS_UINT, TOKENS(USAGE_AUDIO_OUTPUT), .optional = true},
    {"tools", .read = read_extras, .write = write_extras, .is_nothing = has_no_tools},
    {"units", .read = read_extras, .write = write_extras, .is_nothing = has_no_units, .max = 1},
};
static const struct json_table usage_table = {JSON_ROWS(usage_rows), .open = true,
                                              .check = check_usage};

static const struct json_field asked_rows[] = {
    {"input", JSON_AS_UINT, AT(asked_input)},
    {"output", JSON_AS_UINT, AT(asked_output)},
    {"images", JSON_AS_UINT, AT(asked_images), .optional = true},
};
static const struct json_table asked_table = {JSON_ROWS(asked_rows), .open = true};

static const char *const usage_sources[] = {"none", "server", "estimated", NULL};

static const struct json_field rows[] = {
    {"request_id", JSON_AS_STRING, AT(request_id), .read = read_text, .required = true},
    TEXT("session_id", session_id),
    {"attempt", JSON_AS_UINT, AT(attempt)},
    {"final", JSON_AS_BOOL, AT(final)},
    TEXT("endpoint", endpoint),
    TEXT("model", model),
    TEXT("class", class_name),
    TEXT("service", service),
    {"labels", JSON_AS_RAW, AT(labels), .read = read_raw, .optional = true},
    {"scheduled_ns", JSON_AS_NS, AT(scheduled_ns)},
    {"ready_ns", JSON_AS_NS, AT(ready_ns)},
    {"sent_ns", JSON_AS_NS, AT(sent_ns)},
    {"first_byte_ns", JSON_AS_NS, AT(first_byte_ns)},
    {"first_token_ns", JSON_AS_NS, AT(first_token_ns)},
    {"first_output_ns", JSON_AS_NS, AT(first_output_ns)},
    {"first_reasoning_ns", JSON_AS_NS, AT(first_reasoning_ns), .groups = RECORD_KINDS},
    {"first_text_ns", JSON_AS_NS, AT(first_text_ns), .groups = RECORD_KINDS},
    {"first_tool_ns", JSON_AS_NS, AT(first_tool_ns), .groups = RECORD_KINDS},
    {"last_token_ns", JSON_AS_NS, AT(last_token_ns)},
    {"done_ns", JSON_AS_NS, AT(done_ns)},
    {"dns_ns", JSON_AS_NS, AT(dns_ns)},
    {"connect_ns", JSON_AS_NS, AT(connect_ns)},
    {"tls_ns", JSON_AS_NS, AT(tls_ns)},
    {"status", JSON_AS_CHOICE, AT(status), .names = record_status_names, .what = "status"},
    {"error", .read = read_error, .write = write_error, .is_nothing = has_no_error},
    TEXT("message", message),
    {"http_status", JSON_AS_INT, AT(http_status), 0, 999, .optional = true},
    TEXT("finish_reason", finish_reason),
    {"asked", JSON_AS_OBJECT, .table = &asked_table},
    {"usage", JSON_AS_OBJECT, .table = &usage_table, .is_nothing = has_no_usage},
    {"usage_from", JSON_AS_CHOICE, AT(usage_from), .names = usage_sources, .what = "usage source",
     .optional = true},
    {"streamed", JSON_AS_BOOL, AT(streamed)},
    {"chunks", JSON_AS_UINT, AT(chunks)},
    {"first_chunk_tokens", JSON_AS_UINT, AT(first_chunk_tokens), .is_nothing = is_one_or_unsaid},
    {"reasoning_chunks", JSON_AS_BOOL, AT(reasoning_chunks), .optional = true},
    {"buffered", JSON_AS_BOOL, AT(slow_reader), .optional = true},
    {"odd", .read = read_odd, .write = write_odd, .is_nothing = has_no_oddity},
    {"connects", JSON_AS_UINT, AT(connects)},
    {"long_history", JSON_AS_BOOL, AT(long_history), .optional = true},
    {"cost_usd", JSON_AS_MONEY, AT(cost), JSON_HAS(struct record, has_cost)},
    {"chunks_ns", .read = read_chunks, .write = write_chunks, .is_nothing = has_no_chunks,
     .groups = RECORD_CHUNKS},
    {"text", JSON_AS_STRING, AT(text), .read = read_text, .optional = true, .groups = RECORD_TEXT},
    {"raw_usage", JSON_AS_RAW, AT(raw_usage), .read = read_raw, .optional = true,
     .groups = RECORD_RAW},
};

/* Answers of text alone, as most are, do without the times of kinds: first_output_ns says it. */
static bool has_kinds(const struct record *r)
{
    return r->first_reasoning_ns != TIME_NEVER || r->first_tool_ns != TIME_NEVER;
}

static void check_record(struct json_scan *s, void *record, uint64_t seen)
{
    const struct record_reader *reader = s->context;
    struct record *r = record;
    (void)seen;
    if (!has_kinds(r) && r->streamed)
        r->first_text_ns = r->first_output_ns;
    if (r->chunk_ns && reader->chunk_count != r->chunks)
        json_fail(s, "\"chunks_ns\" has %zu entries, \"chunks\" says %u", reader->chunk_count,
                  r->chunks);
}

const struct json_table record_table = {JSON_ROWS(rows), .open = true,
                                        .needs = "expected a record with \"request_id\"",
                                        .check = check_record};

/* ---- lines ---- */

void record_write_line(const struct record *r, unsigned detail, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_fields_write(&w, &record_table, r, detail | (has_kinds(r) ? RECORD_KINDS : 0));
    buffer_add_byte(out, '\n');
}

int record_reader_open(struct record_reader *r, const char *path, struct error *err)
{
    *r = (struct record_reader){0};
    buffer_init(&r->texts, LINE_CAP + 1);
    return line_reader_open(&r->lines, path, LINE_CAP, err);
}

void record_reader_close(struct record_reader *r)
{
    line_reader_close(&r->lines);
    buffer_free(&r->texts);
    free(r->chunks);
    r->chunks = NULL;
}

int record_reader_next(struct record_reader *r, struct record *out, struct error *err)
{
    struct text line;
    struct json_scan s;
    int more = line_reader_next(&r->lines, &line, err);
    if (more <= 0)
        return more;
    bool whole = r->lines.offset + line.length < r->lines.next_offset;
    record_init(out);
    buffer_clear(&r->texts);
    buffer_reserve(&r->texts, line.length);
    json_scan_init(&s, r->lines.name, line.at, line.length, r->lines.number);
    s.context = r;
    json_fields_read(&s, &record_table, out);
    struct error why = {0};
    if (json_scan_end(&s, &why) == 0)
        return 1;
    if (!whole) {
        r->torn = true;
        return 0;
    }
    if (err && err->code == ERR_NONE)
        *err = why;
    return ERR_INPUT;
}
