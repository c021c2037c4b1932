/* Splitting a CSV line into its fields. Private to workloads/.
 *
 * Fields are separated by commas; one that starts with a quote ends at the next single quote, and a
 * doubled quote inside stands for one. Quoted line ends are not read: no trace has any, and a
 * file that loses a quote would be swallowed whole.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_CSV_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_CSV_H

#include "workloads/trace/trace_input.h"

#define CSV_MAX_FIELDS 256

struct csv_row {
    struct text fields[CSV_MAX_FIELDS]; /* lent from the line, without their outer quotes */
    size_t count;
};

/* Splits the current line. Returns 0, or ERR_INPUT for a quote that is not closed, text behind a
 * closing quote, or more than CSV_MAX_FIELDS fields. */
int csv_split(struct trace_input *in, struct text line, struct csv_row *row, struct error *err);

/* The number of the header's field with this name (blanks around it and case ignored), or -1. */
int csv_find(const struct csv_row *header, const char *name);

/* True if the first line of the input is a header that holds all these names (NULL ends them). */
bool csv_probe(const struct trace_probe *p, const char *const *names);

/* The column (1-based, in bytes) at which a field starts in its line. */
long csv_column(struct text line, struct text field);

/* A token count from 0 to 2^32 - 1, or an error at the field that names what was expected. */
int csv_tokens(struct trace_input *in, struct text line, struct text field, const char *what,
               uint32_t *out, struct error *err);

#endif
