#include "bench/recorder/asked.h"

#include "core/json/json_scan.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAME ((size_t)1024)
#define LONG_VALUE 1024 /* bytes; what has no blank in so many is no text */

void asked_init(struct asked *a)
{
    *a = (struct asked){0};
    buffer_init(&a->prompt, BUFFER_UNBOUNDED);
}

static void clear(struct asked *a)
{
    free(a->model);
    free(a->service);
    free(a->session);
    a->model = a->service = a->session = NULL;
    a->is_read = false;
    a->output = 0;
    a->initiator = INITIATOR_UNKNOWN;
    a->messages = a->body = (struct text){"", 0};
    a->turn_count = 0;
    buffer_clear(&a->prompt);
}

void asked_free(struct asked *a)
{
    clear(a);
    buffer_free(&a->prompt);
    free(a->turns);
}

/* ---- the canonical prompt ---- */

static void add_string(struct buffer *out, struct text raw)
{
    if (raw.length > LONG_VALUE && !memchr(raw.at, ' ', LONG_VALUE)) {
        buffer_add_format(out, "(%zu bytes %016llx)", raw.length,
                          (unsigned long long)text_hash(raw.at, raw.length));
        return;
    }
    buffer_add(out, raw.at, raw.length);
}

/* Marks for caches move from message to message while the prompt stays. */
static bool is_mark(struct text key)
{
    return text_equal(key, "cache_control") || text_equal(key, "cachePoint");
}

static bool is_everywhere(struct text key)
{
    static const char *const names[] = {"role", "content", "type", "text", NULL};
    return text_place(key, names) >= 0;
}

static void add_value(struct json_scan *s, struct buffer *out);

static void add_object(struct json_scan *s, struct buffer *out)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (is_mark(key)) {
            json_skip(s, NULL);
            continue;
        }
        if (!is_everywhere(key)) {
            buffer_add(out, key.at, key.length);
            buffer_add_byte(out, ':');
        }
        add_value(s, out);
    }
}

static void add_value(struct json_scan *s, struct buffer *out)
{
    enum json_kind kind = json_peek(s);
    struct text raw;
    if (kind == JSON_OBJECT) {
        add_object(s, out);
    } else if (kind == JSON_ARRAY) {
        json_array_begin(s);
        while (json_array_next(s))
            add_value(s, out);
    } else if (kind == JSON_STRING) {
        if (json_string(s, &raw))
            add_string(out, raw);
        buffer_add_byte(out, '\n');
    } else if (json_skip(s, &raw)) {
        buffer_add(out, raw.at, raw.length);
        buffer_add_byte(out, '\n');
    }
}

static void note_turn(struct asked *a)
{
    mem_grow(&a->turns, &a->turn_capacity, a->turn_count + 1, sizeof *a->turns);
    a->turns[a->turn_count++] = a->prompt.length;
}

static void start(struct json_scan *s, struct text json)
{
    json_scan_init(s, "body", json.at, json.length, 1);
}

/* A list of messages is a turn each; anything else is one. */
static void add_turns(struct asked *a, struct text json)
{
    struct json_scan s;
    if (json.length == 0)
        return;
    start(&s, json);
    if (json_peek(&s) != JSON_ARRAY) {
        add_value(&s, &a->prompt);
        note_turn(a);
        return;
    }
    json_array_begin(&s);
    while (json_array_next(&s)) {
        add_value(&s, &a->prompt);
        note_turn(a);
    }
}

/* ---- who speaks last ---- */

/* Whether the parts of a message are what tools said: {"type": "tool_result"}. */
static bool holds_result(struct json_scan *s)
{
    struct text key, type;
    bool found = false;
    if (!json_skip_unless(s, JSON_ARRAY))
        return false;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (!json_skip_unless(s, JSON_OBJECT))
            continue;
        json_object_begin(s);
        while (json_object_next(s, &key))
            if (!text_equal(key, "type") || json_peek(s) != JSON_STRING)
                json_skip(s, NULL);
            else if (json_string(s, &type))
                found |= text_equal(type, "tool_result");
    }
    return found;
}

static bool ends_with(struct text t, const char *end)
{
    size_t n = strlen(end);
    return t.length >= n && memcmp(t.at + t.length - n, end, n) == 0;
}

