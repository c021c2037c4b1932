/* index.html of a bill that has a directory of its own: what was paid, what the plans would have
 * charged, and why, as one self-contained page.
 *
 *     struct html_bill h = {&bill, "out/plots"};
 *     html_bill_page(&h, &several, &page);
 *
 * Its figures and words are those of the screen. Everything that came from a file is escaped.
 */
#ifndef FAREBOX_CLI_REPORT_PAGE_HTML_BILL_H
#define FAREBOX_CLI_REPORT_PAGE_HTML_BILL_H

#include "sim/cost/several/several.h"

struct html_bill {
    const struct bill *bill;
    const char *plots; /* folder of .svg files; NULL */
};

/* Appends the page of all->count bills, which are those of `all`. */
void html_bill_page(const struct html_bill *bills, const struct several *all, struct buffer *out);

#endif
