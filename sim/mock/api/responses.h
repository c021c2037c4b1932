/* OpenAI's Responses API in the mock: what its bodies ask, for the file that answers them. */
#ifndef FAREBOX_SIM_MOCK_API_RESPONSES_H
#define FAREBOX_SIM_MOCK_API_RESPONSES_H

#include "sim/mock/api/mock_api.h"

extern const struct field *const responses_fields[];

/* Reduces a body of those members, and keeps in `echo` what every response says again of it. */
int responses_parse(struct ask *a, const struct ask_rules *rules, struct api_error *e);

#endif
