/* How an answer's tokens are spread over its chunks: how many the first one brought, and whether
 * the chunks bring what is new or, each, all there is so far.
 *
 *     struct growth_step step = growth_add(&growth, chunk.content);
 *     if (step.fresh == 0) ...                        // it only repeats: no token
 *     spread_add(&spread, &chunk, step.bytes);
 *     record->first_chunk_tokens = spread_first_tokens(&spread, tokens, 0);
 *
 * Zeroed, both know nothing. They own nothing.
 */
#ifndef FAREBOX_BENCH_ANSWER_SPREAD_H
#define FAREBOX_BENCH_ANSWER_SPREAD_H

#include "bench/wire/chunk.h"

/* ---- increments, or the whole again and again ---- */

/* The texts of one kind in an answer. Most servers send what is new; some send all there is so
 * far, which shows when text after text begins with the one before. */
struct growth {
    size_t length; /* of the last text */
    uint64_t hash;
    int64_t counted;   /* bytes told as new */
    unsigned grown;    /* how often a text began with the one before */
    uint64_t all_hash; /* of all texts in a row, as if they were increments */
    size_t all_length;
    unsigned texts;
    bool is_increments;
};

struct growth_step {
    size_t fresh;  /* bytes at the text's end that are new; 0 = it repeats */
    int64_t bytes; /* what they add to the answer's length; less than 0 where earlier ones were not
                      new after all */
    bool restarts; /* the text is all there is: it takes the place of those before */
};

/* Sets `fresh`, `bytes` to the text's length where the kind is known to come in increments; that
 * costs nothing. */
struct growth_step growth_add(struct growth *g, struct text t);

/* Whether the text is all that came before, once more: `ends` says that a finish reason stands
 * beside it; without one only a long text is taken for that. Else it is added to what came. */
bool growth_says_all(struct growth *g, struct text t, bool ends);

/* ---- the first chunk ---- */

struct spread {
    int64_t bytes, first_bytes; /* of the texts, with JSON's escapes */
    uint64_t first_usage;       /* output that the first chunk's own usage counts; 0 = none */
    uint32_t first_logprobs;    /* entries of the first chunk */
    uint32_t chunks;
};

/* A chunk that bears tokens. One that bears a summary of the reasoning is passed over: its tokens
 * are not those that are counted. */
void spread_add(struct spread *s, const struct chunk *c, int64_t bytes);

/* Of the `n` tokens of an answer, those of its first chunk, from 1 on: 1 where there are as many
 * chunks; else by the chunk's own usage (of which `hidden` tokens of reasoning came in no chunk),
 * or its log probabilities, or its share of the text. With one chunk all; 0 where nothing came. */
uint32_t spread_first_tokens(const struct spread *s, uint64_t n, uint64_t hidden);

#endif
