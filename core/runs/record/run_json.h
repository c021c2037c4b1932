/* What a run says of itself before its first request: its run.json, read back.
 *
 *     struct run_json j;
 *     run_json_read("results/x", &j, NULL);           // without the file nothing is said
 *     if (run_json_option(&j, "rate", &value)) ...
 *     run_json_free(&j);
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RUN_JSON_H
#define FAREBOX_CORE_RUNS_RECORD_RUN_JSON_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct run_json {
    char *json;
    struct text command;     /* lent; empty where it does not say */
    struct text workload;    /* an object, likewise; {} */
    int64_t started_unix_ns; /* TIME_NEVER, as a simulation's */
    const char *options;     /* an object, and more behind it; NULL */
};

int run_json_read(const char *run, struct run_json *out, struct error *err);

/* A string without its quotes, anything else as written; lent. */
bool run_json_option(const struct run_json *j, const char *name, struct text *value);
void run_json_free(struct run_json *j);

#endif
