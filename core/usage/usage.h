/* Usage: what a request consumed, in classes that do not overlap.
 *
 * Sellers report overlapping counts (OpenAI's prompt tokens include the cached ones, Anthropic's
 * do not; reasoning is inside the completion for some and beside it for others). Everything in
 * this program holds the disjoint form, so that a price times its class is never counted twice.
 */
#ifndef FAREBOX_CORE_USAGE_USAGE_H
#define FAREBOX_CORE_USAGE_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum usage_class {
    USAGE_UNCACHED_INPUT, /* text, and whatever has no class of its own */
    USAGE_CACHED_INPUT,
    USAGE_CACHE_WRITE,    /* kept for 5 minutes */
    USAGE_CACHE_WRITE_1H, /* kept for an hour */
    USAGE_OUTPUT,         /* visible output: text, tool calls, refusals */
    USAGE_REASONING,
    USAGE_PLAIN_CLASSES, /* those above are of text, and most requests have no other */
    USAGE_IMAGE_INPUT = USAGE_PLAIN_CLASSES,
    USAGE_AUDIO_INPUT,
    USAGE_VIDEO_INPUT,
    USAGE_CACHED_IMAGE_INPUT,
    USAGE_CACHED_AUDIO_INPUT,
    USAGE_IMAGE_OUTPUT,
    USAGE_AUDIO_OUTPUT,
    USAGE_CLASSES,
};

/* Of input, and of output: ten times the longest context of a model that is served. No request has
 * more, and who says so is not believed. */
#define USAGE_MOST_TOKENS 100000000u

#define USAGE_MEDIA_CLASSES (USAGE_CLASSES - USAGE_PLAIN_CLASSES)

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

/* "uncached_input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning",
 * "image_input", ...: as files have them. The list ends with NULL. */
const char *usage_class_name(enum usage_class c);
extern const char *const usage_class_names[];

/* The same for a reader: "image input". */
const char *usage_class_words(enum usage_class c);

/* True for what the model makes. */
static inline bool usage_is_output(enum usage_class c)
{
    return c == USAGE_OUTPUT || c == USAGE_REASONING || c >= USAGE_IMAGE_OUTPUT;
}

/* Input of every class; output with reasoning. */
static inline uint64_t usage_input(const struct usage *u)
{
    const uint64_t *t = u->tokens;
    return t[USAGE_UNCACHED_INPUT] + t[USAGE_CACHED_INPUT] + t[USAGE_CACHE_WRITE] +
           t[USAGE_CACHE_WRITE_1H] + t[USAGE_IMAGE_INPUT] + t[USAGE_AUDIO_INPUT] +
           t[USAGE_VIDEO_INPUT] + t[USAGE_CACHED_IMAGE_INPUT] + t[USAGE_CACHED_AUDIO_INPUT];
}

static inline uint64_t usage_output(const struct usage *u)
{
    return u->tokens[USAGE_OUTPUT] + u->tokens[USAGE_REASONING] + u->tokens[USAGE_IMAGE_OUTPUT] +
           u->tokens[USAGE_AUDIO_OUTPUT];
}

/* Input that was read from a cache, of whatever kind. */
static inline uint64_t usage_cached(const struct usage *u)
{
    return u->tokens[USAGE_CACHED_INPUT] + u->tokens[USAGE_CACHED_IMAGE_INPUT] +
           u->tokens[USAGE_CACHED_AUDIO_INPUT];
}

/* Makes u's classes add up to inclusive lengths: uncached input and visible output become what the
 * other classes leave of `input` and `output`. Classes that are more than their length are cut to
 * it, the last ones first. */
void usage_fit(struct usage *u, uint64_t input, uint64_t output);

/* The same usage with another cache: so much of the input read from it and written to it, all of it
 * counted as text, and everything else of the input uncached. */
void usage_set_cache(struct usage *u, uint64_t cached, uint64_t written, uint64_t written_1h);

/* Input that was images, of whatever kind. */
static inline uint64_t usage_image_input(const struct usage *u)
{
    return u->tokens[USAGE_IMAGE_INPUT] + u->tokens[USAGE_CACHED_IMAGE_INPUT];
}

/* True if some class that is not of text was used. */
static inline bool usage_has_media(const struct usage *u)
{
    uint64_t any = 0;
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++)
        any |= u->tokens[c];
    return any != 0;
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
