#include "bench/wire/responses.h"

#include <string.h>

static void take_string(struct json_scan *s, struct text *out)
{
    if (json_skip_unless(s, JSON_STRING))
        json_string(s, out);
}

/* ---- the items of an output ---- */

static void read_part(struct json_scan *s, enum chunk_tokens kind, struct text *where,
                      struct chunk *c)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "text") || text_equal(key, "transcript"))
            chunk_read_text(s, kind, where, c);
        else if (text_equal(key, "refusal"))
            chunk_read_text(s, CHUNK_REFUSAL, &c->refusal, c);
        else
            json_skip(s, NULL);
    }
}

/* A list of parts, or one text. */
static void take_parts(struct text list, enum chunk_tokens kind, struct text *where,
                       struct chunk *c)
{
    struct json_scan s;
    if (list.length == 0)
        return;
    json_scan_init(&s, "item", list.at, list.length, 1);
    if (json_peek(&s) == JSON_STRING)
        chunk_read_text(&s, kind, where, c);
    if (json_peek(&s) != JSON_ARRAY)
        return;
    json_array_begin(&s);
    while (json_array_next(&s))
        if (json_skip_unless(&s, JSON_OBJECT))
            read_part(&s, kind, where, c);
}

/* Its members come in any order, and mean what its type says. */
struct item {
    struct text type, content, summary;
    struct text name, given; /* of a call: of what, and with what */
};

static struct item read_item(struct text json)
{
    struct json_scan s;
    struct text key;
    struct item item = {0};
    if (json.length == 0)
        return item;
    json_scan_init(&s, "item", json.at, json.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "type"))
            take_string(&s, &item.type);
        else if (text_equal(key, "content"))
            json_skip(&s, &item.content);
        else if (text_equal(key, "summary"))
            json_skip(&s, &item.summary);
        else if (text_equal(key, "name"))
            take_string(&s, &item.name);
        else if (text_equal(key, "arguments") || text_equal(key, "input") ||
                 text_equal(key, "code"))
            take_string(&s, &item.given);
        else
            json_skip(&s, NULL);
    }
    return item;
}

static bool is_call(const struct item *item)
{
    return text_matches(item->type, text_of("*_call"));
}

/* A call that the client has to answer: chat knows no others. */
static bool is_function(const struct item *item)
{
    return text_equal(item->type, "function_call") || text_equal(item->type, "custom_tool_call");
}

static void take_tool(struct text word, struct chunk *c)
{
    if (word.length == 0)
        return;
    c->tool = word;
    c->tokens |= CHUNK_TOOL;
}

static void take_reasoning(const struct item *item, struct chunk *c)
{
    take_parts(item->content, CHUNK_REASONING, &c->reasoning, c);
    if (c->reasoning.length)
        return;
    take_parts(item->summary, CHUNK_REASONING, &c->reasoning, c);
    if (c->reasoning.length)
        c->tokens |= CHUNK_SUMMARY;
}

static void take_item(const struct item *item, struct chunk *c)
{
    if (text_equal(item->type, "reasoning")) {
        take_reasoning(item, c);
    } else if (is_call(item)) {
        take_tool(item->name, c);
        take_tool(item->given, c);
    } else {
        take_parts(item->content, CHUNK_CONTENT, &c->content, c);
    }
}

void responses_read_item(struct text json, struct chunk *c)
{
    struct item item = read_item(json);
    take_item(&item, c);
}

void responses_read_call(struct text json, struct chunk *c)
{
    struct item item = read_item(json);
    if (is_call(&item))
        take_tool(item.name, c);
}

/* ---- a response ---- */

struct response {
    struct text kind, status, reason, output, message;
    bool calls; /* functions that the client is to call */
};

static void read_reason(struct json_scan *s, struct response *r)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "reason"))
            take_string(s, &r->reason);
        else
            json_skip(s, NULL);
    }
}

static bool names_answer(struct text key)
{
    return text_equal(key, "output") || text_equal(key, "status") || text_equal(key, "usage");
}

static void read_member(struct json_scan *s, struct text key, struct response *r, struct chunk *c)
{
    c->is_foreign = c->is_foreign && !names_answer(key);
    if (text_equal(key, "status"))
        take_string(s, &r->status);
    else if (text_equal(key, "output"))
        json_skip(s, &r->output);
    else if (text_equal(key, "incomplete_details"))
        read_reason(s, r);
    else if (text_equal(key, "usage"))
        chunk_read_usage(s, c);
    else if (text_equal(key, "error"))
        chunk_read_error(s, c);
    else if (text_equal(key, "message"))
        take_string(s, &r->message);
    else if (text_equal(key, "object") || text_equal(key, "type"))
        take_string(s, &r->kind);
    else if (!chunk_find_usage(s, key, c))
        json_skip(s, NULL);
}

/* How many items there are; their texts are taken where none came before. */
static size_t read_output(struct response *r, bool take, struct chunk *c)
{
    struct json_scan s;
    struct text json;
    size_t items = 0;
    if (r->output.length == 0 || r->output.at[0] != '[')
        return 0;
    json_scan_init(&s, "output", r->output.at, r->output.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s)) {
        if (json_peek(&s) != JSON_OBJECT || !json_skip(&s, &json))
            continue;
        struct item item = read_item(json);
        r->calls |= is_function(&item);
        if (take)
            take_item(&item, c);
        items++;
    }
    return items;
}

static struct text finish_reason(const struct response *r)
{
    if (text_equal(r->status, "completed"))
        return text_of(r->calls ? "tool_calls" : "stop");
    if (!text_equal(r->status, "incomplete"))
        return (struct text){"", 0};
    bool limit = r->reason.length == 0 || text_equal(r->reason, "max_output_tokens") ||
                 text_equal(r->reason, "max_tokens");
    return limit ? text_of("length") : r->reason;
}

/* In the server's words, if it has any. */
static void fail(struct chunk *c, struct text words)
{
    c->is_error = true;
    if (c->error_message.length == 0)
        c->error_message = words;
}

static void judge(const struct response *r, struct chunk *c)
{
    c->finish_reason = finish_reason(r);
    if (c->is_error || text_equal(r->kind, "error"))
        fail(c, r->message);
    else if (text_equal(r->status, "failed"))
        fail(c, r->message.length ? r->message : text_of("the response failed, without a reason"));
    else if (text_equal(r->status, "cancelled"))
        fail(c, text_of("the response was cancelled"));
}

int responses_read_response(struct text json, struct text status,
                            const struct answer_so_far *so_far, struct chunk *c)
{
    struct json_scan s;
    struct text key;
    struct response r = {.status = status};
    json_scan_init(&s, "response", json.at, json.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key))
        read_member(&s, key, &r, c);
    if (json_scan_end(&s, NULL) < 0)
        return -1;
    if (read_output(&r, so_far->tokens == 0, c) == 0)
        r.calls = so_far->tokens & CHUNK_TOOL; /* not every server says its output again */
    judge(&r, c);
    return 0;
}

int responses_read_answer(struct text body, struct chunk *out)
{
    static const struct answer_so_far nothing = {0};
    memset(out, 0, sizeof *out);
    out->is_foreign = true;
    return responses_read_response(body, (struct text){"", 0}, &nothing, out);
}
