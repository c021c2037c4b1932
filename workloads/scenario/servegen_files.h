/* The files of a ServeGen data set, from a tar archive or a folder. Internal. */
#ifndef FAREBOX_WORKLOADS_SCENARIO_SERVEGEN_FILES_H
#define FAREBOX_WORKLOADS_SCENARIO_SERVEGEN_FILES_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

/* One client's two files; each NULL where it is missing. Names are for messages. */
struct servegen_client {
    uint64_t number;
    char *trace, *trace_name, *dataset, *dataset_name;
    size_t trace_length, dataset_length;
};

struct servegen_files {
    struct servegen_client *clients; /* by number */
    size_t count, capacity;
};

/* Finds every chunk-N-trace.csv and chunk-N-dataset.json. */
int servegen_files_read(const char *path, struct servegen_files *out, struct error *err);
void servegen_files_free(struct servegen_files *f);

#endif
