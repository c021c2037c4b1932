#include "core/wrap.h"

static size_t columns_of(const char *at, const char *end)
{
    size_t columns = 0;
    for (; at < end; at++)
        columns += ((unsigned char)*at & 0xC0) != 0x80;
    return columns;
}

void wrap_text(struct text text, size_t width, size_t indent, struct buffer *out)
{
    const char *at = text.at, *end = text.at + text.length;
    size_t column = 0;
    while (at < end) {
        if (*at == '\n') {
            buffer_add_byte(out, '\n');
            column = 0;
            at++;
            continue;
        }
        const char *word = at;
        while (word < end && *word == ' ')
            word++;
        const char *stop = word;
        while (stop < end && *stop != ' ' && *stop != '\n')
            stop++;
        size_t spaces = (size_t)(word - at), length = columns_of(word, stop);
        if (column > indent && column + spaces + length > width) {
            buffer_add_format(out, "\n%*s", (int)indent, "");
            column = indent;
            spaces = 0;
        }
        buffer_add_format(out, "%*s", (int)spaces, "");
        buffer_add(out, word, (size_t)(stop - word));
        column += spaces + length;
        at = stop;
    }
}

size_t wrap_columns(struct text text)
{
    return columns_of(text.at, text.at + text.length);
}

void wrap_padded(const char *text, size_t width, bool right, struct buffer *out)
{
    size_t columns = wrap_columns(text_of(text));
    int blanks = columns < width ? (int)(width - columns) : 0;
    buffer_add_format(out, "%*s%s%*s", right ? blanks : 0, "", text, right ? 0 : blanks, "");
}
