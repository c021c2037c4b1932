/* OpenAI's chat completions. */
#include "sim/mock/api/openai.h"

#include "core/json/json_write.h"

#include <stdio.h>
#include <string.h>

/* ---- requests ---- */

static const struct field fields[] = {
    {"messages", FIELD_ARRAY, 0, 0},
    {"max_completion_tokens", FIELD_INTEGER, 1, 1e9},
    {"logprobs", FIELD_BOOL, 0, 0},
    {"top_logprobs", FIELD_INTEGER, 0, LOGPROBS_MOST},
    {"tools", FIELD_ARRAY, 0, 0},
    {"tool_choice", FIELD_CHOICE, 0, 0},
    {"parallel_tool_calls", FIELD_BOOL, 0, 0},
    {"response_format", FIELD_OBJECT, 0, 0},
    {"reasoning_effort", FIELD_STRING, 0, 0},
    {"verbosity", FIELD_STRING, 0, 0},
    {"modalities", FIELD_ARRAY, 0, 0},
    {"metadata", FIELD_OBJECT, 0, 0},
    {"store", FIELD_BOOL, 0, 0},
    {"service_tier", FIELD_STRING, 0, 0},
    {"prediction", FIELD_OBJECT, 0, 0},
    {"prompt_cache_key", FIELD_STRING, 0, 0},
    {"safety_identifier", FIELD_STRING, 0, 0},
    {"chat_template_kwargs", FIELD_OBJECT, 0, 0},
    {"add_generation_prompt", FIELD_BOOL, 0, 0},
    {"include_reasoning", FIELD_BOOL, 0, 0},
    {NULL, 0, 0, 0},
};

static const struct field *const all_fields[] = {openai_common, openai_generation, openai_vllm,
                                                 fields, NULL};

static int add_message(struct ask *a, const cJSON *message, int index, struct api_error *e)
{
    static const char *const roles[] = {"developer", "system", "user",
                                        "assistant", "tool",   "function"};
    char where[64];
    snprintf(where, sizeof where, "messages[%d].role", index);
    const char *role = ask_string(message, "role");
    if (!role)
        return ask_missing(where, e);
    size_t i = 0;
    while (i < sizeof roles / sizeof roles[0] && strcmp(roles[i], role) != 0)
        i++;
    if (i == sizeof roles / sizeof roles[0])
        return api_error_invalid(e, where, "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'developer', "
                                 "'system', 'user', 'assistant', 'tool' and 'function'.",
                                 role);
    a->after_tool = strcmp(role, "tool") == 0;
    ask_add_role(a, role);
    const cJSON *calls = ask_member(message, "tool_calls");
    for (const cJSON *c = calls ? calls->child : NULL; c; c = c->next) {
        const char *arguments = ask_string(ask_member(c, "function"), "arguments");
        if (arguments)
            ask_add_text(a, arguments);
    }
    snprintf(where, sizeof where, "messages[%d].content", index);
    return openai_add_content(a, ask_member(message, "content"), where, e);
}

static int parse_messages(struct ask *a, struct api_error *e)
{
    const cJSON *messages = ask_member(a->body, "messages");
    if (!messages)
        return ask_missing("messages", e);
    if (!messages->child)
        return api_error_invalid(e, "messages", "empty_array",
                                 "Invalid 'messages': empty array. Expected at least one message.");
    int index = 0;
    for (const cJSON *m = messages->child; m; m = m->next)
        if (add_message(a, m, index++, e) < 0)
            return -1;
    return 0;
}

static const struct format_keys format_keys = {"response_format", "json_schema"};

static int parse_logprobs(struct ask *a, struct api_error *e)
{
    const cJSON *top = ask_member(a->body, "top_logprobs");
    a->logprobs = cJSON_IsTrue(ask_member(a->body, "logprobs"));
    a->top_logprobs = top ? (uint32_t)top->valuedouble : 0;
    if (!top || a->logprobs)
        return 0;
    return api_error_invalid(e, "top_logprobs", "invalid_value",
                             "The 'top_logprobs' parameter is only allowed when 'logprobs' is "
                             "enabled.");
}

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    if (openai_parse_generation(a, rules, e) < 0 || openai_parse_choices(a, 1, e) < 0 ||
        parse_logprobs(a, e) < 0)
        return -1;
    a->reasons = true;
    a->reasoning_effort = ask_string(a->body, "reasoning_effort");
    if (openai_parse_tools(a, true, e) < 0 ||
        openai_parse_format(a, ask_member(a->body, "response_format"), &format_keys, e) < 0)
        return -1;
    return parse_messages(a, e);
}

