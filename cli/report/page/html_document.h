/* Sections of a page for results that are no run: what a command wrote into its directory as JSON,
 * said in words, drawn and set in tables.
 *
 *     struct html_document d = {.kind = HTML_SWEEP, .name = "sweep", .json = text_of(json),
 *                               .plots = "results/sweep/plots"};
 *     html_document(&d, &plot_number, &page);
 *
 * Figures are the document's own; what it does not hold is left out. All text is escaped.
 */
#ifndef FAREBOX_CLI_REPORT_PAGE_HTML_DOCUMENT_H
#define FAREBOX_CLI_REPORT_PAGE_HTML_DOCUMENT_H

#include "cli/report/plot/pictures.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

enum html_kind {
    HTML_SWEEP,
    HTML_FIND_MAX,
    HTML_CAPACITY,
    HTML_FORECAST,
    HTML_BILL,
    HTML_DECIDE,
    HTML_STORY,
    HTML_KINDS
};

struct html_document {
    enum html_kind kind;
    const char *name;  /* of the directory */
    struct text json;  /* the document */
    const char *plots; /* folder of .svg files; NULL */
    bool draws;        /* also what the command drew no plot of */
};

/* The file that makes a directory one of this kind: "sweep.json". */
const char *html_document_file(enum html_kind kind);

void html_document(const struct html_document *d, size_t *plot_number, struct buffer *out);

/* Writes the document's plots (DIR/plots) and its page (DIR/index.html), as a report makes it anew.
 * Where there is no plot, `no_plot` says why and d->draws is false. The document's own file is the
 * caller's to write, last: what has it is whole. The page is called as the directory is. */
typedef int html_draw_plots(struct text json, const char *name, const char *directory,
                            struct error *err);
int html_document_write(struct html_document *d, const char *directory, const char *heading,
                        html_draw_plots *draw, struct error *no_plot, struct error *err);

/* For the kinds. */
/* What `draw` draws of the document, where that may be drawn and there is something to draw. */
void html_add_picture(const struct html_document *d, picture_of_json *draw, const char *caption,
                      size_t *plot_number, struct buffer *out);

void html_loads(const struct html_document *d, size_t *plot_number, struct buffer *out);
void html_capacity(const struct html_document *d, size_t *plot_number, struct buffer *out);
void html_forecast(const struct html_document *d, size_t *plot_number, struct buffer *out);
void html_bill_document(const struct html_document *d, size_t *plot_number, struct buffer *out);
void html_decide(const struct html_document *d, size_t *plot_number, struct buffer *out);
void html_story(const struct html_document *d, size_t *plot_number, struct buffer *out);

/* Figures of a JSON object: text, "$1,234.56" (a decimal string, or a statistic in USD), cells;
 * "–" where there is none. */
void html_look_text(struct text object, const char *key, struct buffer *out);
void html_add_item(struct text item, struct buffer *out); /* the text of a list's element */
void html_look_usd(struct text object, const char *key, struct buffer *out);
void html_look_cell(struct text object, const char *key, double unit, struct buffer *out);
void html_look_count_cell(struct text object, const char *key, struct buffer *out);
void html_look_usd_cell(struct text object, const char *key, struct buffer *out);

/* "12.5", as tables have it. */
void html_add_figure(double value, struct buffer *out);
void html_add_dollars(double usd, struct buffer *out);

#endif
