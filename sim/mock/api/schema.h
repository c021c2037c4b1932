/* A JSON value that satisfies a JSON schema: arguments of tool calls, answers in JSON mode.
 *
 *     struct buffer text;
 *     buffer_init(&text, SCHEMA_MAX_BYTES);
 *     schema_example(schema, seed, 0, &text);     // {"city": "fare", "days": 3}
 *
 * Understood: type (also a list of types), properties, required, items, minItems, enum, const,
 * default, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength,
 * maxLength, format (date, date-time, time, email, uuid, uri), anyOf, oneOf (the first branch
 * that is not null), allOf (merged properties), and $ref within the schema ("#/$defs/x").
 * Everything else is ignored. Nesting ends at a depth of 16, where null stands for the value.
 */
#ifndef FAREBOX_SIM_MOCK_API_SCHEMA_H
#define FAREBOX_SIM_MOCK_API_SCHEMA_H

#include "core/buffer.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define SCHEMA_MAX_BYTES (256 * 1024)

/* Appends the value on one line; without a schema, a small object. Strings that the schema lets
 * grow (no format, no maxLength) are drawn out until the value has `bytes` bytes; a value without
 * such a string stays as short as it is. A value that would pass the buffer's cap is replaced by
 * {}. */
void schema_example(const cJSON *schema, uint64_t seed, size_t bytes, struct buffer *out);

#endif
