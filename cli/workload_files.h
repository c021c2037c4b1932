/* The files that commands take as a workload: TRACE to read, a trace or a run, and -o FILE.
 *
 *     if (workload_output_given(o->output, err) < 0) ...
 *     if (workload_input_read(path, &o->reading, t, &w, err) < 0) ...
 *     if (trace_write(&w, TRACE_CANONICAL, o->output, err) < 0) ...
 */
#ifndef FAREBOX_CLI_WORKLOAD_FILES_H
#define FAREBOX_CLI_WORKLOAD_FILES_H

#include "cli/terminal.h"
#include "cli/trace_options.h"
#include "sim/cost/bill/run_workload.h"

/* Reads the trace into `w` (initialised). How many rows were skipped is told as a warning. */
int workload_input_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err);

/* Warns of token counts in a trace's usage objects under names that are not known. */
void trace_tell_unknown_keys(const struct terminal *t, const struct trace_report *r);

/* The same; why rows were skipped is told as well, reason by reason. */
int workload_trace_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err);

/* Reads a trace or a run directory (run_dir_is_run()) into `out` (its workload initialised): of a
 * trace the workload alone, of a run also what the attempts met, against the objectives (may be
 * NULL). Warns of a trace's skipped rows. */
int trace_or_run_read(const char *path, const struct trace_reading *how,
                      const struct slo_list *slos, const struct terminal *t,
                      struct run_workload *out, struct error *err);

/* ERR_INPUT where -o FILE was left out. */
int workload_output_given(const char *path, struct error *err);

#endif
