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

int buffer_make_room(struct buffer *b, size_t extra)
{
    size_t needed;
    if (__builtin_add_overflow(b->length, extra, &needed) || needed > b->cap)
        return -1;
    if (needed + 1 > b->capacity)
        mem_grow(&b->data, &b->capacity, needed + 1, 1);
    return 0;
}

int buffer_add_text(struct buffer *b, const char *text)
{
    return buffer_add(b, text, strlen(text));
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

static const char two_digits[] = "0001020304050607080910111213141516171819"
                                 "2021222324252627282930313233343536373839"
                                 "4041424344454647484950515253545556575859"
                                 "6061626364656667686970717273747576777879"
                                 "8081828384858687888990919293949596979899";

int buffer_add_u64(struct buffer *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    while (value >= 100) {
        memcpy(digits + (at -= 2), two_digits + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10)
        memcpy(digits + (at -= 2), two_digits + 2 * value, 2);
    else
        digits[--at] = (char)('0' + value);
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

int buffer_add_base64(struct buffer *b, const void *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = data;
    if (buffer_reserve(b, (length + 2) / 3 * 4) < 0)
        return -1;
    b->data[b->length] = '\0';
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned v = (unsigned)bytes[i] << 16;
        v |= left > 1 ? (unsigned)bytes[i + 1] << 8 : 0;
        v |= left > 2 ? bytes[i + 2] : 0;
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63], digits[v & 63]};
        if (left < 3)
            four[3] = '=';
        if (left < 2)
            four[2] = '=';
        buffer_add(b, four, 4);
    }
    return 0;
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
