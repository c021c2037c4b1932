/* Runs as spans of OpenTelemetry: OTLP's JSON, a payload of at most OTLP_MOST_BYTES a line, as a
 * collector takes them over HTTP and from a file (JSON Lines of TracesData).
 *
 *     struct otlp *o = otlp_open("run.jsonl", err);
 *     otlp_begin(o, "results/x", &run_json, start_unix_ns);
 *     status = otlp_add(o, &record, err);      // each attempt
 *     status = otlp_end(o, err);               // sessions, and requests that were tried again
 *     status = otlp_close(o, status, err);     // the file is put in place, or not
 *
 * An attempt is a client's span of the GenAI conventions. A session is a trace with a span of its
 * own around its attempts, a request without one a trace for itself; attempts of a request that was
 * tried again have a span around them, too. Ids follow from the run's run.json and the record's
 * place, so that the same run gives the same spans. What was said is in no span.
 *
 * Source: opentelemetry.io/docs/specs/otlp (JSON), .../protocol/file-exporter;
 * github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md (2026).
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_OTLP_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_OTLP_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/runs/record/run_json.h"

/* What the collector's receivers take without being told otherwise: gRPC 4 MiB, HTTP 20 MiB. */
#define OTLP_MOST_BYTES ((size_t)4000000)

struct otlp;

/* "-" is standard output. NULL after ERR_SYSTEM. */
struct otlp *otlp_open(const char *path, struct error *err);

/* A run's spans follow; `said` is its run.json, of which nothing is kept. Times are since 1970
 * where it says when the run began; else from `start_unix_ns`, TIME_NEVER: from 1970 on. True if it
 * says so. */
bool otlp_begin(struct otlp *o, const char *run, const struct run_json *said,
                int64_t start_unix_ns);

/* Both 0 or ERR_SYSTEM. A request that was never sent has no span. */
int otlp_add(struct otlp *o, const struct record *r, struct error *err);
int otlp_end(struct otlp *o, struct error *err);

/* Requests of the run that were never sent. */
uint64_t otlp_unsent(const struct otlp *o);

/* Puts the file in place where `status` is 0, and frees. Returns `status` or ERR_SYSTEM. */
int otlp_close(struct otlp *o, int status, struct error *err);

#endif
