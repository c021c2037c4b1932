/* UTF-16 to UTF-8, in pieces.
 *
 *     size_t used = utf16_to_utf8(bytes, count, true, &out);   // the rest waits for more bytes
 *
 * A surrogate without its partner becomes U+FFFD.
 */
#ifndef FAREBOX_CORE_UTF16_H
#define FAREBOX_CORE_UTF16_H

#include "core/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the whole characters of the bytes; `big_endian` is the order of a unit's bytes. Returns
 * how many bytes were used (all but an unfinished character), or -1 beyond the buffer's cap. */
long utf16_to_utf8(const char *bytes, size_t count, bool big_endian, struct buffer *out);

#endif
