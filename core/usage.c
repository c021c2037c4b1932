#include "core/usage.h"

static const char *const names[USAGE_CLASSES] = {
    "uncached_input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning",
};

const char *usage_class_name(enum usage_class c)
{
    return names[c];
}

uint64_t usage_input(const struct usage *u)
{
    return u->tokens[USAGE_UNCACHED_INPUT] + u->tokens[USAGE_CACHED_INPUT] +
           u->tokens[USAGE_CACHE_WRITE] + u->tokens[USAGE_CACHE_WRITE_1H];
}

uint64_t usage_output(const struct usage *u)
{
    return u->tokens[USAGE_OUTPUT] + u->tokens[USAGE_REASONING];
}

/* Takes up to `wanted` from what is left. */
static uint64_t take(uint64_t *left, uint64_t wanted)
{
    uint64_t taken = wanted < *left ? wanted : *left;
    *left -= taken;
    return taken;
}

struct usage usage_from_totals(uint64_t input, uint64_t cached, uint64_t written,
                               uint64_t written_1h, uint64_t output, uint64_t reasoning)
{
    struct usage u = {0};
    u.tokens[USAGE_CACHED_INPUT] = take(&input, cached);
    u.tokens[USAGE_CACHE_WRITE] = take(&input, written);
    u.tokens[USAGE_CACHE_WRITE_1H] = take(&input, written_1h);
    u.tokens[USAGE_UNCACHED_INPUT] = input;
    u.tokens[USAGE_REASONING] = take(&output, reasoning);
    u.tokens[USAGE_OUTPUT] = output;
    return u;
}
