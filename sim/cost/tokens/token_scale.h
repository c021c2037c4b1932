/* Counts of one model's tokens as another's: by how much they are multiplied.
 *
 *     struct token_scales scales = {0};
 *     if (token_scales_add("claude-opus-5=in:1.3,out:1.1", &scales, err) < 0) return err->code;
 *     uint64_t tokens = token_scale_apply(&scales.items[0], TOKENS_AS, USAGE_OUTPUT, 200);   // 220
 *     token_scales_free(&scales);
 *
 * The same text has other tokens in another model: Anthropic's newer models count some 30 % more
 * than its earlier ones (platform.claude.com, token counting, 2026), and as much has been measured
 * between makers. A scale is for requests that are priced as MODEL and were counted as another
 * one; its factors are exact, in millionths, and a count is rounded up, class by class.
 */
#ifndef FAREBOX_SIM_COST_TOKENS_TOKEN_SCALE_H
#define FAREBOX_SIM_COST_TOKENS_TOKEN_SCALE_H

#include "core/error.h"
#include "core/text.h"
#include "core/usage/usage.h"

#define TOKEN_ONE UINT64_C(1000000)

/* The factor itself, and the ends of its interval: the same where it was given. */
enum token_side { TOKENS_LOW, TOKENS_AS, TOKENS_HIGH, TOKEN_SIDES };

struct token_scale {
    char *model; /* the model priced; * and ? allowed */
    uint64_t factor[TOKEN_SIDES][USAGE_CLASSES];
    bool learnt; /* from so many pairs of requests */
    uint64_t pairs;
};

struct token_scales {
    struct token_scale *items; /* the first that fits counts */
    size_t count;
};

/* What a factor may be. */
#define TOKEN_FACTOR_LEAST (TOKEN_ONE / 100)
#define TOKEN_FACTOR_MOST (TOKEN_ONE * 20)

/* True if the text after MODEL= is factors, "in:1.3,out:1.1", and not two runs. */
bool token_scale_is_factors(struct text value);

/* Adds "MODEL=in:1.3,out:1.1"; `in` stands for every class of input, `out` of output, and a class's
 * own name ("reasoning:1.5") for itself. What is not named keeps its count. ERR_INPUT with what
 * would be right. */
int token_scales_add(const char *text, struct token_scales *out, struct error *err);

/* Adds one with an interval: [side][0] of input, [side][1] of output, in millionths. */
void token_scales_add_learnt(struct token_scales *out, struct text model,
                             uint64_t factor[TOKEN_SIDES][2], uint64_t pairs);
void token_scales_free(struct token_scales *scales);

/* tokens × factor, rounded up. */
static inline uint64_t token_scale_apply(const struct token_scale *s, enum token_side side,
                                         enum usage_class c, uint64_t tokens)
{
    return (tokens * s->factor[side][c] + TOKEN_ONE - 1) / TOKEN_ONE;
}

/* The least count that becomes at least `scaled`. */
static inline uint64_t token_scale_before(const struct token_scale *s, enum usage_class c,
                                          uint64_t scaled)
{
    return scaled ? (scaled - 1) * TOKEN_ONE / s->factor[TOKENS_AS][c] + 1 : 0;
}

/* Where nobody has said how a model counts: 30 % less, as they are, 30 % more. */
#define TOKEN_DOUBT_PERCENT 30
extern const struct token_scale token_scale_unknown;

/* "1.3", "0.925" */
#define TOKEN_FACTOR_SIZE 32
const char *token_factor_text(uint64_t micro, char out[TOKEN_FACTOR_SIZE]);

/* "× 1.3 in, × 1.1 out", of text. */
#define TOKEN_SCALE_TEXT_SIZE 96
const char *token_scale_text(const struct token_scale *s, char out[TOKEN_SCALE_TEXT_SIZE]);

#endif
