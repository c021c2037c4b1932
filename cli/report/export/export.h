/* Exports: a run in the files of other tools, with their keys and their definitions.
 *
 *     struct export *x = export_create(&target);
 *     if (export_begin(x, "results/x", &run_json, collector, err) < 0) ...
 *     collector_add(collector, &record);          // once per record, in their order
 *     status = export_add(x, &record, err);
 *     struct buffer notes;
 *     buffer_init(&notes, BUFFER_UNBOUNDED);
 *     status = export_end(x, &summary, NULL, &notes, err);    // of the run; the next one may begin
 *     status = export_close(x, status, &notes, err);
 *     print_buffer(t->human, &notes);             // what was written, and what could not be
 *
 * vllm: the result document of vLLM's serving benchmark with its detailed arrays. Its latency is
 * the stream's end − sent, its TPOT (latency − TTFT) / (output tokens − 1), its ITL the gaps
 * between chunks, its deviations divide by n. aiperf: profile_export.jsonl and
 * profile_export_aiperf.json. Its request latency is the last token − sent, its inter token latency
 * (latency − TTFT) / (output tokens − 1), its deviations divide by n. csv: one line per request
 * with our own times in milliseconds. otlp: spans (export_otlp.h). sqlite: a database
 * (export_sqlite.h). Requests that were never sent exist in CSV and database only: the other tools
 * have none. A retried request is one row, from its first sending to its final answer; spans and
 * the database have its attempts, too.
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/runs/record/run_json.h"
#include "core/runs/summary/collector.h"
#include "sim/cost/bill/bill.h"

enum export_kind { EXPORT_VLLM, EXPORT_AIPERF, EXPORT_CSV, EXPORT_OTLP, EXPORT_SQLITE };

struct export_target {
    enum export_kind kind;
    const char *output;    /* a file, "-" (standard output; no database) or for aiperf a directory;
                            * NULL = inside the run: vllm.json, requests.csv, aiperf/, otlp.jsonl,
                            * run.sqlite */
    int64_t start_unix_ns; /* of runs that do not say when they began; TIME_NEVER: 1970 */
};

struct export;

/* `output` is lent. */
struct export *export_create(const struct export_target *target);

/* A run's records follow. `said` is its run.json, of which nothing is kept. `collector` has each
 * record before it is added here: it knows when a retried request was sent first. 0 or ERR_SYSTEM.
 */
int export_begin(struct export *x, const char *run, const struct run_json *said,
                 const struct collector *collector, struct error *err);
int export_add(struct export *x, const struct record *r, struct error *err);

/* The run is whole; `summary` is its own, and `bill`, where it was billed (else NULL). Files that
 * hold one run are put in place, each whole or not at all. Sentences about what was written and
 * what is missing are added to `notes`. */
int export_end(struct export *x, const struct summary *summary, const struct bill *bill,
               struct buffer *notes, struct error *err);

/* Puts a file of several runs in place where `status` is 0, and frees. Returns `status` or an error
 * of its own. */
int export_close(struct export *x, int status, struct buffer *notes, struct error *err);

/* "vllm", "aiperf", "csv", "otlp", "sqlite"; ERR_INPUT for anything else. */
int export_parse_kind(const char *name, enum export_kind *out, struct error *err);

/* True for what holds several runs in one file. */
bool export_holds_many(enum export_kind kind);

/* Whether the files may be written there (NULL: inside the run, where they are replaced): ones that
 * exist only with `force`. A directory is needed for aiperf, a file for sqlite, a file or "-"
 * (standard output) for the others. 0 or ERR_INPUT. */
int export_check_output(enum export_kind kind, const char *output, bool force, struct error *err);

#endif
