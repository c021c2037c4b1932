#include "bench/wire/messages.h"

#include <stddef.h>
#include <string.h>

/* ---- stop reasons ---- */

static struct text finish_reason(struct text stop_reason)
{
    static const char *const names[][2] = {
        {"end_turn", "stop"},       {"stop_sequence", "stop"},
        {"max_tokens", "length"},   {"model_context_window_exceeded", "length"},
        {"tool_use", "tool_calls"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal(stop_reason, names[i][0]))
            return text_of(names[i][1]);
    return stop_reason;
}

static void read_stop_reason(struct json_scan *s, struct chunk *c)
{
    struct text reason;
    if (json_skip_unless(s, JSON_STRING) && json_string(s, &reason))
        c->finish_reason = finish_reason(reason);
}

/* ---- blocks and deltas ---- */

/* A call's arguments in one piece; {} stands at the start of those that come in pieces. */
static void read_input(struct json_scan *s, struct chunk *c)
{
    struct text raw;
    bool is_object = json_peek(s) == JSON_OBJECT;
    if (!json_skip(s, &raw) || !is_object || raw.length <= 2)
        return;
    c->tool = raw;
    c->tokens |= CHUNK_TOOL;
}

/* A block of the answer, or what a delta adds to one. */
static void read_block(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "text"))
            chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        else if (text_equal(key, "thinking"))
            chunk_read_text(s, CHUNK_REASONING, &c->reasoning, c);
        else if (text_equal(key, "partial_json") || text_equal(key, "name"))
            chunk_read_text(s, CHUNK_TOOL, &c->tool, c);
        else if (text_equal(key, "input"))
            read_input(s, c);
        else if (text_equal(key, "stop_reason"))
            read_stop_reason(s, c);
        else
            json_skip(s, NULL);
    }
}

static void read_content(struct json_scan *s, struct chunk *c)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s))
        read_block(s, c);
}

/* ---- messages and events ---- */

static void read_type(struct json_scan *s, struct chunk *c)
{
    struct text type;
    if (!json_skip_unless(s, JSON_STRING) || !json_string(s, &type))
        return;
    c->ends = c->ends || text_equal(type, "message_stop");
    c->is_error = c->is_error || text_equal(type, "error");
}

static void read_members(struct json_scan *s, struct chunk *c);

/* The message of message_start, or the words of an error. */
static void read_message(struct json_scan *s, struct chunk *c)
{
    struct text words;
    if (json_peek(s) == JSON_OBJECT) {
        read_members(s, c);
        c->usage_grows = c->has_usage;
    } else if (json_peek(s) != JSON_STRING) {
        json_skip(s, NULL);
    } else if (json_string(s, &words) && c->error_message.length == 0) {
        c->error_message = words;
    }
}

static bool names_answer(struct text key)
{
    return text_equal(key, "delta") || text_equal(key, "content_block") ||
           text_equal(key, "content") || text_equal(key, "usage") || text_equal(key, "stop_reason");
}

static void read_member(struct json_scan *s, struct text key, struct chunk *c)
{
    c->is_foreign = c->is_foreign && !names_answer(key);
    if (text_equal(key, "type"))
        read_type(s, c);
    else if (text_equal(key, "delta") || text_equal(key, "content_block"))
        read_block(s, c);
    else if (text_equal(key, "content"))
        read_content(s, c);
    else if (text_equal(key, "usage"))
        chunk_read_usage(s, c);
    else if (text_equal(key, "stop_reason"))
        read_stop_reason(s, c);
    else if (text_equal(key, "error"))
        chunk_read_error(s, c);
    else if (!chunk_find_usage(s, key, c))
        json_skip(s, NULL);
}

static void read_members(struct json_scan *s, struct chunk *c)
{
    struct text key;
    bool outermost = s->depth == 0;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (outermost && text_equal(key, "message"))
            read_message(s, c);
        else
            read_member(s, key, c);
    }
}

int messages_read_answer(struct text body, struct chunk *out)
{
    struct json_scan s;
    memset(out, 0, offsetof(struct chunk, more));
    out->is_foreign = true;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    read_members(&s, out);
    return json_scan_end(&s, NULL) < 0 ? -1 : 0;
}

/* ---- usage ---- */

static bool is_output(enum usage_class c)
{
    struct usage one = {0};
    one.tokens[c] = 1;
    return usage_output(&one) > 0;
}

/* Input and output each as the event that told more of it has its classes: the start of an answer
 * may know the prompt's length, and its end how much of it came from a cache. */
static void merge_usage(const struct usage *before, struct usage *now)
{
    bool old_input = usage_input(before) > usage_input(now);
    bool old_output = usage_output(before) > usage_output(now);
    for (int i = 0; i < USAGE_CLASSES; i++)
        if (is_output((enum usage_class)i) ? old_output : old_input)
            now->tokens[i] = before->tokens[i];
}

int messages_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                        struct chunk *out)
{
    if (data.length && data.at[0] != '{' &&
        chunk_is_end_mark(data)) { /* of gateways to OpenAI's API */
        *out = (struct chunk){.ends = true};
        return 0;
    }
    int bad = messages_read_answer(data, out);
    if (bad < 0)
        return bad;
    out->ends = out->ends || strcmp(event, "message_stop") == 0;
    out->is_error = out->is_error || strcmp(event, "error") == 0;
    if (out->has_usage && so_far->has_usage)
        merge_usage(&so_far->usage, &out->usage);
    return 0;
}
