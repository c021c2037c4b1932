/* The list of commands, and what they share. */
#include "cli/command.h"

#include <stdarg.h>

extern const struct command command_workload_gen;
extern const struct command command_workload_info, command_workload_convert;
extern const struct command command_report, command_diff, command_man, command_completion;

const struct command *const commands[] = {
    &command_workload_gen, &command_workload_info, &command_workload_convert, &command_report,
    &command_diff,         &command_man,           &command_completion,       NULL,
};

static void speak(const struct terminal *t, const char *mark, const char *format, va_list args)
{
    if (!t->notes)
        return;
    fprintf(t->notes, "%sfarebox: %s", t->live ? "\r\x1b[K" : "", mark);
    vfprintf(t->notes, format, args);
    fputc('\n', t->notes);
}

void say(const struct terminal *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    speak(t, "", format, args);
    va_end(args);
}

void warn(const struct terminal *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    speak(t, "warning: ", format, args);
    va_end(args);
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

void print_buffer(FILE *to, struct buffer *b)
{
    if (b->length)
        fwrite(b->data, 1, b->length, to);
    buffer_clear(b);
}
