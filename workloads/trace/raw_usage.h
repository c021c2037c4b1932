/* Usage objects as sellers write them. Private to workloads/.
 *
 * Read: OpenAI chat (prompt_tokens, completion_tokens, their details) and responses (input_tokens,
 * output_tokens, their details), DeepSeek (prompt_cache_hit_tokens), Anthropic (input_tokens
 * without cache_creation_input_tokens and cache_read_input_tokens; cache_creation by lifetime;
 * server_tool_use), Gemini (promptTokenCount with the cached ones inside, candidatesTokenCount
 * without the thoughts). Counts come out inclusive: input with everything cached or written,
 * output with the reasoning. Keys that are not known are passed over.
 *
 * Whether input includes the cached tokens: prompt_tokens and promptTokenCount do; input_tokens
 * does unless an Anthropic cache key stands beside it.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_RAW_USAGE_H
#define FAREBOX_WORKLOADS_TRACE_RAW_USAGE_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct raw_usage {
    bool has_input, has_output;
    uint64_t input, output; /* inclusive */
    uint64_t cached_input, cache_write, cache_write_1h, reasoning;
    uint64_t web_searches;
};

/* Reads a JSON object. False if it is no object, or a count in it is no whole number below 2^32. */
bool raw_usage_parse(struct text json, struct raw_usage *out);

#endif
