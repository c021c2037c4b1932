#include "core/wrap.h"

#include <wchar.h>

/* Behind a line's name: from this column on, two blanks are no more an indentation under it. */
#define NAME_MOST 24

/* The character at `at`: its bytes, and its columns in *columns. What is no UTF-8 is a byte. */
static size_t character(const char *at, const char *end, size_t *columns)
{
    static const unsigned char first_bits[] = {0x7F, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned char c = (unsigned char)*at;
    size_t bytes = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
    *columns = 1;
    if (c < 0x80)
        return 1;
    if (bytes > (size_t)(end - at))
        bytes = (size_t)(end - at);
    wchar_t code = c & first_bits[bytes];
    for (size_t i = 1; i < bytes; i++)
        code = code << 6 | (at[i] & 0x3F);
    int width = wcwidth(code);
    *columns = width < 0 ? 1 : (size_t)width;
    return bytes;
}

static size_t columns_of(const char *at, const char *end)
{
    size_t columns = 0, each;
    for (; at < end; columns += each)
        at += character(at, end, &each);
    return columns;
}

/* Where the word ends; of a command what stands in quotes is one. */
static const char *end_of_word(const char *at, const char *end, bool command)
{
    char quote = 0;
    for (; at < end && (quote || *at != ' '); at++) {
        if (command && (*at == '\'' || *at == '"') && (!quote || quote == *at))
            quote = quote ? 0 : *at;
    }
    return at;
}

/* One line, without its end. */
static void wrap_line(struct text line, size_t width, size_t indent, bool command,
                      struct buffer *out)
{
    const char *at = line.at, *end = line.length ? at + line.length : at;
    size_t column = 0;
    while (at < end) {
        const char *word = at;
        while (word < end && *word == ' ')
            word++;
        const char *stop = end_of_word(word, end, command);
        size_t spaces = (size_t)(word - at), length = columns_of(word, stop);
        if (column > indent && column + spaces + length > width) {
            buffer_add_format(out, "%s\n%*s", command ? " \\" : "", (int)indent, "");
            column = indent;
            spaces = 0;
        }
        buffer_add_format(out, "%*s", (int)spaces, "");
        buffer_add(out, word, (size_t)(stop - word));
        column += spaces + length;
        at = stop;
    }
}

/* Takes the next line off the text; false at its end. */
static bool next_line(struct text *text, struct text *line, bool *ended)
{
    if (text->length == 0)
        return false;
    const char *end = memchr(text->at, '\n', text->length);
    *ended = end;
    *line = (struct text){text->at, end ? (size_t)(end - text->at) : text->length};
    text->at += line->length + *ended;
    text->length -= line->length + *ended;
    return true;
}

void wrap_text(struct text text, size_t width, size_t indent, struct buffer *out)
{
    struct text line;
    bool ended;
    while (next_line(&text, &line, &ended)) {
        wrap_line(line, width < WRAP_MOST ? width : WRAP_MOST, indent, false, out);
        if (ended)
            buffer_add_byte(out, '\n');
    }
}

/* Where the text behind the line's name begins; without a name, two columns further in. */
static size_t hanging(struct text line, size_t width)
{
    size_t blanks = 0, column;
    while (blanks < line.length && line.at[blanks] == ' ')
        blanks++;
    for (size_t i = blanks; i + 2 < line.length && i < NAME_MOST; i++) {
        if (line.at[i] != ' ' || line.at[i + 1] != ' ')
            continue;
        while (i < line.length && line.at[i] == ' ')
            i++;
        column = columns_of(line.at, line.at + i);
        return column <= NAME_MOST + 4 && i < line.length ? column : blanks + 2;
    }
    return blanks + 2 < width / 2 ? blanks + 2 : 2;
}

void wrap_lines(struct text text, size_t width, struct buffer *out)
{
    struct text line;
    bool ended;
    while (next_line(&text, &line, &ended)) {
        if (wrap_columns(line) <= width)
            buffer_add(out, line.at, line.length);
        else
            wrap_line(line, width, hanging(line, width), false, out);
        if (ended)
            buffer_add_byte(out, '\n');
    }
}

void wrap_command(struct text text, size_t width, size_t indent, struct buffer *out)
{
    struct text line;
    bool ended;
    while (next_line(&text, &line, &ended)) {
        if (wrap_columns(line) <= width)
            buffer_add(out, line.at, line.length);
        else
            wrap_line(line, width - 2, indent, true, out);
        if (ended)
            buffer_add_byte(out, '\n');
    }
}

size_t wrap_columns(struct text text)
{
    return columns_of(text.at, text.length ? text.at + text.length : text.at);
}

struct text wrap_beginning(struct text text, size_t width)
{
    const char *at = text.at, *end = text.length ? at + text.length : at;
    size_t columns = 0, each;
    while (at < end) {
        size_t bytes = character(at, end, &each);
        if (columns + each > width)
            break;
        columns += each;
        at += bytes;
    }
    return (struct text){text.at, (size_t)(at - text.at)};
}

void wrap_padded(const char *text, size_t width, bool right, struct buffer *out)
{
    size_t columns = wrap_columns(text_of(text));
    int blanks = columns < width ? (int)(width - columns) : 0;
    buffer_add_format(out, "%*s%s%*s", right ? blanks : 0, "", text, right ? 0 : blanks, "");
}
