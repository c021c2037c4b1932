/* The plans of price books as a list: prices of tokens and the other terms in a few words.
 * `pattern` chooses by name, where it has * and ? as a pattern, else as a part; NULL = all. */
#ifndef FAREBOX_CLI_REPORT_TEXT_PLAN_LIST_H
#define FAREBOX_CLI_REPORT_TEXT_PLAN_LIST_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "sim/cost/book/select.h"

/* Returns how many there are. The other terms stand behind the prices where all of them fit `width`
 * columns, else below. */
size_t plan_list_write_text(const struct plan_selection *s, const char *pattern, int width,
                            struct buffer *out);
void plan_list_write(const struct plan_selection *s, const char *pattern, struct json_writer *w);

#endif
