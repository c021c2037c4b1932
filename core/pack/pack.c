#include "core/pack/pack.h"

#include "core/memory.h"

#include <string.h>

#define NO_LIST UINT64_MAX

void pack_text(struct buffer *out, const char *text)
{
    uint32_t size = text ? (uint32_t)strlen(text) + 1 : 0;
    pack_value(out, size);
    if (size)
        buffer_add(out, text, size);
}

/* The next `size` bytes; NULL, and nothing is left, where there are not so many. */
static const char *take(struct unpack *u, size_t size)
{
    const char *at = u->at;
    if (size > u->left) {
        *u = (struct unpack){.broken = true};
        return NULL;
    }
    u->at += size;
    u->left -= size;
    return at;
}

void unpack_bytes(struct unpack *u, void *out, size_t size)
{
    const char *at = take(u, size);
    if (at && size)
        memcpy(out, at, size);
    else if (size)
        memset(out, 0, size);
}

const char *unpack_text(struct unpack *u)
{
    uint32_t size;
    unpack_value(u, size);
    const char *text = size ? take(u, size) : NULL;
    if (text && text[size - 1] == '\0')
        return text;
    u->broken = u->broken || text;
    return NULL;
}

char *unpack_string(struct unpack *u)
{
    const char *text = unpack_text(u);
    return text ? mem_copy_string(text) : NULL;
}

void pack_list(struct buffer *out, const void *items, size_t count, size_t size)
{
    uint64_t length = items ? count : NO_LIST;
    pack_value(out, length);
    if (items && count)
        buffer_add(out, items, count * size);
}

void *unpack_list(struct unpack *u, size_t *count, size_t size)
{
    uint64_t length;
    unpack_value(u, length);
    *count = 0;
    if (length == NO_LIST || u->broken)
        return NULL;
    if (length > u->left / size) {
        *u = (struct unpack){.broken = true};
        return NULL;
    }
    void *items = mem_alloc((size_t)length * size);
    unpack_bytes(u, items, (size_t)length * size);
    *count = (size_t)length;
    return items;
}

void pack_near(struct buffer *out, int64_t value)
{
    uint64_t left = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    char bytes[10];
    size_t count = 0;
    for (; left > 0x7f; left >>= 7)
        bytes[count++] = (char)(left | 0x80);
    bytes[count++] = (char)left;
    buffer_add(out, bytes, count);
}

int64_t unpack_near(struct unpack *u)
{
    uint64_t value = 0;
    unsigned char byte = 0x80;
    for (unsigned shift = 0; byte & 0x80 && shift < 70; shift += 7) {
        unpack_value(u, byte);
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
    }
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}
