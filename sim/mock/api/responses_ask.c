/* What the Responses API is asked: bodies of the mock's POST /v1/responses. */
#include "core/memory.h"
#include "core/text.h"
#include "sim/mock/api/images.h"
#include "sim/mock/api/openai.h"
#include "sim/mock/api/responses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct field fields[] = {
    {"input", FIELD_TEXTS, 0, 0},
    {"instructions", FIELD_STRING, 0, 0},
    {"stream", FIELD_BOOL, 0, 0},
    {"stream_options", FIELD_OBJECT, 0, 0},
    {"max_output_tokens", FIELD_INTEGER, 1, 1e9},
    {"max_tool_calls", FIELD_INTEGER, 1, 1e9},
    {"temperature", FIELD_NUMBER, 0, 2},
    {"top_p", FIELD_NUMBER, 0, 1},
    {"top_logprobs", FIELD_INTEGER, 0, 20},
    {"tools", FIELD_ARRAY, 0, 0},
    {"tool_choice", FIELD_CHOICE, 0, 0},
    {"parallel_tool_calls", FIELD_BOOL, 0, 0},
    {"reasoning", FIELD_OBJECT, 0, 0},
    {"text", FIELD_OBJECT, 0, 0},
    {"include", FIELD_ARRAY, 0, 0},
    {"truncation", FIELD_STRING, 0, 0},
    {"metadata", FIELD_OBJECT, 0, 0},
    {"store", FIELD_BOOL, 0, 0},
    {"background", FIELD_BOOL, 0, 0},
    {"service_tier", FIELD_STRING, 0, 0},
    {"previous_response_id", FIELD_STRING, 0, 0},
    {"conversation", FIELD_CHOICE, 0, 0},
    {"prompt", FIELD_OBJECT, 0, 0},
    {"prompt_cache_key", FIELD_STRING, 0, 0},
    {"prompt_cache_retention", FIELD_STRING, 0, 0},
    {"context_management", FIELD_ARRAY, 0, 0},
    {"safety_identifier", FIELD_STRING, 0, 0},
    {NULL, 0, 0, 0},
};

const struct field *const responses_fields[] = {openai_common, openai_vllm, fields, NULL};

/* ---- the input ---- */

