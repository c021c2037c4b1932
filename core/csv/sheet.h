/* A table for a spreadsheet: CSV (RFC 4180) in UTF-8, whose columns are named once.
 *
 *     struct sheet s;
 *     sheet_init(&s, &buffer);
 *     for (size_t i = 0; i <= count; i++) {        // the first row is the titles
 *         const struct item *item = &items[i ? i - 1 : 0];
 *         sheet_put_text(&s, "plan", item->name);
 *         sheet_put_money(&s, "total_usd", item->total);
 *         sheet_end_row(&s);
 *     }
 *     sheet_end(&s);
 *
 * In the first row every call writes its title, later its value. Text that a spreadsheet would take
 * for a formula gets an apostrophe before it, which shows it as it is; numbers stay numbers. A file
 * with other characters than ASCII begins with a byte order mark, without which Excel takes it for
 * another encoding. What is not UTF-8 becomes U+FFFD.
 */
#ifndef FAREBOX_CORE_CSV_SHEET_H
#define FAREBOX_CORE_CSV_SHEET_H

#include "core/buffer.h"
#include "core/money.h"

#include <stdbool.h>
#include <stdint.h>

struct sheet {
    struct buffer *out;
    size_t begin;       /* of the table in `out` */
    size_t row, column; /* that is written next */
};

/* Appends to `out`, which is borrowed. */
void sheet_init(struct sheet *s, struct buffer *out);

/* A cell; NULL, NAN and `known` false are an empty one. Titles are made safe as texts are. */
void sheet_put_text(struct sheet *s, const char *title, const char *text);
void sheet_put_u64(struct sheet *s, const char *title, uint64_t value);
void sheet_put_known_u64(struct sheet *s, const char *title, bool known, uint64_t value);
void sheet_put_number(struct sheet *s, const char *title, double value); /* 6 significant digits */
void sheet_put_seconds(struct sheet *s, const char *title, int64_t ns);  /* microseconds */

/* Exact, in USD, without thousands set apart. */
void sheet_put_money(struct sheet *s, const char *title, money value);
void sheet_put_known_money(struct sheet *s, const char *title, bool known, money value);

void sheet_end_row(struct sheet *s);

/* True while the titles are written: values may be anything then. */
bool sheet_in_titles(const struct sheet *s);

/* Sets the mark before the table where it needs one. */
void sheet_end(struct sheet *s);

#endif
