/* The directory that decide and its story write with -o. */
#ifndef FAREBOX_CLI_COMMANDS_DECIDE_OUTPUT_H
#define FAREBOX_CLI_COMMANDS_DECIDE_OUTPUT_H

#include "cli/output.h"
#include "cli/report/page/html_document.h"
#include "cli/terminal.h"

/* Plots, page and then out's document, by which the directory is known as whole; out's text says
 * what was written. Without a plot, a warning says why. */
int decide_output_write(struct output *out, const char *directory, enum html_kind kind,
                        const char *heading, html_draw_plots *draw, const struct terminal *t,
                        struct error *err);

#endif
