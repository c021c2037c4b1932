/* Runs as a database: one file of SQLite, whose tables are told in docs/exports.md.
 *
 *     struct sqlite_export *x = sqlite_export_open("runs.sqlite", err);
 *     status = sqlite_export_begin(x, "results/x", &run_json, collector, TIME_NEVER, &dated, err);
 *     collector_add(collector, &record);
 *     status = sqlite_export_add(x, &record, err);
 *     status = sqlite_export_end(x, &summary, NULL, err);
 *     status = sqlite_export_close(x, status, err);   // the file is put in place, or not
 *
 * Times are nanoseconds from the run's start, or milliseconds in columns that end in _ms. Money is
 * exact, as decimals in text; views beside the tables have it as REAL, for sums that may round.
 */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_SQLITE_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_SQLITE_H

#include "core/error.h"
#include "core/runs/record/run_json.h"
#include "core/runs/summary/collector.h"
#include "sim/cost/bill/bill.h"

struct sqlite_export;

/* NULL after ERR_SYSTEM, or ERR_INPUT where `path` is a device or a fifo: a database is no stream.
 */
struct sqlite_export *sqlite_export_open(const char *path, struct error *err);

/* A run's records follow; `said` is its run.json, `collector` has each record before it is added
 * here. `start_unix_ns` is for a run that does not say when it began (then *dated is false);
 * TIME_NEVER: it has no dates. `bill` (may be NULL) adds what each request costs; the sums are
 * taken from the run's bill.json. All three 0, ERR_INPUT (a file of the run cannot be read) or
 * ERR_SYSTEM. */
int sqlite_export_begin(struct sqlite_export *x, const char *run, const struct run_json *said,
                        const struct collector *collector, int64_t start_unix_ns, bool *dated,
                        struct error *err);
int sqlite_export_add(struct sqlite_export *x, const struct record *r, struct error *err);
int sqlite_export_end(struct sqlite_export *x, const struct summary *summary,
                      const struct bill *bill, struct error *err);

/* Puts the file in place where `status` is 0, and frees. Returns `status` or ERR_SYSTEM. */
int sqlite_export_close(struct sqlite_export *x, int status, struct error *err);

#endif
