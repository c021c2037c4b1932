/* What the server said of itself, in words: under the figures of a run, and on its page. */
#ifndef FAREBOX_CLI_REPORT_TEXT_SERVER_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_SERVER_TEXT_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

/* Lines for the terminal; nothing where no server was asked. */
void server_text(const struct summary *s, struct buffer *out);

#endif
