#include "core/runs/record/run_dir.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_LIMIT ((size_t)1 << 20)
#define SYNC_NS (NS_PER_S / 2)

char *run_dir_file(const char *path, const char *name)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "%s/%s", path, name);
    return buffer_take(&b);
}

bool run_dir_is_run(const char *path)
{
    char *requests = run_dir_file(path, "requests.jsonl");
    bool is_run = file_is_directory(path) && file_exists(requests);
    free(requests);
    return is_run;
}

bool run_dir_is_empty(const char *path)
{
    DIR *d = mem_given(opendir(path));
    if (!d)
        return false;
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(d));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(d);
    return empty;
}

/* What a killed run or a killed removal leaves: files of a run, without its records. */
static bool is_remnant(const char *path)
{
    DIR *d = mem_given(opendir(path));
    size_t own = 0, others = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        own += run_files_are_ours(e->d_name);
        others += !run_files_are_ours(e->d_name) && strcmp(e->d_name, "plots") != 0;
    }
    if (d)
        closedir(d);
    return own > 0 && others == 0;
}

/* Records alone may be anybody's file of that name: a run begins with run.json. */
static bool is_ours(const char *path)
{
    char *begun = run_dir_file(path, "run.json"), *records = run_dir_file(path, "requests.jsonl");
    struct stat about;
    bool some = stat(records, &about) == 0 && about.st_size > 0;
    bool ours = some ? file_exists(begun) : is_remnant(path);
    free(begun);
    free(records);
    return ours;
}

int run_dir_check(const char *path, enum run_mode mode, struct error *err)
{
    if (!file_exists(path))
        return 0;
    if (!file_is_directory(path))
        return error_set(err, ERR_INPUT, "%s exists and is not a directory", path);
    if (mode == RUN_NEW && !run_dir_is_empty(path))
        return error_set(
            err, ERR_INPUT,
            "%s exists already; choose another -o, or --force to replace the run in it", path);
    if (mode == RUN_FORCE && !run_dir_is_empty(path) && !is_ours(path))
        return error_set(err, ERR_INPUT,
                         "%s holds something that is no run; --force replaces only runs", path);
    return 0;
}

int run_dir_create(struct run_dir *d, const char *path, struct error *err)
{
    *d = (struct run_dir){.fd = -1};
    if (run_dir_check(path, RUN_NEW, err) < 0)
        return ERR_INPUT;
    if (file_make_directories(path, err) < 0)
        return ERR_SYSTEM;
    char *requests = run_dir_file(path, "requests.jsonl");
    d->fd = open(requests, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    int status = d->fd < 0 ? error_errno(err, "%s cannot be written", requests) : 0;
    free(requests);
    if (status < 0)
        return status;
    d->path = mem_copy_string(path);
    buffer_init(&d->pending, BUFFER_UNBOUNDED);
    return 0;
}

static uint64_t count_lines(const char *at, size_t length)
{
    uint64_t lines = 0;
    for (const char *end = at + length; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

/* Ends the file behind the last whole line of what could be written. */
static void keep_whole_lines(struct run_dir *d)
{
    struct stat about;
    size_t written = 0;
    if (fstat(d->fd, &about) == 0 && about.st_size > d->whole_bytes)
        written = (size_t)(about.st_size - d->whole_bytes);
    if (written > d->pending.length)
        written = d->pending.length;
    while (written > 0 && d->pending.data[written - 1] != '\n')
        written--;
    d->records += count_lines(d->pending.data, written);
    d->whole_bytes += (off_t)written;
    if (ftruncate(d->fd, d->whole_bytes) < 0)
        d->whole_bytes = about.st_size; /* readers pass a cut line over */
}

/* 0 also where there is nothing to write. */
static int write_pending(struct run_dir *d, struct error *why)
{
    size_t length = d->pending.length;
    if (length == 0)
        return 0;
    if (file_write_all(d->fd, d->pending.data, length, d->path, why) < 0) {
        keep_whole_lines(d);
        return why->code;
    }
    d->records += count_lines(d->pending.data, length);
    d->whole_bytes += (off_t)length;
    return 0;
}

/* A power cut loses no more than a kill does. The names in the directory are kept with the first
 * of its records. */
static int sync_written(struct run_dir *d, int64_t now_ns, struct error *why)
{
    d->synced_ns = now_ns;
    if (d->whole_bytes == d->synced_bytes)
        return 0;
    if (file_sync(d->fd) < 0)
        return error_errno(why, "%s cannot be written", d->path);
    if (d->synced_bytes == 0)
        file_sync_directory(d->path);
    d->synced_bytes = d->whole_bytes;
    return 0;
}

/* Writes what is pending, and has the disk keep it where `keep` is set or that is due. */
static int flush(struct run_dir *d, int64_t now_ns, bool keep, struct error *err)
{
    struct error why = {0};
    d->flushed_ns = now_ns;
    if (d->synced_ns == 0)
        d->synced_ns = now_ns;
    if (d->failure.code == 0 &&
        (write_pending(d, &why) < 0 ||
         ((keep || now_ns - d->synced_ns >= SYNC_NS) && sync_written(d, now_ns, &why) < 0)))
        error_set(&d->failure, why.code,
                  "%.600s: it ends there, with %" PRIu64 " whole record%s in requests.jsonl and "
                  "without a summary",
                  why.message, d->records, d->records == 1 ? "" : "s");
    buffer_clear(&d->pending);
    if (d->failure.code && err)
        *err = d->failure;
    return d->failure.code;
}

int run_dir_flush(struct run_dir *d, int64_t now_ns, struct error *err)
{
    return flush(d, now_ns, false, err);
}

int run_dir_append(struct run_dir *d, const struct record *r, int64_t now_ns, struct error *err)
{
    if (d->failure.code == 0)
        record_write_line(r, d->detail, &d->pending);
    if (d->failure.code == 0 && d->pending.length < PENDING_LIMIT &&
        now_ns - d->flushed_ns < NS_PER_S)
        return 0;
    return run_dir_flush(d, now_ns, err);
}

int run_dir_write_file(const struct run_dir *d, const char *name, const struct buffer *content,
                       struct error *err)
{
    char *file = run_dir_file(d->path, name);
    int status = file_write_atomic(file, content->data, content->length, err);
    free(file);
    return status;
}

int run_dir_close(struct run_dir *d, struct error *err)
{
    if (d->fd < 0)
        return 0;
    int status = flush(d, d->flushed_ns, true, err);
    if (close(d->fd) < 0 && status == 0)
        status = error_errno(err, "%s cannot be written", d->path);
    d->fd = -1;
    buffer_free(&d->pending);
    free(d->path);
    d->path = NULL;
    return status;
}
