/* The pool of text that prompts are cut from.
 *
 *     struct words *w = words_create(salt);
 *     words_add(w, first_word, count, &buffer);      // " one two three"
 *     words_free(w);
 */
#ifndef FAREBOX_BENCH_PROMPT_WORDS_H
#define FAREBOX_BENCH_PROMPT_WORDS_H

#include "core/buffer.h"

#include <stdint.h>

struct words;

/* A pool drawn from a list of 256 common English words. */
struct words *words_create(uint64_t salt);
void words_free(struct words *w);

/* Appends `count` words of the pool from a place on (any number: it wraps around), each with a
 * space before it. 0, or -1 beyond the buffer's cap. */
int words_add(const struct words *w, uint64_t place, uint64_t count, struct buffer *out);

/* Appends `count` words (at most 8) that spell the number: different numbers, different words. */
int words_add_number(uint64_t number, uint64_t count, struct buffer *out);

#endif
