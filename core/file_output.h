/* A file being written, so that nobody sees a half-written one and nothing is lost by mistake.
 *
 *     if (file_output_check(path, o->force, err) < 0) return err->code;   // before the work
 *     struct file_output f;
 *     if (file_output_open(&f, path, err) < 0) return err->code;
 *     int status = file_write_all(f.fd, bytes, length, f.name, err);
 *     return file_output_close(&f, status, err);
 *
 * A regular file is written beside its place and put there when it is whole: what stood there is
 * replaced then and not before. "-" is standard output; it and whatever is no regular file (a
 * device, a fifo) are written through.
 */
#ifndef FAREBOX_CORE_FILE_OUTPUT_H
#define FAREBOX_CORE_FILE_OUTPUT_H

#include "core/error.h"

#include <stdbool.h>

/* Behind the target's name, before six letters: a file that was being written. */
#define FILE_OUTPUT_TEMPORARY ".farebox-"

struct file_output {
    const char *name; /* for messages; lent by the caller of open */
    char *target;     /* where the whole file goes: links are followed */
    char *temporary;  /* NULL where the bytes are written through */
    int fd;
};

/* ERR_INPUT where `path` is a directory, or a regular file and `force` is not given. */
int file_output_check(const char *path, bool force, struct error *err);

/* 0 or ERR_SYSTEM; after an error there is nothing to close. */
int file_output_open(struct file_output *f, const char *path, struct error *err);

/* Puts the file in place where `status` is 0, else removes what was written. Returns `status`, or
 * ERR_SYSTEM. */
int file_output_close(struct file_output *f, int status, struct error *err);

/* What people call it: the path, or "standard output". */
const char *file_output_name(const char *path);

/* Both are there and are one regular file. */
bool file_output_same(const char *one, const char *other);

#endif
