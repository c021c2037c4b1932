#include "workloads/trace_sink.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE_SIZE ((size_t)1 << 17)

void trace_sink_to(struct trace_sink *s, int fd, const char *name)
{
    *s = (struct trace_sink){.fd = fd, .name = name};
}

int trace_sink_open(struct trace_sink *s, const char *path, struct error *err)
{
    size_t length = strlen(path);
    trace_sink_to(s, STDOUT_FILENO, path);
    if (strcmp(path, "-") == 0)
        return 0;
    int status = new_file_open(&s->file, path, err);
    if (status < 0)
        return status;
    s->is_file = true;
    s->fd = s->file.fd;
    if (length <= 3 || strcmp(path + length - 3, ".gz") != 0)
        return 0;
    int copy = dup(s->fd); /* gzclose() closes it */
    s->gz = copy < 0 ? NULL : gzdopen(copy, "wb6");
    if (s->gz)
        return 0;
    status = error_errno(err, "%s cannot be written", path);
    if (copy >= 0)
        close(copy);
    return new_file_close(&s->file, status, err);
}

int trace_sink_put(struct trace_sink *s, struct buffer *b, struct error *err)
{
    int status = 0;
    if (!s->gz)
        status = file_write_all(s->fd, b->data, b->length, s->name, err);
    for (size_t done = 0; s->gz && done < b->length && status == 0;) {
        size_t left = b->length - done;
        int n = gzwrite(s->gz, b->data + done, left > PIECE_SIZE ? PIECE_SIZE : (unsigned)left);
        if (n <= 0)
            status = error_errno(err, "%s cannot be written", s->name);
        else
            done += (size_t)n;
    }
    buffer_clear(b);
    return status;
}

int trace_sink_close(struct trace_sink *s, int status, struct error *err)
{
    if (s->gz && gzclose(s->gz) != Z_OK && status == 0)
        status = error_errno(err, "%s cannot be written", s->name);
    return s->is_file ? new_file_close(&s->file, status, err) : status;
}