static enum request_initiator initiator_of(struct text message)
{
    struct json_scan s;
    struct text key, value;
    bool tool = false;
    start(&s, message);
    if (json_peek(&s) != JSON_OBJECT)
        return INITIATOR_USER;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        bool content = text_equal(key, "content"), role = text_equal(key, "role");
        if (content)
            tool |= holds_result(&s);
        else if ((!role && !text_equal(key, "type")) || json_peek(&s) != JSON_STRING)
            json_skip(&s, NULL);
        else if (json_string(&s, &value))
            tool |= role ? text_equal(value, "tool") || text_equal(value, "function")
                         : ends_with(value, "_output");
    }
    return tool ? INITIATOR_AGENT : INITIATOR_USER;
}

static void find_initiator(struct asked *a)
{
    struct json_scan s;
    struct text last = {"", 0};
    if (a->messages.length == 0)
        return;
    start(&s, a->messages);
    if (json_peek(&s) == JSON_ARRAY) {
        json_array_begin(&s);
        while (json_array_next(&s))
            json_skip(&s, &last);
    }
    a->initiator = last.length ? initiator_of(last) : INITIATOR_USER;
}

/* ---- the body ---- */

/* What of a body is looked at again, by kind. */
enum { TOOLS, FUNCTIONS, SYSTEM, INSTRUCTIONS, MESSAGES, INPUT, PROMPT, QUERY, DOCUMENTS, PARTS };
static const char *const part_names[] = {"tools", "functions", "system", "instructions", "messages",
                                         "input", "prompt",    "query",  "documents",    NULL};
static const char *const limit_names[] = {"max_completion_tokens", "max_output_tokens",
                                          "max_tokens", NULL};

static char *copy_string(struct json_scan *s)
{
    char *copy = NULL;
    if (json_skip_unless(s, JSON_STRING))
        json_string_copy(s, MAX_NAME, &copy);
    return copy;
}

static void take_member(struct asked *a, struct json_scan *s, struct text key, struct text *parts)
{
    uint64_t limit;
    struct text raw;
    int part = text_place(key, part_names);
    if (part >= 0) {
        json_skip(s, &parts[part]);
    } else if (text_equal(key, "model") && !a->model) {
        a->model = copy_string(s);
    } else if (text_equal(key, "service_tier") && !a->service) {
        a->service = copy_string(s);
    } else if (json_skip(s, &raw) && text_place(key, limit_names) >= 0) {
        if (text_to_u64(raw, &limit) && limit < UINT32_MAX)
            a->output = (uint32_t)limit;
    }
}

static void add_prompt(struct asked *a, const struct text *parts)
{
    struct json_scan s;
    for (int i = TOOLS; i <= INSTRUCTIONS; i++) {
        if (parts[i].length == 0)
            continue;
        start(&s, parts[i]);
        add_value(&s, &a->prompt);
    }
    note_turn(a);
    for (int i = MESSAGES; i < PARTS; i++)
        add_turns(a, parts[i]);
    a->messages = parts[MESSAGES].length ? parts[MESSAGES] : parts[INPUT];
    find_initiator(a);
    a->messages = parts[MESSAGES];
}

/* The value behind "metadata.user_id". */
static char *find_session(struct text body, const char *path)
{
    struct json_scan s;
    struct text key;
    char *found = NULL;
    size_t n = strcspn(path, ".");
    start(&s, body);
    if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s))
        return NULL;
    while (json_object_next(&s, &key)) {
        struct text raw;
        if (found || key.length != n || memcmp(key.at, path, n) != 0)
            json_skip(&s, NULL);
        else if (path[n] == '\0')
            found = copy_string(&s);
        else if (json_skip(&s, &raw))
            found = find_session(raw, path + n + 1);
    }
    return found;
}

void asked_read(struct asked *a, struct text body, const char *session_path)
{
    struct json_scan s;
    struct text key, parts[PARTS] = {{0}};
    clear(a);
    start(&s, body);
    if (json_peek(&s) == JSON_OBJECT) {
        json_object_begin(&s);
        while (json_object_next(&s, &key))
            take_member(a, &s, key, parts);
        a->is_read = json_scan_end(&s, NULL) == 0;
    }
    if (!a->is_read) {
        clear(a);
        buffer_add(&a->prompt, body.at, body.length);
        return;
    }
    a->body = body;
    add_prompt(a, parts);
    if (session_path)
        a->session = find_session(body, session_path);
}
