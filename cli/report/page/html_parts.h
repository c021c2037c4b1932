/* The fixed parts of report.html. */
#ifndef FAREBOX_CLI_REPORT_PAGE_HTML_PARTS_H
#define FAREBOX_CLI_REPORT_PAGE_HTML_PARTS_H

#include "core/buffer.h"
#include "core/money.h"
#include "core/runs/summary/summary.h"
#include "sim/cost/bill/bill.h"

/* From the doctype to <main>, and from </main> on: with assets/page.css and assets/page.js, which
 * sorts tables and says the values of plots. `heading` is ours, not escaped. */
void html_begin(struct buffer *out, const char *title, const char *heading);
void html_end(struct buffer *out);

/* Around a table: on a narrow screen it scrolls by itself. */
#define HTML_TABLE "<div class=scroll><table class=sort>"
#define HTML_TABLE_END "</tbody></table></div>"

/* Texts are escaped. Cells carry the number to sort by in data-v; NAN is "–". */
void html_add_text(struct buffer *out, const char *text);
void html_add_count(struct buffer *out, uint64_t count);
void html_add_cell(struct buffer *out, double value);
void html_add_count_cell(struct buffer *out, uint64_t count);
void html_add_money(struct buffer *out, money value);
void html_add_money_cell(struct buffer *out, money value, int decimals);
void html_add_usd(struct buffer *out, money value, int decimals); /* "$1,234.56", no cell */

/* html_money.c: the answers about money as items of the list at the top, and the tables. */
void html_answer_plan(const struct bill *b, struct buffer *out);
void html_answer_runs_out(const struct bill *b, struct buffer *out);
void html_answer_savings(const struct bill *b, struct buffer *out);
void html_add_bill(const struct bill *b, struct buffer *out);
void html_add_waste(const struct bill *b, struct buffer *out);

/* html_shares.c: who bears how much of each plan's bill; nothing where it was not asked. */
void html_add_shares(const struct bill *b, struct buffer *out);

/* html_server.c: what the server said of itself; nothing where it was not asked. */
void html_add_server(const struct summary *s, struct buffer *out);

/* html_plots.c: plots of a folder as figures (none where it is NULL): those of the list, which ends
 * with NULL, and all but those, in the order of a report and then what else lies there. Numbers
 * them on from *number: ids are told apart by it. */
void html_add_plots(const char *folder, const char *const *names, size_t *number,
                    struct buffer *out);
void html_add_other_plots(const char *folder, const char *const *names, size_t *number,
                          struct buffer *out);

/* One of them, from its text. */
void html_add_svg(const char *svg, const char *name, const char *caption, size_t *number,
                  struct buffer *out);

/* Appends an SVG with every id and every reference to one prefixed. */
void html_add_prefixed(const char *svg, const char *prefix, struct buffer *out);

#endif
