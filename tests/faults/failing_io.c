/* For tests only, by LD_PRELOAD: calls of the system on files fail, one by its number.
 *
 *     FAILING_IO_UNDER=/tmp/x   only calls on files below; others are neither counted nor failed
 *     FAILING_IO_LOG=/tmp/log   a line per counted call: NUMBER NAME PATH
 *     FAILING_IO_AT=7           this one fails, and no other
 *     FAILING_IO_STAYS=1        and the same call of the same file does from there on
 *     FAILING_IO_FROM=7         this one and all that follow of those that need room (a full disk)
 *     FAILING_IO_HOW=28         errno; or "short": half of what was asked is read or written
 *     FAILING_IO_KILL=7         the process is killed before this one
 *
 * What the C library does inside of itself (stdio, opendir) does not come by here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static bool is_under(const char *path)
{
    const char *folder = getenv("FAILING_IO_UNDER"), *log = getenv("FAILING_IO_LOG");
    return folder && strncmp(path, folder, strlen(folder)) == 0 && !(log && strcmp(path, log) == 0);
}

/* The absolute path of a descriptor, or of a name from the current directory on. */
static bool find_path(int fd, const char *name, char *out, size_t size)
{
    char link[64];
    if (name && name[0] == '/')
        return snprintf(out, size, "%s", name) < (int)size;
    snprintf(link, sizeof link, name ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, size - 1);
    if (n < 0)
        return false;
    out[n] = '\0';
    if (name)
        snprintf(out + n, size - (size_t)n, "/%s", name);
    return true;
}

static void write_log(long number, const char *call, const char *path)
{
    const char *log = getenv("FAILING_IO_LOG");
    char line[4400];
    if (!log)
        return;
    int n = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0 && syscall(SYS_write, fd, line, (size_t)n) != n)
        abort();
    syscall(SYS_close, fd);
}

/* A place of a disk that cannot be read stays so: the same call of the same file fails again. */
static bool stays_bad(long number, const char *call, const char *path)
{
    static char bad[4300];
    char now[4300];
    snprintf(now, sizeof now, "%s %s", call, path);
    if (number == number_of("FAILING_IO_AT") && getenv("FAILING_IO_STAYS"))
        memcpy(bad, now, sizeof bad);
    return bad[0] && strcmp(bad, now) == 0;
}

static bool needs_room(const char *call)
{
    static const char *const names[] = {"write", "sync", "truncate", "make", "create"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(call, names[i]))
            return true;
    return false;
}

/* True where the call is to fail, with errno set; *half where it is to do half of its work. */
static bool fails(const char *call, int fd, const char *name, bool *half)
{
    char path[4200];
    int before = errno;
    if (!find_path(fd, name, path, sizeof path) || !is_under(path)) {
        errno = before;
        return false;
    }
    long number = ++calls, from = number_of("FAILING_IO_FROM");
    const char *how = getenv("FAILING_IO_HOW");
    write_log(number, call, path);
    errno = before;
    if (number == number_of("FAILING_IO_KILL"))
        raise(SIGKILL);
    if (!stays_bad(number, call, path) && number != number_of("FAILING_IO_AT") &&
        !(from && number >= from && needs_room(call)))
        return false;
    if (how && strcmp(how, "short") == 0 && half) {
        *half = true;
        return false;
    }
    errno = how ? atoi(how) : EIO;
    return true;
}

/* The library's own; POSIX has objects' addresses stand for functions here. */
#define NEXT(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static size_t part(size_t size, bool half)
{
    return half && size > 1 ? size / 2 : size;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    bool half = false;
    return fails("write", fd, NULL, &half) ? -1 : NEXT(write)(fd, bytes, part(size, half));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    bool half = false;
    return fails("pwrite", fd, NULL, &half) ? -1 : NEXT(pwrite)(fd, bytes, part(size, half), at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    bool half = false;
    return fails("pwrite", fd, NULL, &half) ? -1 : NEXT(pwrite64)(fd, bytes, part(size, half), at);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    bool half = false;
    return fails("read", fd, NULL, &half) ? -1 : NEXT(read)(fd, bytes, part(size, half));
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    bool half = false;
    return fails("pread", fd, NULL, &half) ? -1 : NEXT(pread)(fd, bytes, part(size, half), at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t at)
{
    bool half = false;
    return fails("pread", fd, NULL, &half) ? -1 : NEXT(pread64)(fd, bytes, part(size, half), at);
}

/* What the three become where the compiler knows the room that there is (_FORTIFY_SOURCE). */
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read(fd, bytes, size);
}

ssize_t __pread_chk(int fd, void *bytes, size_t size, off_t at, size_t room)
{
    if (size > room)
        abort();
    return pread(fd, bytes, size, at);
}

ssize_t __pread64_chk(int fd, void *bytes, size_t size, off64_t at, size_t room)
{
    if (size > room)
        abort();
    return pread64(fd, bytes, size, at);
}

int fsync(int fd)
{
    return fails("fsync", fd, NULL, NULL) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails("fdatasync", fd, NULL, NULL) ? -1 : NEXT(fdatasync)(fd);
}

int ftruncate(int fd, off_t size)
{
    return fails("ftruncate", fd, NULL, NULL) ? -1 : NEXT(ftruncate)(fd, size);
}

/* It is closed all the same, as Linux does. */
int close(int fd)
{
    bool bad = fails("close", fd, NULL, NULL);
    int why = errno, status = NEXT(close)(fd);
    errno = bad ? why : errno;
    return bad ? -1 : status;
}

#define MAKES_ONE (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))

#define OPENING(name)                                                       \
    int name(const char *path, int flags, ...)                              \
    {                                                                       \
        va_list more;                                                       \
        va_start(more, flags);                                              \
        mode_t mode = flags & MAKES_ONE ? va_arg(more, mode_t) : 0;         \
        va_end(more);                                                       \
        return fails(flags & MAKES_ONE ? "create" : "open", -1, path, NULL) \
                   ? -1                                                     \
                   : NEXT(name)(path, flags, mode);                         \
    }
OPENING(open)
OPENING(open64)

/* The two where there is nothing to be made. */
int __open_2(const char *path, int flags)
{
    return open(path, flags);
}

int __open64_2(const char *path, int flags)
{
    return open64(path, flags);
}

int mkostemp(char *pattern, int flags)
{
    return fails("create", -1, pattern, NULL) ? -1 : NEXT(mkostemp)(pattern, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return fails("make", -1, path, NULL) ? -1 : NEXT(mkdir)(path, mode);
}

int unlink(const char *path)
{
    return fails("unlink", -1, path, NULL) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int fd, const char *path, int flags)
{
    return fails("unlink", fd, NULL, NULL) ? -1 : NEXT(unlinkat)(fd, path, flags);
}

int rmdir(const char *path)
{
    return fails("rmdir", -1, path, NULL) ? -1 : NEXT(rmdir)(path);
}

int rename(const char *from, const char *to)
{
    return fails("rename", -1, to, NULL) ? -1 : NEXT(rename)(from, to);
}

int renameat2(int old, const char *from, int new, const char *to, unsigned flags)
{
    return fails("exchange", -1, to, NULL) ? -1 : NEXT(renameat2)(old, from, new, to, flags);
}
