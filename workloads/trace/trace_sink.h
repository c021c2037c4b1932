/* Where the rows of a trace are written: as core/file_output.h does it, gzip where the name ends in
 * ".gz".
 *
 *     struct trace_sink sink;
 *     if (trace_sink_open(&sink, path, err) < 0)         // "-" = standard output
 *         return err->code;
 *     int status = trace_sink_put(&sink, &rows, err);    // again and again
 *     return trace_sink_close(&sink, status, err);       // an error leaves no file
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_SINK_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_SINK_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/file_output.h"

struct trace_sink {
    struct file_output file;
    void *gz; /* gzFile where the output is compressed */
};

int trace_sink_open(struct trace_sink *s, const char *path, struct error *err);

/* Writes the bytes and empties the buffer. */
int trace_sink_put(struct trace_sink *s, struct buffer *b, struct error *err);

/* Puts the file in place, or removes it where `status` is an error. Gives the first error. */
int trace_sink_close(struct trace_sink *s, int status, struct error *err);

#endif
