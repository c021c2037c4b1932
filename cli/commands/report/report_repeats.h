/* What repeats of a run come to: means over the runs, with 95 % t intervals. The repeat is what
 * chance draws, so requests of one run are not counted as if each were a measurement of its own. */
#ifndef FAREBOX_CLI_COMMANDS_REPORT_REPORT_REPEATS_H
#define FAREBOX_CLI_COMMANDS_REPORT_REPORT_REPEATS_H

#include "cli/commands/report/report_sections.h"
#include "cli/commands/report/report_subject.h"

/* Of runs that were named one by one, in words: which had its first tokens the soonest, and which
 * the latest; as HTML. */
void report_runs_answer(const struct report_section *s, const struct report_subject *subjects,
                        struct buffer *out);

/* Both as HTML: the answer in words, and a table of every figure by group. */
void report_repeats_answer(const struct report_section *s, const struct report_run *runs,
                           const struct report_subject *subjects, struct buffer *out);
void report_repeats_table(const struct report_section *s, const struct report_run *runs,
                          const struct report_subject *subjects, struct buffer *out);

#endif
