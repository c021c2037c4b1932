#include "bench/wire/responses.h"

#include <string.h>

/* A message of a chat: its members come in any order. Values as they stand; empty = not there. */
struct message {
    struct text role, content, calls, call, call_id, name;
};

static int add(struct buffer *out, struct text t)
{
    return buffer_add(out, t.at, t.length);
}

/* "key": value, with a comma before it; nothing where there is no value. */
static int add_member(struct buffer *out, const char *key, struct text value)
{
    if (value.length == 0)
        return 0;
    if (buffer_add_text(out, ",\"") < 0 || buffer_add_text(out, key) < 0 ||
        buffer_add_text(out, "\":") < 0)
        return -1;
    return add(out, value);
}

static bool is_string(struct text value)
{
    return value.length && value.at[0] == '"';
}

/* A string's text between its quotes; "" of anything else. */
static struct text unquoted(struct text value)
{
    return is_string(value) ? (struct text){value.at + 1, value.length - 2} : (struct text){"", 0};
}

/* Members of an object by name: views of their values; those of other names are passed over. */
struct wanted {
    const char *name;
    struct text *value;
};

static void read_members(struct text object, const struct wanted *wanted, size_t count)
{
    struct json_scan s;
    struct text key, value;
    if (object.length == 0 || object.at[0] != '{')
        return;
    json_scan_init(&s, "messages", object.at, object.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key) && json_skip(&s, &value))
        for (size_t i = 0; i < count; i++)
            if (text_equal(key, wanted[i].name) && !text_equal(value, "null"))
                *wanted[i].value = value;
}

#define READ(object, ...)                                      \
    read_members(object, (const struct wanted[]){__VA_ARGS__}, \
                 sizeof(const struct wanted[]){__VA_ARGS__} / sizeof(struct wanted))

/* ---- content ---- */

/* Opens the scanner on a list; false for anything else. */
static bool open_list(struct json_scan *s, struct text list)
{
    if (list.length == 0)
        return false;
    json_scan_init(s, "messages", list.at, list.length, 1);
    return json_peek(s) == JSON_ARRAY && json_array_begin(s);
}

static bool next_part(struct json_scan *s, struct text *part)
{
    return json_array_next(s) && json_skip(s, part);
}

/* The text of a part that is one: of type text, refusal or none. */
static struct text part_text(struct text part)
{
    struct text text = {"", 0}, refusal = {"", 0};
    READ(part, {"text", &text}, {"refusal", &refusal});
    return is_string(text) ? text : refusal;
}

static bool is_all_text(struct text content)
{
    struct json_scan s;
    struct text part;
    bool all = open_list(&s, content);
    while (all && next_part(&s, &part))
        all = is_string(part_text(part));
    return all;
}

/* Texts between one pair of quotes. */
static int add_joined(struct text content, struct buffer *out)
{
    struct json_scan s;
    struct text part;
    if (buffer_add_byte(out, '"') < 0)
        return -1;
    for (bool any = open_list(&s, content); any && next_part(&s, &part);)
        if (add(out, unquoted(part_text(part))) < 0)
            return -1;
    return buffer_add_byte(out, '"');
}

