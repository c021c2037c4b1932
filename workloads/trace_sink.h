/* Where the rows of a trace are written: a file that appears when it is whole, gzip where its name
 * ends in ".gz", or a descriptor that is open.
 *
 *     struct trace_sink sink;
 *     if (trace_sink_open(&sink, path, err) < 0)         // "-" = standard output
 *         return err->code;
 *     int status = trace_sink_put(&sink, &rows, err);    // again and again
 *     return trace_sink_close(&sink, status, err);       // an error leaves no file
 */
#ifndef FAREBOX_WORKLOADS_TRACE_SINK_H
#define FAREBOX_WORKLOADS_TRACE_SINK_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"

#include <stdbool.h>

struct trace_sink {
    int fd;
    void *gz;         /* gzFile where the output is compressed */
    const char *name; /* for errors, lent: the path */
    bool is_file;     /* else the descriptor is not ours to close */
    struct new_file file;
};

int trace_sink_open(struct trace_sink *s, const char *path, struct error *err);

/* To a descriptor; `name` is for errors. Nothing can fail, and it need not be closed. */
void trace_sink_to(struct trace_sink *s, int fd, const char *name);

/* Writes the bytes and empties the buffer. */
int trace_sink_put(struct trace_sink *s, struct buffer *b, struct error *err);

/* Puts the file in place, or removes it where `status` is an error. Gives the first error. */
int trace_sink_close(struct trace_sink *s, int status, struct error *err);

#endif
