#include "bench/wire/messages.h"

#include <string.h>

/* All of it is put together in a buffer without a cap, and goes into the body in one piece. */

/* ---- pieces ---- */

static void add(struct buffer *out, struct text t)
{
    if (t.length)
        buffer_add(out, t.at, t.length);
}

/* A member of an object, as it is written. */
struct member {
    const char *name; /* NULL ends a list */
    struct text *value;
};

/* Takes an object; the members are lent, and those that it lacks stay as they were. */
static void read_object(struct json_scan *s, const struct member *wanted)
{
    struct text key, value;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (!json_skip(s, &value))
            return;
        for (const struct member *m = wanted; m->name; m++)
            if (text_equal(key, m->name))
                *m->value = value;
    }
}

static void read_members(struct text object, const struct member *wanted)
{
    struct json_scan s;
    json_scan_init(&s, "messages", object.at, object.length, 1);
    read_object(&s, wanted);
}

static bool is_array(struct text value)
{
    return value.length > 0 && value.at[0] == '[';
}

static bool is_string(struct text value)
{
    return value.length > 1 && value.at[0] == '"';
}

/* A string with something in it. */
static bool is_words(struct text value)
{
    return is_string(value) && value.length > 2;
}

static struct text unquoted(struct text string)
{
    return (struct text){string.at + 1, string.length - 2};
}

/* Begins another element of an array that holds `count` of them. */
static void begin_element(size_t *count, struct buffer *out)
{
    if ((*count)++)
        buffer_add_byte(out, ',');
}

/* ---- content ---- */

/* "data:image/png;base64,AAAA" is taken apart, any other address goes as it is. */
static void add_image(struct text url, struct buffer *out)
{
    struct text inside = unquoted(url);
    const char *end = inside.at + inside.length;
    const char *data = memchr(inside.at, ',', inside.length);
    const char *kind = memchr(inside.at, ';', inside.length);
    if (!text_starts(inside, "data:") || !data || !kind || kind > data) {
        buffer_add_text(out, "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":");
        add(out, url);
        buffer_add_text(out, "}}");
        return;
    }
    buffer_add_text(out, "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"");
    add(out, (struct text){inside.at + 5, (size_t)(kind - inside.at - 5)});
    buffer_add_text(out, "\",\"data\":\"");
    add(out, (struct text){data + 1, (size_t)(end - data - 1)});
    buffer_add_text(out, "\"}}");
}

/* A part of a content; both APIs call text the same. */
static void add_part(struct text part, struct buffer *out)
{
    struct text image = {"", 0}, url = {"", 0};
    read_members(part, (const struct member[]){{"image_url", &image}, {NULL, NULL}});
    if (is_string(image))
        url = image;
    else if (image.length)
        read_members(image, (const struct member[]){{"url", &url}, {NULL, NULL}});
    if (is_words(url))
        add_image(url, out);
    else
        add(out, part);
}

/* The parts of a content, or its text as one. */
static void add_parts(struct text content, size_t *count, struct buffer *out)
{
    struct json_scan s;
    struct text part;
    if (is_words(content)) {
        begin_element(count, out);
        buffer_add_text(out, "{\"type\":\"text\",\"text\":");
        add(out, content);
        buffer_add_byte(out, '}');
    }
    if (!is_array(content))
        return;
    json_scan_init(&s, "messages", content.at, content.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &part)) {
        begin_element(count, out);
        add_part(part, out);
    }
}

/* ---- tools ---- */

void messages_add_object(struct text json, struct buffer *out)
{
    struct json_scan s;
    struct text object;
    json_scan_init(&s, "arguments", json.at, json.length, 1);
    bool is_object =
        json_peek(&s) == JSON_OBJECT && json_skip(&s, &object) && json_scan_end(&s, NULL) == 0;
    add(out, is_object ? object : text_of("{}"));
}

/* OpenAI writes arguments as a string that holds JSON. */
static void add_input(struct text arguments, struct buffer *out)
{
    struct buffer plain;
    struct text object = arguments;
    buffer_init(&plain, BUFFER_UNBOUNDED);
    if (is_words(arguments) && json_unescape(unquoted(arguments), &plain))
        object = (struct text){plain.data, plain.length};
    messages_add_object(object, out);
    buffer_free(&plain);
}

static void add_call(struct text call, size_t *count, struct buffer *out)
{
    struct text id = text_of("\"\""), name = text_of("\"\"");
    struct text function = {"", 0}, arguments = {"", 0};
    read_members(call, (const struct member[]){{"id", &id}, {"function", &function}, {NULL, NULL}});
    read_members(function,
                 (const struct member[]){{"name", &name}, {"arguments", &arguments}, {NULL, NULL}});
    begin_element(count, out);
    buffer_add_text(out, "{\"type\":\"tool_use\",\"id\":");
    add(out, id);
    buffer_add_text(out, ",\"name\":");
    add(out, name);
    buffer_add_text(out, ",\"input\":");
    add_input(arguments, out);
    buffer_add_byte(out, '}');
}

static void add_calls(struct text calls, size_t *count, struct buffer *out)
{
    struct json_scan s;
    struct text call;
    json_scan_init(&s, "messages", calls.at, calls.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &call))
        add_call(call, count, out);
}

