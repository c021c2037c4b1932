/* Tables of text: rows of fields, as RFC 4180 and the programs that do not know it write them.
 * Private to workloads/.
 *
 * Fields are separated by commas, semicolons, tabs or bars, whichever the first line shows most of,
 * or what a first line "sep=;" says (a spreadsheet's own). A field that starts with a quote ends at
 * the next single quote; a doubled quote inside stands for one, and it may hold line ends. An
 * apostrophe that keeps a spreadsheet from running a text is no part of it.
 *
 *     struct csv_row row;
 *     struct text line;
 *     if (csv_header(in, &line, &row, err) <= 0) ...      // finds the separator, too
 *     while ((more = csv_next(in, &line, &row, err)) > 0)
 *         use(row.fields[csv_find(...)]);
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_CSV_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_CSV_H

#include "workloads/trace/trace_input.h"

#define CSV_MAX_FIELDS 256

struct csv_row {
    struct text fields[CSV_MAX_FIELDS]; /* lent from the line, without their outer quotes */
    size_t count;
};

/* The next row and the text that it stands in, lent until the next call. 1, 0 at the end, or an
 * error: a quote that is never closed, text behind a closing quote, more than CSV_MAX_FIELDS. */
int csv_next(struct trace_input *in, struct text *line, struct csv_row *row, struct error *err);

/* The same for a table's first row, behind a line "sep=;" if there is one. */
int csv_header(struct trace_input *in, struct text *line, struct csv_row *row, struct error *err);

/* Splits a line that csv_next() did not give, of the table whose header was read. 0 or ERR_INPUT,
 * also where a quote is not closed on it. */
int csv_split(struct trace_input *in, struct text line, struct csv_row *row, struct error *err);

/* The number of the header's field with this name (blanks around it and case ignored), or -1. */
int csv_find(const struct csv_row *header, const char *name);

/* The header that the input begins with, if it is one row of fields. */
bool csv_probe_header(const struct trace_probe *p, struct csv_row *header);

/* True if the input begins with a header that holds all these names (NULL ends them). */
bool csv_probe(const struct trace_probe *p, const char *const *names);

/* The column (1-based, in bytes) at which a field starts in its line. */
long csv_column(struct text line, struct text field);

/* A token count from 0 to 2^32 - 1, or an error at the field that names what was expected. */
int csv_tokens(struct trace_input *in, struct text line, struct text field, const char *what,
               uint32_t *out, struct error *err);

#endif
