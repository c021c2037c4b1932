/* The fixed parts of report.html. */
#ifndef FAREBOX_CLI_REPORT_HTML_PARTS_H
#define FAREBOX_CLI_REPORT_HTML_PARTS_H

#include "core/buffer.h"

extern const char html_head[]; /* up to <title> */
extern const char html_foot[]; /* from </main> on, with the script that sorts tables */

/* Appends an SVG with every id and every reference to one prefixed. */
void html_add_prefixed(const char *svg, const char *prefix, struct buffer *out);

#endif
