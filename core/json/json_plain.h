/* Inside a JSON string: bytes that stand for themselves. Private to core/json/.
 *
 *     at = json_skip_plain(at, end);
 *     if (at < end && json_byte_class[(unsigned char)*at] == QUOTE) ...
 */
#ifndef FAREBOX_CORE_JSON_JSON_PLAIN_H
#define FAREBOX_CORE_JSON_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

/* What a byte is inside a string: most are plain, and runs of them are skipped quickly. */
enum json_byte { PLAIN = 0, QUOTE, ESCAPE, CONTROL, HIGH };

__extension__ static const unsigned char json_byte_class[256] = {
    [0 ... 0x1f] = CONTROL, ['"'] = QUOTE, ['\\'] = ESCAPE, [0x80 ... 0xff] = HIGH};

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The first byte from `at` that is not PLAIN, or the end. Eight bytes are looked at together: one
 * of them that is not plain has its top bit set in `odd`, and so may others behind it. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        uint64_t quote = bytes ^ EACH_BYTE('"'), escape = bytes ^ EACH_BYTE('\\');
        uint64_t control = bytes - EACH_BYTE(' ');
        uint64_t odd = (quote - EACH_BYTE(1)) | (escape - EACH_BYTE(1)) | control | bytes;
        odd &= EACH_BYTE(0x80);
        if (odd)
            return at + __builtin_ctzll(odd) / 8;
    }
#endif
    while (at < end && json_byte_class[(unsigned char)*at] == PLAIN)
        at++;
    return at;
}

#endif
