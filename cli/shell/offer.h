/* What a shell offers for a value or an argument, from the words that stand for it in the help:
 * "PLAN|FILE[,...]" is a plan's name or a file, "csv|focus" one of two words, MS is nothing.
 *
 *     struct offer o;
 *     offer_of_option(&spec, &o);
 *     for (size_t i = 0; i < o.count; i++) use(o.words[i]);
 */
#ifndef FAREBOX_CLI_SHELL_OFFER_H
#define FAREBOX_CLI_SHELL_OFFER_H

#include "cli/command.h"

#define OFFER_WORDS 16
#define OFFER_WORD_SIZE 64

struct offer {
    /* "files", "dirs", a list's name, or "@word": a word as it is. */
    char words[OFFER_WORDS][OFFER_WORD_SIZE];
    size_t count;
};

/* A list of names that are known to the program: "plan", whose items stand for PLAN. */
struct offer_list {
    const char *name, *unit;
    void (*add)(struct buffer *out); /* each item with a blank behind it */
};

/* Ended by a name that is NULL. */
extern const struct offer_list offer_lists[];

/* Of a switch, and of a value that could be anything, nothing. */
void offer_of_option(const struct option_spec *s, struct offer *out);

/* Of the arguments that the command's usage names. */
void offer_of_arguments(const struct command *c, struct offer *out);

bool offer_has(const struct offer *o, const char *word);

/* The beginning of an option's help, up to `size` bytes: a shell has one line for it. */
const char *offer_hint(const struct option_spec *s, char *out, size_t size);

/* First words of all commands, each once, with what it is: calls `each` for them. */
void offer_first_words(void (*each)(const char *word, const char *summary, struct buffer *out),
                       struct buffer *out);

/* The commands behind a first word; false where the word is a command by itself. */
bool offer_is_family(const char *first_word);

#endif
