/* The page of a report: a section for each of its arguments, or for several runs together.
 *
 *     status = report_page_write(terminal, &sections, subjects, true, "page.html", err);
 */
#ifndef FAREBOX_CLI_COMMANDS_REPORT_REPORT_PAGE_H
#define FAREBOX_CLI_COMMANDS_REPORT_REPORT_PAGE_H

#include "cli/commands/report/report_sections.h"
#include "cli/commands/report/report_subject.h"

/* `subjects` are s->runs, read. NULL as output: report.html in the directory of the first. Plots
 * that cannot be drawn are left out, with a warning. */
int report_page_write(const struct terminal *t, const struct report_sections *s,
                      const struct report_subject *subjects, bool plots, const char *output,
                      struct error *err);

#endif
