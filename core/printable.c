#include "core/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* How many bytes the character has that begins so; 0 = none does. */
static size_t length_of(unsigned char first)
{
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

/* Whether `byte` can stand behind the `count` bytes held: no overlong forms, no surrogates. */
static bool continues(const unsigned char *held, size_t count, unsigned char byte)
{
    unsigned char low = 0x80, high = 0xbf;
    if (count == 1) {
        low = held[0] == 0xe0 ? 0xa0 : held[0] == 0xf0 ? 0x90 : 0x80;
        high = held[0] == 0xed ? 0x9f : held[0] == 0xf4 ? 0x8f : 0xbf;
    }
    return byte >= low && byte <= high;
}

static bool is_shown(const unsigned char *c, size_t length)
{
    if (length == 1)
        return c[0] == '\n' || c[0] == '\t' || (c[0] >= 0x20 && c[0] != 0x7f);
    if (length == 2)
        return c[0] != 0xc2 || c[1] >= 0xa0;
    /* U+202A … U+202E and U+2066 … U+2069 turn the direction. */
    bool turns = length == 3 && c[0] == 0xe2 &&
                 ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
                  (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
    return !turns;
}

void printable_end(struct printable *p, struct buffer *out)
{
    for (size_t i = 0; i < p->count; i++)
        buffer_add_text(out, REPLACEMENT);
    p->count = 0;
}

void printable_add(struct printable *p, const char *bytes, size_t length, struct buffer *out)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (p->count > 0 && !continues(p->held, p->count, byte))
            printable_end(p, out);
        if (p->count == 0 && length_of(byte) == 0) {
            buffer_add_text(out, REPLACEMENT);
            continue;
        }
        p->held[p->count++] = byte;
        if (p->count < length_of(p->held[0]))
            continue;
        if (is_shown(p->held, p->count))
            buffer_add(out, p->held, p->count);
        else
            buffer_add_text(out, REPLACEMENT);
        p->count = 0;
    }
}

void printable_add_line(const char *text, struct buffer *out)
{
    struct printable p = {0};
    while (*text) {
        size_t plain = strcspn(text, "\t\n");
        printable_add(&p, text, plain, out);
        text += plain;
        if (*text) {
            printable_end(&p, out);
            buffer_add_text(out, REPLACEMENT);
            text++;
        }
    }
    printable_end(&p, out);
}
