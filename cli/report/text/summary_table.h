/* The tables and sentences that a person reads after a run, and cells for other tables. */
#ifndef FAREBOX_CLI_REPORT_TEXT_SUMMARY_TABLE_H
#define FAREBOX_CLI_REPORT_TEXT_SUMMARY_TABLE_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>
#include <stdint.h>

/* A number of about `digits` significant digits, thousands separated, "–" for NAN: 48.2, 2,611. */
#define CELL_SIZE 32 /* not less than TEXT_GROUPED_SIZE */
void format_cell(double value, char out[CELL_SIZE]);

/* "57 min", "1.2 s", "3.4 days" */
void format_span(double seconds, char out[CELL_SIZE]);

/* Adds text padded to `width` columns (not bytes), on the left for numbers. */
void add_padded(struct buffer *out, const char *text, int width, bool right);

/* Columns that a UTF-8 text takes (combining marks are not used here). */
int text_columns(const char *text);

/* The whole block after a run: its verdict ("✓ …"), requests, throughput, goodput, latency table.
 */
void summary_table(const struct summary *s, const char *title, struct buffer *out);

#endif
