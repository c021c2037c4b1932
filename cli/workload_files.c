#include "cli/workload_files.h"

#include "core/runs/record/run_dir.h"

#include <inttypes.h>

int workload_input_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err)
{
    struct trace_options reading = trace_reading_options(how);
    struct trace_report report;
    int status = trace_read(path, &reading, w, &report, err);
    if (status == 0 && trace_report_skipped(&report))
        warn(t, "%llu rows of the trace were skipped; workload info says which",
             (unsigned long long)trace_report_skipped(&report));
    return status < 0 ? status : workload_check_single(w, "this command", err);
}

static void tell_skipped(const struct terminal *t, const struct trace_report *r)
{
    for (size_t i = 0; i < r->note_count; i++)
        if (r->notes[i].skipped)
            warn(t, "%" PRIu64 " rows of the trace were skipped: %s, first at line %ld",
                 r->notes[i].count, r->notes[i].what, r->notes[i].first_line);
}

void trace_tell_unknown_keys(const struct terminal *t, const struct trace_report *r)
{
    const struct usage_key_names *n = &r->unknown_usage_keys;
    for (uint32_t i = 0; i < n->count; i++)
        warn(t,
             "the usage objects of this trace have tokens under \"%s\", which is not known: they "
             "are not counted beside the others",
             n->name[i]);
}

int workload_trace_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err)
{
    struct trace_options reading = trace_reading_options(how);
    struct trace_report report;
    int status = trace_read(path, &reading, w, &report, err);
    if (status == 0) {
        tell_skipped(t, &report);
        trace_tell_unknown_keys(t, &report);
    }
    return status;
}

int trace_or_run_read(const char *path, const struct trace_reading *how,
                      const struct slo_list *slos, const struct terminal *t,
                      struct run_workload *out, struct error *err)
{
    return run_dir_is_run(path) ? run_workload_read(out, path, slos, err)
                                : workload_trace_read(path, how, t, &out->workload, err);
}

int workload_output_given(const char *path, struct error *err)
{
    return path ? 0 : error_set(err, ERR_INPUT, "expected -o FILE (or -o - for standard output)");
}
