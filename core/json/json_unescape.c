/* The text that a JSON string stands for. */
#include "core/json/json_scan.h"

bool json_hex4(const char *at, const char *end, unsigned *value)
{
    *value = 0;
    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
        unsigned digit = c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20u) - 'a' + 10;
        *value = *value << 4 | digit;
    }
    return true;
}

static int add_code_point(struct buffer *out, unsigned c)
{
    char b[4];
    if (c < 0x80) {
        b[0] = (char)c;
        return buffer_add(out, b, 1);
    }
    if (c < 0x800) {
        b[0] = (char)(0xC0 | c >> 6);
        b[1] = (char)(0x80 | (c & 0x3F));
        return buffer_add(out, b, 2);
    }
    if (c < 0x10000) {
        b[0] = (char)(0xE0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 0x3F));
        b[2] = (char)(0x80 | (c & 0x3F));
        return buffer_add(out, b, 3);
    }
    b[0] = (char)(0xF0 | c >> 18);
    b[1] = (char)(0x80 | (c >> 12 & 0x3F));
    b[2] = (char)(0x80 | (c >> 6 & 0x3F));
    b[3] = (char)(0x80 | (c & 0x3F));
    return buffer_add(out, b, 4);
}

/* \uXXXX at `at` (after the u), whose digits are c; a lone surrogate becomes U+FFFD. Returns the
 * bytes taken. */
static size_t unescape_unicode(const char *at, const char *end, unsigned c, struct buffer *out,
                               int *status)
{
    unsigned low;
    size_t taken = 4;
    if (c >= 0xD800 && c < 0xDC00 && end - at >= 10 && at[4] == '\\' && at[5] == 'u' &&
        json_hex4(at + 6, end, &low) && low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        taken = 10;
    } else if (c >= 0xD800 && c < 0xE000) {
        c = 0xFFFD;
    }
    *status = add_code_point(out, c);
    return taken;
}

bool json_unescape(struct text raw, struct buffer *out)
{
    const char *at = raw.at, *end = raw.length ? at + raw.length : at; /* NULL has no end */
    int status = 0;
    while (at < end && status == 0) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *stop = escape ? escape : end;
        status = buffer_add(out, at, (size_t)(stop - at));
        at = stop;
        if (!escape || status < 0 || end - at < 2)
            break;
        char c = at[1];
        at += 2;
        unsigned code;
        if (c == 'u' && json_hex4(at, end, &code)) {
            at += unescape_unicode(at, end, code, out, &status);
            continue;
        }
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *found = strchr(from, c);
        status = buffer_add_byte(out, found && c ? to[found - from] : c);
    }
    return status == 0;
}
