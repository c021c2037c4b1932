/* A growable byte buffer with a cap.
 *
 *     struct buffer b;
 *     buffer_init(&b, 1 << 20);              // never more than 1 MiB
 *     if (buffer_add(&b, bytes, n) < 0) ...  // would pass the cap: nothing was added
 *     use(b.data, b.length);
 *     buffer_free(&b);
 *
 * The buffer owns its bytes; `data` is always followed by a zero byte and is valid until the next
 * call that adds. buffer_take() passes the bytes on to the caller.
 */
#ifndef FAREBOX_CORE_BUFFER_H
#define FAREBOX_CORE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BUFFER_UNBOUNDED SIZE_MAX /* only for what this program itself writes */

struct buffer {
    char *data;
    size_t length, capacity, cap;
};

void buffer_init(struct buffer *b, size_t cap);
void buffer_free(struct buffer *b);

/* Empties the buffer and keeps its memory. */
void buffer_clear(struct buffer *b);

int buffer_make_room(struct buffer *b, size_t extra); /* for buffer_reserve below */

/* All return 0, or -1 and leave the buffer as it was if it would pass its cap. */
static inline int buffer_reserve(struct buffer *b, size_t extra)
{
    size_t room = b->capacity < b->cap ? b->capacity : b->cap; /* one byte is for the zero */
    return room > b->length && extra < room - b->length ? 0 : buffer_make_room(b, extra);
}

static inline int buffer_add(struct buffer *b, const void *bytes, size_t count)
{
    if (buffer_reserve(b, count) < 0)
        return -1;
    if (count)
        memcpy(b->data + b->length, bytes, count);
    b->length += count;
    b->data[b->length] = '\0';
    return 0;
}

static inline int buffer_add_byte(struct buffer *b, char byte)
{
    return buffer_add(b, &byte, 1);
}

int buffer_add_text(struct buffer *b, const char *text);
int buffer_add_format(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int buffer_add_u64(struct buffer *b, uint64_t value);
int buffer_add_i64(struct buffer *b, int64_t value);
int buffer_add_base64(struct buffer *b, const void *data, size_t length);

/* Removes `count` bytes (at most all) from the front. */
void buffer_drop_front(struct buffer *b, size_t count);

/* The bytes, zero-terminated, owned by the caller from now on; the buffer is empty again. */
char *buffer_take(struct buffer *b);

#endif
