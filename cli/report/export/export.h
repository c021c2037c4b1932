/* Exports: a run in the files of other tools, with their keys and their definitions.
 *
 *     struct export_rows *rows = export_rows_create("results/x", collector);
 *     collector_add(collector, &record);          // once per record, in their order
 *     export_rows_add(rows, &record);
 *     struct export_request q = {
 *         .kind = EXPORT_VLLM, .run = "results/x", .summary = &summary, .rows = rows};
 *     struct buffer notes;
 *     buffer_init(&notes, BUFFER_UNBOUNDED);
 *     if (export_run(&q, &notes, err) < 0) ...
 *     print_buffer(t->human, &notes);             // what was written, and what could not be
 *
 * vllm: the result document of vLLM's serving benchmark with its detailed arrays. Its latency is
 * the stream's end − sent, its TPOT (latency − TTFT) / (output tokens − 1), its ITL the gaps
 * between chunks, its deviations divide by n. aiperf: profile_export.jsonl and
 * profile_export_aiperf.json. Its request latency is the last token − sent, its inter token latency
 * (latency − TTFT) / (output tokens − 1), its deviations divide by n. csv: one line per request
 * with our own times in milliseconds. Requests that were never sent exist in the CSV only: the
 * other tools have none. A retried request is one row, from its first sending to its final answer.
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/runs/summary/collector.h"

enum export_kind { EXPORT_VLLM, EXPORT_AIPERF, EXPORT_CSV };

struct export_request {
    enum export_kind kind;
    const char *run;    /* the run directory */
    const char *output; /* a file (vllm, csv) or a directory (aiperf); NULL = inside the run:
                         * vllm.json, requests.csv, aiperf/ */
    const struct summary *summary; /* of the same run: durations, throughputs, goodput */
    struct export_rows *rows;      /* its requests */
};

/* `collector` has each record before it is added here: it knows when a retried request was sent
 * first. */
struct export_rows *export_rows_create(const char *run, const struct collector *collector);
void export_rows_add(struct export_rows *x, const struct record *r);
void export_rows_free(struct export_rows *x);

/* "vllm", "aiperf", "csv"; ERR_INPUT for anything else. */
int export_parse_kind(const char *name, enum export_kind *out, struct error *err);

/* Whether the files may be written there (NULL: inside the run, where they are replaced): ones that
 * exist only with `force`. A directory is needed for aiperf, a file or "-" (standard output) for
 * the others. 0 or ERR_INPUT. */
int export_check_output(enum export_kind kind, const char *output, bool force, struct error *err);

/* Sorts the rows and writes the files, each whole or not at all. Sentences about what
 * was written and what is missing are added to `notes`. */
int export_run(const struct export_request *q, struct buffer *notes, struct error *err);

#endif
