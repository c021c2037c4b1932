/* The files of the commands that make one workload of another: TRACE to read, and -o FILE.
 *
 *     if (workload_output_given(o->output, err) < 0) ...
 *     if (workload_input_read(path, &o->reading, t, &w, err) < 0) ...
 *     if (trace_write(&w, TRACE_CANONICAL, o->output, err) < 0) ...
 */
#ifndef FAREBOX_CLI_WORKLOAD_FILES_H
#define FAREBOX_CLI_WORKLOAD_FILES_H

#include "cli/command.h"
#include "cli/trace_options.h"

/* Reads the trace into `w` (initialised). How many rows were skipped is told as a warning. */
int workload_input_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err);

/* ERR_INPUT where -o FILE was left out. */
int workload_output_given(const char *path, struct error *err);

#endif
