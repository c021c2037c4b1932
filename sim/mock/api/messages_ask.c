#include "sim/mock/api/messages.h"

#include "core/memory.h"
#include "sim/mock/api/images.h"

#include <stdio.h>
#include <string.h>

#define MAX_MARKS 4
#define LEAST_BUDGET 1024
#define FIVE_MINUTES_S 300
#define HOUR_S 3600

static const struct field fields[] = {
    {"model", FIELD_STRING, 0, 0},
    {"messages", FIELD_ARRAY, 0, 0},
    {"max_tokens", FIELD_INTEGER, 1, 1e9},
    {"system", FIELD_TEXTS, 0, 0},
    {"stream", FIELD_BOOL, 0, 0},
    {"temperature", FIELD_NUMBER, 0, 1},
    {"top_p", FIELD_NUMBER, 0, 1},
    {"top_k", FIELD_INTEGER, 0, 1e9},
    {"stop_sequences", FIELD_ARRAY, 0, 0},
    {"tools", FIELD_ARRAY, 0, 0},
    {"tool_choice", FIELD_OBJECT, 0, 0},
    {"thinking", FIELD_OBJECT, 0, 0},
    {"cache_control", FIELD_OBJECT, 0, 0},
    {"output_config", FIELD_OBJECT, 0, 0},
    {"output_format", FIELD_OBJECT, 0, 0},
    {"metadata", FIELD_OBJECT, 0, 0},
    {"service_tier", FIELD_STRING, 0, 0},
    {"inference_geo", FIELD_STRING, 0, 0},
    {"speed", FIELD_STRING, 0, 0},
    {"container", FIELD_ANY, 0, 0},
    {"context_management", FIELD_OBJECT, 0, 0},
    {"mcp_servers", FIELD_ARRAY, 0, 0},
    {NULL, 0, 0, 0},
};

const struct field *const messages_fields[] = {fields, NULL};

static int required(const char *where, struct api_error *e)
{
    return api_error_invalid(e, where, "missing", "%s: Field required", where);
}

/* ---- cache_control ---- */

/* What a block wants kept, in seconds; 0 = nothing. */
static int read_lifetime(const cJSON *block, const char *where, uint32_t *lifetime_s,
                         struct api_error *e)
{
    const cJSON *control = ask_member(block, "cache_control");
    const char *type = ask_string(control, "type"), *ttl = ask_string(control, "ttl");
    *lifetime_s = 0;
    if (!control)
        return 0;
    if (!type || strcmp(type, "ephemeral") != 0)
        return api_error_invalid(e, where, "invalid_value",
                                 "%s.cache_control.type: Input should be 'ephemeral'", where);
    if (ttl && strcmp(ttl, "5m") != 0 && strcmp(ttl, "1h") != 0)
        return api_error_invalid(e, where, "invalid_value",
                                 "%s.cache_control.ttl: Input should be '5m' or '1h'", where);
    *lifetime_s = ttl && ttl[0] == '1' ? HOUR_S : FIVE_MINUTES_S;
    return 0;
}

/* The end of a block: a place up to which the prompt may be kept. */
static int end_block(struct ask *a, const cJSON *block, const char *where, struct api_error *e)
{
    uint32_t lifetime_s;
    if (read_lifetime(block, where, &lifetime_s, e) < 0)
        return -1;
    prefix_list_add(&a->prefixes, a->prompt.chain, a->prompt.tokens, lifetime_s);
    return 0;
}

static int check_marks(const struct ask *a, struct api_error *e)
{
    bool has_short = false;
    if (a->prefixes.marks > MAX_MARKS)
        return api_error_invalid(e, "cache_control", "too_many",
                                 "A maximum of %d blocks with cache_control may be provided. "
                                 "Found %zu.",
                                 MAX_MARKS, a->prefixes.marks);
    for (size_t i = 0; i < a->prefixes.count; i++) {
        uint32_t lifetime_s = a->prefixes.places[i].lifetime_s;
        if (lifetime_s == HOUR_S && has_short)
            return api_error_invalid(e, "cache_control", "invalid_order",
                                     "A cache_control block of ttl '1h' must not come after one of "
                                     "ttl '5m'.");
        has_short = has_short || lifetime_s == FIVE_MINUTES_S;
    }
    return 0;
}

/* ---- blocks ---- */

