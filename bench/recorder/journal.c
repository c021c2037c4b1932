#include "bench/recorder/journal.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_FILES 1000000

/* All of the bytes or, where the file can be cut, none. */
static bool put(struct journal *j, const char *bytes, size_t count)
{
    size_t written = 0;
    while (written < count) {
        ssize_t n = write(j->fd, bytes + written, count - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            j->lost_errno = errno;
            if (j->regular && ftruncate(j->fd, (off_t)j->size) < 0)
                j->size += written;
            return false;
        }
        written += (size_t)n;
    }
    j->size += count;
    j->unsynced = true;
    return true;
}

/* What the disk does not keep after all is told as what it did not take. */
void journal_sync(struct journal *j)
{
    if (j->unsynced && j->regular && file_sync(j->fd) < 0) {
        j->lost_errno = errno;
        j->lost++;
    }
    j->unsynced = false;
}

static bool put_start(struct journal *j)
{
    char instant[CLOCK_INSTANT_SIZE], line[80];
    clock_format_instant(j->started_unix_ns, instant);
    int length = snprintf(line, sizeof line, "{\"start\": \"%s\"}\n", instant);
    return put(j, line, (size_t)length);
}

/* Takes a file that was opened; false where it cannot be written. */
static bool begin(struct journal *j, int fd)
{
    struct stat seen;
    int before = j->fd;
    uint64_t size = j->size;
    journal_sync(j);
    j->fd = fd;
    j->size = 0;
    j->regular = fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
    if (put_start(j)) {
        if (before >= 0)
            close(before);
        j->files++;
        return true;
    }
    close(fd);
    j->fd = before;
    j->size = size;
    return false;
}

/* Where a trace is put in its place: links are followed. */
struct first_file {
    char *target, *temporary; /* NULL: written through */
};

/* Until the new trace has its first line, one that is there is untouched. */
static int open_first(const char *path, struct first_file *f)
{
    struct stat seen;
    if (strcmp(path, "-") == 0)
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    bool there = stat(path, &seen) == 0;
    if (there && !S_ISREG(seen.st_mode))
        return open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
    f->target = there ? mem_given(realpath(path, NULL)) : NULL;
    if (!f->target)
        f->target = mem_copy_string(path);
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_format(&name, "%s" FILE_OUTPUT_TEMPORARY "XXXXXX", f->target);
    f->temporary = buffer_take(&name);
    return mkostemp(f->temporary, O_APPEND | O_CLOEXEC);
}

int journal_open(struct journal *j, const char *path, uint64_t max_size, int64_t started_unix_ns,
                 struct error *err)
{
    struct first_file f = {0};
    int status = 0;
    *j = (struct journal){.path = path,
                          .fd = -1,
                          .max_size = max_size,
                          .started_unix_ns = started_unix_ns,
                          .number = 1};
    int fd = open_first(path, &f);
    if (fd < 0 || !begin(j, fd) || (f.temporary && rename(f.temporary, f.target) < 0)) {
        status = error_errno(err, "cannot write %s", path);
        if (fd >= 0 && f.temporary)
            unlink(f.temporary);
        if (j->fd >= 0)
            close(j->fd);
        j->fd = -1;
    }
    free(f.target);
    free(f.temporary);
    return status;
}

/* "trace-2.jsonl": the number stands before the last point of the name. */
static bool name_file(const struct journal *j, uint32_t number, char *out, size_t size)
{
    const char *slash = strrchr(j->path, '/'), *name = slash ? slash + 1 : j->path;
    const char *point = strrchr(name, '.');
    size_t stem = point && point > name ? (size_t)(point - j->path) : strlen(j->path);
    int n = snprintf(out, size, "%.*s-%u%s", (int)stem, j->path, number, j->path + stem);
    return n > 0 && (size_t)n < size;
}

void journal_rotate(struct journal *j)
{
    char path[4096];
    if (!j->regular)
        return;
    for (uint32_t number = j->number + 1; number < MOST_FILES; number++) {
        if (!name_file(j, number, path, sizeof path))
            return;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0)
            return;
        if (begin(j, fd))
            j->number = number;
        else
            unlink(path);
        return;
    }
}

bool journal_add(struct journal *j, const struct buffer *line)
{
    if (j->max_size && j->size + line->length > j->max_size)
        journal_rotate(j);
    bool good = put(j, line->data, line->length);
    j->lines += good;
    j->lost += !good;
    return good;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        journal_sync(j);
    if (j->fd >= 0 && close(j->fd) < 0 && j->regular) {
        j->lost_errno = errno;
        j->lost++;
    }
    j->fd = -1;
}
