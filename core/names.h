/* Interned names: each different text once, known by a small number.
 *
 * Columns of models, classes, sessions and labels hold such numbers. Numbers count from 0 in the
 * order of first sight; the texts stay where they are until names_free().
 */
#ifndef FAREBOX_CORE_NAMES_H
#define FAREBOX_CORE_NAMES_H

#include "core/text.h"

#include <stdint.h>

#define NAME_NONE UINT32_MAX

struct names {
    char **blocks; /* memory that holds the texts */
    size_t block_count, block_capacity, block_left;
    char *block_at;
    const char **texts; /* zero-terminated, by number */
    uint32_t *lengths;
    size_t count, text_capacity, length_capacity;
    uint32_t *slots; /* open addressing, number + 1 */
    size_t slot_count;
};

void names_init(struct names *n);
void names_free(struct names *n);

/* The number of a text, new or known. */
uint32_t names_add(struct names *n, struct text text);

/* The number of a known text, or NAME_NONE. */
uint32_t names_find(const struct names *n, struct text text);

/* The text of a number; NULL for NAME_NONE. */
const char *names_text(const struct names *n, uint32_t number);

#endif
