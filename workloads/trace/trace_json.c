#include "workloads/trace/trace_json.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void trace_strings_init(struct trace_strings *t)
{
    for (size_t i = 0; i < TRACE_ROW_TEXTS; i++)
        buffer_init(&t->slots[i], TRACE_MAX_NAME);
    t->used = 0;
}

void trace_strings_clear(struct trace_strings *t)
{
    for (size_t i = 0; i < t->used; i++)
        buffer_clear(&t->slots[i]);
    t->used = 0;
}

void trace_strings_free(struct trace_strings *t)
{
    for (size_t i = 0; i < TRACE_ROW_TEXTS; i++)
        buffer_free(&t->slots[i]);
}

const char *trace_strings_keep(struct trace_strings *t, struct json_scan *s, struct text text)
{
    if (s->failed)
        return NULL;
    struct buffer *slot = &t->slots[t->used];
    if (t->used == TRACE_ROW_TEXTS || buffer_add(slot, text.at, text.length) < 0) {
        json_fail(s, "this text is longer than %zu bytes", TRACE_MAX_NAME);
        return NULL;
    }
    t->used++;
    return slot->data;
}

const char *trace_strings_take(struct trace_strings *t, struct json_scan *s)
{
    struct text raw;
    if (!json_string(s, &raw))
        return NULL;
    if (!memchr(raw.at, '\\', raw.length))
        return trace_strings_keep(t, s, raw);
    char *copy = trace_string_copy(s, raw);
    if (!copy)
        return NULL;
    const char *kept = trace_strings_keep(t, s, text_of(copy));
    free(copy);
    return kept;
}

char *trace_string_copy(struct json_scan *s, struct text raw)
{
    struct buffer copy;
    buffer_init(&copy, TRACE_MAX_NAME);
    buffer_reserve(&copy, 0);
    if (!json_unescape(raw, &copy)) {
        json_fail(s, "this text is longer than %zu bytes", TRACE_MAX_NAME);
        buffer_free(&copy);
        return NULL;
    }
    if (memchr(copy.data, '\0', copy.length)) {
        json_fail(s, "this text holds a zero byte");
        buffer_free(&copy);
        return NULL;
    }
    return buffer_take(&copy);
}

bool trace_json_seconds(struct json_scan *s, int64_t *out_ns)
{
    struct text digits;
    int64_t value;
    if (!json_number(s, &digits))
        return false;
    if (text_to_fixed(digits, 9, &value) && value >= 0 && value < TIME_NEVER) {
        *out_ns = value;
        return true;
    }
    json_fail(s, "expected a time from 0 to 292 years, found %.*s",
              digits.length > 40 ? 40 : (int)digits.length, digits.at);
    return false;
}

bool trace_json_money(struct json_scan *s, money *out)
{
    struct text digits;
    bool taken = json_peek(s) == JSON_STRING ? json_string(s, &digits) : json_number(s, &digits);
    if (!taken)
        return false;
    enum money_fault fault = money_parse(digits.at, digits.length, MONEY_PER_ONE, out);
    if (fault == MONEY_OK && *out >= 0 && *out < MONEY_MAX)
        return true;
    json_fail(s, "expected dollars from 0 such as \"0.0123\"%s, found %.*s",
              fault == MONEY_TOO_FINE ? " with at most 24 decimals" : "",
              digits.length > 40 ? 40 : (int)digits.length, digits.at);
    return false;
}

const char *const trace_status_names[] = {"ok", "failed", "aborted", NULL};

void trace_usage_init(struct trace_usage *u)
{
    *u = (struct trace_usage){0};
    names_init(&u->names);
}

void trace_usage_free(struct trace_usage *u)
{
    free(u->extras);
    names_free(&u->names);
}