/* One of a few words, where it is given. */
static int check_word(const char *word, const char *const *words, const char *param,
                      struct api_error *e)
{
    char all[120] = "";
    if (!word || text_place(text_of(word), words) >= 0)
        return 0;
    for (size_t i = 0, n = 0; words[i] && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s'%s'", i ? ", " : "", words[i]);
    return api_error_invalid(e, param, "invalid_value",
                             "Invalid value: '%.40s'. Supported values are: %s.", word, all);
}

/* A string, or parts of the kinds that this side of a conversation may have. */
static int add_content(struct ask *a, const cJSON *content, bool by_assistant, const char *where,
                       struct api_error *e)
{
    static const char *const asked[] = {"input_text", "input_image", "input_file", "input_audio",
                                        NULL};
    static const char *const answered[] = {"output_text", "refusal", NULL};
    char member[80];
    int index = 0;
    if (cJSON_IsArray(content))
        for (const cJSON *part = content->child; part; part = part->next) {
            snprintf(member, sizeof member, "%s[%d].type", where, index++);
            const char *type = ask_string(part, "type");
            if (check_word(type, by_assistant ? answered : asked, member, e) < 0)
                return -1;
        }
    return openai_add_content(a, content, where, e);
}

static int add_message(struct ask *a, const cJSON *item, const char *where, struct api_error *e)
{
    char member[64];
    static const char *const roles[] = {"assistant", "system", "developer", "user", NULL};
    const char *role = ask_string(item, "role");
    snprintf(member, sizeof member, "%s.role", where);
    if (!role)
        return ask_missing(member, e);
    if (check_word(role, roles, member, e) < 0)
        return -1;
    ask_add_role(a, role);
    snprintf(member, sizeof member, "%s.content", where);
    const cJSON *content = ask_member(item, "content");
    if (!content)
        return ask_missing(member, e);
    return add_content(a, content, strcmp(role, "assistant") == 0, member, e);
}

/* A call, or what became of it: both name the call. */
static int add_call(struct ask *a, const cJSON *item, const char *type, const char *where,
                    struct api_error *e)
{
    char member[64];
    bool result = text_matches(text_of(type), text_of("*_output"));
    snprintf(member, sizeof member, "%s.call_id", where);
    if (!ask_string(item, "call_id"))
        return ask_missing(member, e);
    snprintf(member, sizeof member, "%s.output", where);
    if (result && !ask_member(item, "output"))
        return ask_missing(member, e);
    a->after_tool = result;
    ask_add_role(a, result ? "tool" : "assistant");
    static const char *const texts[] = {"arguments", "input"};
    for (size_t i = 0; i < 2; i++)
        if (ask_string(item, texts[i]))
            ask_add_text(a, ask_string(item, texts[i]));
    return result ? add_content(a, ask_member(item, "output"), false, member, e) : 0;
}

static int add_item(struct ask *a, const cJSON *item, int index, struct api_error *e)
{
    char where[40];
    snprintf(where, sizeof where, "input[%d]", index);
    if (!cJSON_IsObject(item))
        return api_error_invalid(e, where, "invalid_type",
                                 "Invalid type for '%s': expected an object, but got %s instead.",
                                 where, fields_type_of(item));
    const char *type = ask_string(item, "type");
    a->after_tool = false;
    if (!type || strcmp(type, "message") == 0)
        return add_message(a, item, where, e);
    if (text_matches(text_of(type), text_of("function_call*")) ||
        text_matches(text_of(type), text_of("custom_tool_call*")))
        return add_call(a, item, type, where, e);
    ask_add_role(a, type); /* reasoning, and what other servers ran */
    return 0;
}

static void say_again(struct ask *a, enum said_kind kind, const char *text)
{
    if (kind == SAID_ROLE)
        ask_add_role(a, text);
    else if (kind == SAID_TEXT)
        ask_add_text(a, text);
    else
        ask_add_image(a, text, kind == SAID_LOW_IMAGE ? "low" : NULL);
}

/* What was said up to an earlier answer, and by it. */
static int go_on(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    const char *id = ask_string(a->body, "previous_response_id");
    const struct text *all = id && rules->kept ? kept_find(rules->kept, id) : NULL;
    struct said one;
    if (id && !all)
        return api_error_set(e, 404, "invalid_request_error", "previous_response_id",
                             "previous_response_not_found",
                             "Previous response with id '%.80s' not found: this endpoint keeps the "
                             "last %d, of those that did not say \"store\": false.",
                             id, KEPT_MOST);
    for (size_t at = 0; all && said_next(*all, &at, &one);) {
        char *text = mem_copy_text(one.text.at, one.text.length);
        say_again(a, one.kind, text);
        free(text);
    }
    return 0;
}

/* Instructions come first, and are of this request only. */
static int parse_input(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    const cJSON *input = ask_member(a->body, "input");
    const char *instructions = ask_string(a->body, "instructions");
    if (!input)
        return ask_missing("input", e);
    if (instructions) {
        ask_add_role(a, "system");
        ask_add_text(a, instructions);
    }
    a->keeps = !cJSON_IsFalse(ask_member(a->body, "store"));
    if (go_on(a, rules, e) < 0)
        return -1;
    if (cJSON_IsString(input)) {
        ask_add_role(a, "user");
        ask_add_text(a, input->valuestring);
        return 0;
    }
    if (!input->child)
        return api_error_invalid(e, "input", "empty_array",
                                 "Invalid 'input': empty array. Expected at least one item.");
    int index = 0;
    for (const cJSON *item = input->child; item; item = item->next)
        if (add_item(a, item, index++, e) < 0)
            return -1;
    return 0;
}

/* ---- what would have to be kept ---- */

static int not_found(const char *what, const char *id, const char *param, const char *code,
                     struct api_error *e)
{
    return api_error_set(e, 404, "invalid_request_error", param, code,
                         "%s with id '%.80s' not found: this endpoint keeps none; send the "
                         "conversation in 'input'.",
                         what, id ? id : "");
}

static int refuse_kept(const struct ask *a, struct api_error *e)
{
    const cJSON *talk = ask_member(a->body, "conversation"),
                *prompt = ask_member(a->body, "prompt");
    if (talk)
        return not_found("Conversation",
                         cJSON_IsString(talk) ? talk->valuestring : ask_string(talk, "id"),
                         "conversation", "conversation_not_found", e);
    if (prompt)
        return not_found("Prompt", ask_string(prompt, "id"), "prompt", "prompt_not_found", e);
    if (cJSON_IsTrue(ask_member(a->body, "background")))
        return api_error_invalid(e, "background", "unsupported_value",
                                 "Unsupported value: 'background' must be false, as this endpoint "
                                 "gives no response a second time.");
    return 0;
}

/* ---- the rest ---- */

static int parse_reasoning(struct ask *a, struct api_error *e)
{
    static const char *const kinds[] = {"auto", "concise", "detailed", NULL};
    const cJSON *reasoning = ask_member(a->body, "reasoning");
    const char *summary = ask_string(reasoning, "summary");
    if (!summary)
        summary = ask_string(reasoning, "generate_summary");
    a->reasons = true;
    a->reasoning_effort = ask_string(reasoning, "effort");
    a->reasoning_summary = summary != NULL;
    return check_word(summary, kinds, "reasoning.summary", e);
}

/* Members that a response says again, with what they are where they were not given. */
static const struct {
    const char *name, *otherwise;
} echoed[] = {
    {"background", "false"},
    {"instructions", "null"},
    {"max_output_tokens", "null"},
    {"max_tool_calls", "null"},
    {"metadata", "{}"},
    {"parallel_tool_calls", "true"},
    {"previous_response_id", "null"},
    {"prompt_cache_key", "null"},
    {"reasoning", "{\"effort\":null,\"summary\":null}"},
    {"safety_identifier", "null"},
    {"service_tier", "\"default\""},
    {"store", "true"},
    {"temperature", "1.0"},
    {"text", "{\"format\":{\"type\":\"text\"},\"verbosity\":\"medium\"}"},
    {"tool_choice", "\"auto\""},
    {"tools", "[]"},
    {"top_logprobs", "0"},
    {"top_p", "1.0"},
    {"truncation", "\"disabled\""},
    {"user", "null"},
};

static void keep_echo(struct ask *a)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < sizeof echoed / sizeof *echoed; i++) {
        const cJSON *given = ask_member(a->body, echoed[i].name);
        char *text = given ? cJSON_PrintUnformatted(given) : NULL;
        buffer_add_format(&b, "\"%s\":", echoed[i].name);
        buffer_add_text(&b, text ? text : echoed[i].otherwise);
        buffer_add_byte(&b, ',');
        cJSON_free(text);
    }
    a->echo = buffer_take(&b);
}

int responses_parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    static const struct format_keys format = {"text.format", NULL};
    static const char *const truncations[] = {"auto", "disabled", NULL};
    openai_parse_priority(a);
    if (openai_parse_stream(a, e) < 0 ||
        openai_parse_length(a, rules, "max_output_tokens", e) < 0 || refuse_kept(a, e) < 0 ||
        check_word(ask_string(a->body, "truncation"), truncations, "truncation", e) < 0 ||
        parse_reasoning(a, e) < 0 || openai_parse_tools(a, false, e) < 0 ||
        openai_parse_format(a, ask_member(ask_member(a->body, "text"), "format"), &format, e) < 0 ||
        parse_input(a, rules, e) < 0)
        return -1;
    keep_echo(a);
    return 0;
}
