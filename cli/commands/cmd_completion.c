/* farebox completion: shell completion, made from the option tables. */
#include "cli/command.h"
#include "cli/shell/shell.h"
#include "core/memory.h"

#include <string.h>

static const struct {
    const char *name;
    void (*write)(struct buffer *out);
} shells[] = {{"bash", shell_bash}, {"zsh", shell_zsh}, {"fish", shell_fish}};

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct common_options *common = parsed;
    struct buffer out;
    size_t i = 0;
    if (command_arguments(common, 1, "the shell's name: bash, zsh or fish", err) < 0)
        return ERR_INPUT;
    while (i < COUNT_OF(shells) && strcmp(common->arguments[0], shells[i].name) != 0)
        i++;
    if (i == COUNT_OF(shells))
        return error_set(err, ERR_INPUT, "no completion for \"%.40s\": expected bash, zsh or fish",
                         common->arguments[0]);
    buffer_init(&out, BUFFER_UNBOUNDED);
    shells[i].write(&out);
    print_buffer(t->machine, &out);
    buffer_free(&out);
    return 0;
}

static const struct option_spec no_options[] = {{0}};

const struct command command_completion = {
    .name = "completion",
    .summary = "print shell completion",
    .usage = "bash | zsh | fish",
    .about = "Prints a completion script for the shell, made from the option tables: commands,\n"
             "options, and values where the program knows them, such as scenarios, engines, plans\n"
             "and the metrics of --slo.",
    .examples = "  source <(farebox completion bash)\n"
                "  farebox completion zsh > ~/.zfunc/_farebox\n"
                "  farebox completion fish > ~/.config/fish/completions/farebox.fish\n",
    .prints = "a script for a shell",
    .options = no_options,
    .options_size = sizeof(struct common_options),
    .run = run,
};
