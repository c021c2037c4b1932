/* The files of the commands that make one workload of another: TRACE to read, and -o FILE.
 *
 *     if (workload_output_check(o->output, o->force, o->common.json, err) < 0) ...
 *     if (workload_input_read(path, &o->reading, t, &w, err) < 0) ...
 *     if (workload_output_write(&w, TRACE_CANONICAL, o->output, err) < 0) ...
 */
#ifndef FAREBOX_CLI_WORKLOAD_FILES_H
#define FAREBOX_CLI_WORKLOAD_FILES_H

#include "cli/command.h"
#include "cli/trace_options.h"

/* Reads the trace into `w` (initialised). How many rows were skipped is told as a warning. */
int workload_input_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err);

/* What is wrong with -o FILE (NULL = not given), before anything is read: ERR_INPUT. */
int workload_output_check(const char *path, bool force, bool json, struct error *err);

/* Writes the workload to the file, or to standard output for "-". */
int workload_output_write(const struct workload *w, enum trace_output form, const char *path,
                          struct error *err);

/* The path for people: "-" is "standard output". */
const char *workload_output_name(const char *path);

#endif
