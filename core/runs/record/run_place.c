#include "core/runs/record/run_place.h"

#include "core/buffer.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static bool is_current(const char *real)
{
    struct stat here, there;
    return stat(".", &here) == 0 && stat(real, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

int run_place_begin(struct run_place *p, const char *path, bool replace, struct error *err)
{
    *p = (struct run_place){.given = mem_copy_string(path)};
    if (!replace || !file_exists(path) || run_dir_is_empty(path)) {
        p->path = mem_copy_string(path);
        return 0;
    }
    char *real = realpath(path, NULL);
    int status = 0;
    if (!real) {
        status = error_errno(err, "%s cannot be replaced", path);
    } else if (is_current(real)) {
        status = error_set(err, ERR_INPUT,
                           "%s is the current directory: --force replaces a directory from outside "
                           "of it",
                           path);
    } else {
        char *stem = stem_of(path, real);
        p->path = free_name(stem, "new", true);
        if (!p->path)
            status = error_errno(
                err, "%s.new, beside the run that it would replace, cannot be made", stem);
        free(stem);
    }
    if (status == 0)
        p->replaced = real;
    else
        free(real);
    if (status < 0)
        run_place_free(p);
    return status;
}

bool run_place_is_beside(const struct run_place *p)
{
    return p->replaced != NULL;
}

/* What the new directory has too goes; what it has not is moved there. */
static void settle_entry(const char *old, const char *new, const char *name)
{
    char *from = run_dir_file(old, name), *to = run_dir_file(new, name);
    struct stat about;
    if (lstat(to, &about) < 0 && errno == ENOENT) {
        rename(from, to);
    } else if (lstat(from, &about) == 0 && S_ISDIR(about.st_mode)) {
        run_dir_clear(from);
        rmdir(from); /* stays where somebody else's files are in it */
    } else {
        unlink(from);
    }
    free(from);
    free(to);
}

static void settle(const char *old, const char *new)
{
    run_dir_clear(old);
    DIR *d = opendir(old);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            settle_entry(old, new, e->d_name);
    if (d)
        closedir(d);
    rmdir(old);
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

int run_place_take(struct run_place *p, struct error *err)
{
    char *old = NULL;
    if (!p->replaced)
        return 0;
    if (change_places(p->path, p->replaced, &old) < 0) {
        free(old);
        return error_errno(err, "%s cannot be replaced by %s", p->given, p->path);
    }
    settle(old, p->replaced);
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
    run_dir_clear(p->path);
    rmdir(p->path);
}

void run_place_free(struct run_place *p)
{
    free(p->path);
    free(p->given);
    free(p->replaced);
    *p = (struct run_place){0};
}
