#include "core/utf16.h"

#include <stdint.h>

#define REPLACEMENT 0xFFFD

static int add_character(struct buffer *out, uint32_t c)
{
    char bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xC0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        if (c < 0x10000) {
            bytes[n++] = (char)(0xE0 | c >> 12);
        } else {
            bytes[n++] = (char)(0xF0 | c >> 18);
            bytes[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        }
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    }
    return buffer_add(out, bytes, n);
}

static uint32_t unit_at(const char *bytes, bool big_endian)
{
    unsigned first = (unsigned char)bytes[0], second = (unsigned char)bytes[1];
    return big_endian ? first << 8 | second : second << 8 | first;
}

long utf16_to_utf8(const char *bytes, size_t count, bool big_endian, struct buffer *out)
{
    size_t at = 0;
    while (at + 2 <= count) {
        uint32_t c = unit_at(bytes + at, big_endian);
        size_t taken = 2;
        if (c >= 0xD800 && c < 0xDC00) {
            if (at + 4 > count)
                break;
            uint32_t low = unit_at(bytes + at + 2, big_endian);
            bool pair = low >= 0xDC00 && low < 0xE000;
            c = pair ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : REPLACEMENT;
            taken = pair ? 4 : 2;
        } else if (c >= 0xDC00 && c < 0xE000) {
            c = REPLACEMENT;
        }
        if (add_character(out, c) < 0)
            return -1;
        at += taken;
    }
    return (long)at;
}
