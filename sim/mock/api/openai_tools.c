/* What a conversation consists of in OpenAI's APIs, old and new: contents, tools, formats. */
#include "core/memory.h"
#include "sim/mock/api/images.h"
#include "sim/mock/api/openai.h"

#include <stdio.h>
#include <string.h>

/* {"type": "image_url", "image_url": {"url", "detail"}}, and as the Responses API has it,
 * {"type": "input_image", "image_url": "...", "detail"}; other parts have none. */
static int add_image(struct ask *a, const cJSON *part, const char *type, const char *where,
                     struct api_error *e)
{
    const cJSON *image = ask_member(part, "image_url");
    if (strcmp(type, "image_url") != 0 && strcmp(type, "input_image") != 0)
        return 0;
    const char *url = cJSON_IsString(image) ? image->valuestring : ask_string(image, "url");
    if (!url && ask_member(part, "file_id"))
        url = "";
    if (!url)
        return api_error_invalid(e, where, "missing_required_parameter",
                                 "Every image of '%s' needs an 'image_url'.", where);
    ask_add_image(a, url, ask_string(cJSON_IsObject(image) ? image : part, "detail"));
    return 0;
}

int openai_add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e)
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
        if (add_image(a, part, type, where, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- tools ---- */

/* Of a function: its name and parameters, in the object that `where` names. */
static int add_function(struct ask *a, const cJSON *function, const char *where,
                        struct api_error *e)
{
    char member[64];
    snprintf(member, sizeof member, "%s.name", where);
    const char *name = ask_string(function, "name");
    if (!name)
        return ask_missing(member, e);
    size_t length = strlen(name);
    if (length == 0 || length > 64)
        return api_error_invalid(e, member, "invalid_value",
                                 "Invalid '%s': expected 1 to 64 characters.", member);
    snprintf(member, sizeof member, "%s.parameters", where);
    const cJSON *parameters = ask_member(function, "parameters");
    if (parameters && !cJSON_IsObject(parameters))
        return api_error_invalid(e, member, "invalid_type",
                                 "Invalid type for '%s': expected an object, but got %s instead.",
                                 member, fields_type_of(parameters));
    a->tools[a->tool_count++] = (struct ask_tool){name, parameters};
    return 0;
}

/* {"type": "function", "function": {...}} */
static int add_nested_tool(struct ask *a, const cJSON *tool, int index, struct api_error *e)
{
    char where[48];
    snprintf(where, sizeof where, "tools[%d].function", index);
    const cJSON *function = ask_member(tool, "function");
    if (!cJSON_IsObject(function))
        return ask_missing(where, e);
    return add_function(a, function, where, e);
}

/* {"type": "function", "name": ...}; tools that the server runs itself are never called. */
static int add_flat_tool(struct ask *a, const cJSON *tool, int index, struct api_error *e)
{
    char where[48];
    const char *type = ask_string(tool, "type");
    snprintf(where, sizeof where, "tools[%d].type", index);
    if (!type)
        return ask_missing(where, e);
    if (strcmp(type, "function") != 0)
        return 0;
    snprintf(where, sizeof where, "tools[%d]", index);
    return add_function(a, tool, where, e);
}

static int choose_by_word(struct ask *a, const char *word, struct api_error *e)
{
    if (strcmp(word, "none") == 0)
        a->tool_count = 0;
    else if (strcmp(word, "required") == 0)
        a->tool_required = true;
    else if (strcmp(word, "auto") != 0)
        return api_error_invalid(e, "tool_choice", "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'none', 'auto' and "
                                 "'required'.",
                                 word);
    return 0;
}

static bool has_tool(const struct ask *a, const char *name)
{
    for (size_t i = 0; i < a->tool_count; i++)
        if (strcmp(a->tools[i].name, name) == 0)
            return true;
    return false;
}

static int choose_by_name(struct ask *a, const char *name, struct api_error *e)
{
    a->tool_name = name;
    if (name && has_tool(a, name))
        return 0;
    return api_error_invalid(e, "tool_choice", "invalid_value",
                             "Tool choice '%.64s' not found in 'tools'.", name ? name : "");
}

/* {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": ...}]}: the
 * others are as good as not there. */
static int choose_allowed(struct ask *a, const cJSON *choice, struct api_error *e)
{
    const cJSON *allowed = ask_member(choice, "tools");
    size_t kept = 0;
    for (size_t i = 0; i < a->tool_count; i++) {
        const cJSON *t = allowed ? allowed->child : NULL;
        for (; t; t = t->next) {
            const char *name = ask_string(t, "name");
            if (name && strcmp(name, a->tools[i].name) == 0)
                break;
        }
        if (t)
            a->tools[kept++] = a->tools[i];
    }
    a->tool_count = kept;
    const char *mode = ask_string(choice, "mode");
    return choose_by_word(a, mode ? mode : "auto", e);
}

static int parse_choice(struct ask *a, bool nested, struct api_error *e)
{
    const cJSON *choice = ask_member(a->body, "tool_choice"), *tools = ask_member(a->body, "tools");
    if (!choice)
        return 0;
    if (cJSON_GetArraySize(tools) == 0 && (nested || !cJSON_IsString(choice)))
        return api_error_invalid(e, "tool_choice", "invalid_value",
                                 "'tool_choice' is only allowed when 'tools' are specified.");
    if (cJSON_IsString(choice))
        return choose_by_word(a, choice->valuestring, e);
    if (nested)
        return choose_by_name(a, ask_string(ask_member(choice, "function"), "name"), e);
    const char *type = ask_string(choice, "type");
    if (type && strcmp(type, "allowed_tools") == 0)
        return choose_allowed(a, choice, e);
    if (type && strcmp(type, "function") == 0)
        return choose_by_name(a, ask_string(choice, "name"), e);
    a->tool_count = 0; /* one that the server runs itself */
    return type ? 0 : ask_missing("tool_choice.type", e);
}

int openai_parse_tools(struct ask *a, bool nested, struct api_error *e)
{
    const cJSON *tools = ask_member(a->body, "tools");
    int index = 0, count = cJSON_GetArraySize(tools);
    a->tools = count ? mem_zero((size_t)count, sizeof *a->tools) : NULL;
    for (const cJSON *t = tools ? tools->child : NULL; t; t = t->next, index++)
        if ((nested ? add_nested_tool : add_flat_tool)(a, t, index, e) < 0)
            return -1;
    a->parallel_tools = !cJSON_IsFalse(ask_member(a->body, "parallel_tool_calls"));
    return parse_choice(a, nested, e);
}

/* ---- formats ---- */

int openai_parse_format(struct ask *a, const cJSON *format, const struct format_keys *keys,
                        struct api_error *e)
{
    char where[64];
    if (!format)
        return 0;
    snprintf(where, sizeof where, "%s.type", keys->format);
    const char *type = ask_string(format, "type");
    if (!type)
        return ask_missing(where, e);
    if (strcmp(type, "json_object") == 0) {
        a->json_object = true;
    } else if (strcmp(type, "json_schema") == 0) {
        const char *holder = keys->schema_holder;
        snprintf(where, sizeof where, "%s%s%s.schema", keys->format, holder ? "." : "",
                 holder ? holder : "");
        a->json_schema = ask_member(holder ? ask_member(format, holder) : format, "schema");
        if (!cJSON_IsObject(a->json_schema))
            return ask_missing(where, e);
    } else if (strcmp(type, "text") != 0) {
        return api_error_invalid(e, where, "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'text', "
                                 "'json_object' and 'json_schema'.",
                                 type);
    }
    return 0;
}
