/* The texts of an answer, by their shape. */
#include "bench/wire/chunk.h"

#include <string.h>

#define PARTS_DEEP 8

static bool has(struct text t, const char *part)
{
    return memmem(t.at, t.length, part, strlen(part)) != NULL;
}

bool chunk_names_reasoning(struct text key)
{
    bool may = text_starts(key, "reasoning") || text_starts(key, "thinking") ||
               text_starts(key, "thought") || text_equal(key, "cot_summary");
    return may && !has(key, "signature") && !has(key, "opaque") && !has(key, "encrypted") &&
           !has(key, "token") && !has(key, "effort") && !has(key, "_id");
}

/* ---- one text ---- */

static struct text *place_of(struct chunk *c, unsigned kind)
{
    return kind & CHUNK_REASONING ? &c->reasoning
           : kind & CHUNK_REFUSAL ? &c->refusal
           : kind & CHUNK_TOOL    ? &c->tool
                                  : &c->content;
}

/* Servers that know two names for a text send it under both. */
static void add_text(struct chunk *c, unsigned kind, struct text *where, struct text raw)
{
    if (raw.length == 0)
        return;
    c->tokens |= kind;
    if (where->length == 0)
        *where = raw;
    else if (text_same(*where, raw))
        c->says_twice = true;
    else if (c->more_count < CHUNK_MORE)
        c->more[c->more_count++] = raw;
}

/* ---- parts ---- */

static unsigned kind_named(struct text type, unsigned otherwise)
{
    if (has(type, "encrypted") || has(type, "redacted") || has(type, "signature"))
        return 0;
    if (has(type, "reasoning") || has(type, "thinking") || has(type, "thought"))
        return CHUNK_REASONING | (has(type, "summary") ? CHUNK_SUMMARY : 0);
    if (has(type, "refusal"))
        return CHUNK_REFUSAL;
    return has(type, "tool") || has(type, "function") ? CHUNK_TOOL : otherwise;
}

static bool is_medium(struct text type)
{
    return has(type, "image") || has(type, "audio") || has(type, "video") || has(type, "file");
}

/* Of a part's member that holds text; 0 of one that does not. */
static unsigned kind_of_member(struct text key, unsigned kind)
{
    if (chunk_names_reasoning(key))
        return CHUNK_REASONING | (has(key, "summary") ? CHUNK_SUMMARY : 0);
    if (text_equal(key, "refusal"))
        return CHUNK_REFUSAL;
    if (text_equal(key, "summary"))
        return kind & CHUNK_REASONING ? CHUNK_REASONING | CHUNK_SUMMARY : kind;
    if (kind == CHUNK_TOOL)
        return text_equal(key, "name") || text_equal(key, "arguments") || text_equal(key, "input")
                   ? CHUNK_TOOL
                   : 0;
    return text_equal(key, "text") || text_equal(key, "content") ||
                   text_equal(key, "output_text") || text_equal(key, "transcript")
               ? kind
               : 0;
}

static struct text type_of(struct text part)
{
    struct json_scan s;
    struct text key, type = {"", 0};
    json_scan_init(&s, "part", part.at, part.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "type") && json_peek(&s) == JSON_STRING)
            json_string(&s, &type);
        else
            json_skip(&s, NULL);
    }
    return type;
}

static void read_value(struct json_scan *s, unsigned kind, struct chunk *c, int deep);

static void read_members(struct text part, unsigned kind, struct chunk *c, int deep)
{
    struct json_scan s;
    struct text key;
    json_scan_init(&s, "part", part.at, part.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        unsigned member = kind_of_member(key, kind);
        if (member)
            read_value(&s, member, c, deep);
        else
            json_skip(&s, NULL);
    }
}

/* Its type may stand behind its text. */
static void read_part(struct json_scan *s, unsigned kind, struct chunk *c, int deep)
{
    struct text part, type;
    if (!json_skip(s, &part))
        return;
    type = type_of(part);
    kind = kind_named(type, kind);
    if (kind == 0)
        return;
    if (is_medium(type))
        c->tokens |= kind;
    read_members(part, kind, c, deep);
}

/* Arguments of a call that are an object, not a text that holds one. */
static void read_arguments(struct json_scan *s, struct chunk *c)
{
    struct text raw;
    if (json_skip(s, &raw) && raw.length > strlen("{}"))
        add_text(c, CHUNK_TOOL, &c->tool, raw);
}

static void read_list(struct json_scan *s, unsigned kind, struct chunk *c, int deep)
{
    json_array_begin(s);
    while (json_array_next(s))
        read_value(s, kind, c, deep);
}

static void read_value(struct json_scan *s, unsigned kind, struct chunk *c, int deep)
{
    struct text raw;
    enum json_kind what = json_peek(s);
    if (what == JSON_STRING) {
        if (json_string(s, &raw))
            add_text(c, kind, place_of(c, kind), raw);
    } else if (what == JSON_OBJECT && kind == CHUNK_TOOL) {
        read_arguments(s, c);
    } else if (what == JSON_OBJECT && deep > 0) {
        read_part(s, kind, c, deep - 1);
    } else if (what == JSON_ARRAY && deep > 0) {
        read_list(s, kind, c, deep - 1);
    } else {
        json_skip(s, NULL);
    }
}

void chunk_read_text(struct json_scan *s, enum chunk_tokens kind, struct text *where,
                     struct chunk *c)
{
    struct text raw;
    if (json_peek(s) != JSON_STRING)
        read_value(s, kind, c, PARTS_DEEP);
    else if (json_string(s, &raw))
        add_text(c, kind, where, raw);
}

/* ---- tool calls ---- */

static void read_call(struct json_scan *s, struct chunk *c, int deep)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "name") || text_equal(key, "arguments") || text_equal(key, "input"))
            read_value(s, CHUNK_TOOL, c, 0);
        else if (deep > 0 && json_peek(s) == JSON_OBJECT)
            read_call(s, c, deep - 1); /* "function", "custom" */
        else
            json_skip(s, NULL);
    }
}

void chunk_read_tools(struct json_scan *s, struct chunk *c)
{
    if (json_peek(s) == JSON_OBJECT) {
        read_call(s, c, 2);
    } else if (json_skip_unless(s, JSON_ARRAY)) {
        json_array_begin(s);
        while (json_array_next(s))
            if (json_skip_unless(s, JSON_OBJECT))
                read_call(s, c, 2);
    }
}

/* ---- log probabilities ---- */

void chunk_read_logprobs(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        bool counts = text_equal(key, "content") || text_equal(key, "tokens");
        if (!counts || json_peek(s) != JSON_ARRAY) {
            json_skip(s, NULL);
            continue;
        }
        json_array_begin(s);
        for (; json_array_next(s); c->logprobs++)
            json_skip(s, NULL);
    }
}
