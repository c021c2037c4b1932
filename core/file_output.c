#include "core/file_output.h"

#include "core/buffer.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *file_output_name(const char *path)
{
    return is_standard_output(path) ? "standard output" : path;
}

bool file_output_same(const char *one, const char *other)
{
    struct stat a, b;
    return stat(one, &a) == 0 && stat(other, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int file_output_check(const char *path, bool force, struct error *err)
{
    struct stat about;
    if (is_standard_output(path) || stat(path, &about) < 0)
        return 0;
    if (S_ISDIR(about.st_mode))
        return error_set(err, ERR_INPUT, "%s is a directory; a file was expected", path);
    if (S_ISREG(about.st_mode) && !force)
        return error_set(err, ERR_INPUT, "%s exists; --force replaces it", path);
    return 0;
}

/* A new file beside the target, with the rights that a plain open() would give. */
static int open_beside(struct file_output *f)
{
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_format(&name, "%s" FILE_OUTPUT_TEMPORARY "XXXXXX", f->target);
    f->temporary = buffer_take(&name);
    stop_removes(f->temporary);
    int fd = mkostemp(f->temporary, O_CLOEXEC);
    mode_t mask = umask(0);
    umask(mask);
    if (fd >= 0)
        fchmod(fd, 0666 & ~mask);
    return fd;
}

static void forget(struct file_output *f)
{
    if (f->temporary)
        stop_keeps(f->temporary);
    free(f->target);
    free(f->temporary);
    *f = (struct file_output){.fd = -1};
}

int file_output_open(struct file_output *f, const char *path, struct error *err)
{
    struct stat about;
    bool there = stat(path, &about) == 0;
    *f = (struct file_output){.name = file_output_name(path)};
    if (is_standard_output(path)) {
        f->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    } else if (there && !S_ISREG(about.st_mode)) {
        f->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    } else {
        f->target = there ? mem_given(realpath(path, NULL)) : NULL;
        if (!f->target)
            f->target = mem_copy_string(path);
        f->fd = open_beside(f);
    }
    if (f->fd >= 0)
        return 0;
    int status = error_errno(err, "%s cannot be written", f->name);
    forget(f);
    return status;
}

int file_output_close(struct file_output *f, int status, struct error *err)
{
    if (f->temporary && status == 0 && file_sync(f->fd) < 0)
        status = error_errno(err, "%s cannot be written", f->name);
    if (close(f->fd) < 0 && status == 0)
        status = error_errno(err, "%s cannot be written", f->name);
    if (f->temporary && status == 0 && rename(f->temporary, f->target) < 0)
        status = error_errno(err, "%s cannot be replaced", f->name);
    if (f->temporary && status < 0)
        unlink(f->temporary);
    forget(f);
    return status;
}
