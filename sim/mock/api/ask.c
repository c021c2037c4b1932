#include "sim/mock/api/ask.h"

#include "sim/mock/api/fields.h"

#include <stdio.h>
#include <string.h>

static const cJSON *get(const cJSON *object, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(v) ? NULL : v;
}

static const char *get_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(get(object, name));
}

static int missing(const char *name, struct api_error *e)
{
    return api_error_invalid(e, name, "missing_required_parameter",
                             "Missing required parameter: '%s'.", name);
}

static int parse_model(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    a->model = get_string(a->body, "model");
    if (!a->model)
        return missing("model", e);
    if (rules->model && strcmp(rules->model, a->model) != 0)
        return api_error_set(e, 404, "invalid_request_error", "model", "model_not_found",
                             "The model '%.100s' does not exist; this endpoint serves '%.100s'.",
                             a->model, rules->model);
    return 0;
}

static void add_text(struct ask *a, const char *text)
{
    prompt_add_words(&a->prompt, text, strlen(text));
}

/* A message's content: a string, or parts of which the text ones count. */
static int add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e)
{
    if (!content)
        return 0;
    if (cJSON_IsString(content)) {
        add_text(a, content->valuestring);
        return 0;
    }
    if (!cJSON_IsArray(content))
        return api_error_invalid(e, where, "invalid_type",
                                 "Invalid type for '%s': expected a string or an array of parts, "
                                 "but got %s instead.",
                                 where, fields_type_of(content));
    for (const cJSON *part = content->child; part; part = part->next) {
        const char *type = get_string(part, "type");
        if (!type)
            return api_error_invalid(e, where, "missing_required_parameter",
                                     "Every part of '%s' needs a 'type'.", where);
        const char *text = get_string(part, "text");
        if (text)
            add_text(a, text);
    }
    return 0;
}

static int add_message(struct ask *a, const cJSON *message, int index, struct api_error *e)
{
    static const char *const roles[] = {"developer", "system", "user",
                                        "assistant", "tool",   "function"};
    char where[64];
    snprintf(where, sizeof where, "messages[%d].role", index);
    const char *role = get_string(message, "role");
    if (!role)
        return missing(where, e);
    size_t i = 0;
    while (i < sizeof roles / sizeof roles[0] && strcmp(roles[i], role) != 0)
        i++;
    if (i == sizeof roles / sizeof roles[0])
        return api_error_invalid(e, where, "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'developer', "
                                 "'system', 'user', 'assistant', 'tool' and 'function'.",
                                 role);
    prompt_add(&a->prompt, role, strlen(role));
    const cJSON *calls = get(message, "tool_calls");
    for (const cJSON *c = calls ? calls->child : NULL; c; c = c->next) {
        const char *arguments = get_string(get(c, "function"), "arguments");
        if (arguments)
            add_text(a, arguments);
    }
    snprintf(where, sizeof where, "messages[%d].content", index);
    return add_content(a, get(message, "content"), where, e);
}

static int parse_messages(struct ask *a, struct api_error *e)
{
    const cJSON *messages = get(a->body, "messages");
    if (!messages)
        return missing("messages", e);
    if (!messages->child)
        return api_error_invalid(e, "messages", "empty_array",
                                 "Invalid 'messages': empty array. Expected at least one message.");
    int index = 0;
    for (const cJSON *m = messages->child; m; m = m->next)
        if (add_message(a, m, index++, e) < 0)
            return -1;
    return 0;
}

/* Token numbers: each is one token, and its digits stand for its text in the prefix. */
static void add_token_number(struct ask *a, const cJSON *number)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.17g", number->valuedouble);
    prompt_add_words(&a->prompt, digits, (size_t)length);
}

