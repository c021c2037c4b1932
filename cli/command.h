/* A command: its words, its options, and the function that runs it.
 *
 * Each command is one file, cli/cmd_*.c, that defines a `const struct command command_NAME`; the
 * list of all stands in cli/commands.c.
 */
#ifndef FAREBOX_CLI_COMMAND_H
#define FAREBOX_CLI_COMMAND_H

#include "cli/options.h"
#include "core/error.h"

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

/* Columns of standard output, 60 to 100. */
int terminal_width(void);

/* Empties the line that progress redraws, where there is one. */
void terminal_clear_line(const struct terminal *t);

struct command {
    const char *name;    /* "bench", "workload gen" */
    const char *summary; /* one line for the list of commands */
    const char *usage;   /* what follows the name: "(TRACE | RUN) --plans FILE" */
    const char *about;   /* a few lines for its own help */
    const char *examples;
    const char *prints; /* "a script for a shell": what is no JSON and has none; else NULL */
    const struct option_spec *options;
    size_t options_size; /* of the struct that the table fills */
    /* Returns 0 or an error code; the message in `err` is printed by main. */
    int (*run)(const struct terminal *t, const void *options, struct error *err);
};

/* All commands, ended by NULL, in the order of the help. */
extern const struct command *const commands[];

/* Runs a command with these words, as if they had been typed after "farebox"; the words are shown
 * first. Its output goes to t, --quiet and --json of the words change nothing there. */
int command_invoke(const struct terminal *t, const char *const *words, size_t count,
                   struct error *err);

/* The command that the words name and how many of them do; NULL for none. */
const struct command *command_find(int count, char **words, int *used);

/* "farebox: " and the text on t->notes, where there is one. */
void say(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As say, marked as a warning: what happened and which option helps. */
void warn(const struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For commands that take exactly `count` arguments (`what` names them for the message). */
int command_arguments(const struct common_options *common, size_t count, const char *what,
                      struct error *err);

/* Writes the buffer to a stream and empties it. */
void print_buffer(FILE *to, struct buffer *b);

#endif
