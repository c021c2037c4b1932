/* Files of prompts, sent as they are: an object a line, or the elements of an array.
 *
 *     {"messages": [...]}                          OpenAI's fine-tuning form: the last answer is
 *                                                  the one that is asked for
 *     {"prompt": "...", "output_tokens": 20}       vLLM's custom data set; also text, question
 *     {"conversations": [{"from": "human", ...}]}  ShareGPT: a request for each answer, with all
 *     {"conversation": [{"role": "user", ...}]}    that came before; lmsys-chat the same
 *     {"session_id": "s", "turns": [{"text": "...", "delay": 250}]}    AIPerf's multi_turn: a
 * request for each turn, with the texts of those before
 *
 * Nobody counted their tokens: lengths are estimated from the text and noted. Requests have no
 * times; turns of a conversation wait for each other.
 */
#include "workloads/trace/trace_json.h"

#include "core/json/json_write.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prompts {
    struct trace_input *in;
    struct buffer messages; /* of the conversation so far, without its closing bracket */
    uint64_t bytes;         /* of their texts */
    uint64_t conversations;
    struct error *err;
    int64_t timestamp_ns, delay_ns; /* of the request to be added */
};

static const char *const prompt_keys[] = {"prompt", "text", "question", "instruction", NULL};
static const char *const texts_keys[] = {"texts", NULL};
static const char *const list_keys[] = {"messages", "conversations", "conversation", NULL};

static bool find_key(struct text object, const char *const *keys, char first, struct text *raw)
{
    for (; *keys; keys++)
        if (trace_json_find(object, *keys, raw) && raw->at[0] == first)
            return true;
    return false;
}

/* Turns that have texts. */
static bool is_multi_turn(struct text object, struct text *turns)
{
    struct json_scan s;
    struct text first, raw;
    if (!trace_json_find(object, "turns", turns) || turns->at[0] != '[')
        return false;
    json_scan_init(&s, "", turns->at, turns->length, 1);
    json_array_begin(&s);
    return json_array_next(&s) && json_skip(&s, &first) &&
           (first.at[0] == '"' || (first.at[0] == '{' && (find_key(first, prompt_keys, '"', &raw) ||
                                                          find_key(first, texts_keys, '[', &raw))));
}

static bool probe(const struct trace_probe *p)
{
    struct text raw;
    static const char *const lengths[] = {"input_length", "prompt_tokens", "input_tokens",
                                          "usage",        "body",          NULL};
    if (!p->is_object)
        return false;
    for (const char *const *key = lengths; *key; key++)
        if (trace_probe_key(p, *key))
            return false;
    return find_key(p->line, list_keys, '[', &raw) || find_key(p->line, prompt_keys, '"', &raw) ||
           is_multi_turn(p->line, &raw);
}

/* The role of a message in OpenAI's words; NULL for one that is not known. */
static const char *role_of(struct text message)
{
    static const char *const roles[][2] = {
        {"\"human\"", "user"},          {"\"user\"", "user"},       {"\"gpt\"", "assistant"},
        {"\"chatgpt\"", "assistant"},   {"\"bing\"", "assistant"},  {"\"bard\"", "assistant"},
        {"\"assistant\"", "assistant"}, {"\"model\"", "assistant"}, {"\"system\"", "system"},
        {"\"developer\"", "system"},    {"\"tool\"", "tool"}};
    struct text raw;
    if (!trace_json_find(message, "role", &raw) && !trace_json_find(message, "from", &raw))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (text_equal(raw, roles[i][0]))
            return roles[i][1];
    return NULL;
}

static void add_message(struct prompts *p, const char *role, struct text raw)
{
    buffer_add_text(&p->messages, p->messages.length ? ", " : "[");
    buffer_add_format(&p->messages, "{\"role\": \"%s\", \"content\": ", role);
    buffer_add(&p->messages, raw.at, raw.length);
    buffer_add_byte(&p->messages, '}');
    p->bytes += raw.length;
}

/* A count under one of the names that such files have. */
static bool find_output(struct text object, uint32_t *out)
{
    static const char *const keys[] = {"output_tokens",         "output_length",       "max_tokens",
                                       "max_completion_tokens", "expected_output_len", NULL};
    struct text raw;
    uint64_t value;
    for (const char *const *key = keys; *key; key++)
        if (trace_json_find(object, *key, &raw) && text_to_u64(raw, &value) &&
            value <= WORKLOAD_MAX_TOKENS) {
            *out = (uint32_t)value;
            return true;
        }
    return false;
}

/* A request with the messages so far. `answer` is the recorded one's length in bytes, 0 = none. */
static int add_request(struct prompts *p, struct text object, uint64_t answer, const char *session,
                       bool later)
{
    struct trace_input *in = p->in;
    uint32_t parent = (uint32_t)in->out->count - 1;
    struct buffer whole;
    struct request r = {.timestamp_ns = p->timestamp_ns, .attempts = 1};
    buffer_init(&whole, BUFFER_UNBOUNDED);
    buffer_add(&whole, p->messages.data, p->messages.length);
    buffer_add_byte(&whole, ']');
    r.messages = (struct text){whole.data, whole.length};
    r.input_tokens = trace_estimate_tokens(p->bytes);
    r.output_tokens = trace_estimate_tokens(answer);
    r.session_id = session;
    if (later) {
        r.after = &parent;
        r.after_count = 1;
        r.delay_ns = p->delay_ns;
    } else if (r.timestamp_ns == TIME_NEVER) {
        r.timestamp_ns = 0;
    }
    trace_note(in, "input_tokens_estimated", false);
    if (!find_output(object, &r.output_tokens))
        trace_note(in, answer ? "output_tokens_estimated" : "no_output_bound", false);
    int status = trace_add(in, &r, p->err);
    buffer_free(&whole);
    return status;
}

