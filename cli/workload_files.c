#include "cli/workload_files.h"

#include "core/file.h"

#include <string.h>
#include <unistd.h>

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

static bool is_standard_output(const char *path)
{
    return strcmp(path, "-") == 0;
}

int workload_output_check(const char *path, bool force, bool json, struct error *err)
{
    if (!path)
        return error_set(err, ERR_INPUT, "expected -o FILE (or -o - for standard output)");
    if (is_standard_output(path) && json)
        return error_set(err, ERR_INPUT, "--json and -o - both want standard output");
    if (!force && !is_standard_output(path) && file_exists(path))
        return error_set(err, ERR_INPUT, "%s exists; --force replaces it", path);
    return 0;
}

int workload_output_write(const struct workload *w, enum trace_output form, const char *path,
                          struct error *err)
{
    if (is_standard_output(path))
        return trace_write_fd(w, form, STDOUT_FILENO, workload_output_name(path), err);
    return trace_write(w, form, path, err);
}

const char *workload_output_name(const char *path)
{
    return is_standard_output(path) ? "standard output" : path;
}
