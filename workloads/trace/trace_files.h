/* A path that stands for several files: a folder of logs, or a pattern. Private to workloads/.
 *
 *     struct trace_files f;
 *     if (trace_files_find("~/.claude/projects", &f, err) < 0) ...
 *     for (size_t i = 0; i < f.count; i++) use(f.paths[i]);
 *     trace_files_free(&f);
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_FILES_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_FILES_H

#include "core/error.h"

#include <stddef.h>

struct trace_files {
    char **paths; /* by name; owned */
    size_t count;
};

/* The files that a path stands for: itself, one that ends in .jsonl, .ndjson, .json, .csv, .tsv,
 * .log or .txt (and .gz) anywhere below a folder, or what matches a pattern with *, ? or []. A run
 * directory is its requests.jsonl. ERR_INPUT where there is none. */
int trace_files_find(const char *path, struct trace_files *out, struct error *err);
void trace_files_free(struct trace_files *f);

#endif