/* {"web_search": 2}: counts with up to six decimals. Units are those of the row whose max is 1. */
static void read_extras(struct json_scan *s, const struct json_field *f, void *usage)
{
    struct trace_usage *u = usage;
    struct text key, digits;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        char *name = trace_string_copy(s, key);
        if (!name)
            return;
        struct usage_extra *extra;
        mem_grow(&u->extras, &u->extra_capacity, u->extra_count + 1, sizeof *u->extras);
        extra = &u->extras[u->extra_count++];
        *extra = (struct usage_extra){.is_unit = f->max > 0};
        extra->name = names_text(&u->names, names_add(&u->names, text_of(name)));
        free(name);
        if (json_number(s, &digits) &&
            (!text_to_fixed(digits, 6, &extra->count_micro) || extra->count_micro < 0))
            json_fail(s, "expected a count from 0, with at most 6 decimals");
    }
}

/* A count of millionths: 2000000 is 2, 10500000 is 10.5; written as milliseconds are. */
static void write_extras(struct json_writer *w, const struct json_field *f, const void *usage)
{
    const struct trace_usage *u = usage;
    json_begin_object(w);
    for (size_t i = 0; i < u->extra_count; i++)
        if ((u->extras[i].is_unit != 0) == (f->max > 0))
            json_pair_ms(w, u->extras[i].name, u->extras[i].count_micro);
    json_end_object(w);
}

#define COUNT(class) JSON_AS_UINT, JSON_AT(struct trace_usage, tokens[class]), 0, UINT32_MAX
#define MEDIA(class) COUNT(class), .optional = true
static const struct json_field usage_rows[] = {
    {"cached_input", COUNT(USAGE_CACHED_INPUT)},
    {"cache_write", COUNT(USAGE_CACHE_WRITE)},
    {"cache_write_1h", COUNT(USAGE_CACHE_WRITE_1H)},
    {"reasoning", COUNT(USAGE_REASONING)},
    {"image_input", MEDIA(USAGE_IMAGE_INPUT)},
    {"audio_input", MEDIA(USAGE_AUDIO_INPUT)},
    {"video_input", MEDIA(USAGE_VIDEO_INPUT)},
    {"cached_image_input", MEDIA(USAGE_CACHED_IMAGE_INPUT)},
    {"cached_audio_input", MEDIA(USAGE_CACHED_AUDIO_INPUT)},
    {"image_output", MEDIA(USAGE_IMAGE_OUTPUT)},
    {"audio_output", MEDIA(USAGE_AUDIO_OUTPUT)},
    {"tools", .read = read_extras, .write = write_extras},
    {"units", .read = read_extras, .write = write_extras, .max = 1},
};
static const struct json_table usage_table = {JSON_ROWS(usage_rows), .where = "usage"};

void trace_json_usage(struct json_scan *s, struct trace_usage *u)
{
    memset(u->tokens, 0, sizeof u->tokens);
    u->extra_count = 0;
    json_fields_read(s, &usage_table, u);
}

void trace_put_usage(struct json_writer *w, const struct usage *u)
{
    struct trace_usage all = {.extras = (struct usage_extra *)u->extras,
                              .extra_count = u->extra_count};
    memcpy(all.tokens, u->tokens, sizeof all.tokens);
    json_fields_write(w, &usage_table, &all, 0);
}

void trace_usage_fill(struct json_scan *s, const struct trace_usage *u, struct request *r)
{
    memcpy(r->usage.tokens, u->tokens, sizeof u->tokens);
    r->usage.tokens[USAGE_UNCACHED_INPUT] = r->usage.tokens[USAGE_OUTPUT] = 0;
    uint64_t inside = usage_input(&r->usage), made = usage_output(&r->usage);
    const char *media = usage_has_media(&r->usage) ? " or not of text" : "";
    if (inside > r->input_tokens)
        json_fail(s, "%llu tokens cached or written%s, but the input length is %u",
                  (unsigned long long)inside, media, r->input_tokens);
    if (made > r->output_tokens)
        json_fail(s, "%llu reasoning tokens%s, but the output length is %u",
                  (unsigned long long)made, media, r->output_tokens);
    usage_fit(&r->usage, r->input_tokens, r->output_tokens);
    r->usage.extras = u->extras;
    r->usage.extra_count = u->extra_count;
}

