/* What commands share: being found, being run by another one, their arguments. */
#include "cli/command.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* How many words of the command line name this command; 0 = another one. */
static int words_named(const struct command *c, int argc, char **argv)
{
    const char *rest = c->name;
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]);
        if (strncmp(rest, argv[i], length) != 0)
            return 0;
        if (rest[length] == '\0')
            return i + 1;
        if (rest[length] != ' ')
            return 0;
        rest += length + 1;
    }
    return 0;
}

const struct command *command_find(int count, char **words, int *used)
{
    for (size_t i = 0; commands[i]; i++) {
        *used = words_named(commands[i], count, words);
        if (*used > 0)
            return commands[i];
    }
    return NULL;
}

int command_invoke(const struct terminal *t, const char *const *words, size_t count,
                   struct error *err)
{
    char **copies = mem_zero(count + 1, sizeof *copies);
    fprintf(t->human, "> farebox");
    for (size_t i = 0; i < count; i++) {
        copies[i] = mem_copy_string(words[i]);
        fprintf(t->human, " %s", words[i]);
    }
    fputc('\n', t->human);
    fflush(stdout);
    int used, code;
    const struct command *c = command_find((int)count, copies, &used);
    if (!c) {
        code = error_set(err, ERR_INPUT, "no command \"%s\"", words[0]);
    } else {
        struct common_options *parsed = mem_zero(1, c->options_size);
        code = options_parse(c->options, (int)count - used, copies + used, parsed, err);
        if (code == 0)
            code = options_check_outputs(c->options, parsed, err);
        if (code == 0)
            code = c->run(t, parsed, err);
        options_free(parsed);
        free(parsed);
    }
    for (size_t i = 0; i < count; i++)
        free(copies[i]);
    free(copies);
    return code;
}

int command_arguments(const struct common_options *common, size_t count, const char *what,
                      struct error *err)
{
    if (common->argument_count == count)
        return 0;
    if (common->argument_count < count)
        return error_set(err, ERR_INPUT, "expected %s; --help shows how", what);
    return error_set(err, ERR_INPUT, "\"%s\" is too much: expected %s", common->arguments[count],
                     count ? what : "no argument");
}
