#include "core/csv/csv.h"

#include "core/memory.h"
#include "core/printable.h"

#include <stdlib.h>
#include <string.h>

void csv_reader_take(struct csv_reader *r, struct line_reader *lines)
{
    *r = (struct csv_reader){.lines = *lines};
    *lines = (struct line_reader){.fd = -1};
    buffer_init(&r->row, CSV_MAX_LINE);
    buffer_init(&r->bytes, CSV_MAX_LINE + 1);
    r->fields = mem_alloc(CSV_MAX_COLUMNS * sizeof *r->fields);
    r->places = mem_alloc(CSV_MAX_COLUMNS * sizeof *r->places);
}

int csv_reader_open(struct csv_reader *r, const char *path, struct error *err)
{
    struct line_reader lines;
    int code = line_reader_open(&lines, path, CSV_MAX_LINE, err);
    if (code == 0)
        csv_reader_take(r, &lines);
    return code;
}

void csv_reader_close(struct csv_reader *r)
{
    line_reader_close(&r->lines);
    buffer_free(&r->row);
    buffer_free(&r->bytes);
    free(r->fields);
    free(r->places);
    *r = (struct csv_reader){0};
}

/* Adds lines until no quote is open: each quote opens or closes, as a doubled one does both. */
static int join_lines(struct csv_reader *r, struct text line, struct error *err)
{
    bool open = false;
    for (;;) {
        if (buffer_add(&r->row, line.at, line.length) < 0 || buffer_add_byte(&r->row, '\n') < 0)
            return error_at(err, r->lines.name, r->line, 1,
                            "the row that begins here is longer than %zu bytes", CSV_MAX_LINE);
        for (size_t i = 0; i < line.length; i++)
            open ^= line.at[i] == '"';
        if (!open)
            return 0;
        int more = line_reader_next(&r->lines, &line, err);
        if (more <= 0)
            return more < 0 ? more
                            : error_at(err, r->lines.name, r->line, 1,
                                       "a quote in this row is not closed in all of the file");
    }
}

/* From behind an opening quote to behind the closing one. */
static size_t take_quoted(struct csv_reader *r, size_t at)
{
    const char *row = r->row.data;
    for (; at < r->row.length; at++) {
        if (row[at] == '"' && row[++at] != '"')
            break;
        buffer_add_byte(&r->bytes, row[at]);
    }
    return at;
}

static size_t take_plain(struct csv_reader *r, size_t at)
{
    const char *row = r->row.data;
    size_t begin = at;
    while (row[at] != ',' && row[at] != '\n')
        at++;
    buffer_add(&r->bytes, row + begin, at - begin);
    return at;
}

static int split(struct csv_reader *r, struct error *err)
{
    buffer_clear(&r->bytes);
    buffer_reserve(&r->bytes, r->row.length + 1);
    for (size_t at = 0, end = r->row.length - 1;; at++) {
        size_t begin = r->bytes.length;
        if (r->count == CSV_MAX_COLUMNS)
            return error_at(err, r->lines.name, r->line, (long)at + 1, "more than %d fields",
                            CSV_MAX_COLUMNS);
        r->places[r->count] = at;
        at = r->row.data[at] == '"' ? take_quoted(r, at + 1) : take_plain(r, at);
        r->fields[r->count++] =
            csv_plain_text((struct text){r->bytes.data + begin, r->bytes.length - begin});
        if (at >= end)
            return 1;
        if (r->row.data[at] != ',')
            return error_at(err, r->lines.name, r->line, (long)at + 1,
                            "expected a comma behind the closing quote");
    }
}

int csv_reader_next(struct csv_reader *r, struct error *err)
{
    struct text line;
    int more;
    r->count = 0;
    do {
        more = line_reader_next(&r->lines, &line, err);
        if (more <= 0)
            return more;
    } while (text_trim(line).length == 0);
    r->line = r->lines.number;
    if (r->line == 1 && text_starts(line, "\xEF\xBB\xBF"))
        line = (struct text){line.at + 3, line.length - 3};
    buffer_clear(&r->row);
    int code = join_lines(r, line, err);
    return code < 0 ? code : split(r, err);
}

int csv_reader_fail(const struct csv_reader *r, size_t field, struct error *err, const char *wanted)
{
    char cut[64];
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    text_cut(r->fields[field], cut, sizeof cut);
    printable_add_line(cut, &shown);
    error_at(err, r->lines.name, r->line, (long)r->places[field] + 1, "expected %s, found \"%.*s\"",
             wanted, (int)shown.length, shown.data ? shown.data : "");
    buffer_free(&shown);
    return ERR_INPUT;
}

void csv_add_field(struct buffer *out, struct text text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.length && !quoted; i++)
        quoted = strchr(",\"\r\n", text.at[i]) != NULL;
    if (!quoted) {
        buffer_add(out, text.at, text.length);
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '"')
            buffer_add_byte(out, '"');
        buffer_add_byte(out, text.at[i]);
    }
    buffer_add_byte(out, '"');
}

bool csv_is_formula(struct text t)
{
    static const char *const wide[] = {"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
    if (t.length > 0 && strchr("\t\r\n", t.at[0]))
        return true;
    for (; t.length > 0 && t.at[0] == ' '; t.at++)
        t.length--;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (text_starts(t, wide[i]))
            return true;
    return t.length > 0 && t.at[0] && strchr("=+-@\t\r\n", t.at[0]);
}

void csv_add_text(struct buffer *out, struct text text)
{
    struct buffer marked;
    bool marked_already = csv_plain_text(text).length < text.length;
    if (!csv_is_formula(text) && !marked_already) {
        csv_add_field(out, text);
        return;
    }
    buffer_init(&marked, BUFFER_UNBOUNDED);
    buffer_add_byte(&marked, '\'');
    buffer_add(&marked, text.at, text.length);
    csv_add_field(out, (struct text){marked.data, marked.length});
    buffer_free(&marked);
}

struct text csv_plain_text(struct text field)
{
    size_t marks = 0;
    while (marks < field.length && field.at[marks] == '\'')
        marks++;
    if (marks == 0 || !csv_is_formula((struct text){field.at + marks, field.length - marks}))
        return field;
    return (struct text){field.at + 1, field.length - 1};
}
