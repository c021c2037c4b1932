/* Where a command writes: the streams that people and programs read.
 *
 *     struct terminal t;
 *     terminal_init(&t, &common);
 *     say(&t, "the page is %s", path);
 *     print_buffer(t.human, &table);
 *     terminal_free(&t);
 */
#ifndef FAREBOX_CLI_TERMINAL_H
#define FAREBOX_CLI_TERMINAL_H

#include "cli/options.h"
#include "core/buffer.h"

#include <stdbool.h>
#include <stdio.h>

/* Where a command writes, and how. What goes to people is filtered: no text from a file or a server
 * can steer their terminal. */
struct terminal {
    FILE *human;   /* tables and notes: standard output, or standard error with --json or -o - */
    FILE *machine; /* the JSON result: standard output, unfiltered */
    FILE *notes;   /* progress, warnings: standard error; NULL with --quiet */
    bool live;     /* notes go to a terminal: redraw one line */
    bool color;    /* human goes to a terminal and NO_COLOR is not set */
    int width;     /* columns, 100 where unknown */
};

void terminal_init(struct terminal *t, const struct common_options *common);
void terminal_free(struct terminal *t);

/* Columns of standard output, or where that is no terminal those that COLUMNS names: 60 to 100. */
int terminal_width(void);

/* Empties the line that progress redraws, where there is one. */
void terminal_clear_line(const struct terminal *t);

/* "farebox: " and the text on t->notes, where there is one. */
void say(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As say, marked as a warning: what happened and which option helps. */
void warn(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the buffer to a stream and empties it. */
void print_buffer(FILE *to, struct buffer *b);

#endif
