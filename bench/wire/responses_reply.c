/* What later turns carry of the answers of OpenAI's responses. */
#include "bench/wire/responses.h"

/* Members of an event, an item or a part, in any order; values as they stand, empty = not there. */
struct members {
    struct text type, output_index, delta, item, response, output; /* of an event, an answer */
    struct text id, call_id, name, arguments, input, content;      /* of an item */
    struct text text, refusal;                                     /* of a part */
};

static struct members read_members(struct text json)
{
    struct members m = {0};
    const struct {
        const char *name;
        struct text *value;
    } known[] = {
        {"type", &m.type},     {"output_index", &m.output_index},
        {"delta", &m.delta},   {"item", &m.item},
        {"output", &m.output}, {"response", &m.response},
        {"id", &m.id},         {"call_id", &m.call_id},
        {"name", &m.name},     {"arguments", &m.arguments},
        {"input", &m.input},   {"content", &m.content},
        {"text", &m.text},     {"refusal", &m.refusal},
    };
    struct json_scan s;
    struct text key, value;
    json_scan_init(&s, "answer", json.at, json.length, 1);
    if (json.length == 0 || json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return m;
    while (json_object_next(&s, &key) && json_skip(&s, &value))
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (text_equal(key, known[i].name))
                *known[i].value = value;
    return m;
}

/* The next object of a list. */
static bool next_object(struct json_scan *s, struct text *json)
{
    while (json_array_next(s) && json_skip(s, json))
        if (json->at[0] == '{')
            return true;
    return false;
}

static bool open_list(struct json_scan *s, struct text list)
{
    if (list.length == 0 || list.at[0] != '[')
        return false;
    json_scan_init(s, "answer", list.at, list.length, 1);
    return json_array_begin(s);
}

static void add_string(struct buffer *to, struct text json)
{
    if (json.length > 2 && json.at[0] == '"')
        reply_add(to, (struct text){json.at + 1, json.length - 2});
}

static bool is(struct text json, const char *word)
{
    return json.length > 1 && json.at[0] == '"' &&
           text_equal((struct text){json.at + 1, json.length - 2}, word);
}

static void read_message(const struct members *item, struct reply *r)
{
    struct json_scan s;
    struct text json;
    add_string(&r->text, item->content);
    for (bool any = open_list(&s, item->content); any && next_object(&s, &json);) {
        struct members part = read_members(json);
        add_string(&r->text, part.text);
        add_string(&r->text, part.refusal);
    }
}

/* A call as its item has it; its deltas may have told the arguments, or will. */
static void read_call(const struct members *item, uint64_t place, bool is_done, struct reply *r)
{
    struct reply_call *call = is_done ? reply_call_of(r, place) : NULL;
    if (!call)
        call = reply_call_begin(r, place);
    if (!call)
        return;
    call->is_custom = is(item->type, "custom_tool_call");
    if (call->id.length == 0)
        add_string(&call->id, item->call_id.length ? item->call_id : item->id);
    if (call->name.length == 0)
        add_string(&call->name, item->name);
    if (is_done && call->arguments.length == 0)
        add_string(&call->arguments, call->is_custom ? item->input : item->arguments);
}

static bool is_call(const struct members *item)
{
    return is(item->type, "function_call") || is(item->type, "custom_tool_call");
}

static void read_item(struct text json, uint64_t place, bool is_done, struct reply *r)
{
    struct members item = read_members(json);
    if (is_call(&item))
        read_call(&item, place, is_done, r);
    else if (is_done && is(item.type, "message") && r->text.length == 0)
        read_message(&item, r);
}

/* All of an answer, in place of what its events said; not every server says it again. */
static void read_output(struct text output, struct reply *r)
{
    struct json_scan s;
    struct text json;
    uint64_t place = 0;
    for (bool any = open_list(&s, output); any && next_object(&s, &json); place++) {
        struct members item = read_members(json);
        if (place == 0)
            reply_clear(r);
        if (is_call(&item))
            read_call(&item, place, true, r);
        else if (is(item.type, "message"))
            read_message(&item, r);
    }
}

static void read_delta(struct text payload, uint64_t place, struct reply *r)
{
    static const struct answer_so_far later = {.tokens = CHUNK_CONTENT,
                                               .part_tokens = CHUNK_CONTENT};
    struct chunk c;
    if (responses_read_event(&later, "", payload, &c) < 0)
        return;
    struct reply_call *call = c.tool.length ? reply_call_of(r, place) : NULL;
    reply_add(&r->text, c.content);
    reply_add(&r->text, c.refusal);
    if (call)
        reply_add(&call->arguments, c.tool);
}

void responses_read_reply(struct text payload, struct reply *r)
{
    struct members m = read_members(payload);
    uint64_t place = 0;
    if (!text_to_u64(m.output_index, &place))
        place = r->call_count ? r->calls[r->call_count - 1].place : 0;
    if (m.delta.length)
        read_delta(payload, place, r);
    else if (m.item.length)
        read_item(m.item, place, is(m.type, "response.output_item.done"), r);
    else if (m.response.length)
        read_output(read_members(m.response).output, r);
    else
        read_output(m.output, r);
}

/* ---- writing ---- */

#define USER "{\"type\":\"message\",\"role\":\"user\",\"content\":"

static int add_user(const struct api_prompt *p, struct buffer *out)
{
    if (p->images == 0)
        return api_add_text(p, USER "\"", "\"}", out);
    if (api_add_text(p, USER "[{\"type\":\"input_text\",\"text\":\"", "\"}", out) < 0 ||
        api_add_images(p, ",{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,",
                       "\"}", out) < 0)
        return -1;
    return buffer_add_text(out, "]}");
}

int responses_add_made(const struct api_prompt *p, struct buffer *out)
{
    if (buffer_add_byte(out, '[') < 0 || buffer_add(out, p->history.at, p->history.length) < 0 ||
        add_user(p, out) < 0)
        return -1;
    return buffer_add_byte(out, ']');
}

static void add_call(const struct reply *r, size_t i, struct buffer *out)
{
    const struct reply_call *call = &r->calls[i];
    buffer_add_text(out, call->is_custom ? "{\"type\":\"custom_tool_call\",\"call_id\":"
                                         : "{\"type\":\"function_call\",\"call_id\":");
    reply_write_id(r, i, out);
    buffer_add_text(out, ",\"name\":");
    reply_write(&call->name, out);
    buffer_add_text(out, call->is_custom ? ",\"input\":" : ",\"arguments\":");
    if (call->arguments.length || call->is_custom)
        reply_write(&call->arguments, out);
    else
        buffer_add_text(out, "\"{}\"");
    buffer_add_text(out, "},");
}

static void add_result(const struct reply *r, size_t i, struct buffer *out)
{
    buffer_add_text(out, r->calls[i].is_custom
                             ? "{\"type\":\"custom_tool_call_output\",\"call_id\":"
                             : "{\"type\":\"function_call_output\",\"call_id\":");
    reply_write_id(r, i, out);
    buffer_add_text(out, ",\"output\":\"" REPLY_TOOL_RESULT "\"},");
}

/* The assistant's text as a string: every server of this API takes that. */
int responses_add_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out)
{
    if (add_user(p, out) < 0)
        return -1;
    buffer_add_byte(out, ',');
    if (!reply_is_blank(r)) {
        buffer_add_text(out, "{\"type\":\"message\",\"role\":\"assistant\",\"content\":");
        reply_write(&r->text, out);
        buffer_add_text(out, "},");
    }
    for (size_t i = 0; i < r->call_count; i++)
        add_call(r, i, out);
    for (size_t i = 0; i < r->call_count; i++)
        add_result(r, i, out);
    return 0;
}
