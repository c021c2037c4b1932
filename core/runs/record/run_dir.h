/* The run directory: everything one run wrote, and the only place it writes to.
 *
 *     struct run_dir dir;
 *     if (run_dir_create(&dir, "results/x", err) < 0) ...
 *     run_dir_append(&dir, &record, now_ns, err);        // requests.jsonl, at most a second behind
 *     run_dir_write_file(&dir, "summary.json", &json, err);
 *     run_dir_close(&dir, err);
 *
 * Files other than requests.jsonl, server.jsonl and timeline.jsonl appear whole or not at all.
 * Where a record cannot be written or synced (a full disk) requests.jsonl ends behind the last
 * whole one and stays so: every later call gives the same error, also when there is room again.
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RUN_DIR_H
#define FAREBOX_CORE_RUNS_RECORD_RUN_DIR_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/runs/record/record.h"

#include <stdint.h>
#include <sys/types.h>

enum run_mode {
    RUN_NEW,   /* an existing directory is an error */
    RUN_FORCE, /* a run that is there is replaced in the end: core/runs/record/run_place.h */
};

struct run_dir {
    char *path;
    int fd; /* requests.jsonl */
    unsigned detail;
    struct buffer pending;
    int64_t flushed_ns, synced_ns;
    off_t whole_bytes;    /* of requests.jsonl, as far as it ends with a whole line */
    off_t synced_bytes;   /* of those, what the disk keeps through a power cut */
    uint64_t records;     /* that were written */
    struct error failure; /* the first record that could not be written */
};

/* Makes the directory (and its parents) and opens requests.jsonl. ERR_INPUT where there is
 * something already: nothing was touched then. */
int run_dir_create(struct run_dir *d, const char *path, struct error *err);

/* Checks where a run may go, before any work is done. RUN_FORCE takes a run, an empty directory,
 * and what a killed run leaves: some of a run's files and nothing else. */
int run_dir_check(const char *path, enum run_mode mode, struct error *err);

/* Appends one record; written out when a second has passed or much is pending, and synced to the
 * disk when half a second has passed since that was done. */
int run_dir_append(struct run_dir *d, const struct record *r, int64_t now_ns, struct error *err);
int run_dir_flush(struct run_dir *d, int64_t now_ns, struct error *err);

/* Writes a file of the run atomically. */
int run_dir_write_file(const struct run_dir *d, const char *name, const struct buffer *content,
                       struct error *err);

/* Flushes, syncs and closes. */
int run_dir_close(struct run_dir *d, struct error *err);

/* True for a directory without an entry. */
bool run_dir_is_empty(const char *path);

/* "path/name", for reading; the caller frees it. */
char *run_dir_file(const char *path, const char *name);

/* True if the path is a directory that holds a run's requests.jsonl. */
bool run_dir_is_run(const char *path);

#endif
