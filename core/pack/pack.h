/* Values as bytes for another process of the same program on a machine of the same kind.
 *
 *     struct buffer b;
 *     buffer_init(&b, BUFFER_UNBOUNDED);
 *     pack_value(&b, count);                      // any plain struct or number, as it is in memory
 *     pack_text(&b, name);                        // NULL stays NULL
 *
 *     struct unpack u = unpack_of(&b);
 *     unpack_value(&u, count);
 *     name = unpack_text(&u);                     // lent from the bytes
 *     if (u.broken) ...                           // they ended before
 *
 * What is read beyond the end is zero, and marks the reader broken: one look at the end is enough.
 */
#ifndef FAREBOX_CORE_PACK_H
#define FAREBOX_CORE_PACK_H

#include "core/buffer.h"

#include <stdbool.h>

struct unpack {
    const char *at;
    size_t left;
    bool broken;
};

/* The bytes are lent. */
static inline struct unpack unpack_of(const struct buffer *bytes)
{
    return (struct unpack){bytes->data, bytes->length, false};
}

#define pack_value(buffer, value) buffer_add((buffer), &(value), sizeof(value))
#define unpack_value(unpack, value) unpack_bytes((unpack), &(value), sizeof(value))

void pack_text(struct buffer *out, const char *text);
void unpack_bytes(struct unpack *u, void *out, size_t size);

/* Lent, zero-terminated; NULL where NULL was packed or the bytes end before. */
const char *unpack_text(struct unpack *u);

/* The same in memory of the caller's own. */
char *unpack_string(struct unpack *u);

/* A list with its length: `size` bytes each. unpack_list gives memory of the caller's own, NULL
 * where NULL was packed. */
void pack_list(struct buffer *out, const void *items, size_t count, size_t size);
void *unpack_list(struct unpack *u, size_t *count, size_t size);

/* Whole numbers near zero in few bytes. */
void pack_near(struct buffer *out, int64_t value);
int64_t unpack_near(struct unpack *u);

#endif
