/* The fields that a request body may have, and their types.
 *
 * A body goes through fields_check() first, so that whoever reads a field afterwards knows its type
 * and range.
 */
#ifndef FAREBOX_SIM_MOCK_API_FIELDS_H
#define FAREBOX_SIM_MOCK_API_FIELDS_H

#include "sim/mock/api/ask.h"

/* Every top-level field is known for this kind of request and of its type; 0, or -1 with OpenAI's
 * error: unknown_parameter, invalid_type, integer_below_min_value, ... naming the field. */
int fields_check(enum ask_kind kind, const cJSON *body, struct api_error *e);

/* What a JSON value is, in the words of an error message: "an array", "a string", ... */
const char *fields_type_of(const cJSON *value);

#endif
