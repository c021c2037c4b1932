/* What an endpoint's tokenizer makes of our words, learnt by counting texts of them.
 *
 *     struct learner l = {.count = count_by_usage, .tokenize = count_by_tokenize, .context =
 * probe}; struct prompt_scale scale; switch (learn_scale(&l, &scale)) ...
 *     prompt_maker_set_scale(maker, &scale);
 *
 * The list once, and the list sixteen times: the difference tells what all 64 words cost together,
 * and the rest of the first is the chat template's. If they cost 64, each is one token, and two
 * texts were enough. Else each word's cost is weighed: of four words one stands once, one 5, one 25
 * and one 125 times, and as none can be more than five tokens (words.h), the digits of the sum to
 * the base 5 are their costs. A last text, such as will be sent, tells whether words cost the same
 * beside each other. Where they do not, or where tokens are a fraction of the words' number, every
 * word is taken at the mean.
 *
 * Counts alone decide: the same tokenizer gives the same scale each time.
 */
#ifndef FAREBOX_BENCH_PROMPT_LEARN_H
#define FAREBOX_BENCH_PROMPT_LEARN_H

#include "bench/prompt/words.h"
#include "bench/wire/models.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

/* The words of its texts: the list once, sixteen times, and of each further one at most. */
#define LEARN_FEW_WORDS WORDS_LISTED
#define LEARN_MANY_WORDS (16 * WORDS_LISTED)
#define LEARN_WEIGHED_WORDS 157
#define LEARN_TRIAL_TOKENS 480
#define LEARN_WEIGHINGS 16

#define SCALE_MODEL_SIZE MODEL_NAME_SIZE

/* tokens of a prompt = template + the sum of its words' costs */
struct prompt_scale {
    char model[SCALE_MODEL_SIZE]; /* whose tokenizer it is; "" = of any */
    double tokens_per_word, template_tokens;
    /* A digit for each listed word; "" = each costs tokens_per_word, else that is their mean. */
    char word_tokens[WORDS_LISTED + 1];
};

/* Reads "MODEL=TEMPLATE:TOKENS", TOKENS being those of a word or a digit for each of the 64 words.
 * 0 or ERR_INPUT. */
int prompt_scale_read(const char *text, struct prompt_scale *out, struct error *err);

/* Appends it in that form; reading it gives the same scale. */
void prompt_scale_write(const struct prompt_scale *scale, struct buffer *out);

/* The costs of the listed words. */
void prompt_scale_costs(const struct prompt_scale *scale, double out[WORDS_LISTED]);

/* Tokens of the shortest prompt: of the template and the cheapest word. */
double prompt_scale_least(const struct prompt_scale *scale);

/* Both give the tokens of a prompt of that text, with what the template adds; 0 = not known. */
struct learner {
    uint64_t (*count)(void *context, struct text text);    /* as the endpoint bills it */
    uint64_t (*tokenize)(void *context, struct text text); /* costs nothing; NULL */
    void *context;
    bool sparing; /* count is asked for the first two texts only */
};

enum learnt {
    LEARNT,
    LEARNT_NOTHING,   /* no count came: the learner knows why */
    LEARNT_NO_GROWTH, /* the count does not grow with the text: see few, many */
};

struct learn_counts {
    uint64_t few, many; /* tokens of the first two texts */
    uint32_t many_words;
};

/* Fills all of `out` but its model. */
enum learnt learn_scale(const struct learner *l, struct prompt_scale *out,
                        struct learn_counts *counts);

#endif