void trace_row_init(struct trace_row *r, const struct trace_input *in)
{
    memset(r, 0, sizeof *r);
    trace_strings_init(&r->texts);
    buffer_init(&r->extra, in->lines.max_line * 2 + TRACE_MAX_NAME); /* blanks come between */
}

void trace_row_free(struct trace_row *r)
{
    trace_strings_free(&r->texts);
    buffer_free(&r->extra);
    free(r->hash_ids);
}

void trace_row_start(struct trace_row *r, const struct trace_input *in, struct text line)
{
    json_scan_init(&r->scan, in->lines.name, line.at, line.length, trace_line_number(in));
    r->row = (struct request){.timestamp_ns = TIME_NEVER, .attempts = 1};
    r->scan.context = r;
    r->seen = 0;
    trace_strings_clear(&r->texts);
    buffer_clear(&r->extra);
}

void trace_read_seconds(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    trace_json_seconds(s, member);
}

void trace_read_name(struct json_scan *s, const struct json_field *f, void *member)
{
    struct trace_row *r = s->context;
    (void)f;
    if (json_peek(s) != JSON_NULL)
        *(const char **)member = trace_strings_take(&r->texts, s);
    else
        json_null(s);
}

void trace_read_hash_ids(struct json_scan *s, const struct json_field *f, void *member)
{
    struct trace_row *r = s->context;
    (void)f;
    (void)member;
    json_u64_array(s, &r->hash_ids, &r->hash_capacity, &r->row.hash_count);
    r->row.hash_ids = r->hash_ids;
}

void trace_row_keep_text(struct trace_row *r, struct text key, struct text raw)
{
    buffer_add_text(&r->extra, r->extra.length > 0 ? ", \"" : "\"");
    buffer_add(&r->extra, key.at, key.length);
    buffer_add_text(&r->extra, "\": ");
    buffer_add(&r->extra, raw.at, raw.length);
    r->row.extra = (struct text){r->extra.data, r->extra.length};
}

void trace_row_keep(struct trace_row *r, const char *key)
{
    struct text raw;
    if (json_skip(&r->scan, &raw))
        trace_row_keep_text(r, text_of(key), raw);
}

int trace_row_end(struct trace_row *r, struct trace_input *in, struct text line,
                  const struct json_table *t, struct error *err)
{
    int status = json_scan_end(&r->scan, err);
    for (size_t i = 0; status == 0 && i < t->count; i++)
        if (t->rows[i].required && !(r->seen >> i & 1))
            status =
                trace_fail(in, (long)line.length, err, "expected the key \"%s\"", t->rows[i].name);
    return status;
}

bool trace_json_find(struct text object, const char *path, struct text *raw)
{
    struct json_scan s;
    struct text key;
    size_t first = strcspn(path, ".");
    json_scan_init(&s, "", object.at, object.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        bool whole = text_equal(key, path);
        bool inside = path[first] == '.' && text_same(key, (struct text){path, first}) &&
                      json_peek(&s) == JSON_OBJECT;
        if (!json_skip(&s, raw))
            return false;
        if (whole || (inside && trace_json_find(*raw, path + first + 1, raw)))
            return true;
    }
    return false;
}

uint32_t trace_estimate_tokens(uint64_t bytes)
{
    uint64_t tokens = (bytes + 3) / 4;
    return tokens > UINT32_MAX ? UINT32_MAX : (uint32_t)tokens;
}

void trace_read_requests(struct json_scan *s, const struct json_field *f, void *member)
{
    uint64_t count;
    (void)f;
    if (json_u64(s, 0, REQUESTS_UNKNOWN - 1, &count))
        *(uint32_t *)member = count == 0 ? REQUESTS_UNKNOWN : (uint32_t)count;
}

void trace_write_requests(struct json_writer *w, const struct json_field *f, const void *member)
{
    uint32_t count = *(const uint32_t *)member;
    (void)f;
    json_put_u64(w, count == REQUESTS_UNKNOWN ? 0 : count);
}
