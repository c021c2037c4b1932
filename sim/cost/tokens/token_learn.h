/* How many tokens one model makes of what another one counted, from two runs of the same prompts.
 *
 *     struct token_lesson lesson;
 *     if (token_learn("results/gpt-4o", "results/claude", &lesson, err) < 0) return err->code;
 *     token_scales_add_learnt(&scales, model, lesson.factor, lesson.pairs);
 *
 * Pairs are requests of one id that completed in both runs, with the usage that the server
 * reported. The factor is r = Σb / Σa over them, of input and of output; answers differ in length
 * as well as in tokens, and both are in the factor, as both are paid. Its 95 % interval is that of
 * a ratio of cluster totals (Cochran, Sampling Techniques, 1977, chapters 6 and 9A): with the n
 * sessions as clusters, d = Σ (b − r a) of each,
 *
 *     r ± t(n − 1) · √(n / (n − 1) · Σ d²) / Σa
 */
#ifndef FAREBOX_SIM_COST_TOKENS_TOKEN_LEARN_H
#define FAREBOX_SIM_COST_TOKENS_TOKEN_LEARN_H

#include "sim/cost/tokens/token_scale.h"

struct token_lesson {
    uint64_t factor[TOKEN_SIDES][2]; /* millionths; input, output; the interval rounded outwards */
    uint64_t pairs;
    uint64_t unpaired;  /* completed in one of the runs only, or without the server's usage */
    uint64_t different; /* of one id, but asked with another length of prompt */
};

#define TOKEN_LEAST_CLUSTERS 10

/* ERR_INPUT: no run, fewer than TOKEN_LEAST_CLUSTERS sessions of pairs, an interval or a factor
 * outside of what a factor may be. */
int token_learn(const char *counted, const char *priced, struct token_lesson *out,
                struct error *err);

#endif
