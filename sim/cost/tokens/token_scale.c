#include "sim/cost/tokens/token_scale.h"

#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LESS (TOKEN_ONE * (100 - TOKEN_DOUBT_PERCENT) / 100)
#define MORE (TOKEN_ONE * (100 + TOKEN_DOUBT_PERCENT) / 100)

/* For each of the classes. */
#define ALL(x)                                \
    {                                         \
        x, x, x, x, x, x, x, x, x, x, x, x, x \
    }
_Static_assert(USAGE_CLASSES == 13, "ALL has one value for each class");

const struct token_scale token_scale_unknown = {
    .factor = {[TOKENS_LOW] = ALL(LESS), [TOKENS_AS] = ALL(TOKEN_ONE), [TOKENS_HIGH] = ALL(MORE)}};

static struct text key_of(struct text part)
{
    const char *colon = part.length ? memchr(part.at, ':', part.length) : NULL;
    return (struct text){part.at, colon ? (size_t)(colon - part.at) : part.length};
}

/* The classes that a key stands for, as bits; 0: no such key. */
static uint32_t classes_of(struct text key)
{
    uint32_t bits = 0;
    bool in = text_equal(key, "in") || text_equal(key, "input");
    bool out = text_equal(key, "out") || text_equal(key, "output");
    if (!in && !out) {
        int own = text_place(key, usage_class_names);
        return own >= 0 ? 1u << own : 0;
    }
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (usage_is_output((enum usage_class)c) == out)
            bits |= 1u << c;
    return bits;
}

bool token_scale_is_factors(struct text value)
{
    struct text key = key_of(value);
    return key.length < value.length && classes_of(key) != 0;
}

static int wrong(const char *text, struct text part, const char *expected, struct error *err)
{
    return error_set(err, ERR_INPUT, "--tokens-as \"%.120s\": found \"%.*s\", expected %s", text,
                     (int)(part.length < 60 ? part.length : 60), part.at, expected);
}

static void set_factor(struct token_scale *s, int class, uint64_t factor)
{
    for (int side = 0; side < TOKEN_SIDES; side++)
        s->factor[side][class] = factor;
}

/* Whole directions first, then what is said of single classes. */
static int read_part(const char *text, struct text part, bool single, struct token_scale *s,
                     struct error *err)
{
    struct text key = key_of(part), digits = {key.at + key.length, 0};
    uint32_t classes = classes_of(key);
    int64_t micro = 0;
    if (key.length < part.length)
        digits = (struct text){key.at + key.length + 1, part.length - key.length - 1};
    if (classes == 0)
        return wrong(
            text, part,
            "in:FACTOR, out:FACTOR, a class such as reasoning:FACTOR, or RUN_A:RUN_B, two runs",
            err);
    if (!text_to_fixed(digits, 6, &micro) || micro < (int64_t)TOKEN_FACTOR_LEAST ||
        micro > (int64_t)TOKEN_FACTOR_MOST)
        return wrong(text, part, "a factor from 0.01 to 20, such as in:1.3", err);
    if (single == ((classes & (classes - 1)) == 0))
        for (int c = 0; c < USAGE_CLASSES; c++)
            if (classes >> c & 1)
                set_factor(s, c, (uint64_t)micro);
    return 0;
}

static int read_parts(const char *text, const char *at, bool single, struct token_scale *s,
                      struct error *err)
{
    int code = 0;
    for (const char *next; at && code == 0; at = next) {
        size_t length = strcspn(at, ",");
        next = at[length] ? at + length + 1 : NULL;
        code = read_part(text, (struct text){at, length}, single, s, err);
    }
    return code;
}

static struct token_scale *add(struct token_scales *out, struct text model)
{
    out->items = mem_resize(out->items, out->count + 1, sizeof *out->items);
    struct token_scale *s = &out->items[out->count++];
    *s = token_scale_unknown;
    s->model = mem_copy_text(model.at, model.length);
    for (int c = 0; c < USAGE_CLASSES; c++)
        set_factor(s, c, TOKEN_ONE);
    return s;
}

int token_scales_add(const char *text, struct token_scales *out, struct error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return error_set(err, ERR_INPUT,
                         "--tokens-as expects MODEL=in:FACTOR,out:FACTOR or MODEL=RUN_A:RUN_B, "
                         "such as claude-opus-5=in:1.3,out:1.1, found \"%.120s\"",
                         text);
    struct token_scale *s = add(out, (struct text){text, (size_t)(equals - text)});
    int code = read_parts(text, equals + 1, false, s, err);
    return code == 0 ? read_parts(text, equals + 1, true, s, err) : code;
}

void token_scales_add_learnt(struct token_scales *out, struct text model,
                             uint64_t factor[TOKEN_SIDES][2], uint64_t pairs)
{
    struct token_scale *s = add(out, model);
    s->learnt = true;
    s->pairs = pairs;
    for (int side = 0; side < TOKEN_SIDES; side++)
        for (int c = 0; c < USAGE_CLASSES; c++)
            s->factor[side][c] = factor[side][usage_is_output((enum usage_class)c)];
}

void token_scales_free(struct token_scales *scales)
{
    for (size_t i = 0; i < scales->count; i++)
        free(scales->items[i].model);
    free(scales->items);
    *scales = (struct token_scales){0};
}

const char *token_factor_text(uint64_t micro, char out[TOKEN_FACTOR_SIZE])
{
    size_t n = (size_t)snprintf(out, TOKEN_FACTOR_SIZE, "%" PRIu64 ".%06" PRIu64, micro / TOKEN_ONE,
                                micro % TOKEN_ONE);
    while (out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[--n] = '\0';
    return out;
}

const char *token_scale_text(const struct token_scale *s, char out[TOKEN_SCALE_TEXT_SIZE])
{
    char in[TOKEN_FACTOR_SIZE], made[TOKEN_FACTOR_SIZE];
    snprintf(out, TOKEN_SCALE_TEXT_SIZE, "× %s in, × %s out",
             token_factor_text(s->factor[TOKENS_AS][USAGE_UNCACHED_INPUT], in),
             token_factor_text(s->factor[TOKENS_AS][USAGE_OUTPUT], made));
    return out;
}
