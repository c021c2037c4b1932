/* Any JSON Lines: values named by --keys as paths ("usage.prompt_tokens", "choices.0.text"). A path
 * may also be a key as it stands, points included ("gen_ai.usage.input_tokens"). */
#include "workloads/trace/trace_fields.h"
#include "workloads/trace/trace_unique.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INNER_TEXTS 4 /* of a row */

struct keys {
    struct trace_input *in;
    struct trace_mappings map;
    struct trace_fields fields;
    struct buffer plain;   /* a string value without its escapes */
    struct buffer content; /* the same of prompts, which may be long */
    struct text line;
    struct error *err;
    const char *wanted; /* of the row's first value that is none; NULL */
    const struct trace_mapping *faulty;
    struct text fault;
    struct trace_unique *unique;
    struct buffer inner[INNER_TEXTS]; /* texts that hold objects, without their escapes */
    size_t inner_count;
    bool found[TRACE_MAX_MAPPINGS];
    bool ever[TRACE_MAX_MAPPINGS];
};

/* Paths that are still open inside a value: the mapping, and what is left of its path. */
struct open_paths {
    size_t mapping[TRACE_MAX_MAPPINGS];
    const char *rest[TRACE_MAX_MAPPINGS];
    size_t count;
};

static int fail_at_value(struct keys *k, const struct trace_mapping *m, struct text raw,
                         const char *wanted)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s for %.100s", wanted, m->source);
    return trace_fail_value(k->in, k->line, raw, whole, k->err);
}

/* {"message": "rate limit", ...}: where a log has an object only when something went wrong. */
static bool is_error_object(const struct trace_mapping *m, struct text raw)
{
    enum request_status with_text = REQUEST_OK;
    if (raw.at[0] != '{' || raw.length < 3)
        return false;
    if (m->field == FIELD_FAILED || m->field == FIELD_ABORTED)
        return true;
    return m->field == FIELD_STATUS &&
           trace_status_read(m->source, text_of("true"), &with_text) == NULL &&
           with_text == REQUEST_FAILED;
}

static int set_value(struct keys *k, size_t mapping, struct text raw)
{
    const struct trace_mapping *m = &k->map.items[mapping];
    struct text value = raw;
    k->ever[mapping] = true;
    if (k->found[mapping] || text_equal(raw, "null"))
        return 0;
    k->found[mapping] = true;
    bool content = m->field == FIELD_MESSAGES || m->field == FIELD_PROMPT;
    if (raw.at[0] == '"') {
        struct buffer *plain = content ? &k->content : &k->plain;
        buffer_clear(plain);
        buffer_reserve(plain, 0);
        if (!json_unescape((struct text){raw.at + 1, raw.length - 2}, plain))
            return fail_at_value(k, m, raw, "a text of at most 4096 bytes");
        value = (struct text){plain->data, plain->length};
    } else if (is_error_object(m, raw)) {
        value = text_of("error");
    } else if ((raw.at[0] == '{' || raw.at[0] == '[') && m->field != FIELD_USAGE &&
               m->field != FIELD_MESSAGES) {
        return fail_at_value(k, m, raw, "a number or a text");
    }
    const char *wanted = trace_fields_map(&k->fields, m, m->source, value);
    if (wanted && !k->wanted) { /* a fault of a row that is passed over is none */
        k->wanted = wanted;
        k->faulty = m;
        k->fault = raw;
    }
    return 0;
}

/* What of a path is left behind this key: NULL = another key, "" = the value itself. */
static const char *behind_key(const char *path, struct text key)
{
    if (strncmp(path, key.at, key.length) != 0)
        return NULL;
    path += key.length;
    return *path == '\0' ? path : *path == '.' && key.length > 0 ? path + 1 : NULL;
}

static int walk(struct keys *k, struct text json, const struct open_paths *open);

/* A text that holds an object, as databases export theirs: the object. */
static bool open_text(struct keys *k, struct text *raw)
{
    struct json_scan s;
    if (k->inner_count == INNER_TEXTS || raw->length < 4 || raw->at[1] != '{')
        return false;
    struct buffer *b = &k->inner[k->inner_count];
    b->cap = raw->length + 1;
    buffer_clear(b);
    if (!json_unescape((struct text){raw->at + 1, raw->length - 2}, b))
        return false;
    json_scan_init(&s, "", b->data, b->length, 1);
    if (!json_skip(&s, raw) || json_scan_end(&s, NULL) < 0)
        return false;
    k->inner_count++;
    return true;
}

