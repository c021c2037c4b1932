/* Text that may hold anything, made safe to show: what a terminal would obey becomes U+FFFD.
 *
 *     struct printable p = {0};
 *     printable_add(&p, bytes, length, &out);   // again and again, cut anywhere
 *     printable_end(&p, &out);
 *
 * Passed on: line feeds, tabs, and UTF-8 that is no control character (C0, DEL, C1) and does not
 * turn the direction of writing. Each byte that is no UTF-8 becomes one U+FFFD.
 *
 * A name that stands within a line goes through printable_add_line(), which passes no line ends and
 * tabs either.
 */
#ifndef FAREBOX_CORE_PRINTABLE_H
#define FAREBOX_CORE_PRINTABLE_H

#include "core/buffer.h"

#include <stddef.h>

struct printable {
    unsigned char held[4]; /* the beginning of a character */
    size_t count;
};

void printable_add(struct printable *p, const char *bytes, size_t length, struct buffer *out);

/* What was held back is the beginning of nothing. */
void printable_end(struct printable *p, struct buffer *out);

/* All of a text as a part of one line: line ends and tabs become U+FFFD too. */
void printable_add_line(const char *text, struct buffer *out);

#endif
