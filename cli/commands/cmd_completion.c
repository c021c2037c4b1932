/* farebox completion: shell completion, made from the option tables. */
#include "cli/command.h"

#include <string.h>

static void add_options(struct buffer *out, const struct option_spec *s)
{
    for (; s && s->name; s++)
        buffer_add_format(out, " --%s", s->name);
}

/* First words of all commands, each once. */
static void add_first_words(struct buffer *out)
{
    const char *last = "";
    for (size_t i = 0; commands[i]; i++) {
        size_t length = strcspn(commands[i]->name, " ");
        if (strncmp(last, commands[i]->name, length) == 0 && strcspn(last, " ") == length)
            continue;
        last = commands[i]->name;
        buffer_add_format(out, " %.*s", (int)length, last);
    }
}

static void add_bash(struct buffer *out)
{
    buffer_add_text(out,
                    "_farebox() {\n"
                    "  local current=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]} second=\n"
                    "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                    "    COMPREPLY=($(compgen -W \"");
    add_first_words(out);
    buffer_add_text(out, "\" -- \"$current\")); return\n  fi\n");
    for (size_t i = 0; commands[i]; i++) {
        const char *space = strchr(commands[i]->name, ' ');
        if (space)
            buffer_add_format(out, "  [ \"$first\" = \"%.*s\" ] && second=\"$second %s\"\n",
                              (int)(space - commands[i]->name), commands[i]->name, space + 1);
    }
    buffer_add_text(out, "  if [ -n \"$second\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
                         "    COMPREPLY=($(compgen -W \"$second\" -- \"$current\")); return\n  fi\n"
                         "  local options=\n"
                         "  case \"$first${second:+ ${COMP_WORDS[2]}}\" in\n");
    for (size_t i = 0; commands[i]; i++) {
        buffer_add_format(out, "  \"%s\") options=\"", commands[i]->name);
        add_options(out, commands[i]->options);
        add_options(out, options_common());
        buffer_add_text(out, "\" ;;\n");
    }
    buffer_add_text(out, "  esac\n"
                         "  case \"$current\" in\n"
                         "  -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
                         "  *) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
                         "  esac\n}\ncomplete -o filenames -F _farebox farebox\n");
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct common_options *common = parsed;
    struct buffer out;
    if (command_arguments(common, 1, "the shell's name: bash or zsh", err) < 0)
        return ERR_INPUT;
    bool zsh = strcmp(common->arguments[0], "zsh") == 0;
    if (!zsh && strcmp(common->arguments[0], "bash") != 0)
        return error_set(err, ERR_INPUT, "no completion for \"%s\": expected bash or zsh",
                         common->arguments[0]);
    buffer_init(&out, BUFFER_UNBOUNDED);
    if (zsh)
        buffer_add_text(&out, "autoload -U +X bashcompinit && bashcompinit\n");
    add_bash(&out);
    print_buffer(t->machine, &out);
    buffer_free(&out);
    return 0;
}

static const struct option_spec no_options[] = {{0}};

const struct command command_completion = {
    .name = "completion",
    .summary = "print shell completion",
    .usage = "bash | zsh",
    .about = "Prints a completion script for the shell, made from the option tables.",
    .examples = "  source <(farebox completion bash)\n",
    .prints = "a script for a shell",
    .options = no_options,
    .options_size = sizeof(struct common_options),
    .run = run,
};