/* As add_message() takes it back: calls before content. */
static void repeat(const struct rendering *r, uint32_t choice, struct prompt *prompt)
{
    const struct answer *a = r->answers[choice];
    prompt_add(prompt, "assistant", 9);
    for (uint32_t i = 0; i < a->part_count; i++)
        if (a->parts[i].kind == PART_TOOL)
            answer_repeat_part(a, i, prompt);
    for (uint32_t i = 0; i < a->part_count; i++)
        if (a->parts[i].kind == PART_CONTENT)
            answer_repeat_part(a, i, prompt);
}

/* ---- answers ---- */

/* Without logprobs: of no token that has them. */
static void close_choice(struct rendering *r)
{
    openai_close_choice(r, 0, 0, 0, NULL);
    openai_close_chunk(r);
}

static void begin(struct rendering *r)
{
    openai_begin(r, "chat.completion.chunk");
    openai_open_chunk(r);
    openai_open_choice(r);
    buffer_add_text(r->json, "\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    close_choice(r);
}

/* A call's number among the calls. */
static uint32_t call_index(const struct answer *a, uint32_t part)
{
    return part - (a->parts[0].kind == PART_REASONING);
}

/* A tool call begins with a chunk that names it. */
static void begin_part(struct rendering *r, uint32_t part)
{
    const struct answer_part *p = &r->answer->parts[part];
    if (p->kind != PART_TOOL)
        return;
    openai_open_chunk(r);
    openai_open_choice(r);
    buffer_add_format(r->json,
                      "\"delta\":{\"tool_calls\":[{\"index\":%u,\"id\":\"%s\","
                      "\"type\":\"function\",\"function\":{\"name\":",
                      call_index(r->answer, part), p->id);
    render_string(p->name, r->json);
    buffer_add_text(r->json, ",\"arguments\":\"\"}}]}");
    close_choice(r);
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    enum part_kind kind = r->answer->parts[part].kind;
    openai_open_chunk(r);
    openai_open_choice(r);
    if (kind == PART_TOOL)
        buffer_add_format(r->json,
                          "\"delta\":{\"tool_calls\":[{\"index\":%u,"
                          "\"function\":{\"arguments\":\"",
                          call_index(r->answer, part));
    else
        buffer_add_text(r->json, kind == PART_REASONING ? "\"delta\":{\"reasoning_content\":\""
                                                        : "\"delta\":{\"content\":\"");
    render_text(r->answer, part, token, count, r->json);
    buffer_add_text(r->json, kind == PART_TOOL ? "\"}}]}" : "\"}");
    openai_close_choice(r, part, token, kind == PART_CONTENT ? count : 0, logprobs_add_content);
    openai_close_chunk(r);
}

static void finish(struct rendering *r, const struct usage *u)
{
    openai_finish(r, "\"delta\":{}", u);
}

static void add_tool_call(const struct answer *a, uint32_t part, struct buffer *out)
{
    const struct answer_part *p = &a->parts[part];
    buffer_add_format(out, "{\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":", p->id);
    render_string(p->name, out);
    buffer_add_text(out, ",\"arguments\":");
    json_escape(out, (struct text){p->text, p->length});
    buffer_add_text(out, "}}");
}

static void add_message_of(const struct rendering *r, const struct answer *a, uint32_t choice,
                           struct buffer *out)
{
    (void)r;
    (void)choice;
    buffer_add_text(out, "\"message\":{\"role\":\"assistant\",\"content\":");
    render_parts(a, PART_CONTENT, out);
    buffer_add_text(out, ",\"refusal\":null,\"annotations\":[]");
    if (a->reasoning_tokens) {
        buffer_add_text(out, ",\"reasoning_content\":");
        render_parts(a, PART_REASONING, out);
    }
    bool first = true;
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].kind != PART_TOOL)
            continue;
        buffer_add_text(out, first ? ",\"tool_calls\":[" : ",");
        add_tool_call(a, i, out);
        first = false;
    }
    buffer_add_text(out, first ? "}" : "]}");
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    openai_add_answer(r, "chat.completion", u, add_message_of, logprobs_add_content, out);
}

const struct mock_api mock_chat = {
    .path = "/chat/completions",
    .id_prefix = "chatcmpl",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .repeat = repeat,
    .tells_images = true,
    .begin = begin,
    .begin_part = begin_part,
    .add_piece = add_piece,
    .finish = finish,
    .end = openai_end,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
