#include "core/runs/record/run_json.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

#define RUN_JSON_MOST ((size_t)64 << 20) /* bytes */

int run_json_read(const char *run, struct run_json *out, struct error *err)
{
    char *file = run_dir_file(run, "run.json");
    struct text options, started;
    size_t length;
    *out = (struct run_json){.workload = text_of("{}"), .started_unix_ns = TIME_NEVER};
    int status = file_read_all(file, RUN_JSON_MOST, &out->json, &length, err);
    free(file);
    if (status < 0)
        return status;
    json_member(out->json, "command", &out->command);
    json_member(out->json, "workload", &out->workload);
    if (json_member(out->json, "options", &options))
        out->options = options.at;
    if (json_member(out->json, "started", &started) &&
        clock_parse_instant(started.at, started.length, &out->started_unix_ns) < 0)
        out->started_unix_ns = TIME_NEVER;
    return 0;
}

bool run_json_option(const struct run_json *j, const char *name, struct text *value)
{
    return j->options && json_member(j->options, name, value);
}

void run_json_free(struct run_json *j)
{
    free(j->json);
    *j = (struct run_json){0};
}
