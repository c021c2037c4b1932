/* Speculative decoding and multi-token prediction: a step drafts some tokens of every running
 * answer and verifies them at once; the accepted ones and one more come out together.
 *
 * Terms, as vLLM has them: `num_speculative_tokens` are drafted a step; acceptance rates are
 * *unconditional*: entry i is the share of the steps in which the first i + 1 drafts were all
 * accepted. The acceptance length is what comes out of a step on average: 1 + their sum.
 *
 *     struct acceptance *a = acceptance_create(&config, seed);
 *     n = acceptance_tokens(a, draw, steps);      // that came out in so many steps
 *     steps = acceptance_steps(a, draw, tokens);  // until so many were out
 *     acceptance_free(a);
 *
 * How many a step accepts is drawn from a ring of DRAFT_DRAWS steps, in which every number stands
 * as often as its rate says, shuffled. A sequence begins somewhere in the ring (`draw`), so that
 * what it has after any number of steps is known without taking them.
 */
#ifndef FAREBOX_SIM_ENGINE_SPECULATIVE_H
#define FAREBOX_SIM_ENGINE_SPECULATIVE_H

#include "core/error.h"
#include "core/json/json_fields.h"

#include <stdbool.h>
#include <stdint.h>

#define SPECULATIVE_MOST 32 /* drafts a step */
#define DRAFT_DRAWS 8192

/* vLLM's --speculative-config, and what a draft takes. */
struct speculative_config {
    char method[32], model[256];     /* as vLLM's; "" = not said */
    uint32_t num_speculative_tokens; /* 0 = no speculation, and nothing else counts */
    uint32_t rate_count;             /* of `rates`; 0 = from acceptance_length */
    double rates[SPECULATIVE_MOST];
    double acceptance_length; /* 0 = not given */
    bool parallel_drafting;   /* one pass drafts all */
    double draft_cost; /* of a draft's pass, in passes of the model itself; NAN = the method's */
    double draft_ms;   /* of a draft's pass, beside that */
};

extern const struct json_table speculative_table;

void speculative_config_init(struct speculative_config *c);

/* Of a row's member: true if there is no speculation. */
bool speculative_is_nothing(const void *config);

/* Reads vLLM's JSON: `text` is what the option was given, `option` its name for messages. */
int speculative_config_parse(const char *option, const char *text, struct speculative_config *c,
                             struct error *err);

/* Checks it, fills the rates from the length (as vLLM: as many drafts as the length has are
 * accepted always, the next one sometimes) and the cost of a draft from the method: nothing for
 * n-grams and suffixes, one of `layers` layers for all else. ERR_INPUT says what is missing. */
int speculative_config_check(struct speculative_config *c, uint32_t layers, struct error *err);

/* Tokens of a step on average, of a checked config; 1 without drafts. */
double speculative_length(const struct speculative_config *c);

/* Passes of the draft in a step. */
uint32_t speculative_passes(const struct speculative_config *c);

struct acceptance {
    uint64_t seed;
    uint32_t drafts;                /* a step */
    uint32_t sums[DRAFT_DRAWS + 1]; /* tokens that come out before each place of the ring */
};

/* Of a checked config; NULL if there is no speculation. */
struct acceptance *acceptance_create(const struct speculative_config *c, uint64_t seed);
void acceptance_free(struct acceptance *a);

/* Where sequence `order` of a replica begins, `made` tokens into its answer. */
uint64_t acceptance_draw(const struct acceptance *a, uint64_t replica, uint64_t order,
                         uint32_t made);

/* Tokens of `steps` steps from place `draw` on: what was accepted and one a step. */
uint64_t acceptance_tokens(const struct acceptance *a, uint64_t draw, uint64_t steps);

/* The fewest steps that give `tokens`. */
uint64_t acceptance_steps(const struct acceptance *a, uint64_t draw, uint64_t tokens);

#endif
