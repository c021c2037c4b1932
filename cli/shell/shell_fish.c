/* Completion for fish. */
#include "cli/shell/offer.h"
#include "cli/shell/shell.h"

#include <string.h>

static const char head[] = "# farebox completion fish | source\n"
                           "function __farebox_is\n"
                           "    set -l words (commandline -opc)\n"
                           "    set -l count (count $argv)\n"
                           "    set -l last (math $count + 1)\n"
                           "    test (count $words) -ge $last\n"
                           "    and test \"$words[2..$last]\" = \"$argv\"\n"
                           "end\n"
                           "function __farebox_at\n" /* the words, and nothing behind them yet */
                           "    set -l words (commandline -opc)\n"
                           "    test \"$words[2..-1]\" = \"$argv\"\n"
                           "end\n"
                           "function __farebox_list\n"
                           "    set -l items\n"
                           "    switch $argv[1]\n";

/* Behind a comma another one may follow. */
static const char list_end[] =
    "    end\n"
    "    set -l before (string match -r -- '^.*,' (commandline -ct)); or set before ''\n"
    "    printf '%s\\n' $before$items\n"
    "end\n"
    "complete -c farebox -f\n"
    "complete -c farebox -n __farebox_at -l help -d 'list the commands'\n"
    "complete -c farebox -n __farebox_at -l version -s V -d 'show the version'\n";

/* Within single quotes. */
static void add_quoted(const char *text, struct buffer *out)
{
    buffer_add_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, *text);
    }
    buffer_add_byte(out, '\'');
}

static void add_first(const char *word, const char *summary, struct buffer *out)
{
    buffer_add_format(out, "complete -c farebox -n __farebox_at -a %s -d ", word);
    add_quoted(summary, out);
    buffer_add_byte(out, '\n');
}

static void add_second(const struct command *c, struct buffer *out)
{
    const char *blank = strchr(c->name, ' ');
    if (!blank)
        return;
    buffer_add_format(out, "complete -c farebox -n '__farebox_at %.*s' -a %s -d ",
                      (int)(blank - c->name), c->name, blank + 1);
    add_quoted(c->summary, out);
    buffer_add_byte(out, '\n');
}

/* " -F -a '(__farebox_list plan) trace day'" */
static void add_offer(const struct offer *o, struct buffer *out)
{
    const char *before = " -a '";
    bool files = offer_has(o, "files") || offer_has(o, "dirs");
    buffer_add_text(out, files ? " -r -F" : " -x");
    for (size_t i = 0; i < o->count; i++) {
        const char *word = o->words[i];
        if (strcmp(word, "files") == 0 || strcmp(word, "dirs") == 0)
            continue;
        if (word[0] == '@')
            buffer_add_format(out, "%s%s", before, word + 1);
        else
            buffer_add_format(out, "%s(__farebox_list %s)", before, word);
        before = " ";
    }
    if (*before == ' ' && before[1] == '\0')
        buffer_add_byte(out, '\'');
}

static void add_options(const struct command *c, const struct option_spec *s, struct buffer *out)
{
    char hint[120];
    struct offer o;
    for (; s && s->name; s++) {
        buffer_add_format(out, "complete -c farebox -n '__farebox_is %s' -l %s", c->name, s->name);
        if (s->letter)
            buffer_add_format(out, " -s %c", s->letter);
        if (s->type != OPTION_FLAG) {
            offer_of_option(s, &o);
            add_offer(&o, out);
        }
        buffer_add_text(out, " -d ");
        add_quoted(offer_hint(s, hint, sizeof hint), out);
        buffer_add_byte(out, '\n');
    }
}

static void add_arguments(const struct command *c, struct buffer *out)
{
    struct offer o;
    offer_of_arguments(c, &o);
    if (o.count == 0)
        return;
    buffer_add_format(out, "complete -c farebox -n '__farebox_is %s'", c->name);
    add_offer(&o, out);
    buffer_add_byte(out, '\n');
}

void shell_fish(struct buffer *out)
{
    buffer_add_text(out, head);
    for (const struct offer_list *l = offer_lists; l->name; l++) {
        buffer_add_format(out, "    case %s\n        set items ", l->name);
        l->add(out);
        buffer_add_byte(out, '\n');
    }
    buffer_add_text(out, list_end);
    offer_first_words(add_first, out);
    for (size_t i = 0; commands[i]; i++)
        add_second(commands[i], out);
    for (size_t i = 0; commands[i]; i++) {
        add_options(commands[i], commands[i]->options, out);
        add_options(commands[i], options_common(), out);
        add_arguments(commands[i], out);
    }
}