/* The value of a key (or of an element): sets what ends here, and goes on inside for the rest. */
static int take_value(struct keys *k, struct text key, struct text raw,
                      const struct open_paths *open)
{
    struct open_paths inside = {.count = 0};
    bool mapped = false;
    for (size_t i = 0; i < open->count; i++) {
        const char *rest = behind_key(open->rest[i], key);
        if (!rest)
            continue;
        mapped |= *rest == '\0';
        if (*rest == '\0') {
            if (set_value(k, open->mapping[i], raw) < 0)
                return ERR_INPUT;
        } else {
            inside.mapping[inside.count] = open->mapping[i];
            inside.rest[inside.count++] = rest;
        }
    }
    bool top = open->count == k->map.count && open->rest[0] == k->map.items[0].source;
    if (!mapped && trace_is_aggregate(key, raw, top))
        return trace_fail_aggregate(k->in, k->line, key, raw, "keys", k->err);
    if (inside.count == 0 || (raw.at[0] == '"' && !open_text(k, &raw)) ||
        (raw.at[0] != '{' && raw.at[0] != '['))
        return 0;
    return walk(k, raw, &inside);
}

/* The text of an object or array was checked by the scan of the level above. */
static int walk(struct keys *k, struct text json, const struct open_paths *open)
{
    struct json_scan s;
    struct text key, raw;
    char index[24] = "";
    json_scan_init(&s, k->in->lines.name, json.at, json.length, trace_line_number(k->in));
    if (json.at[0] == '{') {
        json_object_begin(&s);
        while (json_object_next(&s, &key) && json_skip(&s, &raw))
            if (take_value(k, key, raw, open) < 0)
                return ERR_INPUT;
    } else {
        json_array_begin(&s);
        for (size_t i = 0; json_array_next(&s) && json_skip(&s, &raw); i++) {
            key = (struct text){index, (size_t)snprintf(index, sizeof index, "%zu", i)};
            if (take_value(k, key, raw, open) < 0)
                return ERR_INPUT;
        }
    }
    return json_scan_end(&s, k->err);
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct keys *k = context;
    struct open_paths open = {.count = k->map.count};
    for (size_t i = 0; i < k->map.count; i++) {
        open.mapping[i] = i;
        open.rest[i] = k->map.items[i].source;
    }
    k->line = line;
    memset(k->found, 0, sizeof k->found);
    k->wanted = NULL;
    k->inner_count = 0;
    trace_fields_clear(&k->fields);
    (void)in;
    (void)err;
    struct text object = line;
    while (object.length > 0 && (object.at[0] == ' ' || object.at[0] == '\t')) {
        object.at++;
        object.length--;
    }
    if (object.at[0] != '{')
        return trace_fail(k->in, 1, k->err, "expected a JSON object on each line");
    int status = walk(k, object, &open);
    if (status < 0)
        return status;
    const char *over = trace_fields_pass_over(&k->fields, &k->map);
    if (over && !(k->wanted && strcmp(over, "no_counts") == 0)) {
        trace_note(k->in, over, true);
        return 0;
    }
    if (k->wanted)
        return fail_at_value(k, k->faulty, k->fault, k->wanted);
    const char *wanted = trace_fields_finish(&k->fields);
    if (wanted)
        return trace_fail(k->in, 1, k->err, "expected %s", wanted);
    trace_fields_note_usage(k->in, &k->fields);
    return trace_unique_add(k->unique, k->in, &k->fields, k->err);
}

/* A path that no line had is a spelling mistake, not a missing value. */
static int check_used(struct keys *k)
{
    for (size_t i = 0; i < k->map.count && k->in->out->count > 0; i++)
        if (!k->ever[i] && !k->in->form)
            return error_at(k->err, k->in->lines.name, 0, 0, "no line has the key \"%.80s\"",
                            k->map.items[i].source);
    return 0;
}

static int read_lines(struct keys *k)
{
    if (trace_mappings_parse(k->in->options.keys, "keys", &k->map, k->err) < 0)
        return ERR_INPUT;
    trace_fields_take_sums(&k->fields, &k->map);
    k->unique = trace_unique_create(trace_mapping_of(&k->map, FIELD_UNIQUE) != NULL);
    if (trace_each_line(k->in, k, read_line, k->err) < 0 ||
        trace_unique_settle(k->unique, k->in, k->err) < 0)
        return k->err->code;
    return check_used(k);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    if (!in->options.keys)
        return error_set(err, ERR_INPUT, "--format jsonl needs --keys input=...,output=...");
    struct keys *k = mem_zero(1, sizeof *k);
    k->in = in;
    k->err = err;
    trace_fields_init(&k->fields, in);
    buffer_init(&k->plain, TRACE_MAX_NAME);
    for (size_t i = 0; i < INNER_TEXTS; i++)
        buffer_init(&k->inner[i], 0);
    buffer_init(&k->content, BUFFER_UNBOUNDED);
    int status = read_lines(k);
    if (status == 0)
        status = trace_fields_settle(in, &k->fields, &k->map, "keys", err);
    if (status == 0)
        status = trace_settle_buckets(in, err);
    trace_unique_free(k->unique);
    trace_mappings_free(&k->map);
    trace_fields_free(&k->fields);
    buffer_free(&k->plain);
    for (size_t i = 0; i < INNER_TEXTS; i++)
        buffer_free(&k->inner[i]);
    buffer_free(&k->content);
    free(k);
    return status;
}

const struct trace_reader trace_reader_keys = {
    "jsonl",
    "any JSON Lines, with --keys input=usage.prompt_tokens,...",
    NULL,
    read_rows,
};
