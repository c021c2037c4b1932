/* Comma-separated values as RFC 4180 has them: rows of fields, read and written.
 *
 * A field that starts with a quote ends at the next single one; a doubled quote inside stands for
 * one, and it may hold line ends.
 *
 *     struct csv_reader r;
 *     if (csv_reader_open(&r, path, err) < 0) return err->code;    // "-" = standard input
 *     int more;
 *     while ((more = csv_reader_next(&r, err)) > 0)
 *         use(r.fields, r.count, r.line);
 *     csv_reader_close(&r);
 *
 * Fields are lent until the next call. Blank lines are passed over. An apostrophe that keeps a
 * spreadsheet from running a text is no part of it.
 */
#ifndef FAREBOX_CORE_CSV_CSV_H
#define FAREBOX_CORE_CSV_CSV_H

#include "core/file.h"

#define CSV_MAX_LINE ((size_t)1 << 20)
#define CSV_MAX_COLUMNS 1024

struct csv_reader {
    struct line_reader lines;
    struct buffer row;   /* all of the row as it is written */
    struct buffer bytes; /* its fields without their quotes */
    struct text *fields;
    size_t *places; /* byte of the row at which each field starts */
    size_t count;
    long line; /* on which the row begins */
};

/* 0, or ERR_INPUT as line_reader_open. */
int csv_reader_open(struct csv_reader *r, const char *path, struct error *err);

/* The same of what is open already, with CSV_MAX_LINE: the reader has it from now on. */
void csv_reader_take(struct csv_reader *r, struct line_reader *lines);

/* 1: a row; 0: no more; negative: an error, with line and column (a quote that is never closed,
 * text behind a closing quote, a row beyond CSV_MAX_LINE, more than CSV_MAX_COLUMNS). */
int csv_reader_next(struct csv_reader *r, struct error *err);
void csv_reader_close(struct csv_reader *r);

/* ERR_INPUT at a field of the current row: "expected <wanted>, found "..."". */
int csv_reader_fail(const struct csv_reader *r, size_t field, struct error *err,
                    const char *wanted);

/* The text, quoted where it needs it. */
void csv_add_field(struct buffer *out, struct text text);

/* True for what spreadsheets run: a first character =, +, -, @, a tab or a line end, also behind
 * blanks, which some of them cut; and the wide forms of the signs. */
bool csv_is_formula(struct text text);

/* As csv_add_field for a text of others, such as a name: one that a spreadsheet would run gets an
 * apostrophe before it, and so does one that already looks like that. csv_plain_text() takes it
 * away again, as every reader of ours does. */
void csv_add_text(struct buffer *out, struct text text);
struct text csv_plain_text(struct text field);

#endif
