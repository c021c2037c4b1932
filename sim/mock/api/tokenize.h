/* Counting a prompt's tokens without an answer, in vLLM's form: POST /tokenize.
 *
 *     if (tokenize_answer(body, length, &rules, &json, &e) < 0) refuse(&e);
 *
 * Takes {"model", "messages"} or {"model", "prompt"} and counts as the usage of chat completions or
 * completions does. The ids of the tokens are their places.
 */
#ifndef FAREBOX_SIM_MOCK_API_TOKENIZE_H
#define FAREBOX_SIM_MOCK_API_TOKENIZE_H

#include "core/buffer.h"
#include "sim/mock/api/ask.h"

/* Appends {"count", "max_model_len", "tokens"}. 0, or -1 with the error that the client gets. */
int tokenize_answer(const char *body, size_t length, const struct ask_rules *rules,
                    struct buffer *out, struct api_error *e);

#endif
