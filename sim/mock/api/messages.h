/* Anthropic's messages in the mock: what their bodies hold. The answers are in messages.c. */
#ifndef FAREBOX_SIM_MOCK_API_MESSAGES_H
#define FAREBOX_SIM_MOCK_API_MESSAGES_H

#include "sim/mock/api/mock_api.h"

/* Members of a body; of one that only counts tokens, "max_tokens" is not needed. */
extern const struct field *const messages_fields[];

/* 0, or -1 with the error. The prompt is tools, system and messages, in this order; its places and
 * marks (cache_control) go to a->prefixes. */
int messages_parse(struct ask *a, const struct ask_rules *rules, struct api_error *e);
int messages_parse_counted(struct ask *a, const struct ask_rules *rules, struct api_error *e);

#endif
