/* Which files in a run's directory farebox wrote, and their removal. Whatever else lies there is
 * somebody's own, and stays.
 *
 *     run_files_clear("results/x");                    // of one run; "x" itself stays
 *     run_files_replace("results/x.new", "results/x"); // of the earlier run; "x.new" goes
 *
 * Of a sweep its points belong to it: rate-N, concurrency-N, probe-N. run.json goes last, so that
 * what a kill leaves is still known as a run's.
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RUN_FILES_H
#define FAREBOX_CORE_RUNS_RECORD_RUN_FILES_H

#include <stdbool.h>

/* Removes what a kill left of files that were being written in a directory that is gone on with,
 * and in its plots/: nobody else may be writing there. */
void run_files_clear_cut(const char *path);

/* The name of a file of a run or a sweep, also of one that was cut while it was written. */
bool run_files_are_ours(const char *name);

/* The name of a picture in plots/. */
bool run_files_are_plots(const char *name);

/* Removes the files of a run or a sweep, without its plots and points. */
void run_files_clear(const char *path);

/* Removes `old`, points and plots too; what is somebody's own moves to the same place in `new`.
 * Where `new` has something of that name it stays in `old`, which is then kept. */
void run_files_replace(const char *old, const char *new);

#endif
