#include "bench/recorder/tools_called.h"

#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/names.h"

#include <string.h>

#define MOST_NAMES 64
#define MAX_NAME 128

/* Members in which calls stand, and types that elements of other lists have. */
static bool holds_calls(struct text key)
{
    static const char *const names[] = {"tool_calls", "function_call", NULL};
    return text_place(key, names) >= 0;
}

static bool is_call(struct text type)
{
    static const char *const names[] = {"tool_use",
                                        "server_tool_use",
                                        "mcp_tool_use",
                                        "function_call",
                                        "custom_tool_call",
                                        "mcp_call",
                                        NULL};
    return text_place(type, names) >= 0;
}

static void add_name(struct names *found, struct text raw)
{
    if (raw.length > 0 && raw.length <= MAX_NAME && found->count < MOST_NAMES)
        names_add(found, raw);
}

static void look(struct json_scan *s, bool inside, struct names *found);

static void look_in_object(struct json_scan *s, bool inside, struct names *found)
{
    struct text key, raw, name = {"", 0};
    bool call = inside;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (json_peek(s) != JSON_STRING) {
            look(s, holds_calls(key) || (inside && text_equal(key, "function")), found);
        } else if (json_string(s, &raw)) {
            name = text_equal(key, "name") ? raw : name;
            call |= text_equal(key, "type") && is_call(raw);
        }
    }
    if (call)
        add_name(found, name);
}

static void look(struct json_scan *s, bool inside, struct names *found)
{
    enum json_kind kind = json_peek(s);
    if (kind == JSON_OBJECT) {
        look_in_object(s, inside, found);
    } else if (kind == JSON_ARRAY) {
        json_array_begin(s);
        while (json_array_next(s))
            look(s, inside, found);
    } else {
        json_skip(s, NULL);
    }
}

/* Most events are of text: only those in which a call can stand are read. */
static void look_at(struct text json, struct names *found)
{
    struct json_scan s;
    if (!memmem(json.at, json.length, "tool", 4) && !memmem(json.at, json.length, "call", 4))
        return;
    json_scan_init(&s, "answer", json.at, json.length, 1);
    if (json_peek(&s) == JSON_OBJECT)
        look(&s, false, found);
}

/* The next line, or all of a body that begins as JSON. */
static struct text take_line(struct text *answer)
{
    bool whole = answer->at[0] == '{';
    const char *end = whole ? NULL : memchr(answer->at, '\n', answer->length);
    size_t n = end ? (size_t)(end - answer->at) : answer->length;
    struct text line = {answer->at, n};
    n += end != NULL;
    *answer = (struct text){answer->at + n, answer->length - n};
    if (text_starts(line, "data:"))
        line = (struct text){line.at + 5, line.length - 5};
    return text_trim(line);
}

void tools_called(struct text answer, struct buffer *out)
{
    struct names found;
    names_init(&found);
    while (answer.length > 0)
        look_at(take_line(&answer), &found);
    for (uint32_t i = 0; i < found.count; i++) {
        buffer_add_text(out, i ? "," : "[");
        json_escape(out, text_of(names_text(&found, i)));
    }
    if (found.count > 0)
        buffer_add_byte(out, ']');
    names_free(&found);
}
