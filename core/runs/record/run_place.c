#include "core/runs/record/run_place.h"

#include "core/buffer.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_TRIED 10000

/* "x" as it was given; what a link or "x/." names by its real path. */
static char *stem_of(const char *path, const char *real)
{
    struct stat about;
    char *stem = mem_copy_string(path);
    size_t length = strlen(stem);
    while (length > 1 && stem[length - 1] == '/')
        stem[--length] = '\0';
    const char *slash = strrchr(stem, '/'), *last = slash ? slash + 1 : stem;
    if (strcmp(last, ".") != 0 && strcmp(last, "..") != 0 && lstat(stem, &about) == 0 &&
        S_ISDIR(about.st_mode))
        return stem;
    free(stem);
    return mem_copy_string(real);
}

/* The first free one of STEM.new, STEM.new-2, ...; made where `make` is set. NULL and errno: none.
 */
static char *free_name(const char *stem, const char *ending, bool make)
{
    struct buffer name;
    for (int i = 1; i <= NAMES_TRIED; i++) {
        buffer_init(&name, BUFFER_UNBOUNDED);
        buffer_add_format(&name, i == 1 ? "%s.%s" : "%s.%s-%d", stem, ending, i);
        struct stat about;
        if (make ? mkdir(name.data, 0777) == 0 : lstat(name.data, &about) < 0)
            return buffer_take(&name);
        buffer_free(&name);
        if (make && errno != EEXIST)
            return NULL;
    }
    errno = EEXIST;
    return NULL;
}

/* The current directory would go from under whoever works in it. */
static bool holds_current(const char *real)
{
    char *here = mem_given(realpath(".", NULL));
    size_t length = strlen(real);
    bool held =
        here && strncmp(here, real, length) == 0 && (here[length] == '\0' || here[length] == '/');
    free(here);
    return held;
}

/* Renames a directory to one that holds something: that is always refused, and the refusal says
 * whether it can be renamed at all. A mount point cannot, nor can another user's in /tmp. */
static int check_renames(const char *real, const char *new, const char *given, struct error *err)
{
    char *probe = run_dir_file(new, "run.json");
    int fd = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0666), why = 0, status = 0;
    if (fd < 0)
        status = error_errno(err, "%s cannot be written", probe);
    else if (rename(real, new) < 0)
        why = errno;
    if (fd >= 0)
        close(fd);
    if (why == EBUSY || why == EPERM || why == EACCES || why == EXDEV || why == EROFS)
        status = error_set(err, ERR_INPUT,
                           "%s cannot be renamed (%s), as --force has to do in the end: give -o a "
                           "directory inside of it",
                           given, why == EBUSY ? "it is a mount point" : strerror(why));
    else if (why && why != ENOTEMPTY && why != EEXIST) {
        errno = why;
        status = error_errno(err, "%s cannot be renamed, as --force has to do in the end", given);
    }
    if (fd >= 0 && unlink(probe) < 0 && status == 0)
        status = error_errno(err, "%s cannot be removed", probe);
    free(probe);
    return status;
}

/* Holds the directory against other runs, as long as this one goes on; a file system that knows no
 * such locks holds nothing. */
static int lock(struct run_place *p, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        close(fd);
        return error_set(err, ERR_INPUT, "%s: another run is being written there", path);
    }
    p->locks[p->locks[0] >= 0] = fd;
    return 0;
}

static int make_beside(struct run_place *p, const char *real, struct error *err)
{
    char *stem = stem_of(p->given, real);
    int status = 0;
    p->path = free_name(stem, "new", true);
    if (!p->path)
        status =
            error_errno(err, "%s.new, beside the run that it would replace, cannot be made", stem);
    free(stem);
    if (status == 0)
        status = check_renames(real, p->path, p->given, err);
    if (status == 0)
        status = lock(p, p->path, err);
    if (status < 0 && p->path)
        rmdir(p->path);
    return status;
}

/* Where nothing has to be replaced. */
static int begin_there(struct run_place *p, struct error *err)
{
    p->path = mem_copy_string(p->given);
    int status = file_make_directories(p->path, err);
    return status == 0 ? lock(p, p->path, err) : status;
}

static int begin_beside(struct run_place *p, struct error *err)
{
    char *real = mem_given(realpath(p->given, NULL));
    if (!real)
        return error_errno(err, "%s cannot be replaced", p->given);
    int status = 0;
    if (holds_current(real))
        status = error_set(err, ERR_INPUT,
                           "%s is or holds the current directory: --force replaces a directory "
                           "from outside of it",
                           p->given);
    if (status == 0)
        status = lock(p, real, err);
    if (status == 0)
        status = make_beside(p, real, err);
    if (status == 0)
        p->replaced = real;
    else
        free(real);
    return status;
}

int run_place_begin(struct run_place *p, const char *path, bool replace, struct error *err)
{
    struct stat about;
    bool there = stat(path, &about) == 0;
    *p = (struct run_place){.given = mem_copy_string(path), .locks = {-1, -1}};
    int status = 0;
    if (there && !S_ISDIR(about.st_mode))
        status = error_set(err, ERR_INPUT, "%s exists and is not a directory", path);
    else if (!replace || !there || run_dir_is_empty(path))
        status = begin_there(p, err);
    else
        status = begin_beside(p, err);
    if (status < 0)
        run_place_free(p);
    return status;
}

bool run_place_is_beside(const struct run_place *p)
{
    return p->replaced != NULL;
}

/* In one step where the file system can. `old` is where the earlier directory is then. */
static int change_places(const char *new, const char *place, char **old)
{
    if (renameat2(AT_FDCWD, new, AT_FDCWD, place, RENAME_EXCHANGE) == 0) {
        *old = mem_copy_string(new);
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    *old = free_name(place, "old", false);
    if (!*old || rename(place, *old) < 0)
        return -1;
    if (rename(new, place) == 0)
        return 0;
    int why = errno;
    rename(*old, place);
    errno = why;
    return -1;
}

/* The disk knows of the change before anything of the earlier run goes: a power cut, too, leaves
 * one of them whole. */
static void sync_parent(const char *real)
{
    char *parent = mem_copy_string(real), *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    file_sync_directory(parent);
    free(parent);
}

int run_place_take(struct run_place *p, struct error *err)
{
    char *old = NULL;
    if (!p->replaced)
        return 0;
    file_sync_directory(p->path);
    if (change_places(p->path, p->replaced, &old) < 0) {
        free(old);
        return error_errno(err, "%s cannot be replaced by %s", p->given, p->path);
    }
    sync_parent(p->replaced);
    run_files_replace(old, p->replaced);
    if (file_exists(old))
        p->left = old;
    else
        free(old);
    free(p->replaced);
    free(p->path);
    p->replaced = NULL;
    p->path = mem_copy_string(p->given);
    return 0;
}

void run_place_discard(struct run_place *p)
{
    if (!p->replaced)
        return;
    run_files_clear(p->path);
    rmdir(p->path);
}

void run_place_free(struct run_place *p)
{
    free(p->path);
    free(p->given);
    free(p->replaced);
    free(p->left);
    for (int i = 0; i < 2; i++)
        if (p->locks[i] >= 0)
            close(p->locks[i]);
    *p = (struct run_place){.locks = {-1, -1}};
}
