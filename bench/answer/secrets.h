/* Words that must not be seen: keys and passwords, where a server's answer repeats them.
 *
 *     struct secrets s = {0};
 *     secrets_add(&s, api_key);
 *     secrets_hide(&s, words, 255, &out);        // "Incorrect API key provided: (hidden)"
 *     secrets_free(&s);
 *
 * Hidden is each stretch of 8 bytes and more of a secret, and what a server leaves of one around a
 * mask ("sk-a1****9f"): 3 bytes and more of its start or its end. A secret shorter than 8 bytes is
 * hidden where it stands as a word of its own.
 *
 * Owns copies of its words, and wipes them at the end. Searching costs a look at two bytes a byte.
 */
#ifndef FAREBOX_BENCH_ANSWER_SECRETS_H
#define FAREBOX_BENCH_ANSWER_SECRETS_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRETS_HIDDEN "(hidden)"

struct secrets {
    char **items;
    size_t count, capacity;
    uint8_t pairs[8192]; /* a bit for any two bytes that stand side by side in an item */
};

/* Empty words and NULL are none. */
void secrets_add(struct secrets *s, const char *secret);
void secrets_free(struct secrets *s);

/* Overwrites a secret before it is freed; NULL is none. */
void secrets_wipe(char *secret);

/* The first stretch at or after `from` that must not be seen; false if there is none. A NULL `s`
 * has no secrets. */
bool secrets_find(const struct secrets *s, struct text words, size_t from, struct text *found);

/* Appends the words, each such stretch replaced by SECRETS_HIDDEN, until `most` bytes are added. */
void secrets_hide(const struct secrets *s, struct text words, size_t most, struct buffer *out);

/* The same for a message of `size` bytes with its end, as text that a terminal can show on a line:
 * control characters become spaces, bytes that are no UTF-8 question marks, and what does not fit
 * is cut between two characters. */
void secrets_show(const struct secrets *s, struct text words, char *out, size_t size);

#endif
