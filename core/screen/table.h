/* A table that fits the terminal.
 *
 * Columns are as wide as what stands in them. Where a table is wider than the terminal, heads of
 * several words are stacked, then long names get lines of their own, then the gaps between columns
 * shrink, and at last the columns that matter least are left out, which a line below says.
 *
 *     static const struct table_column columns[] = {
 *         {.head = "engine", .left = true}, {.head = "TTFT p50"}, {.head = "in flight", .rank = 1},
 *     };
 *     struct table *t = table_create(columns, 3);
 *     table_cell(t, "rtx4090");                   // row by row, from the left
 *     table_cell(t, "48.2");
 *     table_cell(t, "3.1");
 *     table_note(t, "<- knee");                   // behind the row that was begun last
 *     table_end(t, width, &out);                  // writes and frees it
 */
#ifndef FAREBOX_CORE_SCREEN_TABLE_H
#define FAREBOX_CORE_SCREEN_TABLE_H

#include "core/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS 24 /* at most */

struct table_column {
    const char *head; /* lent until table_end() */
    bool left;        /* words; else a number, which ends where the others do */
    bool optional;    /* not there, without a word, where all its cells are "" or "0" */
    int rank;         /* 0 = stays; of the others the highest is left out first */
    int least;        /* columns at least, so that tables under each other agree; 0 = none */
    int indent;       /* of the first column: blanks before it */
};

struct table;

/* `count` is at most TABLE_COLUMNS. */
struct table *table_create(const struct table_column *columns, size_t count);

/* The next cell of the row, or the first of the next one; the text is copied, and what would break
 * the line or turn it becomes U+FFFD. */
void table_cell(struct table *t, const char *text);

/* A remark behind the row that the last cell is in; "" is none. */
void table_note(struct table *t, const char *text);

/* Appends the head and the rows, at most `width` columns wide where that can be, and frees t. */
void table_end(struct table *t, int width, struct buffer *out);

#endif
