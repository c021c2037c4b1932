/* Usage: what a request consumed, in classes that do not overlap.
 *
 * Sellers report overlapping counts (OpenAI's prompt tokens include the cached ones, Anthropic's
 * do not; reasoning is inside the completion for some and beside it for others). Everything in
 * this program holds the disjoint form, so that a price times its class is never counted twice.
 */
#ifndef FAREBOX_CORE_USAGE_USAGE_H
#define FAREBOX_CORE_USAGE_USAGE_H

#include <stddef.h>
#include <stdint.h>

enum usage_class {
    USAGE_UNCACHED_INPUT,
    USAGE_CACHED_INPUT,
    USAGE_CACHE_WRITE,    /* kept for 5 minutes */
    USAGE_CACHE_WRITE_1H, /* kept for an hour */
    USAGE_OUTPUT,         /* visible output: text, tool calls, refusals */
    USAGE_REASONING,
    USAGE_CLASSES,
};

/* A tool call or unit that is not a token: {"web_search": 2}, {"audio_second": 10.5}. */
struct usage_extra {
    const char *name;      /* borrowed */
    int64_t count_micro;   /* 1e-6 of one */
    unsigned char is_unit; /* 0: from "tools", 1: from "units" */
};

struct usage {
    uint64_t tokens[USAGE_CLASSES];
    const struct usage_extra *extras; /* borrowed; NULL where there are none */
    size_t extra_count;
};

/* "uncached_input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning". */
const char *usage_class_name(enum usage_class c);

/* Input of every class; output with reasoning. */
static inline uint64_t usage_input(const struct usage *u)
{
    return u->tokens[USAGE_UNCACHED_INPUT] + u->tokens[USAGE_CACHED_INPUT] +
           u->tokens[USAGE_CACHE_WRITE] + u->tokens[USAGE_CACHE_WRITE_1H];
}

static inline uint64_t usage_output(const struct usage *u)
{
    return u->tokens[USAGE_OUTPUT] + u->tokens[USAGE_REASONING];
}

/* The disjoint classes of inclusive counts: `input` with everything cached or written inside,
 * `output` with the reasoning inside. A part larger than its whole is cut to it. */
static inline struct usage usage_from_totals(uint64_t input, uint64_t cached, uint64_t written,
                                             uint64_t written_1h, uint64_t output,
                                             uint64_t reasoning)
{
    cached = cached < input ? cached : input;
    written = written < input - cached ? written : input - cached;
    written_1h = written_1h < input - cached - written ? written_1h : input - cached - written;
    reasoning = reasoning < output ? reasoning : output;
    return (struct usage){.tokens = {[USAGE_UNCACHED_INPUT] = input - cached - written - written_1h,
                                     [USAGE_CACHED_INPUT] = cached,
                                     [USAGE_CACHE_WRITE] = written,
                                     [USAGE_CACHE_WRITE_1H] = written_1h,
                                     [USAGE_OUTPUT] = output - reasoning,
                                     [USAGE_REASONING] = reasoning}};
}

#endif
