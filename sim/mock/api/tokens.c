#include "sim/mock/api/tokens.h"

#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void prompt_init(struct prompt *p, const struct token_rules *rules)
{
    *p = (struct prompt){.rules = *rules, .tokens = rules->template_tokens};
}

void prompt_free(struct prompt *p)
{
    free(p->blocks);
    free(p->last_word);
    p->blocks = NULL;
    p->last_word = NULL;
}

static uint64_t tokens_of_words(const struct token_rules *rules, uint64_t words)
{
    return (uint64_t)llround((double)words * rules->tokens_per_word);
}

uint64_t tokens_first_word(const struct token_rules *rules, uint64_t token)
{
    return (uint64_t)ceil((double)token / rules->tokens_per_word);
}

static void close_block(struct prompt *p)
{
    mem_grow(&p->blocks, &p->block_capacity, p->block_count + 1, sizeof *p->blocks);
    p->blocks[p->block_count] = random_mix(p->chain, p->block_count);
    p->block_count++;
}

void prompt_add(struct prompt *p, const char *bytes, size_t length)
{
    p->chain = random_mix(p->chain, text_hash(bytes, length));
}

static void count_tokens(struct prompt *p)
{
    p->tokens = p->rules.template_tokens + tokens_of_words(&p->rules, p->words) + p->others;
    if (p->rules.block_size == 0)
        return;
    while (p->block_count < p->tokens / p->rules.block_size)
        close_block(p);
}

static void add_word(struct prompt *p, const char *bytes, size_t length)
{
    p->chain_before = p->chain;
    prompt_add(p, bytes, length);
    p->words++;
    count_tokens(p);
}

void prompt_add_tokens(struct prompt *p, uint64_t tokens)
{
    p->others += tokens;
    count_tokens(p);
}

/* Where the word ends that begins at bytes[i]. */
static size_t word_end(const char *bytes, size_t length, size_t i)
{
    while (i < length && (unsigned char)bytes[i] > ' ')
        i++;
    return i;
}

void prompt_add_words(struct prompt *p, const char *bytes, size_t length)
{
    size_t i = 0;
    while (i < length) {
        while (i < length && (unsigned char)bytes[i] <= ' ')
            i++;
        size_t start = i;
        i = word_end(bytes, length, i);
        if (i > start)
            add_word(p, bytes + start, i - start);
    }
}

void prompt_keep_last_word(struct prompt *p, const char *bytes, size_t length)
{
    size_t begin = length;
    while (begin > 0 && (unsigned char)bytes[begin - 1] > ' ')
        begin--;
    free(p->last_word);
    p->last_word = begin < length ? mem_copy_text(bytes + begin, length - begin) : NULL;
}

/* The last word is taken back, and added again with what follows it. */
void prompt_add_words_behind(struct prompt *p, const char *bytes, size_t length)
{
    size_t end = word_end(bytes, length, 0), before = p->last_word ? strlen(p->last_word) : 0;
    if (before > 0 && end > 0) {
        char *joined = mem_alloc(before + end);
        memcpy(joined, p->last_word, before);
        memcpy(joined + before, bytes, end);
        p->chain = p->chain_before;
        p->words--;
        p->tokens = p->rules.template_tokens + tokens_of_words(&p->rules, p->words) + p->others;
        if (p->rules.block_size)
            p->block_count = (size_t)(p->tokens / p->rules.block_size);
        add_word(p, joined, before + end);
        free(joined);
        bytes += end;
        length -= end;
    }
    prompt_add_words(p, bytes, length);
}

/* The partial block at the end is one of the shorter prompt only. */
void prompt_go_on(struct prompt *to, const struct prompt *from)
{
    *to = *from;
    to->last_word = from->last_word ? mem_copy_string(from->last_word) : NULL;
    to->block_count = from->rules.block_size ? (size_t)(from->tokens / from->rules.block_size) : 0;
    to->block_capacity = to->block_count;
    to->blocks = to->block_count ? mem_alloc(to->block_count * sizeof *to->blocks) : NULL;
    if (to->block_count)
        memcpy(to->blocks, from->blocks, to->block_count * sizeof *to->blocks);
}

void prompt_end(struct prompt *p)
{
    if (p->rules.block_size && p->tokens > p->block_count * p->rules.block_size)
        close_block(p);
}
