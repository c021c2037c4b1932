/* What a run of bench is to do: all that its workers go by.
 *
 *     struct bench_config config;
 *     bench_config_init(&config);
 *     config.endpoints = endpoints; config.endpoint_count = 2;
 *     e = &config.endpoints[bench_choose_endpoint(&config, &workload, &due)];
 *
 * It borrows everything, and does not change while the run goes on.
 */
#ifndef FAREBOX_BENCH_CLIENT_BENCH_CONFIG_H
#define FAREBOX_BENCH_CLIENT_BENCH_CONFIG_H

#include "bench/client/endpoint.h"
#include "bench/prompt/learn.h"
#include "bench/refusal/retry.h"
#include "core/runs/summary/fidelity.h"
#include "core/runs/summary/stop_when.h"
#include "workloads/load/schedule.h"

struct bench_company; /* bench/client/company.h */

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
    bool stream, send_priority;          /* the latter: see prompt_maker_send_priority() */
    const char *extra_body, *output_key; /* see struct prompt_config */
    uint64_t salt;                       /* of the prompts; 0 = the same in every run */
    uint32_t documents;              /* that a prompt is cut into, where the API wants several */
    struct schedule_config schedule; /* of all workers of all shards: see bench_schedule */
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
    bool thread_replies;  /* later turns carry the answers that came; the API must allow it */
    bool no_probe;        /* tokens are taken as words */
    bool probe_sparingly; /* two requests to an endpoint at most: their cost is set aside */
    /* What is known of models' tokenizers: nothing is asked of those. NULL */
    const struct prompt_scale *scales;
    size_t scale_count;
    uint32_t shard_connections;          /* 0 = the client's own choice */
    const struct stop_rules *stop_rules; /* nothing more is sent once one holds; NULL = none */
    /* Called before the clock starts with what was learnt of each endpoint. NULL */
    void (*on_learnt)(void *context, const struct fidelity_probe *probes, size_t count);
    /* Asked before each first sending, by any worker: false = the budget is spent. NULL */
    bool (*admit)(void *context, uint32_t row);
    /* Called about twice a second by the caller's thread; false: as on_attempt. NULL */
    bool (*on_progress)(void *context, const struct bench_progress *p);
    /* By the caller's thread, once the endpoints were asked: right before the start is fixed, which
     * waits for it; and with the start, on CLOCK_MONOTONIC, before it comes. NULL */
    void (*before_start)(void *context);
    void (*on_start)(void *context, int64_t start_ns);
    void *context;
    /* What another process learnt of the endpoints, one for each: nothing is asked. NULL */
    const struct fidelity_probe *learnt;
    const struct bench_company *company; /* the other processes of the run; NULL = it has none */
};

/* Chat, streaming, one worker, no retries, 10 s to connect, 600 s for a request, 30 s drain. */
void bench_config_init(struct bench_config *c);

/* The schedule of worker `number` of so many that share this process's part of the load: of 0 of 1,
 * all of that part. */
struct schedule_config bench_schedule(const struct bench_config *c, uint32_t number,
                                      uint32_t workers);

/* The number of the endpoint that a request goes to: by its session, else by its place in the run,
 * in the endpoints' shares. */
size_t bench_choose_endpoint(const struct bench_config *config, const struct workload *w,
                             const struct due *due);

#endif
