/* Bench: drives live endpoints with a workload and tells an observer of every attempt.
 *
 *     struct bench_config config;
 *     bench_config_init(&config);
 *     config.endpoints = &endpoint; config.endpoint_count = 1;
 *     struct bench_report report;
 *     if (bench_run(&config, &workload, &observer, &report, err) < 0) ...
 *     if (report.fidelity.client_limited) ...
 *     bench_report_free(&report);
 *
 * Times in records are nanoseconds from the run's start. Every request that becomes due ends in
 * exactly one final record: completed, failed, cancelled or unsent; interrupted runs too. Bench
 * knows no prices and writes no files.
 *
 * The caller's thread serves the observer and the progress callback; each worker is a thread with
 * an event loop of its own. Everything in the config is borrowed until bench_run returns.
 */
#ifndef FAREBOX_BENCH_CLIENT_BENCH_H
#define FAREBOX_BENCH_CLIENT_BENCH_H

#include "bench/client/bench_config.h"
#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/fidelity.h"

enum bench_end {
    BENCH_FINISHED,    /* all requests, or the duration */
    BENCH_INTERRUPTED, /* SIGINT or SIGTERM */
    BENCH_BUDGET,      /* admit said stop */
    BENCH_UNKEPT,      /* the observer said stop: nothing of what would come is kept */
    BENCH_UNREACHABLE, /* no connection ever succeeded */
    BENCH_SATURATED,   /* a stop rule held: see `stopped` */
};

struct bench_report {
    enum bench_end end;
    int64_t start_unix_ns, duration_ns;
    uint64_t not_due, planned;
    char model[128]; /* asked for where requests say nothing; of the first endpoint */
    int64_t cpu_ns;  /* of all workers */
    int64_t wall_ns; /* of the worker that ran longest */
    struct stop_outcome stopped;
    struct fidelity fidelity; /* a probe for each endpoint */
};

/* What bench_run would refuse before it sends anything; nothing is sent and no thread started.
 * Names are looked up. */
int bench_check(const struct bench_config *config, const struct workload *w, struct error *err);

/* Returns 0 for every run that was carried out, however its requests ended; ERR_INPUT for a
 * configuration that cannot be run (nothing was sent then), ERR_SYSTEM where the machine's limits
 * (open files) are too low. */
int bench_run(const struct bench_config *config, const struct workload *w,
              const struct run_observer *observer, struct bench_report *report, struct error *err);

void bench_report_free(struct bench_report *report);

#endif
