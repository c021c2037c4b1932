/* What later turns carry of the answers of chat completions and completions. */
#include "bench/wire/openai.h"
#include "core/json/json_write.h"

/* ---- reading ---- */

/* A text, or a list of parts of which those of text count. */
static void read_content(struct json_scan *s, struct reply *r)
{
    struct text key, text;
    if (json_peek(s) == JSON_STRING) {
        if (json_string(s, &text))
            reply_add(&r->text, text);
        return;
    }
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (!json_skip_unless(s, JSON_OBJECT))
            continue;
        json_object_begin(s);
        while (json_object_next(s, &key)) {
            if (text_equal(key, "text") && json_peek(s) == JSON_STRING && json_string(s, &text))
                reply_add(&r->text, text);
            else
                json_skip(s, NULL);
        }
    }
}

/* What one object of tool_calls says of a call: raw texts; has_index where it numbers it. */
struct call_part {
    bool has_index;
    uint64_t index;
    struct text id, name, arguments;
};

static void take_string(struct json_scan *s, struct text *raw)
{
    if (json_skip_unless(s, JSON_STRING))
        json_string(s, raw);
}

static void read_function(struct json_scan *s, struct call_part *part)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "name"))
            take_string(s, &part->name);
        else if (text_equal(key, "arguments"))
            take_string(s, &part->arguments);
        else
            json_skip(s, NULL);
    }
}

static void read_call(struct json_scan *s, struct call_part *part)
{
    struct text key, number;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "index") && json_skip(s, &number))
            part->has_index = text_to_u64(number, &part->index);
        else if (text_equal(key, "id"))
            take_string(s, &part->id);
        else if (text_equal(key, "function"))
            read_function(s, part);
        else
            json_skip(s, NULL);
    }
}

/* Streams number their calls. Where one does not, an id begins a further call. */
static void add_call(struct reply *r, const struct call_part *part)
{
    bool goes_on = r->call_count && part->id.length == 0;
    size_t index = part->has_index ? (size_t)part->index : r->call_count - goes_on;
    struct reply_call *call = reply_call_at(r, index);
    if (!call)
        return;
    if (call->id.length == 0)
        reply_add(&call->id, part->id);
    if (call->name.length == 0)
        reply_add(&call->name, part->name);
    reply_add(&call->arguments, part->arguments);
}

static void read_calls(struct json_scan *s, struct reply *r)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        struct call_part part = {0};
        if (!json_skip_unless(s, JSON_OBJECT))
            continue;
        read_call(s, &part);
        add_call(r, &part);
    }
}

static void read_message(struct json_scan *s, struct reply *r)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "content") || text_equal(key, "refusal"))
            read_content(s, r);
        else if (text_equal(key, "tool_calls"))
            read_calls(s, r);
        else
            json_skip(s, NULL);
    }
}

static void read_choice(struct json_scan *s, struct reply *r)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "delta") || text_equal(key, "message"))
            read_message(s, r);
        else if (text_equal(key, "text"))
            read_content(s, r);
        else
            json_skip(s, NULL);
    }
}

/* Forms beside choices: {"response": "Hi"}, {"result": {"response": "Hi"}}, {"message": {...}}. */
static bool read_own(struct json_scan *s, struct text key, struct reply *r)
{
    struct text inner;
    enum json_kind kind = json_peek(s);
    if (text_equal(key, "response") && kind == JSON_STRING) {
        read_content(s, r);
    } else if (text_equal(key, "message") && kind == JSON_OBJECT) {
        read_message(s, r);
    } else if (text_equal(key, "result") && kind == JSON_OBJECT) {
        json_object_begin(s);
        while (json_object_next(s, &inner))
            if (text_equal(inner, "response"))
                read_content(s, r);
            else
                json_skip(s, NULL);
    } else {
        return false;
    }
    return true;
}

void openai_read_reply(struct text payload, struct reply *r)
{
    struct json_scan s;
    struct text key;
    json_scan_init(&s, "answer", payload.at, payload.length, 1);
    if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return;
    while (json_object_next(&s, &key)) {
        if (read_own(&s, key, r))
            continue;
        if (!text_equal(key, "choices") || json_peek(&s) != JSON_ARRAY) {
            json_skip(&s, NULL);
            continue;
        }
        json_array_begin(&s);
        for (bool first = true; json_array_next(&s); first = false) {
            if (first && json_skip_unless(&s, JSON_OBJECT))
                read_choice(&s, r);
            else if (!first)
                json_skip(&s, NULL);
        }
    }
}

/* ---- writing ---- */

static void write_arguments(const struct reply_call *call, struct buffer *out)
{
    if (call->arguments.length)
        reply_write(&call->arguments, out);
    else
        buffer_add_text(out, "\"{}\"");
}

static void write_calls(const struct reply *r, struct buffer *out)
{
    buffer_add_text(out, ",\"tool_calls\":[");
    for (size_t i = 0; i < r->call_count; i++) {
        buffer_add_text(out, i ? ",{\"id\":" : "{\"id\":");
        reply_write_id(r, i, out);
        buffer_add_text(out, ",\"type\":\"function\",\"function\":{\"name\":");
        reply_write(&r->calls[i].name, out);
        buffer_add_text(out, ",\"arguments\":");
        write_arguments(&r->calls[i], out);
        buffer_add_text(out, "}}");
    }
    buffer_add_byte(out, ']');
}

static void write_results(const struct reply *r, struct buffer *out)
{
    for (size_t i = 0; i < r->call_count; i++) {
        buffer_add_text(out, "{\"role\":\"tool\",\"tool_call_id\":");
        reply_write_id(r, i, out);
        buffer_add_text(out, ",\"content\":\"" REPLY_TOOL_RESULT "\"},");
    }
}

int openai_add_user(const struct api_prompt *p, struct buffer *out)
{
    if (p->images == 0)
        return api_add_text(p, "{\"role\":\"user\",\"content\":\"", "\"}", out);
    if (api_add_text(p, "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"", "\"}",
                     out) < 0 ||
        api_add_images(p,
                       ",{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,",
                       "\"}}", out) < 0)
        return -1;
    return buffer_add_text(out, "]}");
}

int openai_add_message_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out)
{
    if (openai_add_user(p, out) < 0)
        return -1;
    buffer_add_text(out, ",{\"role\":\"assistant\",\"content\":");
    if (r->call_count && r->text.length == 0)
        buffer_add_text(out, "null");
    else
        reply_write(&r->text, out);
    if (r->call_count)
        write_calls(r, out);
    buffer_add_text(out, "},");
    write_results(r, out);
    return 0;
}

int openai_add_text_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out)
{
    struct buffer text;
    if (p->add_text(p->source, out) < 0)
        return -1;
    buffer_init(&text, BUFFER_UNBOUNDED);
    reply_write(&r->text, &text);
    int bad = buffer_add(out, text.data + 1, text.length - 2); /* without the quotes */
    buffer_free(&text);
    return bad;
}
