/* A command: its words, its options, and the function that runs it.
 *
 * Each command is one file, cmd_*.c, that defines a `const struct command command_NAME`; the list
 * of all stands in cli/command_list.c.
 */
#ifndef FAREBOX_CLI_COMMAND_H
#define FAREBOX_CLI_COMMAND_H

#include "cli/options.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/farm/tasks.h"

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
    const struct task_kind *tasks; /* what other processes can do of it (t->farm); NULL = nothing */
};

/* All commands, ended by NULL, in the order of the help. */
extern const struct command *const commands[];

/* Runs a command with these words, as if they had been typed after "farebox"; the words are shown
 * first. Its output goes to t, --quiet and --json of the words change nothing there. */
int command_invoke(const struct terminal *t, const char *const *words, size_t count,
                   struct error *err);

/* The command that the words name and how many of them do; NULL for none. */
const struct command *command_find(int count, char **words, int *used);

/* For commands that take exactly `count` arguments (`what` names them for the message). */
int command_arguments(const struct common_options *common, size_t count, const char *what,
                      struct error *err);

#endif
