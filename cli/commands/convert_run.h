/* A log that says how long its requests took, as a run directory. */
#ifndef FAREBOX_CLI_COMMANDS_CONVERT_RUN_H
#define FAREBOX_CLI_COMMANDS_CONVERT_RUN_H

#include "cli/options.h"
#include "cli/terminal.h"
#include "workloads/model/workload.h"

/* Writes a run with a record for each row: `specs` and `options` go into its run.json. ERR_INPUT
 * where no row says when its answer ended, or the directory is there (with `force` a run is
 * replaced). */
int convert_to_run(const struct workload *w, const char *path, bool force,
                   const struct option_spec *specs, const void *options, const struct terminal *t,
                   struct error *err);

#endif