static int add_image(struct text part, struct buffer *out)
{
    struct text image = {"", 0}, url = {"", 0}, detail = {"", 0};
    READ(part, {"image_url", &image});
    if (is_string(image))
        url = image;
    else
        READ(image, {"url", &url}, {"detail", &detail});
    if (buffer_add_text(out, "{\"type\":\"input_image\"") < 0 ||
        add_member(out, "image_url", url) < 0 || add_member(out, "detail", detail) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_file(struct text part, struct buffer *out)
{
    struct text file = {"", 0}, data = {"", 0}, id = {"", 0}, name = {"", 0};
    READ(part, {"file", &file});
    READ(file, {"file_data", &data}, {"file_id", &id}, {"filename", &name});
    if (buffer_add_text(out, "{\"type\":\"input_file\"") < 0 ||
        add_member(out, "file_data", data) < 0 || add_member(out, "file_id", id) < 0 ||
        add_member(out, "filename", name) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_part(struct text part, struct buffer *out)
{
    struct text type = {"", 0}, text = part_text(part);
    READ(part, {"type", &type});
    type = unquoted(type);
    if (text_equal(type, "image_url"))
        return add_image(part, out);
    if (text_equal(type, "file"))
        return add_file(part, out);
    if (!is_string(text))
        return add(out, part); /* such as input_audio, or a part of this API */
    if (buffer_add_text(out, "{\"type\":\"input_text\"") < 0 || add_member(out, "text", text) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_parts(struct text content, struct buffer *out)
{
    struct json_scan s;
    struct text part;
    bool any = open_list(&s, content);
    char before = '[';
    while (any && next_part(&s, &part)) {
        if (buffer_add_byte(out, before) < 0 || add_part(part, out) < 0)
            return -1;
        before = ',';
    }
    return buffer_add_text(out, before == '[' ? "[]" : "]");
}

/* A string wherever one says it all: every server of this API takes that. */
static int add_content(struct text content, bool always_text, struct buffer *out)
{
    if (is_string(content))
        return add(out, content);
    if (content.length && content.at[0] == '[' && !(always_text && is_all_text(content)))
        return add_parts(content, out);
    return add_joined(content, out);
}

/* ---- items ---- */

/* The comma between items: none before the first. */
static int begin_item(struct buffer *out, const char *type)
{
    if (out->data[out->length - 1] != '[' && buffer_add_byte(out, ',') < 0)
        return -1;
    return buffer_add_format(out, "{\"type\":\"%s\"", type);
}

static int add_call(struct text call, struct buffer *out)
{
    struct text function = {"", 0}, custom = {"", 0}, id = {"", 0}, name = {"", 0};
    struct text arguments = {"", 0}, input = {"", 0};
    READ(call, {"function", &function}, {"custom", &custom}, {"id", &id});
    bool is_custom = custom.length > 0;
    READ(is_custom         ? custom
         : function.length ? function
                           : call,
         {"name", &name}, {"arguments", &arguments}, {"input", &input});
    if (begin_item(out, is_custom ? "custom_tool_call" : "function_call") < 0 ||
        add_member(out, "call_id", id.length ? id : name) < 0 ||
        add_member(out, "name", name) < 0 || add_member(out, "arguments", arguments) < 0 ||
        add_member(out, "input", input) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_calls(const struct message *m, struct buffer *out)
{
    struct json_scan s;
    struct text call;
    for (bool any = open_list(&s, m->calls); any && next_part(&s, &call);)
        if (add_call(call, out) < 0)
            return -1;
    return m->call.length ? add_call(m->call, out) : 0;
}

static int add_result(const struct message *m, struct buffer *out)
{
    if (begin_item(out, "function_call_output") < 0 ||
        add_member(out, "call_id", m->call_id.length ? m->call_id : m->name) < 0 ||
        buffer_add_text(out, ",\"output\":") < 0 || add_content(m->content, true, out) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_said(const struct message *m, bool by_assistant, struct buffer *out)
{
    if (begin_item(out, "message") < 0 || add_member(out, "role", m->role) < 0 ||
        buffer_add_text(out, ",\"content\":") < 0 || add_content(m->content, by_assistant, out) < 0)
        return -1;
    return buffer_add_byte(out, '}');
}

static int add_message(const struct message *m, struct buffer *out)
{
    struct text role = unquoted(m->role);
    if (text_equal(role, "tool") || text_equal(role, "function"))
        return add_result(m, out);
    bool by_assistant = text_equal(role, "assistant"), calls = m->calls.length || m->call.length;
    bool says = m->content.length && !text_equal(m->content, "\"\"");
    if ((says || !by_assistant || !calls) && add_said(m, by_assistant, out) < 0)
        return -1;
    return calls ? add_calls(m, out) : 0;
}

int responses_add_input(struct text messages, struct buffer *out)
{
    struct json_scan s;
    struct text json;
    bool any = open_list(&s, messages);
    if (buffer_add_byte(out, '[') < 0)
        return -1;
    while (any && next_part(&s, &json)) {
        struct message m = {0};
        READ(json, {"role", &m.role}, {"content", &m.content}, {"tool_calls", &m.calls},
             {"function_call", &m.call}, {"tool_call_id", &m.call_id}, {"name", &m.name});
        if (add_message(&m, out) < 0)
            return -1;
    }
    return buffer_add_byte(out, ']');
}
