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

struct bench_crew; /* cli/bench/bench_crew.h */
struct farm;       /* core/farm/tasks.h */

/* Where a command writes, and how. What goes to people is filtered: no text from a file or a server
 * can steer their terminal. Tables are made to fit `width`; on a terminal, and where COLUMNS says
 * how wide it is, every longer line goes on in the next one. */
struct terminal {
    FILE *human;   /* tables and notes: standard output, or standard error with --json or -o - */
    FILE *machine; /* the JSON result: standard output, unfiltered */
    FILE *notes;   /* progress, warnings: standard error; NULL with --quiet */
    bool live;     /* notes go to a terminal: redraw one line */
    bool color;    /* human goes to a terminal and NO_COLOR is not set */
    int width;     /* columns of human */
    const struct bench_crew *crew; /* other processes that take part; NULL = there are none */
    const struct farm *farm;       /* the same, for tasks; NULL */
};

void terminal_init(struct terminal *t, const struct common_options *common);
void terminal_free(struct terminal *t);

#define TERMINAL_NARROW 80 /* where nobody says how wide */
#define TERMINAL_WIDE 200  /* of --wide: all that tables have */

/* Columns for what goes to this stream: those that COLUMNS names, else the terminal's, else
 * TERMINAL_NARROW; 60 at least. */
int terminal_width(FILE *to);

/* Shows a line that the next one replaces, where notes go to a terminal; else as a line. */
void terminal_show_line(const struct terminal *t, const char *text);

/* The text as a line of its own, for standard error; broken where it is too wide for the terminal,
 * or for what COLUMNS says: else logs have one message a line. */
void terminal_print_message(FILE *to, const char *text);

/* Empties the line that progress redraws, where there is one. */
void terminal_clear_line(const struct terminal *t);

/* "farebox: " and the text on t->notes, where there is one. */
void say(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As say, marked as a warning: what happened and which option helps. */
void warn(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the buffer to a stream and empties it. */
void print_buffer(FILE *to, struct buffer *b);

#endif
