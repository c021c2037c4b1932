#include "workloads/trace/raw_usage.h"

#include "core/json/json_scan.h"

#include <string.h>

/* What the keys of all sellers say, before it is put in order. */
enum counter {
    PROMPT_TOKENS, /* includes the cached */
    INPUT_TOKENS,  /* includes them, or not */
    COMPLETION_TOKENS,
    CANDIDATES_TOKENS, /* without thoughts */
    THOUGHTS,
    CACHED,    /* inside the prompt */
    CACHE_HIT, /* DeepSeek's name for it */
    CACHE_READ,
    CACHE_CREATION,
    CACHE_CREATION_5M,
    CACHE_CREATION_1H,
    REASONING,
    WEB_SEARCHES,
    COUNTERS,
};

static const struct {
    const char *key;
    enum counter counter;
} keys[] = {
    {"prompt_tokens", PROMPT_TOKENS},
    {"promptTokenCount", PROMPT_TOKENS},
    {"input_tokens", INPUT_TOKENS},
    {"completion_tokens", COMPLETION_TOKENS},
    {"output_tokens", COMPLETION_TOKENS},
    {"candidatesTokenCount", CANDIDATES_TOKENS},
    {"thoughtsTokenCount", THOUGHTS},
    {"cached_tokens", CACHED},
    {"cachedContentTokenCount", CACHED},
    {"prompt_cache_hit_tokens", CACHE_HIT},
    {"cache_read_input_tokens", CACHE_READ},
    {"cache_creation_input_tokens", CACHE_CREATION},
    {"ephemeral_5m_input_tokens", CACHE_CREATION_5M},
    {"ephemeral_1h_input_tokens", CACHE_CREATION_1H},
    {"reasoning_tokens", REASONING},
    {"web_search_requests", WEB_SEARCHES},
};

struct counts {
    uint64_t value[COUNTERS];
    bool given[COUNTERS];
};

static enum counter counter_of(struct text key)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (text_equal(key, keys[i].key))
            return keys[i].counter;
    return COUNTERS;
}

/* One level of objects inside the usage object holds details; deeper ones are passed over. */
static void walk(struct json_scan *s, int levels, struct counts *c)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        enum counter counter = counter_of(key);
        enum json_kind kind = json_peek(s);
        if (counter < COUNTERS && kind != JSON_NULL)
            c->given[counter] = json_u64(s, 0, UINT32_MAX, &c->value[counter]);
        else if (kind == JSON_OBJECT && levels > 0)
            walk(s, levels - 1, c);
        else
            json_skip(s, NULL);
    }
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool raw_usage_parse(struct text json, struct raw_usage *out)
{
    struct json_scan s;
    struct counts c = {0};
    json_scan_init(&s, "", json.at, json.length, 1);
    walk(&s, 2, &c);
    if (json_scan_end(&s, NULL) < 0)
        return false;
    const uint64_t *v = c.value;
    uint64_t written = larger(v[CACHE_CREATION], v[CACHE_CREATION_5M] + v[CACHE_CREATION_1H]);
    *out = (struct raw_usage){
        .has_input = c.given[PROMPT_TOKENS] || c.given[INPUT_TOKENS],
        .has_output = c.given[COMPLETION_TOKENS] || c.given[CANDIDATES_TOKENS],
        .cached_input = larger(larger(v[CACHED], v[CACHE_HIT]), v[CACHE_READ]),
        .cache_write = written - v[CACHE_CREATION_1H],
        .cache_write_1h = v[CACHE_CREATION_1H],
        .reasoning = v[REASONING] + v[THOUGHTS],
        .output = v[COMPLETION_TOKENS] + v[CANDIDATES_TOKENS] + v[THOUGHTS],
        .web_searches = v[WEB_SEARCHES],
    };
    if (c.given[PROMPT_TOKENS])
        out->input = v[PROMPT_TOKENS];
    else if (c.given[CACHE_READ] || c.given[CACHE_CREATION])
        out->input = v[INPUT_TOKENS] + out->cached_input + written;
    else
        out->input = v[INPUT_TOKENS];
    return true;
}
