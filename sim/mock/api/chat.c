/* OpenAI's chat completions. */
#include "sim/mock/api/openai.h"

#include "core/json/json_write.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- requests ---- */

static const struct field fields[] = {
    {"messages", FIELD_ARRAY, 0, 0},
    {"max_completion_tokens", FIELD_INTEGER, 1, 1e9},
    {"top_logprobs", FIELD_INTEGER, 0, 20},
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

static const struct field *const all_fields[] = {openai_common, openai_generation, fields, NULL};

/* A message's content: a string, or parts of which the text ones count. */
static int add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e)
{
    if (!content)
        return 0;
    if (cJSON_IsString(content)) {
        ask_add_text(a, content->valuestring);
        return 0;
    }
    if (!cJSON_IsArray(content))
        return api_error_invalid(e, where, "invalid_type",
                                 "Invalid type for '%s': expected a string or an array of parts, "
                                 "but got %s instead.",
                                 where, fields_type_of(content));
    for (const cJSON *part = content->child; part; part = part->next) {
        const char *type = ask_string(part, "type");
        if (!type)
            return api_error_invalid(e, where, "missing_required_parameter",
                                     "Every part of '%s' needs a 'type'.", where);
        const char *text = ask_string(part, "text");
        if (text)
            ask_add_text(a, text);
    }
    return 0;
}

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
    prompt_add(&a->prompt, role, strlen(role));
    const cJSON *calls = ask_member(message, "tool_calls");
    for (const cJSON *c = calls ? calls->child : NULL; c; c = c->next) {
        const char *arguments = ask_string(ask_member(c, "function"), "arguments");
        if (arguments)
            ask_add_text(a, arguments);
    }
    snprintf(where, sizeof where, "messages[%d].content", index);
    return add_content(a, ask_member(message, "content"), where, e);
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

static int parse_tool(struct ask *a, const cJSON *tool, int index, struct api_error *e)
{
    char where[64];
    snprintf(where, sizeof where, "tools[%d].function", index);
    const cJSON *function = ask_member(tool, "function");
    if (!cJSON_IsObject(function))
        return ask_missing(where, e);
    snprintf(where, sizeof where, "tools[%d].function.name", index);
    const char *name = ask_string(function, "name");
    if (!name)
        return ask_missing(where, e);
    size_t length = strlen(name);
    if (length == 0 || length > 64)
        return api_error_invalid(e, where, "invalid_value",
                                 "Invalid '%s': expected 1 to 64 characters.", where);
    snprintf(where, sizeof where, "tools[%d].function.parameters", index);
    const cJSON *parameters = ask_member(function, "parameters");
    if (parameters && !cJSON_IsObject(parameters))
        return api_error_invalid(e, where, "invalid_type",
                                 "Invalid type for '%s': expected an object, but got %s instead.",
                                 where, fields_type_of(parameters));
    a->tools[a->tool_count++] = (struct ask_tool){name, parameters};
    return 0;
}

static int parse_tool_choice(struct ask *a, struct api_error *e)
{
    const cJSON *choice = ask_member(a->body, "tool_choice");
    if (!choice)
        return 0;
    if (a->tool_count == 0)
        return api_error_invalid(e, "tool_choice", "invalid_value",
                                 "'tool_choice' is only allowed when 'tools' are specified.");
    if (cJSON_IsString(choice)) {
        if (strcmp(choice->valuestring, "none") == 0)
            a->tool_count = 0;
        else if (strcmp(choice->valuestring, "required") == 0)
            a->tool_required = true;
        else if (strcmp(choice->valuestring, "auto") != 0)
            return api_error_invalid(e, "tool_choice", "invalid_value",
                                     "Invalid value: '%.40s'. Supported values are: 'none', "
                                     "'auto' and 'required'.",
                                     choice->valuestring);
        return 0;
    }
    a->tool_name = ask_string(ask_member(choice, "function"), "name");
    for (size_t i = 0; i < a->tool_count && a->tool_name; i++)
        if (strcmp(a->tools[i].name, a->tool_name) == 0)
            return 0;
    return api_error_invalid(e, "tool_choice", "invalid_value",
                             "Tool choice '%.64s' not found in 'tools'.",
                             a->tool_name ? a->tool_name : "");
}

