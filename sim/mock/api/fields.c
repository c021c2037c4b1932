#include "sim/mock/api/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum field_type {
    FIELD_BOOL,
    FIELD_INTEGER,
    FIELD_NUMBER,
    FIELD_STRING,
    FIELD_ARRAY,
    FIELD_OBJECT,
    FIELD_TEXTS,  /* a string, or an array */
    FIELD_CHOICE, /* a string, or an object */
    FIELD_ANY,
};

enum { CHAT = 1, COMPLETION = 2, EMBEDDING = 4, GENERATE = CHAT | COMPLETION, ALL = 7 };

struct field {
    const char *name;
    unsigned kinds;
    enum field_type type;
    double min, max; /* of numbers; max 0 = no bounds */
};

/* OpenAI's parameters, then those that vLLM adds. */
static const struct field fields[] = {
    {"model", ALL, FIELD_STRING, 0, 0},
    {"messages", CHAT, FIELD_ARRAY, 0, 0},
    {"prompt", COMPLETION, FIELD_TEXTS, 0, 0},
    {"input", EMBEDDING, FIELD_TEXTS, 0, 0},
    {"user", ALL, FIELD_STRING, 0, 0},
    {"stream", GENERATE, FIELD_BOOL, 0, 0},
    {"stream_options", GENERATE, FIELD_OBJECT, 0, 0},
    {"max_tokens", GENERATE, FIELD_INTEGER, 1, 1e9},
    {"max_completion_tokens", CHAT, FIELD_INTEGER, 1, 1e9},
    {"temperature", GENERATE, FIELD_NUMBER, 0, 2},
    {"top_p", GENERATE, FIELD_NUMBER, 0, 1},
    {"n", GENERATE, FIELD_INTEGER, 1, 1},
    {"stop", GENERATE, FIELD_TEXTS, 0, 0},
    {"seed", GENERATE, FIELD_INTEGER, 0, 0},
    {"presence_penalty", GENERATE, FIELD_NUMBER, -2, 2},
    {"frequency_penalty", GENERATE, FIELD_NUMBER, -2, 2},
    {"logit_bias", GENERATE, FIELD_OBJECT, 0, 0},
    {"logprobs", GENERATE, FIELD_ANY, 0, 0},
    {"top_logprobs", CHAT, FIELD_INTEGER, 0, 20},
    {"echo", COMPLETION, FIELD_BOOL, 0, 0},
    {"suffix", COMPLETION, FIELD_STRING, 0, 0},
    {"best_of", COMPLETION, FIELD_INTEGER, 1, 1},
    {"tools", CHAT, FIELD_ARRAY, 0, 0},
    {"tool_choice", CHAT, FIELD_CHOICE, 0, 0},
    {"parallel_tool_calls", CHAT, FIELD_BOOL, 0, 0},
    {"response_format", CHAT, FIELD_OBJECT, 0, 0},
    {"reasoning_effort", CHAT, FIELD_STRING, 0, 0},
    {"verbosity", CHAT, FIELD_STRING, 0, 0},
    {"modalities", CHAT, FIELD_ARRAY, 0, 0},
    {"metadata", CHAT, FIELD_OBJECT, 0, 0},
    {"store", CHAT, FIELD_BOOL, 0, 0},
    {"service_tier", CHAT, FIELD_STRING, 0, 0},
    {"prediction", CHAT, FIELD_OBJECT, 0, 0},
    {"prompt_cache_key", CHAT, FIELD_STRING, 0, 0},
    {"safety_identifier", CHAT, FIELD_STRING, 0, 0},
    {"dimensions", EMBEDDING, FIELD_INTEGER, 1, 8192},
    {"encoding_format", EMBEDDING, FIELD_STRING, 0, 0},
    {"ignore_eos", GENERATE, FIELD_BOOL, 0, 0},
    {"min_tokens", GENERATE, FIELD_INTEGER, 0, 1e9},
    {"top_k", GENERATE, FIELD_INTEGER, -1, 1e9},
    {"min_p", GENERATE, FIELD_NUMBER, 0, 1},
    {"repetition_penalty", GENERATE, FIELD_NUMBER, 0, 100},
    {"length_penalty", GENERATE, FIELD_NUMBER, -100, 100},
    {"skip_special_tokens", GENERATE, FIELD_BOOL, 0, 0},
    {"spaces_between_special_tokens", GENERATE, FIELD_BOOL, 0, 0},
    {"stop_token_ids", GENERATE, FIELD_ARRAY, 0, 0},
    {"include_stop_str_in_output", GENERATE, FIELD_BOOL, 0, 0},
    {"chat_template_kwargs", CHAT, FIELD_OBJECT, 0, 0},
    {"add_generation_prompt", CHAT, FIELD_BOOL, 0, 0},
    {"include_reasoning", CHAT, FIELD_BOOL, 0, 0},
    {"priority", GENERATE, FIELD_INTEGER, 0, 0},
    {"cache_salt", GENERATE, FIELD_STRING, 0, 0},
    {"request_id", GENERATE, FIELD_STRING, 0, 0},
};

