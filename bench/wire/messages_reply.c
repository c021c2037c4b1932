/* What later turns carry of the answers of Anthropic's messages. */
#include "bench/wire/messages.h"

/* ---- reading ---- */

/* A block of an answer, or what a delta adds to one: values as they stand, empty = not there. */
struct block {
    struct text type, text, id, name, input, partial;
};

static struct block read_members(struct text json)
{
    struct block b = {0};
    const struct {
        const char *name;
        struct text *value;
    } known[] = {
        {"type", &b.type}, {"text", &b.text},   {"id", &b.id},
        {"name", &b.name}, {"input", &b.input}, {"partial_json", &b.partial},
    };
    struct json_scan s;
    struct text key, value;
    json_scan_init(&s, "block", json.at, json.length, 1);
    if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return b;
    while (json_object_next(&s, &key) && json_skip(&s, &value))
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (text_equal(key, known[i].name))
                *known[i].value = value;
    return b;
}

static void add_string(struct buffer *to, struct text json)
{
    if (json.length > 2 && json.at[0] == '"')
        reply_add(to, (struct text){json.at + 1, json.length - 2});
}

/* {} stands at the start of arguments that come in pieces. */
static void read_call(const struct block *b, uint64_t place, struct reply *r)
{
    struct reply_call *call = reply_call_begin(r, place);
    if (!call)
        return;
    add_string(&call->id, b->id);
    add_string(&call->name, b->name);
    if (b->input.length > 2 && b->input.at[0] == '{')
        reply_add_plain(&call->arguments, b->input);
}

static void read_block(struct text json, uint64_t place, struct reply *r)
{
    struct block b = read_members(json);
    add_string(&r->text, b.text);
    if (text_equal(b.type, "\"tool_use\""))
        read_call(&b, place, r);
    struct reply_call *call = b.partial.length ? reply_call_of(r, place) : NULL;
    if (call)
        add_string(&call->arguments, b.partial);
}

static void read_blocks(struct text list, struct reply *r)
{
    struct json_scan s;
    struct text json;
    if (list.length == 0 || list.at[0] != '[')
        return;
    json_scan_init(&s, "content", list.at, list.length, 1);
    json_array_begin(&s);
    for (uint64_t place = 0; json_array_next(&s) && json_skip(&s, &json); place++)
        read_block(json, place, r);
}

void messages_read_reply(struct text payload, struct reply *r)
{
    struct json_scan s;
    struct text key, value, block = {"", 0}, content = {"", 0}, index = {"", 0};
    uint64_t place = 0;
    json_scan_init(&s, "answer", payload.at, payload.length, 1);
    if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return;
    while (json_object_next(&s, &key) && json_skip(&s, &value)) {
        if (text_equal(key, "index"))
            index = value;
        else if (text_equal(key, "content_block") || text_equal(key, "delta"))
            block = value;
        else if (text_equal(key, "content"))
            content = value;
    }
    if (!text_to_u64(index, &place) && r->call_count)
        place = r->calls[r->call_count - 1].place;
    if (block.length)
        read_block(block, place, r);
    read_blocks(content, r);
}

/* ---- writing ---- */

int messages_add_user(const struct api_prompt *p, struct buffer *out)
{
    if (p->images == 0)
        return api_add_text(p, "{\"role\":\"user\",\"content\":\"", "\"}", out);
    if (api_add_text(p, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"", "\"}",
                     out) < 0 ||
        api_add_images(p,
                       ",{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                       "\"image/png\",\"data\":\"",
                       "\"}}", out) < 0)
        return -1;
    return buffer_add_text(out, "]}");
}

static void add_call(const struct reply *r, size_t i, struct buffer *out)
{
    const struct buffer *arguments = &r->calls[i].arguments;
    buffer_add_text(out, "{\"type\":\"tool_use\",\"id\":");
    reply_write_id(r, i, out);
    buffer_add_text(out, ",\"name\":");
    reply_write(&r->calls[i].name, out);
    buffer_add_text(out, ",\"input\":");
    messages_add_object((struct text){arguments->data ? arguments->data : "", arguments->length},
                        out);
    buffer_add_text(out, "},");
}

static void add_results(const struct reply *r, struct buffer *out)
{
    buffer_add_text(out, "{\"role\":\"user\",\"content\":[");
    for (size_t i = 0; i < r->call_count; i++) {
        buffer_add_text(out, i ? ",{\"type\":\"tool_result\",\"tool_use_id\":"
                               : "{\"type\":\"tool_result\",\"tool_use_id\":");
        reply_write_id(r, i, out);
        buffer_add_text(out, ",\"content\":\"" REPLY_TOOL_RESULT "\"}");
    }
    buffer_add_text(out, "]},");
}

static void add_answer(const struct reply *r, struct buffer *out)
{
    buffer_add_text(out, "{\"role\":\"assistant\",\"content\":[");
    if (!reply_is_blank(r)) {
        buffer_add_text(out, "{\"type\":\"text\",\"text\":");
        reply_write(&r->text, out);
        buffer_add_text(out, "},");
    }
    for (size_t i = 0; i < r->call_count; i++)
        add_call(r, i, out);
    out->length--; /* the last comma */
    buffer_add_text(out, "]},");
}

int messages_add_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out)
{
    if (messages_add_user(p, out) < 0)
        return -1;
    buffer_add_byte(out, ',');
    if (!reply_is_blank(r) || r->call_count)
        add_answer(r, out);
    if (r->call_count)
        add_results(r, out);
    return 0;
}
