/* Text in a terminal's columns: lines broken at spaces, cells of a table.
 *
 * A column is what a letter takes: a Chinese sign takes two, an accent that is written by itself
 * none. That is asked of the C library, whose LC_CTYPE main sets to UTF-8; without it every
 * character counts one.
 */
#ifndef FAREBOX_CORE_WRAP_H
#define FAREBOX_CORE_WRAP_H

#include "core/buffer.h"
#include "core/text.h"

/* Sentences in longer lines are hard to read, however wide the terminal is. */
#define WRAP_MOST 100

/* Appends the text with every line broken at spaces to at most `width` columns, and WRAP_MOST;
 * what goes on is indented by `indent`. A word longer than a line stands alone. */
void wrap_text(struct text text, size_t width, size_t indent, struct buffer *out);

/* The same of each line that is longer than `width`; shorter ones stay as they are. What goes on
 * stands under the text behind a line's name ("goodput      1.4 req/s, 100 % ..."), else two
 * columns further in than the line. */
void wrap_lines(struct text text, size_t width, struct buffer *out);

/* Command lines, to be copied: what is too long is broken at spaces, with backslashes. */
void wrap_command(struct text text, size_t width, size_t indent, struct buffer *out);

/* Columns that the text takes. */
size_t wrap_columns(struct text text);

/* The beginning that fits `width` columns. */
struct text wrap_beginning(struct text text, size_t width);

/* Appends the text and the blanks that are missing to `width` columns: behind it, or before it
 * where `right` is set. */
void wrap_padded(const char *text, size_t width, bool right, struct buffer *out);

#endif
