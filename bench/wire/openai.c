#include "bench/wire/openai.h"

#include <string.h>

const char *const openai_prompt_keys[] = {"messages", "prompt", "input", NULL};
const char *const openai_output_keys[] = {"max_tokens", "max_completion_tokens", NULL};

/* ---- choices ---- */

static void tool_function(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "name") || text_equal(key, "arguments"))
            chunk_read_text(s, CHUNK_TOOL, &c->tool, c);
        else
            json_skip(s, NULL);
    }
}

static void tool_calls(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (!json_skip_unless(s, JSON_OBJECT))
            continue;
        json_object_begin(s);
        while (json_object_next(s, &key)) {
            if (text_equal(key, "function"))
                tool_function(s, c);
            else
                json_skip(s, NULL);
        }
    }
}

static void delta(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "content"))
            chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        else if (text_equal(key, "reasoning_content") || text_equal(key, "reasoning"))
            chunk_read_text(s, CHUNK_REASONING, &c->reasoning, c);
        else if (text_equal(key, "refusal"))
            chunk_read_text(s, CHUNK_REFUSAL, &c->refusal, c);
        else if (text_equal(key, "tool_calls"))
            tool_calls(s, c);
        else if (text_equal(key, "function_call"))
            tool_function(s, c);
        else
            json_skip(s, NULL);
    }
}

static void choice(struct json_scan *s, struct chunk *c)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "delta") || text_equal(key, "message"))
            delta(s, c);
        else if (text_equal(key, "text"))
            chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        else if (text_equal(key, "finish_reason") && json_peek(s) == JSON_STRING)
            json_string(s, &c->finish_reason);
        else
            json_skip(s, NULL);
    }
}

static void choices(struct json_scan *s, struct chunk *c)
{
    if (json_peek(s) == JSON_NULL) {
        json_null(s);
        return;
    }
    json_array_begin(s);
    while (json_array_next(s)) {
        choice(s, c);
    }
}

/* ---- the payload ---- */

static void results(struct json_scan *s, struct chunk *c)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        c->results++;
        json_skip(s, NULL);
    }
}

/* {"object": "error", "message": "..."}, and Anthropic's {"type": "error", "error": {...}}. */
static bool names_error(struct json_scan *s)
{
    struct text value;
    return json_skip_unless(s, JSON_STRING) && json_string(s, &value) && text_equal(value, "error");
}

int openai_read_answer(struct text body, struct chunk *out)
{
    struct json_scan s;
    struct text key, message = {"", 0};
    memset(out, 0, sizeof *out);
    json_scan_init(&s, "answer", body.at, body.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "choices"))
            choices(&s, out);
        else if (text_equal(key, "usage"))
            chunk_read_usage(&s, out);
        else if (text_equal(key, "error"))
            chunk_read_error(&s, out);
        else if (text_equal(key, "data"))
            results(&s, out);
        else if (text_equal(key, "message") && json_peek(&s) == JSON_STRING)
            json_string(&s, &message);
        else if (text_equal(key, "object") || text_equal(key, "type"))
            out->is_error |= names_error(&s);
        else
            json_skip(&s, NULL);
    }
    if (out->is_error && out->error_message.length == 0)
        out->error_message = message;
    return json_scan_end(&s, NULL) < 0 ? -1 : 0;
}

int openai_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out)
{
    (void)so_far;
    if (text_equal(data, "[DONE]")) {
        *out = (struct chunk){.ends = true};
        return 0;
    }
    int bad = openai_read_answer(data, out);
    if (bad == 0 && strcmp(event, "error") == 0)
        out->is_error = true;
    return bad;
}
