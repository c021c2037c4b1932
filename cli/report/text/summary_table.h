/* The tables and sentences that a person reads after a run, and cells for other tables. */
#ifndef FAREBOX_CLI_REPORT_TEXT_SUMMARY_TABLE_H
#define FAREBOX_CLI_REPORT_TEXT_SUMMARY_TABLE_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>

/* A number of about three significant digits, thousands separated, "–" for NAN: 48.2, 2,611.
 * Returns `out`. */
#define CELL_SIZE 32 /* not less than TEXT_GROUPED_SIZE */
const char *format_cell(double value, char out[CELL_SIZE]);

/* "57 min", "1.2 s", "3.4 days"; returns `out`. */
const char *format_span(double seconds, char out[CELL_SIZE]);

/* Adds text padded to `width` columns (not bytes), on the left for numbers. */
void add_padded(struct buffer *out, const char *text, int width, bool right);

/* The same of a number as format_cell() has it. */
void add_padded_number(struct buffer *out, double value, int width);

/* The whole block after a run, which begins with a blank line and ends without one: its verdict
 * ("✓ …"), requests, throughput, goodput, tables that fit `width` columns. */
void summary_table(const struct summary *s, const char *title, int width, struct buffer *out);

#endif
