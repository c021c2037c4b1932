#include "sim/mock/api/tokens.h"

#include "core/memory.h"
#include "core/random.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>

void prompt_init(struct prompt *p, const struct token_rules *rules)
{
    *p = (struct prompt){.rules = *rules, .tokens = rules->template_tokens};
}

void prompt_free(struct prompt *p)
{
    free(p->blocks);
    p->blocks = NULL;
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
    prompt_add(p, bytes, length);
    p->words++;
    count_tokens(p);
}

void prompt_add_tokens(struct prompt *p, uint64_t tokens)
{
    p->others += tokens;
    count_tokens(p);
}

void prompt_add_words(struct prompt *p, const char *bytes, size_t length)
{
    size_t i = 0;
    while (i < length) {
        while (i < length && (unsigned char)bytes[i] <= ' ')
            i++;
        size_t start = i;
        while (i < length && (unsigned char)bytes[i] > ' ')
            i++;
        if (i > start)
            add_word(p, bytes + start, i - start);
    }
}

void prompt_end(struct prompt *p)
{
    if (p->rules.block_size && p->tokens > p->block_count * p->rules.block_size)
        close_block(p);
}
