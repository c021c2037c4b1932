/* Files: reading whole, reading by lines, and writing so that nobody sees a half-written one.
 *
 *     struct line_reader r;
 *     if (line_reader_open(&r, path, MAX_LINE, err) < 0) return err->code;   // "-" = stdin
 *     struct text line;
 *     int more;
 *     while ((more = line_reader_next(&r, &line, err)) > 0)
 *         use(line, r.number, r.offset);
 *     line_reader_close(&r);
 *
 * Reading recognises gzip by its first bytes, and UTF-16 by its mark: it is handed on as UTF-8. A
 * line is lent without its end (LF or CRLF) until the next call.
 */
#ifndef FAREBOX_CORE_FILE_H
#define FAREBOX_CORE_FILE_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct line_reader {
    char name[256]; /* as shown in errors: the path, or "standard input" */
    int fd;
    void *gz;        /* gzFile where the input is compressed */
    struct buffer b; /* read and not yet consumed bytes */
    size_t at;       /* consumed bytes of b */
    bool ended;
    char utf16;         /* 'l' or 'b', the order of its bytes; 0 = the text is bytes as they are */
    struct buffer wide; /* bytes of UTF-16 that are not yet whole characters */
    long number;        /* 1-based number of the line lent last */
    uint64_t offset;    /* byte offset of that line in the uncompressed text */
    uint64_t next_offset;
    size_t max_line;
    char *const *next; /* files to be read behind this one; borrowed */
    size_t next_count;
    size_t files;      /* that were read before this one */
    bool unterminated; /* the line lent last has no end: it is a file's last one */
    bool tolerant;     /* set by whoever reads: gzip that ends too early is the end of its file */
    bool cut;          /* and that happened in this file */
};

/* Opens a file, or standard input for "-". Returns 0 or ERR_INPUT (cannot be opened or read). Here
 * and below ERR_INTERRUPTED, where a signal comes and there is nothing to write (core/stop.h). */
int line_reader_open(struct line_reader *r, const char *path, size_t max_line, struct error *err);

/* 1: a line was lent; 0: no more; negative: an error (unreadable, a line beyond max_line, damaged
 * gzip). The last line need not end in a line end. */
int line_reader_next(struct line_reader *r, struct text *line, struct error *err);

/* Has `count` further files read behind this one, as if they were one. In each the lines are
 * numbered from 1, and `name` is the one that is read. Borrows the paths. */
void line_reader_chain(struct line_reader *r, char *const *paths, size_t count);

/* Lends up to `wanted` bytes from the start of what is not consumed, without consuming them. */
int line_reader_peek(struct line_reader *r, size_t wanted, struct text *out, struct error *err);

void line_reader_close(struct line_reader *r);

/* All of a file ("-": standard input), uncompressed, zero-terminated, at most `cap` bytes. The
 * caller frees *out. 0, or ERR_INPUT (the file), ERR_SYSTEM (the disk). */
int file_read_all(const char *path, size_t cap, char **out, size_t *length, struct error *err);

/* All of a file at once, as core/file_output.h puts it in place; "-" and what is no regular file
 * are written through. */
int file_write_atomic(const char *path, const void *bytes, size_t length, struct error *err);

/* Makes a directory and its parents; one that exists is fine. */
int file_make_directories(const char *path, struct error *err);

bool file_exists(const char *path);
bool file_is_directory(const char *path);

/* Writes all bytes, however write() cuts them. 0 or ERR_SYSTEM. */
int file_write_all(int fd, const void *bytes, size_t length, const char *name, struct error *err);

/* Has the disk keep what was written to `fd`: its bytes and its length. 0, or -1 and errno. */
int file_sync(int fd);

/* Has it keep the names in a directory, where it can: what was made or renamed there is in place
 * whether it does or not. */
void file_sync_directory(const char *path);

#endif
