/* report.html: one self-contained page that leads with the answers in words.
 *
 *     struct html_run run = {.name = "azure-conv", .summary = &s, .bill = &bill,
 *                            .plots = "results/azure-conv/plots"};
 *     struct html_several all = {.runs = &run, .count = 1};
 *     size_t plot_number = 0;
 *     html_begin(&page, "azure-conv", "farebox report");
 *     html_add_runs(&all, &plot_number, &page);
 *     html_end(&page);
 *
 * No network access: style, script and plots stand in the page. Everything that came from a server
 * or a file is escaped. Of several runs the page shows what tells them apart: their curves over
 * each other and a table; each by itself stands below, closed.
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
    const char *started;     /* when, for people; NULL */
    const struct html_error *errors;
    size_t error_count;
    bool recomputed; /* the summary is not the run's own */
};

/* A plot that several runs share. */
struct html_plot {
    const char *name, *caption;
    const char *svg; /* its text */
};

struct html_several {
    const struct html_run *runs;
    size_t count;
    const char *title;  /* NULL */
    const char *answer; /* HTML, below the title; NULL */
    const char *tables; /* HTML, below the plots; NULL */
    const struct html_plot *plots;
    size_t plot_count;
};

/* Appends a section of a page. *plot_number as html_document(). */
void html_add_runs(const struct html_several *all, size_t *plot_number, struct buffer *out);

/* Appends text with <, >, &, " and ' escaped; bytes that are not UTF-8 become U+FFFD. */
void html_escape(struct buffer *out, struct text text);

#endif
