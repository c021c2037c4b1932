/* report.html: one self-contained page that leads with the answers in words.
 *
 *     struct html_run run = {.name = "azure-conv", .summary = &s, .bill = &bill,
 *                            .plots = "results/azure-conv/plots"};
 *     struct buffer page;
 *     html_report(&run, 1, &page);
 *
 * No network access: style, script and plots stand in the page. Everything that came from a server
 * or a file is escaped. Several runs get a table beside each other.
 */
#ifndef FAREBOX_CLI_REPORT_PAGE_HTML_H
#define FAREBOX_CLI_REPORT_PAGE_HTML_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"
#include "core/text.h"
#include "sim/cost/bill/bill.h"

struct html_error {
    const char *what; /* the class */
    const char *message;
    uint64_t count;
};

struct html_run {
    const char *name;
    const struct summary *summary;
    const struct bill *bill; /* NULL */
    const char *plots;       /* folder of .svg files; NULL */
    const char *model;       /* NULL */
    const struct html_error *errors;
    size_t error_count;
    bool recomputed; /* the summary is not the run's own */
};

/* Appends the page; plots that cannot be read are left out. */
void html_report(const struct html_run *runs, size_t count, struct buffer *out);

/* Appends text with <, >, &, " and ' escaped; bytes that are not UTF-8 become U+FFFD. */
void html_escape(struct buffer *out, struct text text);

#endif
