#include "cli/workload_files.h"

int workload_input_read(const char *path, const struct trace_reading *how, const struct terminal *t,
                        struct workload *w, struct error *err)
{
    struct trace_options reading = trace_reading_options(how);
    struct trace_report report;
    int status = trace_read(path, &reading, w, &report, err);
    if (status == 0 && trace_report_skipped(&report))
        warn(t, "%llu rows of the trace were skipped; workload info says which",
             (unsigned long long)trace_report_skipped(&report));
    return status;
}

int workload_output_given(const char *path, struct error *err)
{
    return path ? 0 : error_set(err, ERR_INPUT, "expected -o FILE (or -o - for standard output)");
}
