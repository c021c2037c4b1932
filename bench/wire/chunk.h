/* What one JSON payload of an endpoint tells: a streamed event, or a whole answer.
 *
 *     struct chunk c;
 *     if (api->read_answer(body, &c) < 0) ...      // not the JSON that was promised
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

#include "core/json/json_scan.h"
#include "core/money.h"
#include "core/text.h"
#include "core/usage/oddity.h"
#include "core/usage/usage.h"

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
    size_t results;            /* elements of `data`: of an answer that is no text */
    bool has_usage;
    struct usage usage;
    struct text raw_usage;
    bool has_cost; /* usage.cost: what the provider charged, in USD */
    money cost;
    uint32_t odd; /* ODDITY bits: what was odd about this payload */
    bool ends;    /* nothing follows in this stream */
    bool is_error;
    struct text error_message; /* raw; the whole error where it holds no message */
};

/* ---- for the readers of APIs: each takes the scanner's next value ---- */

/* Token text: a string; anything else (null, a list of parts) is skipped and bears none. */
void chunk_read_text(struct json_scan *s, enum chunk_tokens kind, struct text *where,
                     struct chunk *c);

/* A usage object in OpenAI's or Anthropic's fields. Sums are made disjoint:
 * - `prompt_tokens` includes cached tokens (prompt_tokens_details.cached_tokens, or
 *   prompt_cache_hit_tokens); `input_tokens` beside cache_read_input_tokens or
 *   cache_creation_input_tokens excludes them (Anthropic), else it includes
 *   input_tokens_details.cached_tokens (OpenAI Responses).
 * - reasoning tokens are inside `completion_tokens`, unless total_tokens says that they stand
 *   beside it or they exceed it. */
void chunk_read_usage(struct json_scan *s, struct chunk *c);

/* An error: {"message": "..."} or "..."; null is none. */
void chunk_read_error(struct json_scan *s, struct chunk *c);

/* ---- for whoever has a body that no reader understands ---- */

/* The words of a body that reports an error in a form of its own, such as {"detail": "..."},
 * {"detail": [{"msg": "..."}]} or [{"error": {"message": "..."}}]. False if there are none. `out`
 * lends them from the body, with JSON's escapes. */
bool chunk_find_words(struct text body, struct text *out);

#endif
