/* Errors: what was wrong, where, and what would be right.
 *
 * Functions that can fail return 0 or a negative `enum error_code` and fill the `struct error`
 * that the caller gives; the message is complete in itself and only main() prints it.
 *
 *     struct error err = {0};
 *     if (plan_book_load(path, &book, &err) < 0)
 *         return err.code;                      // pass it up
 *
 * The first error wins: a `struct error` that already holds one is left as it is, so that a
 * clean-up path cannot hide the cause. A NULL `err` is allowed and drops the message.
 */
#ifndef FAREBOX_CORE_ERROR_H
#define FAREBOX_CORE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

enum error_code {
    ERR_NONE = 0,
    ERR_INPUT = -1,       /* the command line or an input file is wrong: exit status 2 */
    ERR_WORK = -2,        /* the work failed, an assertion or budget was missed: exit status 1 */
    ERR_SYSTEM = -3,      /* the operating system refused: exit status 1 */
    ERR_INTERRUPTED = -4, /* ended by SIGINT or SIGTERM: exit status 130 */
};

struct error {
    int code;
    char message[1024];
    char file[256];    /* "" where the error is not about a file */
    long line, column; /* 1-based; 0 = unknown */
    int system;        /* errno, where error_errno() filled it */
};

/* Fills `err` (unless it already holds an error) and returns `code`. */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set with ERR_INPUT, about a place in an input file. `line` and `column` may be 0. */
int error_at(struct error *err, const char *file, long line, long column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* As error_set with ERR_SYSTEM; appends what errno says. */
int error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "file:line:column: message" into `out`, as far as the parts are known; always terminated. */
void error_format(const struct error *err, char *out, size_t out_size);

/* The exit status that belongs to an error code. */
int error_exit_status(int code);

#endif