/* A request for each answer; a conversation that ends with a question asks for one more. */
static int read_conversation(struct prompts *p, struct text object, struct text list)
{
    struct json_scan s;
    struct text message, content;
    char session[32];
    bool later = false, open = false;
    snprintf(session, sizeof session, "c%llu", (unsigned long long)++p->conversations);
    json_scan_init(&s, p->in->lines.name, list.at, list.length, trace_line_number(p->in));
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &message)) {
        const char *role = message.at[0] == '{' ? role_of(message) : NULL;
        if (!role || (!trace_json_find(message, "content", &content) &&
                      !trace_json_find(message, "value", &content)))
            return trace_fail(p->in, 1, p->err,
                              "expected messages with a role (or from) and a content (or value)");
        bool answers = open && strcmp(role, "assistant") == 0;
        if (answers && add_request(p, object, content.length, session, later) < 0)
            return ERR_INPUT;
        later |= answers;
        open = strcmp(role, "assistant") != 0;
        add_message(p, role, content);
    }
    return open ? add_request(p, object, 0, session, later) : 0;
}

/* Milliseconds at a key, into nanoseconds; others stay. */
static void take_ms(struct text turn, const char *key, int64_t *ns)
{
    struct text raw;
    int64_t value;
    if (trace_json_find(turn, key, &raw) && text_to_fixed(raw, 6, &value) && value >= 0 &&
        value < TIME_NEVER)
        *ns = value;
}

/* A turn's text: a string, under its key, or a list of strings, of which the first counts. */
static bool find_text(struct text turn, struct text *raw)
{
    struct json_scan s;
    struct text list;
    *raw = turn;
    if (turn.at[0] != '{')
        return turn.at[0] == '"';
    if (find_key(turn, prompt_keys, '"', raw))
        return true;
    if (!find_key(turn, texts_keys, '[', &list))
        return false;
    json_scan_init(&s, "", list.at, list.length, 1);
    json_array_begin(&s);
    return json_array_next(&s) && json_skip(&s, raw) && raw->at[0] == '"';
}

/* AIPerf's turns: what the model answers in between is not known before it is asked. */
static int read_turns(struct prompts *p, struct text object, struct text turns)
{
    struct json_scan s;
    struct text turn, text, raw = {"", 0};
    char made[32], *session;
    bool later = false;
    int status = 0;
    json_scan_init(&s, p->in->lines.name, turns.at, turns.length, trace_line_number(p->in));
    if (trace_json_find(object, "session_id", &raw) && raw.length > 1 && raw.at[0] == '"')
        session = mem_copy_text(raw.at + 1, raw.length - 2);
    else
        session = NULL;
    if (!session) {
        snprintf(made, sizeof made, "c%llu", (unsigned long long)++p->conversations);
        session = mem_copy_string(made);
    }
    json_array_begin(&s);
    while (status == 0 && json_array_next(&s) && json_skip(&s, &turn)) {
        if (!find_text(turn, &text)) {
            status = trace_fail(p->in, 1, p->err, "expected turns with a text");
            break;
        }
        p->timestamp_ns = TIME_NEVER;
        p->delay_ns = 0;
        take_ms(turn, "timestamp", &p->timestamp_ns);
        take_ms(turn, "delay", &p->delay_ns);
        add_message(p, "user", text);
        status = add_request(p, turn, 0, session, later);
        later = true;
    }
    free(session);
    return status;
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct prompts *p = context;
    struct json_scan s;
    struct text raw;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    p->err = err;
    p->bytes = 0;
    p->timestamp_ns = TIME_NEVER;
    p->delay_ns = 0;
    if (is_multi_turn(line, &raw)) {
        buffer_clear(&p->messages);
        return read_turns(p, line, raw);
    }
    buffer_clear(&p->messages);
    if (find_key(line, list_keys, '[', &raw))
        return read_conversation(p, line, raw);
    if (!find_key(line, prompt_keys, '"', &raw))
        return trace_fail(in, 1, err, "expected a prompt, messages or a conversation");
    add_message(p, "user", raw);
    return add_request(p, line, 0, NULL, false);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct prompts p = {.in = in};
    buffer_init(&p.messages, BUFFER_UNBOUNDED);
    int status = trace_each_line(in, &p, read_line, err);
    buffer_free(&p.messages);
    return status;
}

const struct trace_reader trace_reader_prompts = {
    "prompts",
    "prompts of one's own: messages, vLLM's custom data sets, ShareGPT, lmsys-chat",
    probe,
    read_rows,
};