/* JSON counts as the words that it is written in. */
static void add_json(struct ask *a, const cJSON *value)
{
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    if (text)
        ask_add_text(a, text);
    cJSON_free(text);
}

static int add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e);

/* Members of a block that change the prompt without being words of it, and those that are. */
static void add_words_of(struct ask *a, const cJSON *block)
{
    static const char *const silent[] = {"id", "tool_use_id", "data", "url", "file_id"};
    static const char *const words[] = {"text", "name", "title", "context"};
    const cJSON *source = ask_member(block, "source");
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        const char *text = ask_string(block, silent[i]);
        const char *inside = ask_string(source, silent[i]);
        const char *media = ask_string(source, "media_type");
        bool is_words = inside && media && strcmp(media, "text/plain") == 0;
        if (text)
            prompt_add(&a->prompt, text, strlen(text));
        if (inside && is_words)
            ask_add_text(a, inside);
        else if (inside)
            prompt_add(&a->prompt, inside, strlen(inside));
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ask_string(block, words[i]))
            ask_add_text(a, ask_string(block, words[i]));
    add_json(a, ask_member(block, "input"));
}

/* {"type": "image", "source": {"type": "base64", "media_type", "data"}}, or with a "url", or with a
 * "file_id", which counts as if it were one. */
static int add_image(struct ask *a, const cJSON *block, const char *where, struct api_error *e)
{
    char inside[96];
    const cJSON *source = ask_member(block, "source");
    const char *data = ask_string(source, "data"), *url = ask_string(source, "url");
    if (!url)
        url = ask_string(source, "file_id");
    snprintf(inside, sizeof inside, "%s.source", where);
    if (!data && !url)
        return required(inside, e);
    if (data)
        ask_add_image_bytes(a, data, NULL);
    else
        ask_add_image(a, url, NULL);
    return 0;
}

static int add_block(struct ask *a, const cJSON *block, const char *where, struct api_error *e)
{
    char inside[96];
    const char *type = ask_string(block, "type");
    if (!type)
        return required(where, e);
    if (strcmp(type, "image") == 0) {
        prompt_add(&a->prompt, type, strlen(type));
        return add_image(a, block, where, e);
    }
    if (strcmp(type, "text") == 0 && !ask_string(block, "text"))
        return api_error_invalid(e, where, "missing", "%s.text: Field required", where);
    if (strcmp(type, "text") != 0) /* a string is short for one block of text */
        prompt_add(&a->prompt, type, strlen(type));
    add_words_of(a, block);
    snprintf(inside, sizeof inside, "%s.content", where);
    return add_content(a, ask_member(block, "content"), inside, e);
}

/* A string, or blocks; those of a message or of the system prompt end at places, see end_block. */
static int add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e)
{
    char inside[96];
    int index = 0;
    if (cJSON_IsString(content))
        ask_add_text(a, content->valuestring);
    if (!cJSON_IsArray(content))
        return 0;
    for (const cJSON *block = content->child; block; block = block->next) {
        snprintf(inside, sizeof inside, "%.60s.%d", where, index++);
        if (add_block(a, block, inside, e) < 0)
            return -1;
    }
    return 0;
}