/* "prompt" or "input": one text, texts, token numbers, or lists of them. Counts the texts. */
static int parse_texts(struct ask *a, const char *name, struct api_error *e)
{
    const cJSON *value = get(a->body, name);
    if (!value)
        return missing(name, e);
    a->inputs = 1;
    if (cJSON_IsString(value)) {
        add_text(a, value->valuestring);
        return 0;
    }
    if (!value->child)
        return api_error_invalid(e, name, "empty_array", "Invalid '%s': empty array.", name);
    if (cJSON_IsNumber(value->child)) {
        for (const cJSON *v = value->child; v; v = v->next)
            add_token_number(a, v);
        return 0;
    }
    a->inputs = 0;
    for (const cJSON *v = value->child; v; v = v->next) {
        if (cJSON_IsString(v))
            add_text(a, v->valuestring);
        else if (cJSON_IsArray(v))
            for (const cJSON *t = v->child; t; t = t->next)
                add_token_number(a, t);
        else
            return api_error_invalid(e, name, "invalid_type",
                                     "Invalid '%s': expected strings or arrays of token numbers, "
                                     "found %s.",
                                     name, fields_type_of(v));
        a->inputs++;
    }
    if (a->inputs > ASK_MAX_INPUTS)
        return api_error_invalid(e, name, "array_above_max_length",
                                 "Invalid '%s': at most %d texts, got %u.", name, ASK_MAX_INPUTS,
                                 a->inputs);
    return 0;
}

static int parse_stream(struct ask *a, struct api_error *e)
{
    a->stream = cJSON_IsTrue(get(a->body, "stream"));
    const cJSON *options = get(a->body, "stream_options");
    if (!options)
        return 0;
    if (!a->stream)
        return api_error_invalid(e, "stream_options", "invalid_value",
                                 "The 'stream_options' parameter is only allowed when 'stream' is "
                                 "enabled.");
    a->include_usage = cJSON_IsTrue(get(options, "include_usage"));
    return 0;
}

static int parse_length(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    const char *name = "max_completion_tokens";
    const cJSON *length = get(a->body, name);
    if (!length) {
        name = "max_tokens";
        length = get(a->body, name);
    }
    a->output_given = length != NULL;
    double tokens = length ? length->valuedouble : (double)rules->default_output;
    if (tokens > (double)rules->max_output)
        return api_error_invalid(e, name, "integer_above_max_value",
                                 "Invalid '%s': %.0f is more than the %u tokens that this endpoint "
                                 "gives at most.",
                                 name, tokens, rules->max_output);
    a->output_tokens = (uint32_t)tokens;
    return 0;
}

static int parse_stops(struct ask *a, struct api_error *e)
{
    const cJSON *stop = get(a->body, "stop");
    if (!stop)
        return 0;
    const cJSON *first = cJSON_IsArray(stop) ? stop->child : stop;
    bool many = cJSON_IsArray(stop);
    for (const cJSON *v = first; v; v = many ? v->next : NULL) {
        if (!cJSON_IsString(v) || !v->valuestring[0] || a->stop_count == ASK_MAX_STOPS)
            return api_error_invalid(e, "stop", "invalid_value",
                                     "Invalid 'stop': expected a string or up to %d strings, none "
                                     "empty.",
                                     ASK_MAX_STOPS);
        a->stops[a->stop_count++] = v->valuestring;
    }
    return 0;
}

static int parse_tool(const cJSON *tool, int index, struct api_error *e)
{
    char where[64];
    snprintf(where, sizeof where, "tools[%d].function", index);
    const cJSON *function = get(tool, "function");
    if (!cJSON_IsObject(function))
        return missing(where, e);
    snprintf(where, sizeof where, "tools[%d].function.name", index);
    const char *name = get_string(function, "name");
    if (!name)
        return missing(where, e);
    size_t length = strlen(name);
    if (length == 0 || length > 64)
        return api_error_invalid(e, where, "invalid_value",
                                 "Invalid '%s': expected 1 to 64 characters.", where);
    snprintf(where, sizeof where, "tools[%d].function.parameters", index);
    const cJSON *parameters = get(function, "parameters");
    if (parameters && !cJSON_IsObject(parameters))
        return api_error_invalid(e, where, "invalid_type",
                                 "Invalid type for '%s': expected an object, but got %s instead.",
                                 where, fields_type_of(parameters));
    return 0;
}

