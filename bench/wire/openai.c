#include "bench/wire/openai.h"

#include <stddef.h>
#include <string.h>

const char *const openai_prompt_keys[] = {"messages", "prompt", "input", NULL};
const char *const openai_output_keys[] = {"max_tokens", "max_completion_tokens", NULL};

/* ---- choices ---- */

/* Sound is a token; its bytes are no text. */
static void audio(struct json_scan *s, struct chunk *c)
{
    struct text key, sound;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "transcript"))
            chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        else if (!text_equal(key, "data") || json_peek(s) != JSON_STRING)
            json_skip(s, NULL);
        else if (json_string(s, &sound) && sound.length)
            c->tokens |= CHUNK_CONTENT;
    }
}

static void images(struct json_scan *s, struct chunk *c)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        c->tokens |= CHUNK_CONTENT;
        json_skip(s, NULL);
    }
}

static void delta_member(struct json_scan *s, struct text key, struct chunk *c)
{
    if (text_equal(key, "content"))
        chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
    else if (text_equal(key, "role"))
        json_skip(s, NULL);
    else if (text_equal(key, "refusal"))
        chunk_read_text(s, CHUNK_REFUSAL, &c->refusal, c);
    else if (text_equal(key, "tool_calls") || text_equal(key, "toolCalls") ||
             text_equal(key, "function_call"))
        chunk_read_tools(s, c);
    else if (text_equal(key, "audio"))
        audio(s, c);
    else if (text_equal(key, "images"))
        images(s, c);
    else if (text_equal(key, "error"))
        chunk_read_error(s, c);
    else if (chunk_names_reasoning(key))
        chunk_read_text(s, CHUNK_REASONING, &c->reasoning, c);
    else if (!chunk_find_usage(s, key, c))
        json_skip(s, NULL);
}

/* {"google": {"thought": true}}: Gemini says beside a text that it is a thought. */
static bool says_thought(struct json_scan *s, int deep)
{
    struct text key;
    bool thought = false;
    if (!json_skip_unless(s, JSON_OBJECT))
        return false;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (deep > 0 && text_equal(key, "google")) {
            thought |= says_thought(s, deep - 1);
        } else {
            thought |= deep == 0 && text_equal(key, "thought") && json_peek(s) == JSON_TRUE;
            json_skip(s, NULL);
        }
    }
    return thought;
}

/* What was read as the answer's text is a thought. */
static void take_for_thought(struct chunk *c)
{
    if (!(c->tokens & CHUNK_CONTENT) || c->reasoning.length)
        return;
    c->tokens = (c->tokens & ~(unsigned)CHUNK_CONTENT) | CHUNK_REASONING;
    c->reasoning = c->content;
    c->content = (struct text){"", 0};
}

static void delta(struct json_scan *s, struct chunk *c)
{
    struct text key;
    bool thought = false;
    if (json_peek(s) != JSON_OBJECT) {
        chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        return;
    }
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "extra_content"))
            thought |= says_thought(s, 1);
        else
            delta_member(s, key, c);
    }
    if (thought)
        take_for_thought(c);
}

static void choice_member(struct json_scan *s, struct text key, struct chunk *c)
{
    unsigned before = c->tokens;
    if (text_equal(key, "delta"))
        delta(s, c);
    else if (text_equal(key, "message")) {
        delta(s, c);
        c->is_whole_text = !before && c->tokens;
    } else if (text_equal(key, "text"))
        chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
    else if (text_equal(key, "finish_reason"))
        chunk_read_finish(s, c);
    else if (text_equal(key, "logprobs"))
        chunk_read_logprobs(s, c);
    else if (text_equal(key, "error"))
        chunk_read_error(s, c);
    else if (chunk_names_reasoning(key))
        chunk_read_text(s, CHUNK_REASONING, &c->reasoning, c);
    else if (!chunk_find_usage(s, key, c))
        json_skip(s, NULL);
}

static void choice(struct json_scan *s, struct chunk *c)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key))
        choice_member(s, key, c);
}

