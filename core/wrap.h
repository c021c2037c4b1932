/* Prose for a terminal: lines broken at spaces. */
#ifndef FAREBOX_CORE_WRAP_H
#define FAREBOX_CORE_WRAP_H

#include "core/buffer.h"
#include "core/text.h"

/* Appends the text with every line broken at spaces to at most `width` columns (characters, not
 * bytes); what goes on is indented by `indent`. A word longer than a line stands alone. */
void wrap_text(struct text text, size_t width, size_t indent, struct buffer *out);

/* Columns that the text takes: characters, not bytes. */
size_t wrap_columns(struct text text);

/* Appends the text and the blanks that are missing to `width` columns: behind it, or before it
 * where `right` is set. */
void wrap_padded(const char *text, size_t width, bool right, struct buffer *out);

#endif
