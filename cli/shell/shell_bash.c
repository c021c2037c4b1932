/* Completion for bash. */
#include "cli/shell/offer.h"
#include "cli/shell/shell.h"

#include <string.h>

static const char lists_head[] = "_farebox_list() {\n  case $1 in\n";
static const char lists_end[] = "  esac\n}\n";

/* What "=" and "," set apart belongs together; bash takes "=" for a word of its own. */
static const char head[] =
    "_farebox() {\n"
    "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "  local first=${COMP_WORDS[1]} second= options= offer= before= word\n"
    "  COMPREPLY=()\n"
    "  if [ \"$current\" = \"=\" ]; then current=\n"
    "  elif [ \"$previous\" = \"=\" ]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi\n";

static const char end[] =
    "  case $current in\n"
    "  -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")); return ;;\n"
    "  *,*) before=${current%,*}, ;;\n"
    "  esac\n"
    "  for word in $offer; do\n"
    "    case $word in\n"
    "    files) COMPREPLY+=($(compgen -f -- \"$current\")) ;;\n"
    "    dirs) COMPREPLY+=($(compgen -d -- \"$current\")) ;;\n"
    "    @*) COMPREPLY+=($(compgen -W \"${word#@}\" -- \"$current\")) ;;\n"
    "    *) COMPREPLY+=($(compgen -P \"$before\" -W \"$(_farebox_list \"$word\")\" -- "
    "\"${current##*,}\")) ;;\n"
    "    esac\n"
    "  done\n"
    "  case $offer in\n"
    "  files|dirs|\"files dirs\"|\"dirs files\") ;;\n"
    "  *) compopt +o filenames 2>/dev/null ;;\n"
    "  esac\n"
    "  case ${COMPREPLY[0]} in *=) compopt -o nospace 2>/dev/null ;; esac\n"
    "}\n"
    "complete -o filenames -F _farebox farebox\n";

static void add_word(const char *word, const char *summary, struct buffer *out)
{
    (void)summary;
    buffer_add_format(out, "%s ", word);
}

/* Further words of the commands whose first word is a family's. */
static void add_family(const char *word, const char *summary, struct buffer *out)
{
    size_t length = strlen(word);
    (void)summary;
    if (!offer_is_family(word))
        return;
    buffer_add_format(out, "  %s) second=\"", word);
    for (size_t i = 0; commands[i]; i++)
        if (strncmp(commands[i]->name, word, length) == 0 && commands[i]->name[length] == ' ')
            buffer_add_format(out, "%s ", commands[i]->name + length + 1);
    buffer_add_text(out, "\" ;;\n");
}

static void add_names(const struct option_spec *s, struct buffer *out)
{
    for (; s && s->name; s++)
        buffer_add_format(out, "--%s ", s->name);
}

static void add_offer(const struct offer *o, struct buffer *out)
{
    buffer_add_text(out, "offer=\"");
    for (size_t i = 0; i < o->count; i++)
        buffer_add_format(out, "%s%s", i ? " " : "", o->words[i]);
    buffer_add_text(out, "\" ;;\n");
}

static void add_values(const struct option_spec *s, struct buffer *out)
{
    struct offer o;
    for (; s && s->name; s++) {
        if (s->type == OPTION_FLAG)
            continue;
        if (s->letter)
            buffer_add_format(out, "    -%c|", s->letter);
        else
            buffer_add_text(out, "    ");
        buffer_add_format(out, "--%s) ", s->name);
        offer_of_option(s, &o);
        add_offer(&o, out);
    }
}

static void add_command(const struct command *c, struct buffer *out)
{
    struct offer o;
    buffer_add_format(out, "  \"%s\")\n    options=\"", c->name);
    add_names(c->options, out);
    add_names(options_common(), out);
    buffer_add_text(out, "\"\n    case $previous in\n");
    add_values(c->options, out);
    add_values(options_common(), out);
    buffer_add_text(out, "    *) ");
    offer_of_arguments(c, &o);
    add_offer(&o, out);
    buffer_add_text(out, "    esac ;;\n");
}

void shell_bash(struct buffer *out)
{
    buffer_add_text(out, lists_head);
    for (const struct offer_list *l = offer_lists; l->name; l++) {
        buffer_add_format(out, "  %s) echo \"", l->name);
        l->add(out);
        buffer_add_text(out, "\" ;;\n");
    }
    buffer_add_text(out, lists_end);
    buffer_add_text(out, head);
    buffer_add_text(out, "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W \"");
    offer_first_words(add_word, out);
    buffer_add_text(out, "--help --version\" -- \"$current\")); return\n  fi\n"
                         "  case $first in\n");
    offer_first_words(add_family, out);
    buffer_add_text(out, "  esac\n"
                         "  if [ -n \"$second\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
                         "    COMPREPLY=($(compgen -W \"$second\" -- \"$current\")); return\n  fi\n"
                         "  case \"$first${second:+ ${COMP_WORDS[2]}}\" in\n");
    for (size_t i = 0; commands[i]; i++)
        add_command(commands[i], out);
    buffer_add_text(out, "  esac\n");
    buffer_add_text(out, end);
}
