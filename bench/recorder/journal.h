/* A trace that is written while it happens: a line at a time, at its end, each at once.
 *
 *     struct journal j;
 *     if (journal_open(&j, "trace.jsonl", max_size, started_unix_ns, err) < 0) ...
 *     journal_add(&j, &line);                  // false where the disk did not take it
 *     journal_rotate(&j);                      // goes on in trace-2.jsonl
 *     journal_close(&j);
 *
 * What the disk does not take is lost and counted; no half of a line stays, and the next one is
 * tried again. Every file begins with the same start, so that their times are of one clock.
 */
#ifndef FAREBOX_BENCH_RECORDER_JOURNAL_H
#define FAREBOX_BENCH_RECORDER_JOURNAL_H

#include "core/buffer.h"
#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct journal {
    const char *path; /* as given; lent */
    int fd;
    bool regular, unsynced;
    uint64_t size, max_size; /* of the file; 0 = no limit */
    int64_t started_unix_ns;
    uint32_t files, number; /* that were begun; of the present one, from 1 */
    uint64_t lines, lost;
    int lost_errno; /* why, the last time */
};

/* Creates or empties the file. ERR_SYSTEM where it cannot be written. */
int journal_open(struct journal *j, const char *path, uint64_t max_size, int64_t started_unix_ns,
                 struct error *err);

/* Writes a line, its end included. */
bool journal_add(struct journal *j, const struct buffer *line);

/* Goes on in the next file that is not there yet; where none can be made, in the present one. */
void journal_rotate(struct journal *j);

/* Has the disk keep what was written; a failure counts as one line lost. */
void journal_sync(struct journal *j);

/* Syncs and closes. */
void journal_close(struct journal *j);

#endif
