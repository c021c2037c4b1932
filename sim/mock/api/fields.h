/* The fields that a request body may have, and their types.
 *
 *     static const struct field fields[] = {{"model", FIELD_STRING, 0, 0}, {NULL, 0, 0, 0}};
 *     static const struct field *const lists[] = {openai_common, fields, NULL};
 *     if (fields_check(lists, body, &e) < 0) ...
 *
 * A body goes through fields_check() first, so that whoever reads a field afterwards knows its type
 * and range.
 */
#ifndef FAREBOX_SIM_MOCK_API_FIELDS_H
#define FAREBOX_SIM_MOCK_API_FIELDS_H

#include "sim/mock/api/api_error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

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

struct field {
    const char *name; /* NULL ends a list */
    enum field_type type;
    double min, max; /* of numbers; both 0 = no bounds */
};

/* Every top-level field stands in one of the lists (ended by NULL) and is of its type; 0, or -1
 * with OpenAI's error: unknown_parameter, invalid_type, integer_below_min_value, ... naming the
 * field. */
int fields_check(const struct field *const *lists, const cJSON *body, struct api_error *e);

/* What a JSON value is, in the words of an error message: "an array", "a string", ... */
const char *fields_type_of(const cJSON *value);

#endif