const char *fields_type_of(const cJSON *value)
{
    switch (value ? value->type & 0xff : cJSON_NULL) {
    case cJSON_False:
    case cJSON_True:
        return "a boolean";
    case cJSON_Number:
        return value->valuedouble == floor(value->valuedouble) ? "an integer" : "a decimal";
    case cJSON_String:
        return "a string";
    case cJSON_Array:
        return "an array";
    case cJSON_Object:
        return "an object";
    default:
        return "null";
    }
}

static bool is_of_type(const cJSON *v, enum field_type type)
{
    switch (type) {
    case FIELD_BOOL:
        return cJSON_IsBool(v);
    case FIELD_INTEGER:
        return cJSON_IsNumber(v) && v->valuedouble == floor(v->valuedouble);
    case FIELD_NUMBER:
        return cJSON_IsNumber(v);
    case FIELD_STRING:
        return cJSON_IsString(v);
    case FIELD_ARRAY:
        return cJSON_IsArray(v);
    case FIELD_OBJECT:
        return cJSON_IsObject(v);
    case FIELD_TEXTS:
        return cJSON_IsString(v) || cJSON_IsArray(v);
    case FIELD_CHOICE:
        return cJSON_IsString(v) || cJSON_IsObject(v);
    case FIELD_ANY:
        break;
    }
    return true;
}

static const char *type_wanted(enum field_type type)
{
    static const char *const names[] = {
        [FIELD_BOOL] = "a boolean",
        [FIELD_INTEGER] = "an integer",
        [FIELD_NUMBER] = "a decimal",
        [FIELD_STRING] = "a string",
        [FIELD_ARRAY] = "an array",
        [FIELD_OBJECT] = "an object",
        [FIELD_TEXTS] = "a string or an array",
        [FIELD_CHOICE] = "a string or an object",
        [FIELD_ANY] = "any value",
    };
    return names[type];
}

static int check_range(const struct field *f, const cJSON *v, struct api_error *e)
{
    if (!cJSON_IsNumber(v) || (f->min == 0 && f->max == 0))
        return 0;
    const char *kind = f->type == FIELD_INTEGER ? "integer" : "decimal";
    char code[48];
    if (v->valuedouble < f->min) {
        snprintf(code, sizeof code, "%s_below_min_value", kind);
        return api_error_invalid(e, f->name, code, "Invalid '%s': expected %s >= %g, but got %g.",
                                 f->name, type_wanted(f->type), f->min, v->valuedouble);
    }
    if (v->valuedouble > f->max) {
        snprintf(code, sizeof code, "%s_above_max_value", kind);
        return api_error_invalid(e, f->name, code, "Invalid '%s': expected %s <= %g, but got %g.",
                                 f->name, type_wanted(f->type), f->max, v->valuedouble);
    }
    return 0;
}

static int check_field(unsigned kind, const cJSON *v, struct api_error *e)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *f = &fields[i];
        if (!(f->kinds & kind) || strcmp(f->name, v->string) != 0)
            continue;
        if (cJSON_IsNull(v)) /* as good as absent, for clients that send every field */
            return 0;
        if (!is_of_type(v, f->type))
            return api_error_invalid(e, f->name, "invalid_type",
                                     "Invalid type for '%s': expected %s, but got %s instead.",
                                     f->name, type_wanted(f->type), fields_type_of(v));
        return check_range(f, v, e);
    }
    return api_error_invalid(e, v->string, "unknown_parameter", "Unknown parameter: '%.80s'.",
                             v->string);
}

int fields_check(enum ask_kind kind, const cJSON *body, struct api_error *e)
{
    const unsigned bits[] = {
        [ASK_CHAT] = CHAT, [ASK_COMPLETION] = COMPLETION, [ASK_EMBEDDING] = EMBEDDING};
    for (const cJSON *v = body->child; v; v = v->next)
        if (check_field(bits[kind], v, e) < 0)
            return -1;
    return 0;
}
