#include "cli/commands/convert_run.h"

#include "cli/run_output.h"
#include "core/memory.h"
#include "workloads/model/record_request.h"

#include <stdlib.h>

/* Times begin with the first request, and a run needs an end to measure. */
static int check(const struct workload *w, struct error *err)
{
    int code = workload_check_single(w, "--as-run", err);
    for (size_t i = 0; i < w->count && code == 0; i++)
        if (w->timestamp_ns[i] == TIME_NEVER)
            return error_set(err, ERR_INPUT,
                             "--as-run needs when each request began, and row %zu has no time",
                             i + 1);
    if (code == 0 && !w->end_ns)
        return error_set(err, ERR_INPUT,
                         "--as-run needs rows that say how long they took: end_ms and "
                         "first_token_ms in a trace, or ended=, e2e_ms=, first_token=, ttft_ms= "
                         "in --columns or --keys");
    return code;
}

static void write_records(const struct workload *w, struct run_output *out)
{
    for (size_t i = 0; i < w->count; i++) {
        char made[REQUEST_ID_SIZE];
        struct record r;
        record_of_request(w, i, made, &r);
        if (!run_output_attempt(out, &r))
            return;
    }
}

int convert_to_run(const struct workload *w, const char *path, bool force,
                   const struct option_spec *specs, const void *options, const struct terminal *t,
                   struct error *err)
{
    struct run_output_request request = {.command = "log",
                                         .path = path,
                                         .mode = force ? RUN_FORCE : RUN_NEW,
                                         .reproducible = true,
                                         .started_ns = w->has_start ? w->start_unix_ns : 0,
                                         .specs = specs,
                                         .options = options};
    struct summary_options how = {.command = "log", .load = "trace", .no_intervals = false};
    struct fidelity unsaid = {0};
    struct run_output out;
    if (check(w, err) < 0)
        return ERR_INPUT;
    int status = run_output_begin(&out, &request, err);
    if (status < 0)
        return status;
    struct summary *summary = mem_zero(1, sizeof *summary);
    write_records(w, &out);
    status = run_output_finish(&out, &how, &unsaid, summary, err);
    if (status == 0)
        status = run_output_take_place(&out, summary, err);
    run_output_warn(&out, t);
    run_output_free(&out);
    summary_free(summary);
    free(summary);
    return status;
}
