/* Our own runs, read back as a trace: each request's final attempt, at the time it was due, with
 * the usage, outcome, attempts and cost that were recorded.
 *
 * Lengths are what was used, or where no usage came, what was asked for. Attempts that were tried
 * again and requests that were never sent are left out and counted.
 */
#include "workloads/trace/trace_json.h"

#include "core/runs/record/record_file.h"
#include "workloads/model/record_request.h"

#include <stdlib.h>

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "attempt") && trace_probe_key(p, "final") &&
           trace_probe_key(p, "asked");
}

static int read_record(struct trace_input *in, const struct record *a, struct error *err)
{
    if (a->status == RECORD_UNSENT) {
        trace_note(in, "unsent", true);
        return 0;
    }
    if (!a->final) {
        trace_note(in, "attempt_tried_again", true);
        return 0;
    }
    if (usage_input(&a->usage) > UINT32_MAX || usage_output(&a->usage) > UINT32_MAX)
        return trace_fail(in, 0, err, "expected token counts below 4294967296");
    struct request r = record_request(a);
    return trace_add(in, &r, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    /* The record reader takes the input over, from its first line, and gives it back. */
    struct record_reader reader = {.lines = in->lines};
    struct record record;
    int status = 0, more = 0;
    buffer_init(&reader.texts, in->lines.max_line);
    while (status == 0 && (more = record_reader_next(&reader, &record, err)) > 0) {
        in->lines.number = reader.lines.number;
        status = read_record(in, &record, err);
    }
    in->lines = reader.lines;
    in->report->lines = (uint64_t)in->lines.number;
    if (reader.torn)
        trace_note(in, "last_line_cut", true);
    buffer_free(&reader.texts);
    free(reader.chunks);
    return status < 0 ? status : more;
}

const struct trace_reader trace_reader_run = {
    "run",
    "a run directory of farebox, or its requests.jsonl",
    probe,
    read_rows,
};
