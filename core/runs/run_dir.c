#include "core/runs/run_dir.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_LIMIT ((size_t)1 << 20)

/* What a run writes: RUN_FORCE removes these and nothing else. */
static const char *const own_files[] = {
    "run.json",  "requests.jsonl", "histograms.json", "timeline.jsonl", "summary.json",
    "bill.json", "report.html",    "engine.json",     "endpoints.json", NULL,
};

char *run_dir_file(const char *path, const char *name)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "%s/%s", path, name);
    return buffer_take(&b);
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool run_dir_is_run(const char *path)
{
    char *requests = run_dir_file(path, "requests.jsonl");
    bool is_run = is_directory(path) && file_exists(requests);
    free(requests);
    return is_run;
}

static bool is_empty_directory(const char *path)
{
    DIR *d = opendir(path);
    if (!d)
        return false;
    bool empty = true;
    for (struct dirent *e; empty && (e = readdir(d));)
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(d);
    return empty;
}

int run_dir_check(const char *path, enum run_mode mode, struct error *err)
{
    if (!file_exists(path))
        return 0;
    if (!is_directory(path))
        return error_set(err, ERR_INPUT, "%s exists and is not a directory", path);
    if (mode == RUN_NEW && !is_empty_directory(path))
        return error_set(
            err, ERR_INPUT,
            "%s exists already; choose another -o, or --force to replace the run in it", path);
    if (mode == RUN_FORCE && !run_dir_is_run(path) && !is_empty_directory(path))
        return error_set(err, ERR_INPUT,
                         "%s holds something that is no run; --force replaces only runs", path);
    return 0;
}

static void remove_own_files(const char *path)
{
    for (size_t i = 0; own_files[i]; i++) {
        char *file = run_dir_file(path, own_files[i]);
        unlink(file);
        free(file);
    }
}

int run_dir_create(struct run_dir *d, const char *path, enum run_mode mode, struct error *err)
{
    *d = (struct run_dir){.fd = -1};
    if (run_dir_check(path, mode, err) < 0)
        return ERR_INPUT;
    if (file_make_directories(path, err) < 0)
        return ERR_SYSTEM;
    if (mode == RUN_FORCE)
        remove_own_files(path);
    char *requests = run_dir_file(path, "requests.jsonl");
    d->fd = open(requests, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int status = d->fd < 0 ? error_errno(err, "%s cannot be written", requests) : 0;
    free(requests);
    if (status < 0)
        return status;
    d->path = mem_copy_string(path);
    buffer_init(&d->pending, BUFFER_UNBOUNDED);
    return 0;
}

int run_dir_flush(struct run_dir *d, int64_t now_ns, struct error *err)
{
    d->flushed_ns = now_ns;
    if (d->pending.length == 0)
        return 0;
    int status = file_write_all(d->fd, d->pending.data, d->pending.length, d->path, err);
    buffer_clear(&d->pending);
    return status;
}

int run_dir_append(struct run_dir *d, const struct record *r, int64_t now_ns, struct error *err)
{
    record_write_line(r, d->detail, &d->pending);
    if (d->pending.length < PENDING_LIMIT && now_ns - d->flushed_ns < NS_PER_S)
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
    int status = run_dir_flush(d, d->flushed_ns, err);
    if (close(d->fd) < 0 && status == 0)
        status = error_errno(err, "%s cannot be written", d->path);
    d->fd = -1;
    buffer_free(&d->pending);
    free(d->path);
    d->path = NULL;
    return status;
}
