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

#include "bench/client/endpoint.h"
#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/fidelity.h"
#include "workloads/load/schedule.h"

struct retry_policy {
    uint32_t count;                     /* further attempts; 0 = none */
    bool on_transport;                  /* connection failures, resets, timeouts */
    int statuses[16];                   /* ended by 0 */
    int64_t backoff_ns, max_backoff_ns; /* doubled each time, drawn from [half, full] of it */
    bool honour_retry_after;
};

/* A snapshot of a run on its way. */
struct bench_progress {
    int64_t elapsed_ns;
    uint64_t planned; /* 0 = limited by time only */
    int64_t end_ns;   /* when nothing more becomes due; TIME_NEVER */
    uint64_t sent, completed, failed, cancelled, unsent;
    uint32_t in_flight;
    bool draining;
};

struct bench_config {
    const struct endpoint_config *endpoints;
    size_t endpoint_count;
    const struct bench_api *api;
    bool stream;
    const char *extra_body, *output_key; /* see struct prompt_config */
    uint64_t salt;                       /* of the prompts; 0 = the same in every run */
    struct schedule_config schedule;     /* worker and workers are bench's to fill */
    uint32_t workers; /* fewer run where a cap or a closed loop has not a slot for each */
    /* One of several processes that share a run: part `shard` (from 0) of `shards`; 0 = 1. Each
     * takes its own sessions of the same workload, and its share of the rate and the slots. */
    uint32_t shard, shards;
    uint64_t seed;
    int64_t drain_ns; /* how long what is in flight may go on after the end or an interrupt */
    int64_t connect_timeout_ns, first_token_timeout_ns, gap_timeout_ns, total_timeout_ns;
    struct retry_policy retry;
    double cancel_share; /* of the requests, hung up after cancel_tokens chunks */
    uint32_t cancel_tokens;
    bool keep_text, keep_raw;
    bool no_probe;              /* tokens are taken as words */
    uint32_t shard_connections; /* 0 = the client's own choice */
    /* Asked before each first sending, by any worker: false = the budget is spent. NULL */
    bool (*admit)(void *context, uint32_t row);
    /* Called about twice a second by the caller's thread; false: as on_attempt. NULL */
    bool (*on_progress)(void *context, const struct bench_progress *p);
    void *context;
};

enum bench_end {
    BENCH_FINISHED,    /* all requests, or the duration */
    BENCH_INTERRUPTED, /* SIGINT or SIGTERM */
    BENCH_BUDGET,      /* admit said stop */
    BENCH_UNKEPT,      /* the observer said stop: nothing of what would come is kept */
    BENCH_UNREACHABLE, /* no connection ever succeeded */
};

struct bench_report {
    enum bench_end end;
    int64_t start_unix_ns, duration_ns;
    uint64_t not_due, planned;
    char model[128];          /* asked for where requests say nothing; of the first endpoint */
    int64_t cpu_ns;           /* of all workers */
    int64_t wall_ns;          /* of the worker that ran longest */
    struct fidelity fidelity; /* a probe for each endpoint */
};

/* Chat, streaming, one worker, no retries, 10 s to connect, 600 s for a request, 30 s drain. */
void bench_config_init(struct bench_config *c);

/* What bench_run would refuse before it sends anything; nothing is sent and no thread started.
 * Names are looked up. */
int bench_check(const struct bench_config *config, const struct workload *w, struct error *err);

/* The number of the endpoint that a request goes to: by its session, else by its place in the run,
 * in the endpoints' shares. */
size_t bench_choose_endpoint(const struct bench_config *config, const struct workload *w,
                             const struct due *due);

/* Returns 0 for every run that was carried out, however its requests ended; ERR_INPUT for a
 * configuration that cannot be run (nothing was sent then), ERR_SYSTEM where the machine's limits
 * (open files) are too low. */
int bench_run(const struct bench_config *config, const struct workload *w,
              const struct run_observer *observer, struct bench_report *report, struct error *err);

void bench_report_free(struct bench_report *report);

#endif
