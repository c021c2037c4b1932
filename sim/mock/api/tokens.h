/* The mock's tokenizer: words times tokens per word, plus the tokens of a chat template.
 *
 * A word is a run of bytes above the space. A prompt's tokens are
 *     template_tokens + round(words × tokens_per_word), and those of its images,
 * whatever the words are, so that a client can predict and a test can count. The same pass cuts
 * the prompt into blocks of block_size tokens, each named by a hash of everything up to its end:
 * two prompts share block i exactly if their words are the same up to there.
 *
 *     struct prompt p;
 *     prompt_init(&p, &rules);
 *     prompt_add(&p, "user", 4);               // roles count in the hash, not as words
 *     prompt_add_words(&p, text, length);
 *     prompt_end(&p);                          // p.tokens, p.blocks[0 .. p.block_count)
 *     prompt_free(&p);
 */
#ifndef FAREBOX_SIM_MOCK_API_TOKENS_H
#define FAREBOX_SIM_MOCK_API_TOKENS_H

#include <stddef.h>
#include <stdint.h>

struct token_rules {
    double tokens_per_word;   /* > 0 */
    uint32_t template_tokens; /* of every request */
    uint32_t block_size;      /* tokens in a prefix block; 0 = no blocks */
};

struct prompt {
    struct token_rules rules;
    uint64_t chain;                 /* hash of everything so far */
    uint64_t words, others, tokens; /* others: tokens that are no words */
    uint64_t *blocks;               /* owned */
    size_t block_count, block_capacity;
    uint64_t chain_before; /* the last word */
    char *last_word;       /* see prompt_keep_last_word(); owned; NULL */
};

void prompt_init(struct prompt *p, const struct token_rules *rules);
void prompt_free(struct prompt *p);

/* Text that structures the prompt: it changes the prefix and costs no tokens. */
void prompt_add(struct prompt *p, const char *bytes, size_t length);

/* Text whose words are tokens. A word ends with the text. */
void prompt_add_words(struct prompt *p, const char *bytes, size_t length);

/* Tokens that are no words: those of an image, whose content was added before. */
void prompt_add_tokens(struct prompt *p, uint64_t tokens);

/* Keeps the last word of the text that was added last, unless a blank follows it. */
void prompt_keep_last_word(struct prompt *p, const char *bytes, size_t length);

/* Adds a text that goes on where the last one ended: in the middle of the word that was kept. To a
 * prompt that prompt_go_on() made. */
void prompt_add_words_behind(struct prompt *p, const char *bytes, size_t length);

/* Closes the last, partial block. */
void prompt_end(struct prompt *p);

/* A copy of an ended prompt to which more can be added; to be ended and freed as well. */
void prompt_go_on(struct prompt *to, const struct prompt *from);

/* The number of the first word that belongs to output token `token`: ⌈token / tokens_per_word⌉, so
 * that the words of n tokens are tokenized into n tokens again (give or take one). */
uint64_t tokens_first_word(const struct token_rules *rules, uint64_t token);

#endif