static int parse_tool_choice(struct ask *a, struct api_error *e)
{
    const cJSON *choice = get(a->body, "tool_choice");
    if (!choice)
        return 0;
    if (!a->tools)
        return api_error_invalid(e, "tool_choice", "invalid_value",
                                 "'tool_choice' is only allowed when 'tools' are specified.");
    if (cJSON_IsString(choice)) {
        if (strcmp(choice->valuestring, "none") == 0)
            a->tools = NULL;
        else if (strcmp(choice->valuestring, "required") == 0)
            a->tool_required = true;
        else if (strcmp(choice->valuestring, "auto") != 0)
            return api_error_invalid(e, "tool_choice", "invalid_value",
                                     "Invalid value: '%.40s'. Supported values are: 'none', "
                                     "'auto' and 'required'.",
                                     choice->valuestring);
        return 0;
    }
    a->tool_name = get_string(get(choice, "function"), "name");
    for (const cJSON *t = a->tools->child; t && a->tool_name; t = t->next)
        if (strcmp(get_string(get(t, "function"), "name"), a->tool_name) == 0)
            return 0;
    return api_error_invalid(e, "tool_choice", "invalid_value",
                             "Tool choice '%.64s' not found in 'tools'.",
                             a->tool_name ? a->tool_name : "");
}

static int parse_tools(struct ask *a, struct api_error *e)
{
    const cJSON *tools = get(a->body, "tools");
    int index = 0;
    for (const cJSON *t = tools ? tools->child : NULL; t; t = t->next)
        if (parse_tool(t, index++, e) < 0)
            return -1;
    a->tools = index > 0 ? tools : NULL;
    a->parallel_tools = !cJSON_IsFalse(get(a->body, "parallel_tool_calls"));
    return parse_tool_choice(a, e);
}

static int parse_format(struct ask *a, struct api_error *e)
{
    const cJSON *format = get(a->body, "response_format");
    if (!format)
        return 0;
    const char *type = get_string(format, "type");
    if (!type)
        return missing("response_format.type", e);
    if (strcmp(type, "json_object") == 0) {
        a->json_object = true;
    } else if (strcmp(type, "json_schema") == 0) {
        a->json_schema = get(get(format, "json_schema"), "schema");
        if (!cJSON_IsObject(a->json_schema))
            return missing("response_format.json_schema.schema", e);
    } else if (strcmp(type, "text") != 0) {
        return api_error_invalid(e, "response_format.type", "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'text', "
                                 "'json_object' and 'json_schema'.",
                                 type);
    }
    return 0;
}

static int parse_embedding(struct ask *a, struct api_error *e)
{
    const cJSON *dimensions = get(a->body, "dimensions");
    a->dimensions = dimensions ? (uint32_t)dimensions->valuedouble : 256;
    const char *format = get_string(a->body, "encoding_format");
    a->base64 = format && strcmp(format, "base64") == 0;
    if (format && !a->base64 && strcmp(format, "float") != 0)
        return api_error_invalid(e, "encoding_format", "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'float' and "
                                 "'base64'.",
                                 format);
    a->output_tokens = 0;
    if (parse_texts(a, "input", e) < 0)
        return -1;
    if ((uint64_t)a->inputs * a->dimensions > ASK_MAX_COMPONENTS)
        return api_error_invalid(e, "input", "array_above_max_length",
                                 "Invalid 'input': %u texts of %u dimensions are more than %d "
                                 "numbers in one answer.",
                                 a->inputs, a->dimensions, ASK_MAX_COMPONENTS);
    return 0;
}

static int parse_generation(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    if (parse_stream(a, e) < 0 || parse_length(a, rules, e) < 0 || parse_stops(a, e) < 0)
        return -1;
    if (a->kind == ASK_COMPLETION)
        return parse_texts(a, "prompt", e);
    a->reasoning_effort = get_string(a->body, "reasoning_effort");
    if (parse_tools(a, e) < 0 || parse_format(a, e) < 0)
        return -1;
    return parse_messages(a, e);
}

int ask_parse(struct ask *a, enum ask_kind kind, const char *body, size_t length,
              const struct ask_rules *rules, struct api_error *e)
{
    *a = (struct ask){.kind = kind};
    prompt_init(&a->prompt, &rules->tokens);
    a->body = cJSON_ParseWithLength(body, length);
    if (!cJSON_IsObject(a->body))
        return api_error_invalid(e, NULL, "invalid_json",
                                 "We could not parse the JSON body of your request: expected an "
                                 "object.");
    if (fields_check(kind, a->body, e) < 0 || parse_model(a, rules, e) < 0)
        return -1;
    int bad = kind == ASK_EMBEDDING ? parse_embedding(a, e) : parse_generation(a, rules, e);
    prompt_end(&a->prompt);
    return bad;
}

void ask_free(struct ask *a)
{
    cJSON_Delete(a->body);
    a->body = NULL;
    prompt_free(&a->prompt);
}