static int parse_tools(struct ask *a, struct api_error *e)
{
    const cJSON *tools = ask_member(a->body, "tools");
    int index = 0, count = cJSON_GetArraySize(tools);
    a->tools = count ? mem_zero((size_t)count, sizeof *a->tools) : NULL;
    for (const cJSON *t = tools ? tools->child : NULL; t; t = t->next)
        if (parse_tool(a, t, index++, e) < 0)
            return -1;
    a->parallel_tools = !cJSON_IsFalse(ask_member(a->body, "parallel_tool_calls"));
    return parse_tool_choice(a, e);
}

static int parse_format(struct ask *a, struct api_error *e)
{
    const cJSON *format = ask_member(a->body, "response_format");
    if (!format)
        return 0;
    const char *type = ask_string(format, "type");
    if (!type)
        return ask_missing("response_format.type", e);
    if (strcmp(type, "json_object") == 0) {
        a->json_object = true;
    } else if (strcmp(type, "json_schema") == 0) {
        a->json_schema = ask_member(ask_member(format, "json_schema"), "schema");
        if (!cJSON_IsObject(a->json_schema))
            return ask_missing("response_format.json_schema.schema", e);
    } else if (strcmp(type, "text") != 0) {
        return api_error_invalid(e, "response_format.type", "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'text', "
                                 "'json_object' and 'json_schema'.",
                                 type);
    }
    return 0;
}

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    if (openai_parse_generation(a, rules, e) < 0)
        return -1;
    a->reasons = true;
    a->reasoning_effort = ask_string(a->body, "reasoning_effort");
    if (parse_tools(a, e) < 0 || parse_format(a, e) < 0)
        return -1;
    return parse_messages(a, e);
}

/* ---- answers ---- */

#define CHOICE_END ",\"logprobs\":null,\"finish_reason\":null}"

static void begin(struct rendering *r)
{
    openai_begin(r, "chat.completion.chunk");
    openai_open_chunk(r);
    buffer_add_text(r->json,
                    "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}" CHOICE_END);
    openai_close_chunk(r);
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
    buffer_add_format(r->json,
                      "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,\"id\":\"%s\","
                      "\"type\":\"function\",\"function\":{\"name\":",
                      call_index(r->answer, part), p->id);
    render_string(p->name, r->json);
    buffer_add_text(r->json, ",\"arguments\":\"\"}}]}" CHOICE_END);
    openai_close_chunk(r);
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    enum part_kind kind = r->answer->parts[part].kind;
    openai_open_chunk(r);
    if (kind == PART_TOOL)
        buffer_add_format(r->json,
                          "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,"
                          "\"function\":{\"arguments\":\"",
                          call_index(r->answer, part));
    else
        buffer_add_text(r->json, kind == PART_REASONING
                                     ? "{\"index\":0,\"delta\":{\"reasoning_content\":\""
                                     : "{\"index\":0,\"delta\":{\"content\":\"");
    render_text(r->answer, part, token, count, r->json);
    buffer_add_text(r->json, kind == PART_TOOL ? "\"}}]}" CHOICE_END : "\"}" CHOICE_END);
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

static void add_message_of(const struct answer *a, struct buffer *out)
{
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
    openai_open_answer(r, "chat.completion", out);
    add_message_of(r->answer, out);
    openai_close_answer(r, u, out);
}

const struct mock_api mock_chat = {
    .path = "/chat/completions",
    .id_prefix = "chatcmpl",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .begin = begin,
    .begin_part = begin_part,
    .add_piece = add_piece,
    .finish = finish,
    .end = openai_end,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
