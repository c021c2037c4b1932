/* What the start of an answer is made of, from the summary's breakdown: the connection's set-up,
 * the first byte, the first token of each kind. */
#ifndef FAREBOX_CLI_REPORT_TEXT_START_PARTS_H
#define FAREBOX_CLI_REPORT_TEXT_START_PARTS_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>

/* "DNS", "first reasoning token"; a SET_UP_... */
const char *start_part_title(int part);

/* True for a part that was measured and says something: a set-up or a wait between byte and token
 * of at least a twentieth of the median time to the first token; kinds of token where some are not
 * text. */
bool start_part_tells(const struct summary *s, int part);

/* The parts that tell something as a table for the terminal; nothing where there is none. */
void start_parts_table(const struct summary *s, struct buffer *out);

#endif
