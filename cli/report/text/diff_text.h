/* What changed between two runs, or between two sides of repeats, for a person: tables that fit 80
 * columns, and the verdicts in words.
 *
 *     diff_text_table(&d, names, &out);               // every row
 *     diff_text_verdicts(&d, &out);                   // every figure of the gate
 *     diff_text_judged(&d, &d.judged[0], &words);     // "worse by +28.6 %, at most +31 %, ..."
 */
#ifndef FAREBOX_CLI_REPORT_TEXT_DIFF_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_DIFF_TEXT_H

#include "cli/report/text/summary_table.h"
#include "core/runs/compare/run_diff.h"

/* The rows, under the names of the two sides (of at most 8 columns), and what the marks mean. */
void diff_text_table(const struct run_diff *d, const char *const names[2], struct buffer *out);

/* The figures that are judged: those against what was before, then those against limits. */
void diff_text_verdicts(const struct run_diff *d, struct buffer *out);

/* Why the figure has its verdict, in one line without an end. */
void diff_text_judged(const struct run_diff *d, const struct diff_judged *j, struct buffer *out);

/* "+12 %", "+0.5 pt", "×40": a change of a figure of that kind. */
void diff_format_change(double what, double value, char out[CELL_SIZE]);

#endif
