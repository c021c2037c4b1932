#include "core/file.h"

#include "core/file_output.h"
#include "core/memory.h"
#include "core/stop.h"
#include "core/utf16.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define READ_SIZE ((size_t)1 << 18)

static bool looks_like_gzip(int fd, unsigned char head[2], ssize_t *got)
{
    *got = 0;
    while (*got < 2) {
        ssize_t n = stop_wait_readable(fd) ? read(fd, head + *got, (size_t)(2 - *got)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        *got += n;
    }
    return *got == 2 && head[0] == 0x1f && head[1] == 0x8b;
}

static int interrupted(const struct line_reader *r, struct error *err)
{
    return error_set(err, ERR_INTERRUPTED, "interrupted while %s was read", r->name);
}

/* Of the file itself (ERR_INPUT), or of the system (ERR_SYSTEM): a disk, a limit. */
static int unreadable(const struct line_reader *r, long line, const char *what, struct error *err)
{
    static const int of_the_file[] = {ENOENT, ENOTDIR, EISDIR,       EACCES, EPERM,
                                      ELOOP,  EINVAL,  ENAMETOOLONG, ENXIO,  ENODEV};
    int why = errno, code = ERR_SYSTEM;
    for (size_t i = 0; i < COUNT_OF(of_the_file); i++)
        code = why == of_the_file[i] ? ERR_INPUT : code;
    bool first = err && err->code == ERR_NONE;
    error_at(err, r->name, line, 0, "cannot be %s: %s", what, strerror(why));
    if (first)
        err->code = code;
    return code;
}

int line_reader_open(struct line_reader *r, const char *path, size_t max_line, struct error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    *r = (struct line_reader){.fd = STDIN_FILENO, .max_line = max_line};
    snprintf(r->name, sizeof r->name, "%s", standard_input ? "standard input" : path);
    buffer_init(&r->b, max_line + READ_SIZE + 2);
    buffer_init(&r->wide, BUFFER_UNBOUNDED);
    if (!standard_input) {
        r->fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat about;
        if (r->fd < 0 && errno == EINTR) /* a fifo that nobody writes to */
            return interrupted(r, err);
        if (r->fd < 0)
            return unreadable(r, 0, "opened", err);
        if (fstat(r->fd, &about) == 0 && S_ISDIR(about.st_mode)) {
            line_reader_close(r);
            return error_at(err, r->name, 0, 0, "is a directory; a file was expected");
        }
    }
    unsigned char head[2];
    ssize_t got;
    if (!looks_like_gzip(r->fd, head, &got)) {
        if (got > 0)
            buffer_add(&r->b, head, (size_t)got);
        return 0;
    }
    if (standard_input || lseek(r->fd, 0, SEEK_SET) != 0) {
        line_reader_close(r);
        return error_at(err, r->name, 0, 0,
                        "is gzip and cannot be rewound; use gzip -dc FILE | farebox … -");
    }
    r->gz = mem_given(gzdopen(r->fd, "rb"));
    if (!r->gz) {
        line_reader_close(r);
        return error_set(err, ERR_SYSTEM, "zlib could not be started");
    }
    gzbuffer(r->gz, 1 << 17);
    return 0;
}

static int too_long(const struct line_reader *r, struct error *err)
{
    return error_at(err, r->name, r->number + 1, 0, "this line is longer than %zu bytes",
                    r->max_line);
}

/* What was read behind the first `kept` bytes, where the file is UTF-16 as its first bytes say:
 * made UTF-8. -1 beyond the buffer's cap. */
static int decode(struct line_reader *r, size_t kept)
{
    if (r->next_offset == 0 && kept <= 2 && r->b.length >= 2) {
        bool little = memcmp(r->b.data, "\xFF\xFE", 2) == 0;
        if (little || memcmp(r->b.data, "\xFE\xFF", 2) == 0) {
            r->utf16 = little ? 'l' : 'b';
            buffer_drop_front(&r->b, 2);
            kept = 0;
        }
    }
    if (!r->utf16)
        return 0;
    buffer_add(&r->wide, r->b.data + kept, r->b.length - kept);
    r->b.length = kept;
    long used = utf16_to_utf8(r->wide.data, r->wide.length, r->utf16 == 'b', &r->b);
    if (used > 0)
        buffer_drop_front(&r->wide, (size_t)used);
    return used < 0 || buffer_reserve(&r->b, 1) < 0 ? -1 : 0;
}

/* Up to READ_SIZE more, which there is room for; 0: the end. */
static ssize_t read_some(struct line_reader *r)
{
    for (;;) {
        char *to = r->b.data + r->b.length;
        errno = 0;
        ssize_t n = r->gz ? gzread(r->gz, to, (unsigned)READ_SIZE) : read(r->fd, to, READ_SIZE);
        if (n >= 0 || errno != EINTR)
            return n;
        if (r->gz)
            gzclearerr(r->gz);
    }
}

static int cannot_read(const struct line_reader *r, struct error *err)
{
    int code = Z_ERRNO, why = errno;
    const char *words = r->gz ? gzerror(r->gz, &code) : "";
    errno = why;
    if (code == Z_MEM_ERROR)
        mem_exhausted();
    if (code == Z_ERRNO)
        return unreadable(r, r->number + 1, "read", err);
    return error_at(err, r->name, r->number + 1, 0, "cannot be read: %s", words);
}

/* Reads more bytes behind the unconsumed ones. 0 or an error. */
static int fill(struct line_reader *r, struct error *err)
{
    if (r->at > 0) {
        buffer_drop_front(&r->b, r->at);
        r->at = 0;
    }
    if (buffer_reserve(&r->b, READ_SIZE) < 0)
        return too_long(r, err);
    if (!stop_wait_readable(r->fd))
        return interrupted(r, err);
    ssize_t n = read_some(r);
    if (n < 0)
        return cannot_read(r, err);
    if (n == 0) {
        int code = Z_OK;
        const char *why = r->gz ? gzerror(r->gz, &code) : "";
        r->cut = code == Z_BUF_ERROR || code < 0;
        if (r->cut && !r->tolerant)
            return error_at(err, r->name, r->number + 1, 0, "gzip data ends too early: %s", why);
        r->ended = true;
    }
    size_t kept = r->b.length;
    r->b.length += (size_t)n;
    if (decode(r, kept) < 0)
        return too_long(r, err);
    r->b.data[r->b.length] = '\0';
    return 0;
}

void line_reader_chain(struct line_reader *r, char *const *paths, size_t count)
{
    r->next = paths;
    r->next_count = count;
}

/* Goes on with the next file of a chain. */
static int open_next(struct line_reader *r, struct error *err)
{
    char *const *next = r->next + 1;
    size_t count = r->next_count - 1;
    const char *path = r->next[0];
    line_reader_close(r);
    bool tolerant = r->tolerant;
    size_t files = r->files + 1;
    int status = line_reader_open(r, path, r->max_line, err);
    r->tolerant = tolerant;
    r->files = files;
    line_reader_chain(r, next, count);
    return status;
}

int line_reader_next(struct line_reader *r, struct text *line, struct error *err)
{
    size_t searched = 0;
    for (;;) {
        const char *start = r->b.data ? r->b.data + r->at : "";
        size_t left = r->b.length - r->at;
        const char *end = left > searched ? memchr(start + searched, '\n', left - searched) : NULL;
        if (!end && !r->ended) {
            searched = left;
            if (fill(r, err) < 0)
                return err ? err->code : ERR_INPUT;
            continue;
        }
        if (!end && left == 0 && r->next_count == 0)
            return 0;
        if (!end && left == 0) {
            if (open_next(r, err) < 0)
                return err ? err->code : ERR_INPUT;
            searched = 0;
            continue;
        }
        size_t length = end ? (size_t)(end - start) : left;
        size_t taken = length + (end != NULL);
        if (length > r->max_line)
            return too_long(r, err);
        if (length > 0 && start[length - 1] == '\r')
            length--;
        *line = (struct text){start, length};
        r->unterminated = !end;
        r->at += taken;
        r->number++;
        r->offset = r->next_offset;
        r->next_offset += taken;
        return 1;
    }
}

int line_reader_peek(struct line_reader *r, size_t wanted, struct text *out, struct error *err)
{
    while (r->b.length - r->at < wanted && !r->ended)
        if (fill(r, err) < 0)
            return err ? err->code : ERR_INPUT;
    size_t left = r->b.length - r->at;
    *out = (struct text){left ? r->b.data + r->at : "", left < wanted ? left : wanted};
    return 0;
}

void line_reader_close(struct line_reader *r)
{
    if (r->gz)
        gzclose(r->gz);
    else if (r->fd > STDIN_FILENO)
        close(r->fd);
    r->gz = NULL;
    r->fd = -1;
    buffer_free(&r->b);
    buffer_free(&r->wide);
}

int file_read_all(const char *path, size_t cap, char **out, size_t *length, struct error *err)
{
    struct line_reader r;
    int status = line_reader_open(&r, path, cap, err);
    if (status < 0)
        return status;
    struct text all = {0};
    status = line_reader_peek(&r, cap + 1, &all, err);
    if (status == 0 && all.length > cap)
        status = error_at(err, r.name, 0, 0, "is larger than %zu bytes", cap);
    if (status == 0) {
        *out = mem_copy_text(all.at, all.length);
        *length = all.length;
    }
    line_reader_close(&r);
    return status;
}

int file_write_all(int fd, const void *bytes, size_t length, const char *name, struct error *err)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, "%s cannot be written", name);
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int file_sync(int fd)
{
    int status;
    do
        status = fdatasync(fd);
    while (status < 0 && errno == EINTR);
    return status;
}

void file_sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    file_sync(fd);
    close(fd);
}

int file_write_atomic(const char *path, const void *bytes, size_t length, struct error *err)
{
    struct file_output f;
    int status = file_output_open(&f, path, err);
    if (status < 0)
        return status;
    return file_output_close(&f, file_write_all(f.fd, bytes, length, f.name, err), err);
}

int file_make_directories(const char *path, struct error *err)
{
    if (*path == '\0')
        return error_set(err, ERR_INPUT, "the name of a directory is empty");
    char *copy = mem_copy_string(path);
    int status = 0;
    for (char *at = copy + 1; status == 0; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        struct stat about;
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            status = error_errno(err, "directory %s cannot be made", copy);
        else if (stat(copy, &about) == 0 && !S_ISDIR(about.st_mode))
            status = error_set(err, ERR_SYSTEM, "%s exists and is not a directory", copy);
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(copy);
    return status;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}
