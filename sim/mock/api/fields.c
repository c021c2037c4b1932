#include "sim/mock/api/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static const struct field *find_field(const struct field *const *lists, const char *name)
{
    for (; *lists; lists++)
        for (const struct field *f = *lists; f->name; f++)
            if (strcmp(f->name, name) == 0)
                return f;
    return NULL;
}

static int check_field(const struct field *const *lists, const cJSON *v, struct api_error *e)
{
    const struct field *f = find_field(lists, v->string);
    if (!f)
        return api_error_invalid(e, v->string, "unknown_parameter", "Unknown parameter: '%.80s'.",
                                 v->string);
    if (cJSON_IsNull(v)) /* as good as absent, for clients that send every field */
        return 0;
    if (!is_of_type(v, f->type))
        return api_error_invalid(e, f->name, "invalid_type",
                                 "Invalid type for '%s': expected %s, but got %s instead.", f->name,
                                 type_wanted(f->type), fields_type_of(v));
    return check_range(f, v, e);
}

int fields_check(const struct field *const *lists, const cJSON *body, struct api_error *e)
{
    for (const cJSON *v = body->child; v; v = v->next)
        if (check_field(lists, v, e) < 0)
            return -1;
    return 0;
}
