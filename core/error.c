#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fill(struct error *err, int code, const char *format, va_list args)
{
    if (err && err->code == ERR_NONE) {
        err->code = code;
        vsnprintf(err->message, sizeof err->message, format, args);
    }
    return code;
}

int error_set(struct error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return code;
}

int error_at(struct error *err, const char *file, long line, long column, const char *format, ...)
{
    if (err && err->code == ERR_NONE) {
        snprintf(err->file, sizeof err->file, "%s", file ? file : "");
        err->line = line;
        err->column = column;
    }
    va_list args;
    va_start(args, format);
    fill(err, ERR_INPUT, format, args);
    va_end(args);
    return ERR_INPUT;
}

int error_errno(struct error *err, const char *format, ...)
{
    int saved = errno;
    if (!err || err->code != ERR_NONE)
        return ERR_SYSTEM;
    va_list args;
    va_start(args, format);
    fill(err, ERR_SYSTEM, format, args);
    va_end(args);
    err->system = saved;
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(saved));
    return ERR_SYSTEM;
}

void error_format(const struct error *err, char *out, size_t out_size)
{
    if (err->file[0] == '\0')
        snprintf(out, out_size, "%s", err->message);
    else if (err->line <= 0)
        snprintf(out, out_size, "%s: %s", err->file, err->message);
    else if (err->column <= 0)
        snprintf(out, out_size, "%s:%ld: %s", err->file, err->line, err->message);
    else
        snprintf(out, out_size, "%s:%ld:%ld: %s", err->file, err->line, err->column, err->message);
}

int error_exit_status(int code)
{
    switch (code) {
    case ERR_NONE:
        return 0;
    case ERR_INPUT:
        return 2;
    case ERR_INTERRUPTED:
        return 130;
    default:
        return 1;
    }
}
