/* What commands share: being found, being run by another one, their arguments. */
#include "cli/command.h"

#include "core/memory.h"
#include "core/wrap.h"

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
    struct buffer line, shown;
    buffer_init(&line, BUFFER_UNBOUNDED);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    buffer_add_text(&line, "> farebox");
    for (size_t i = 0; i < count; i++) {
        copies[i] = mem_copy_string(words[i]);
        buffer_add_format(&line, " %s", words[i]);
    }
    buffer_add_byte(&line, '\n');
    wrap_command((struct text){line.data, line.length}, (size_t)t->width, 4, &shown);
    print_buffer(t->human, &shown);
    buffer_free(&line);
    buffer_free(&shown);
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
