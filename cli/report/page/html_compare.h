/* An A/B that was measured in one go: what compare.json says, on a page.
 *
 *     html_compare_answer(json, &words);         // doubts, then the sentences
 *     if (html_compare_picture(json, &picture)) ...
 *     html_compare_tables(json, &tables);
 *
 * Nothing is worked out anew; all text is escaped.
 */
#ifndef FAREBOX_CLI_REPORT_PAGE_HTML_COMPARE_H
#define FAREBOX_CLI_REPORT_PAGE_HTML_COMPARE_H

#include "cli/report/plot/pictures.h"
#include "core/buffer.h"
#include "core/text.h"

void html_compare_answer(struct text json, struct buffer *out);
void html_compare_tables(struct text json, struct buffer *out);

/* How much each of the headline figures changed from A to B, with its interval; those that are a
 * ratio. False: there are none. */
bool html_compare_picture(struct text json, struct picture *p);

#endif
