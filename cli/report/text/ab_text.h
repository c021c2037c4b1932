/* The answer of an A/B in sentences, and its table.
 *
 *     ab_text_conclude(&ab);                          // fills ab.doubts and ab.answer
 *     ab_text_write(&ab, 80, &out);                   // who is who, doubts, answer, table
 */
#ifndef FAREBOX_CLI_REPORT_TEXT_AB_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_AB_TEXT_H

#include "core/runs/compare/ab.h"

/* Of what was compared, or of nothing: then a doubt says so. */
void ab_text_conclude(struct ab *ab);

void ab_text_write(const struct ab *ab, int width, struct buffer *out);

#endif
