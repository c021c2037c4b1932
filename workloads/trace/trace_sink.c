#include "workloads/trace/trace_sink.h"

#include "core/file.h"
#include "core/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE_SIZE ((size_t)1 << 17)

int trace_sink_open(struct trace_sink *s, const char *path, struct error *err)
{
    size_t length = strlen(path);
    *s = (struct trace_sink){0};
    int status = file_output_open(&s->file, path, err);
    if (status < 0)
        return status;
    if (length <= 3 || strcmp(path + length - 3, ".gz") != 0)
        return 0;
    int copy = dup(s->file.fd); /* gzclose() closes it */
    s->gz = copy < 0 ? NULL : mem_given(gzdopen(copy, "wb6"));
    if (s->gz)
        return 0;
    status = error_errno(err, "%s cannot be written", path);
    if (copy >= 0)
        close(copy);
    return file_output_close(&s->file, status, err);
}

static int cannot_write(const struct trace_sink *s, struct error *err)
{
    int code = Z_ERRNO, why = errno;
    gzerror(s->gz, &code);
    if (code == Z_MEM_ERROR)
        mem_exhausted();
    errno = why;
    return error_errno(err, "%s cannot be written", s->file.name);
}

int trace_sink_put(struct trace_sink *s, struct buffer *b, struct error *err)
{
    int status = 0;
    if (!s->gz)
        status = file_write_all(s->file.fd, b->data, b->length, s->file.name, err);
    for (size_t done = 0; s->gz && done < b->length && status == 0;) {
        size_t left = b->length - done;
        int n = gzwrite(s->gz, b->data + done, left > PIECE_SIZE ? PIECE_SIZE : (unsigned)left);
        if (n > 0)
            done += (size_t)n;
        else
            status = cannot_write(s, err);
    }
    buffer_clear(b);
    return status;
}

int trace_sink_close(struct trace_sink *s, int status, struct error *err)
{
    if (s->gz && gzclose(s->gz) != Z_OK && status == 0)
        status = error_errno(err, "%s cannot be written", s->file.name);
    return file_output_close(&s->file, status, err);
}
