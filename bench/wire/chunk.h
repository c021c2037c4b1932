/* One JSON payload of an OpenAI-compatible endpoint: a streamed chunk, or a whole answer.
 *
 * Reads chat completions (choices[].delta or .message), completions (choices[].text), embeddings
 * (usage only), error objects in both common forms, and usage objects in OpenAI's and Anthropic's
 * fields. Unknown keys are skipped; nothing is allocated.
 *
 *     struct chunk c;
 *     if (chunk_parse(data.at, data.length, &c) < 0) ...      // not the JSON that was promised
 *     if (c.tokens & CHUNK_OUTPUT) first_output = now;
 *     if (c.has_usage) record->usage = c.usage;
 *
 * Texts are lent from the payload, raw (with their escapes). The chunk owns nothing.
 *
 * A token is non-empty content, reasoning, refusal or tool-call text (a tool call's name or
 * arguments). A role alone, an empty string, an empty delta and the usage chunk are none.
 */
#ifndef FAREBOX_BENCH_WIRE_CHUNK_H
#define FAREBOX_BENCH_WIRE_CHUNK_H

#include "core/money.h"
#include "core/text.h"
#include "core/usage.h"

#include <stdbool.h>
#include <stddef.h>

enum chunk_tokens {
    CHUNK_CONTENT = 1,
    CHUNK_REASONING = 2,
    CHUNK_REFUSAL = 4,
    CHUNK_TOOL = 8,
    CHUNK_OUTPUT = CHUNK_CONTENT | CHUNK_REFUSAL | CHUNK_TOOL,
};

struct chunk {
    unsigned tokens; /* which kinds of token text it bears; 0 = none */
    struct text content, reasoning, refusal, tool;
    struct text finish_reason; /* empty = null or not said */
    size_t choices;            /* elements of `choices`; the usage chunk has 0 */
    size_t results;            /* elements of `data`: of an answer that is no text */
    bool has_usage;
    struct usage usage;
    struct text raw_usage;
    bool has_cost; /* usage.cost: what the provider charged, in USD */
    money cost;
    bool ends; /* nothing follows in this stream */
    bool is_error;
    struct text error_message; /* raw; the whole error where it holds no message */
};

/* Returns 0, or -1 if the payload is not one JSON object of that form (what was found so far is
 * then undefined). */
int chunk_parse(const char *data, size_t length, struct chunk *out);

/* Reads a usage object alone. Sums are made disjoint:
 * - `prompt_tokens` includes cached tokens (prompt_tokens_details.cached_tokens, or
 *   prompt_cache_hit_tokens); `input_tokens` beside cache_read_input_tokens or
 *   cache_creation_input_tokens excludes them (Anthropic), else it includes
 *   input_tokens_details.cached_tokens (OpenAI Responses).
 * - reasoning tokens are inside `completion_tokens`, unless total_tokens says that they stand
 *   beside it or they exceed it. */
int chunk_parse_usage(struct text json, struct usage *out, bool *has_cost, money *cost);

/* The words of a body that reports an error in a form of its own, such as {"detail": "..."},
 * {"detail": [{"msg": "..."}]} or [{"error": {"message": "..."}}]. False if there are none. `out`
 * lends them from the body, with JSON's escapes. */
bool chunk_find_words(struct text body, struct text *out);

#endif
