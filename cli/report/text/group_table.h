/* The figures of each class, model and endpoint, under the main table. */
#ifndef FAREBOX_CLI_REPORT_TEXT_GROUP_TABLE_H
#define FAREBOX_CLI_REPORT_TEXT_GROUP_TABLE_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>

/* One block per dimension that has more than one value, `width` columns wide; nothing where there
 * is none. */
void group_table(const struct summary *s, int width, struct buffer *out);

/* False for turns and labels: of those summary.json alone has the many rows. */
bool group_is_shown(const char *dimension);

#endif