static int add_blocks(struct ask *a, const cJSON *content, const char *where, struct api_error *e)
{
    char inside[96];
    int index = 0;
    if (cJSON_IsString(content)) {
        ask_add_text(a, content->valuestring);
        return end_block(a, NULL, where, e);
    }
    if (!cJSON_IsArray(content))
        return api_error_invalid(e, where, "invalid_type",
                                 "%s: Input should be a string or an array of blocks", where);
    for (const cJSON *block = content->child; block; block = block->next) {
        snprintf(inside, sizeof inside, "%.60s.%d", where, index++);
        if (add_block(a, block, inside, e) < 0 || end_block(a, block, inside, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- tools ---- */

/* Tools that the server itself runs have a type of their own; the mock runs none. */
static bool is_called(const cJSON *tool)
{
    const char *type = ask_string(tool, "type");
    return !type || strcmp(type, "custom") == 0;
}

static int parse_tool(struct ask *a, const cJSON *tool, int index, struct api_error *e)
{
    char where[64];
    snprintf(where, sizeof where, "tools.%d", index);
    const char *name = ask_string(tool, "name"), *about = ask_string(tool, "description");
    const cJSON *schema = ask_member(tool, "input_schema");
    if (is_called(tool) && (!name || !name[0] || strlen(name) > 64))
        return api_error_invalid(e, where, "invalid_value",
                                 "%s.name: String should have 1 to 64 characters", where);
    if (is_called(tool) && !cJSON_IsObject(schema))
        return api_error_invalid(e, where, "missing", "%s.input_schema: Field required", where);
    if (is_called(tool))
        a->tools[a->tool_count++] = (struct ask_tool){name, schema};
    if (name)
        ask_add_text(a, name);
    if (about)
        ask_add_text(a, about);
    add_json(a, schema);
    return end_block(a, tool, where, e);
}

static int parse_named_choice(struct ask *a, const cJSON *choice, struct api_error *e)
{
    a->tool_name = ask_string(choice, "name");
    for (size_t i = 0; i < a->tool_count && a->tool_name; i++)
        if (strcmp(a->tools[i].name, a->tool_name) == 0)
            return 0;
    return api_error_invalid(e, "tool_choice", "invalid_value",
                             "Tool '%.64s' not found in provided tools",
                             a->tool_name ? a->tool_name : "");
}

static int parse_tool_choice(struct ask *a, struct api_error *e)
{
    const cJSON *choice = ask_member(a->body, "tool_choice");
    const char *type = ask_string(choice, "type");
    a->parallel_tools = !cJSON_IsTrue(ask_member(choice, "disable_parallel_tool_use"));
    if (!choice)
        return 0;
    if (!type)
        return required("tool_choice.type", e);
    if (strcmp(type, "none") == 0)
        a->tool_count = 0;
    else if (strcmp(type, "any") == 0)
        a->tool_required = true;
    else if (strcmp(type, "tool") == 0)
        return parse_named_choice(a, choice, e);
    else if (strcmp(type, "auto") != 0)
        return api_error_invalid(e, "tool_choice", "invalid_value",
                                 "tool_choice.type: Input should be 'auto', 'any', 'tool' or "
                                 "'none'");
    return 0;
}

static int parse_tools(struct ask *a, struct api_error *e)
{
    const cJSON *tools = ask_member(a->body, "tools");
    int index = 0, count = cJSON_GetArraySize(tools);
    a->tools = count ? mem_zero((size_t)count, sizeof *a->tools) : NULL;
    for (const cJSON *t = tools ? tools->child : NULL; t; t = t->next)
        if (parse_tool(a, t, index++, e) < 0)
            return -1;
    return parse_tool_choice(a, e);
}

/* ---- the prompt ---- */

static bool has_result(const cJSON *content)
{
    for (const cJSON *b = cJSON_IsArray(content) ? content->child : NULL; b; b = b->next) {
        const char *type = ask_string(b, "type");
        if (type && strcmp(type, "tool_result") == 0)
            return true;
    }
    return false;
}

static int add_message(struct ask *a, const cJSON *message, int index, struct api_error *e)
{
    char where[64];
    const char *role = ask_string(message, "role");
    snprintf(where, sizeof where, "messages.%d.role", index);
    if (!role)
        return required(where, e);
    if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0 && strcmp(role, "system") != 0)
        return api_error_invalid(e, where, "invalid_value",
                                 "%s: Input should be 'user' or 'assistant'", where);
    const cJSON *content = ask_member(message, "content");
    a->after_tool = has_result(content);
    prompt_add(&a->prompt, role, strlen(role));
    snprintf(where, sizeof where, "messages.%d.content", index);
    return content ? add_blocks(a, content, where, e) : required(where, e);
}

static int parse_prompt(struct ask *a, struct api_error *e)
{
    const cJSON *system = ask_member(a->body, "system"),
                *messages = ask_member(a->body, "messages");
    uint32_t lifetime_s;
    int index = 0;
    if (parse_tools(a, e) < 0)
        return -1;
    prompt_add(&a->prompt, "system", 6);
    if (system && add_blocks(a, system, "system", e) < 0)
        return -1;
    if (!messages)
        return required("messages", e);
    if (!messages->child)
        return api_error_invalid(e, "messages", "empty_array",
                                 "messages: at least one message is required");
    for (const cJSON *m = messages->child; m; m = m->next)
        if (add_message(a, m, index++, e) < 0)
            return -1;
    if (read_lifetime(a->body, "body", &lifetime_s, e) < 0)
        return -1;
    if (lifetime_s)
        prefix_list_mark_last(&a->prefixes, lifetime_s);
    return check_marks(a, e);
}

/* ---- the answer ---- */

static int parse_length(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    const cJSON *length = ask_member(a->body, "max_tokens");
    if (!length)
        return required("max_tokens", e);
    if (length->valuedouble > (double)rules->max_output)
        return api_error_invalid(e, "max_tokens", "integer_above_max_value",
                                 "max_tokens: %.0f > %u, which is the maximum allowed number of "
                                 "output tokens for %.100s",
                                 length->valuedouble, rules->max_output, a->model);
    a->output_given = true;
    a->output_tokens = (uint32_t)length->valuedouble;
    return 0;
}

static int parse_stops(struct ask *a, struct api_error *e)
{
    const cJSON *stops = ask_member(a->body, "stop_sequences");
    for (const cJSON *v = stops ? stops->child : NULL; v; v = v->next) {
        if (!cJSON_IsString(v) || !v->valuestring[0] || a->stop_count == ASK_STOPS)
            return api_error_invalid(e, "stop_sequences", "invalid_value",
                                     "stop_sequences: expected up to %d strings, none empty",
                                     ASK_STOPS);
        a->stops[a->stop_count++] = v->valuestring;
    }
    return 0;
}

static int parse_budget(struct ask *a, const cJSON *thinking, struct api_error *e)
{
    const cJSON *budget = ask_member(thinking, "budget_tokens");
    if (!cJSON_IsNumber(budget))
        return required("thinking.enabled.budget_tokens", e);
    if (budget->valuedouble < LEAST_BUDGET)
        return api_error_invalid(e, "thinking", "invalid_value",
                                 "thinking.enabled.budget_tokens: Input should be greater than or "
                                 "equal to %d",
                                 LEAST_BUDGET);
    if (budget->valuedouble >= a->output_tokens && a->output_given)
        return api_error_invalid(e, "thinking", "invalid_value",
                                 "`max_tokens` must be greater than `thinking.budget_tokens`.");
    a->reasoning_budget = budget->valuedouble < 1e9 ? (uint32_t)budget->valuedouble : 1000000000;
    return 0;
}

static int parse_thinking(struct ask *a, struct api_error *e)
{
    const cJSON *thinking = ask_member(a->body, "thinking");
    const char *type = ask_string(thinking, "type"), *display = ask_string(thinking, "display");
    if (!thinking)
        return 0;
    if (!type)
        return required("thinking.type", e);
    a->reasons = strcmp(type, "enabled") == 0 || strcmp(type, "adaptive") == 0;
    a->hides_reasoning = display && strcmp(display, "omitted") == 0;
    if (strcmp(type, "enabled") == 0)
        return parse_budget(a, thinking, e);
    if (!a->reasons && strcmp(type, "disabled") != 0)
        return api_error_invalid(e, "thinking", "invalid_value",
                                 "thinking.type: Input should be 'enabled', 'adaptive' or "
                                 "'disabled'");
    return 0;
}

/* "high" is what models do unasked. */
static const char *reasoning_effort(const char *effort)
{
    if (!effort || strcmp(effort, "medium") == 0 || strcmp(effort, "high") == 0)
        return NULL;
    return strcmp(effort, "low") == 0 ? "low" : "high";
}

static void parse_output(struct ask *a)
{
    const cJSON *config = ask_member(a->body, "output_config");
    const cJSON *format = ask_member(config, "format");
    if (!format)
        format = ask_member(a->body, "output_format");
    a->reasoning_effort = reasoning_effort(ask_string(config, "effort"));
    const cJSON *schema = ask_member(format, "schema");
    a->json_schema = cJSON_IsObject(schema) ? schema : NULL;
}

int messages_parse_counted(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    (void)rules;
    return parse_thinking(a, e) < 0 ? -1 : parse_prompt(a, e);
}

int messages_parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    a->stream = cJSON_IsTrue(ask_member(a->body, "stream"));
    if (parse_length(a, rules, e) < 0 || parse_stops(a, e) < 0 || parse_thinking(a, e) < 0)
        return -1;
    parse_output(a);
    return parse_prompt(a, e);
}
