/* Completion for zsh: a file for its functions' path, which may be sourced as well. */
#include "cli/shell/offer.h"
#include "cli/shell/shell.h"

#include <string.h>

static const char head[] =
    "#compdef farebox\n"
    "# source <(farebox completion zsh), or as _farebox in a folder of $fpath\n"
    "_farebox_list() {\n"
    "  local -a items\n"
    "  case $1 in\n";

static const char offers[] =
    "  esac\n"
    "  compset -P '*,'\n"
    "  if [[ $items[1] == *= ]]; then compadd -S '' -a items; else compadd -a items; fi\n"
    "}\n"
    "_farebox_offer() {\n"
    "  local word\n"
    "  for word; do\n"
    "    case $word in\n"
    "    files) _files ;;\n"
    "    dirs) _files -/ ;;\n"
    "    @*) compadd -- ${word#@} ;;\n"
    "    *) _farebox_list $word ;;\n"
    "    esac\n"
    "  done\n"
    "}\n"
    "_farebox() {\n"
    "  local command=$words[2] taken=1\n"
    "  local -a found\n"
    "  if (( CURRENT == 2 )); then\n"
    "    found=(\n";

static const char end[] = "  esac\n"
                          "}\n"
                          "if [[ $funcstack[1] == _farebox ]]; then _farebox \"$@\"\n"
                          "else compdef _farebox farebox; fi\n";

/* Within single quotes; colons and brackets are the specification's own. */
static void add_quoted(const char *text, const char *escaped, struct buffer *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            buffer_add_text(out, "'\\''");
        else {
            if (strchr(escaped, *text))
                buffer_add_byte(out, '\\');
            buffer_add_byte(out, *text);
        }
    }
}

static void add_described(const char *word, const char *summary, struct buffer *out)
{
    buffer_add_format(out, "      '%s:", word);
    add_quoted(summary, ":\\", out);
    buffer_add_text(out, "'\n");
}

static void add_family(const char *word, const char *summary, struct buffer *out)
{
    size_t length = strlen(word);
    (void)summary;
    if (!offer_is_family(word))
        return;
    buffer_add_format(out, "  %s)\n    if (( CURRENT == 3 )); then\n    found=(\n", word);
    for (size_t i = 0; commands[i]; i++)
        if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ')
            add_described(commands[i]->name + length + 1, commands[i]->summary, out);
    buffer_add_text(out, "    )\n    _describe command found; return; fi\n"
                         "    command+=\" $words[3]\"; taken=2 ;;\n");
}

static void add_action(const char *what, const struct offer *o, struct buffer *out)
{
    buffer_add_byte(out, ':');
    add_quoted(what, ":\\", out);
    buffer_add_text(out, o->count ? ":{_farebox_offer" : ":");
    for (size_t i = 0; i < o->count; i++)
        buffer_add_format(out, " %s", o->words[i]);
    buffer_add_text(out, o->count ? "}" : " ");
}

static void add_option(const struct option_spec *s, const char *name, bool long_one,
                       struct buffer *out)
{
    char hint[120];
    struct offer o;
    offer_of_option(s, &o);
    bool flag = s->type == OPTION_FLAG;
    buffer_add_format(out, "      '%s%s%s[", s->type == OPTION_LIST ? "*" : "", name,
                      flag       ? ""
                      : long_one ? "="
                                 : "+");
    add_quoted(offer_hint(s, hint, sizeof hint), "[]\\:", out);
    buffer_add_byte(out, ']');
    if (!flag)
        add_action(s->unit ? s->unit : "VALUE", &o, out);
    buffer_add_text(out, "' \\\n");
}

static void add_options(const struct option_spec *s, struct buffer *out)
{
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    for (; s && s->name; s++) {
        buffer_clear(&name);
        buffer_add_format(&name, "--%s", s->name);
        add_option(s, name.data, true, out);
        buffer_clear(&name);
        buffer_add_format(&name, "-%c", s->letter);
        if (s->letter)
            add_option(s, name.data, false, out);
    }
    buffer_free(&name);
}

static void add_command(const struct command *c, struct buffer *out)
{
    struct offer o;
    buffer_add_format(out, "  \"%s\")\n    _arguments \\\n", c->name);
    add_options(c->options, out);
    add_options(options_common(), out);
    offer_of_arguments(c, &o);
    buffer_add_text(out, "      '*");
    add_action(*c->usage ? c->usage : "argument", &o, out);
    buffer_add_text(out, "' ;;\n");
}

void shell_zsh(struct buffer *out)
{
    buffer_add_text(out, head);
    for (const struct offer_list *l = offer_lists; l->name; l++) {
        buffer_add_format(out, "  %s) items=(", l->name);
        l->add(out);
        buffer_add_text(out, ") ;;\n");
    }
    buffer_add_text(out, offers);
    offer_first_words(add_described, out);
    buffer_add_text(out, "    )\n    _describe command found; return\n  fi\n  case $command in\n");
    offer_first_words(add_family, out);
    buffer_add_text(out, "  esac\n  shift $taken words; (( CURRENT -= taken ))\n"
                         "  case $command in\n");
    for (size_t i = 0; commands[i]; i++)
        add_command(commands[i], out);
    buffer_add_text(out, end);
}
