/* The words that prompts are made of, what each costs in tokens, and the pool of text cut from.
 *
 *     struct words *w = words_create(salt);
 *     words_set_costs(w, costs);                            // of each listed word; else one token
 *     got = words_add_block(w, identity, 512, &buffer);     // " hand side ...": 512 tokens
 *     words_free(w);
 *
 * There are 64 words, all of four letters and each with a blank before it, so that usual tokenizers
 * make one token of each, those that count characters or bytes make equally many of all, and none
 * makes more than WORD_TOKENS. A word's tokens hardly depend on its neighbours: a text costs what
 * its words cost together.
 */
#ifndef FAREBOX_BENCH_PROMPT_WORDS_H
#define FAREBOX_BENCH_PROMPT_WORDS_H

#include "core/buffer.h"

#include <stdint.h>

#define WORDS_LISTED 64
#define WORD_TOKENS 5 /* bytes of a word with its blank: the most tokens that it can be */

struct words;

/* A pool drawn from the list; every word costs one token. */
struct words *words_create(uint64_t salt);
void words_free(struct words *w);

/* Tokens of each listed word, all above 0. */
void words_set_costs(struct words *w, const double costs[WORDS_LISTED]);

/* Tokens of the cheapest word. */
double words_cheapest(const struct words *w);

/* Appends a stretch of text whose words cost as near to `tokens` as can be: words that spell the
 * identity (11 of them where there is room), then a slice of the pool, then what is left over of
 * the cheapest word. A shorter stretch of one identity begins like a longer one, as far as its left
 * over words. Returns the tokens, or -1 beyond the buffer's cap. */
double words_add_block(const struct words *w, uint64_t identity, double tokens, struct buffer *out);

/* Appends listed word `number` so many times. 0, or -1 beyond the buffer's cap. */
int words_add_listed(uint32_t number, uint32_t times, struct buffer *out);

#endif