/* ---- messages ---- */

struct message {
    struct text role, content, calls, call_id;
};

static bool next_message(struct json_scan *s, struct message *m)
{
    *m = (struct message){text_of("\"user\""), {"", 0}, {"", 0}, text_of("\"\"")};
    if (!json_array_next(s))
        return false;
    read_object(s, (const struct member[]){{"role", &m->role},
                                           {"content", &m->content},
                                           {"tool_calls", &m->calls},
                                           {"tool_call_id", &m->call_id},
                                           {NULL, NULL}});
    return !s->failed;
}

static bool has_role(const struct message *m, const char *role)
{
    return is_string(m->role) && text_equal(unquoted(m->role), role);
}

static bool is_system(const struct message *m)
{
    return has_role(m, "system") || has_role(m, "developer");
}

static void add_system(struct text list, struct buffer *out)
{
    struct json_scan s;
    struct message m;
    size_t count = 0, before = out->length;
    json_scan_init(&s, "messages", list.at, list.length, 1);
    buffer_add_text(out, "\"system\":[");
    json_array_begin(&s);
    while (next_message(&s, &m))
        if (is_system(&m))
            add_parts(m.content, &count, out);
    if (count)
        buffer_add_text(out, "],");
    else
        out->length = before;
}

static void add_result(const struct message *m, struct buffer *out)
{
    size_t count = 0;
    buffer_add_text(out, "{\"type\":\"tool_result\",\"tool_use_id\":");
    add(out, m->call_id);
    buffer_add_text(out, ",\"content\":");
    if (is_array(m->content)) {
        buffer_add_byte(out, '[');
        add_parts(m->content, &count, out);
        buffer_add_text(out, "]}");
    } else {
        add(out, is_string(m->content) ? m->content : text_of("\"\""));
        buffer_add_byte(out, '}');
    }
}

static void add_message(const struct message *m, struct buffer *out)
{
    size_t count = 0;
    buffer_add_text(out, "{\"role\":");
    add(out, m->role);
    buffer_add_text(out, ",\"content\":");
    if (!is_array(m->calls) && !is_array(m->content)) {
        add(out, is_string(m->content) ? m->content : text_of("\"\""));
        buffer_add_byte(out, '}');
        return;
    }
    buffer_add_byte(out, '[');
    add_parts(m->content, &count, out);
    if (is_array(m->calls))
        add_calls(m->calls, &count, out);
    buffer_add_text(out, "]}");
}

/* The results of calls that were made at once belong into one message. */
static void add_list(struct text list, struct buffer *out)
{
    struct json_scan s;
    struct message m;
    size_t count = 0, results = 0; /* results: in the message of results that is open */
    json_scan_init(&s, "messages", list.at, list.length, 1);
    json_array_begin(&s);
    while (next_message(&s, &m)) {
        bool is_result = has_role(&m, "tool");
        if (is_system(&m))
            continue;
        if (results && !is_result)
            buffer_add_text(out, "]}");
        if (!results || !is_result)
            begin_element(&count, out);
        if (!is_result) {
            results = 0;
            add_message(&m, out);
            continue;
        }
        if (results == 0)
            buffer_add_text(out, "{\"role\":\"user\",\"content\":[");
        begin_element(&results, out);
        add_result(&m, out);
    }
    if (results)
        buffer_add_text(out, "]}");
}

int messages_add_prompt(struct text list, struct buffer *out)
{
    struct buffer made;
    buffer_init(&made, BUFFER_UNBOUNDED);
    if (is_array(text_trim(list))) {
        add_system(list, &made);
        buffer_add_text(&made, "\"messages\":[");
        add_list(list, &made);
        buffer_add_text(&made, "],");
    } else {
        buffer_add_text(&made, "\"messages\":");
        add(&made, list);
        buffer_add_byte(&made, ',');
    }
    int bad = buffer_add(out, made.data, made.length);
    buffer_free(&made);
    return bad;
}
