#include "core/buffer.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *b, size_t cap)
{
    *b = (struct buffer){.cap = cap};
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    b->data = NULL;
    b->length = b->capacity = 0;
}

void buffer_clear(struct buffer *b)
{
    b->length = 0;
    if (b->data)
        b->data[0] = '\0';
}

int buffer_reserve(struct buffer *b, size_t extra)
{
    size_t needed;
    if (__builtin_add_overflow(b->length, extra, &needed) || needed > b->cap)
        return -1;
    if (needed + 1 > b->capacity)
        mem_grow(&b->data, &b->capacity, needed + 1, 1);
    return 0;
}

int buffer_add(struct buffer *b, const void *bytes, size_t count)
{
    if (buffer_reserve(b, count) < 0)
        return -1;
    if (count)
        memcpy(b->data + b->length, bytes, count);
    b->length += count;
    b->data[b->length] = '\0';
    return 0;
}

int buffer_add_text(struct buffer *b, const char *text)
{
    return buffer_add(b, text, strlen(text));
}

int buffer_add_byte(struct buffer *b, char byte)
{
    return buffer_add(b, &byte, 1);
}

int buffer_add_format(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int result = -1;
    if (length >= 0 && buffer_reserve(b, (size_t)length) == 0) {
        vsnprintf(b->data + b->length, (size_t)length + 1, format, again);
        b->length += (size_t)length;
        result = 0;
    }
    va_end(again);
    return result;
}

int buffer_add_u64(struct buffer *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return buffer_add(b, digits + at, sizeof digits - at);
}

int buffer_add_i64(struct buffer *b, int64_t value)
{
    if (value >= 0)
        return buffer_add_u64(b, (uint64_t)value);
    if (buffer_reserve(b, 20) < 0)
        return -1;
    buffer_add_byte(b, '-');
    return buffer_add_u64(b, 0 - (uint64_t)value);
}

void buffer_drop_front(struct buffer *b, size_t count)
{
    if (count >= b->length) {
        buffer_clear(b);
        return;
    }
    memmove(b->data, b->data + count, b->length - count + 1);
    b->length -= count;
}

char *buffer_take(struct buffer *b)
{
    if (buffer_reserve(b, 0) == 0 && b->data)
        b->data[b->length] = '\0';
    char *bytes = b->data;
    b->data = NULL;
    b->length = b->capacity = 0;
    return bytes;
}
