/* The truth log: what the mock really did, to hold a client's figures against.
 *
 * One JSON line per request, in the order of their ends:
 *     {"x_request_id": "r7", "model": "m", "at": "2026-11-02T09:00:00.000000000Z", "read_ns": …,
 *      "status": 200, "outcome": "completed", "stream": true, "fault": null, "due_ns": […],
 *      "written_ns": […], "billed": {…}, "usage": {…}, "done_ns": …}
 * Instants are CLOCK_MONOTONIC nanoseconds. `due_ns` has one entry for every output token;
 * `written_ns` one for every token of a stream that was handed to the socket, or a single one for
 * a body in one piece. `billed` is OpenAI's usage object with what was delivered, `usage` the same
 * in the classes of a record, without those of 0.
 *
 *     struct truth_log log;
 *     truth_log_open(&log, path, err);
 *     truth_log_add(&log, &entry);
 *     truth_log_close(&log);
 *
 * Lines are buffered; truth_log_flush() writes them out. What the disk refuses is counted in
 * `lost`. The log owns its file.
 */
#ifndef FAREBOX_SIM_MOCK_TRUTH_LOG_H
#define FAREBOX_SIM_MOCK_TRUTH_LOG_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/usage/usage.h"

#include <stdbool.h>
#include <stdint.h>

struct truth_entry {
    const char *request_id, *outcome, *fault; /* fault: NULL = none */
    const char *model;                        /* that was asked for; NULL */
    int64_t at_unix_ns;                       /* read_ns by the wall clock: a label */
    int status;
    bool stream;
    int64_t read_ns, done_ns;
    const int64_t *due_ns, *written_ns;
    size_t due_count, written_count;
    struct usage billed;
};

struct truth_log {
    int fd; /* -1 = no log */
    struct buffer lines;
    uint64_t lost; /* bytes that could not be written */
};

/* Creates or empties the file; a NULL path gives a log that drops everything. */
int truth_log_open(struct truth_log *log, const char *path, struct error *err);
void truth_log_add(struct truth_log *log, const struct truth_entry *e);
void truth_log_flush(struct truth_log *log);
void truth_log_close(struct truth_log *log);

#endif