static void choices(struct json_scan *s, struct chunk *c)
{
    if (json_peek(s) == JSON_OBJECT)
        choice(s, c);
    else if (json_skip_unless(s, JSON_ARRAY)) {
        json_array_begin(s);
        while (json_array_next(s))
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

/* ---- forms beside choices: Ollama's own chat, Workers AI ---- */

/* {"message": {"role": "assistant", "content": "Hi"}, "done": false} */
static void own_message(struct json_scan *s, struct chunk *c)
{
    unsigned before = c->tokens;
    delta(s, c);
    if (c->tokens != before)
        c->is_foreign = false;
}

/* {"response": "Hi", "done": true, "done_reason": "stop", "eval_count": 7}. False: it is none of
 * these. */
static bool own_member(struct json_scan *s, struct text key, struct chunk *c)
{
    enum json_kind kind = json_peek(s);
    if (text_equal(key, "response") && kind == JSON_STRING) {
        chunk_read_text(s, CHUNK_CONTENT, &c->content, c);
        c->is_foreign = false;
    } else if (text_equal(key, "message") && kind == JSON_OBJECT) {
        own_message(s, c);
    } else if (text_equal(key, "done") && kind == JSON_TRUE) {
        c->ends = json_skip(s, NULL);
        c->is_foreign = false;
    } else if (text_equal(key, "done_reason")) {
        chunk_read_finish(s, c);
    } else {
        return false;
    }
    return true;
}

/* Counts beside the text: those of the whole object, read as a usage. */
static void own_counts(struct text body, struct chunk *c)
{
    struct json_scan s;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    chunk_read_usage(&s, c);
}

static void answer_member(struct json_scan *s, struct text key, struct chunk *c,
                          struct text *message);

/* {"result": {"response": "Hi", "usage": {...}}, "success": true, "errors": []} */
static void result_member(struct json_scan *s, struct chunk *c, struct text *message)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key))
        answer_member(s, key, c, message);
}

static void answer_member(struct json_scan *s, struct text key, struct chunk *c,
                          struct text *message)
{
    if (text_equal(key, "choices")) {
        c->is_foreign = false;
        choices(s, c);
    } else if (text_equal(key, "error") || text_equal(key, "base_resp")) {
        chunk_read_error(s, c);
    } else if (text_equal(key, "data")) {
        c->is_foreign = false;
        results(s, c);
    } else if (text_equal(key, "message") && json_peek(s) == JSON_STRING) {
        json_string(s, message);
    } else if (text_equal(key, "object") || text_equal(key, "type")) {
        c->is_error |= names_error(s);
    } else if (text_equal(key, "result") && json_peek(s) == JSON_OBJECT) {
        result_member(s, c, message);
    } else if (own_member(s, key, c)) {
        return;
    } else if (chunk_find_usage(s, key, c)) {
        c->is_foreign &= !c->has_usage;
    } else {
        json_skip(s, NULL);
    }
}

/* Nothing, or a code such as "invalid_token": the words stand beside it. */
static bool is_one_word(struct text t)
{
    return t.length == 0 || !memchr(t.at, ' ', t.length);
}

int openai_read_answer(struct text body, struct chunk *out)
{
    struct json_scan s;
    struct text key, message = {"", 0};
    memset(out, 0, offsetof(struct chunk, more));
    out->is_foreign = true;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key))
        answer_member(&s, key, out, &message);
    if (out->ends && !out->has_usage && memmem(body.at, body.length, "\"eval_count\"", 12))
        own_counts(body, out);
    if (out->is_error && message.length && is_one_word(out->error_message))
        out->error_message = message;
    return json_scan_end(&s, NULL) < 0 ? -1 : 0;
}

int openai_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out)
{
    (void)so_far;
    if (data.length && data.at[0] != '{' && chunk_is_end_mark(data)) {
        *out = (struct chunk){.ends = true};
        return 0;
    }
    int bad = openai_read_answer(data, out);
    if (bad == 0 && *event && strcmp(event, "error") == 0)
        out->is_error = true;
    return bad;
}
