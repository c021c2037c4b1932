/* A bench of a small workload, and what it told its observer: against a server of its own, or with
 * base() and run() against any endpoint.
 *
 *     struct live l;
 *     live_start(&l, FAULT_SLOW);
 *     l.server.delay_ms = 10;
 *     l.config.workers = 2;
 *     live_run(&l, testing_rows(3, NS_PER_MS, 20, 6));
 *     ck_assert_uint_eq(l.seen.finals, 3);
 *     live_end(&l);
 */
#ifndef FAREBOX_TESTS_BENCH_FIXTURE_H
#define FAREBOX_TESTS_BENCH_FIXTURE_H

#include "bench/client/bench.h"
#include "fault_server.h"
#include "testing_workload.h"

/* What a run told its observer. */
struct seen {
    uint32_t finals, attempts, by_status[RECORD_STATUSES], by_unsent[UNSENT_REASONS];
    uint32_t stop_after; /* 0 = never */
    struct record last;
    char message[300], finish[32];
    int64_t chunks[64];
    int64_t last_due_ns, worst_lag_ns, e2e_max_ns, least_ttft_ns;
    uint32_t per_endpoint[2];
};

static inline bool see(void *context, const struct record *r)
{
    struct seen *s = context;
    s->attempts += r->attempt > 0;
    if (!r->final)
        return true;
    int64_t ttft_ns = r->first_token_ns - r->sent_ns;
    s->finals++;
    s->by_status[r->status]++;
    s->by_unsent[r->unsent]++;
    s->last = *r;
    snprintf(s->message, sizeof s->message, "%s", r->message ? r->message : "");
    snprintf(s->finish, sizeof s->finish, "%s", r->finish_reason ? r->finish_reason : "");
    for (uint32_t i = 0; r->chunk_ns && i < r->chunks && i < 64; i++)
        s->chunks[i] = r->chunk_ns[i];
    if (r->scheduled_ns > s->last_due_ns)
        s->last_due_ns = r->scheduled_ns;
    if (r->sent_ns != TIME_NEVER && r->sent_ns - r->ready_ns > s->worst_lag_ns)
        s->worst_lag_ns = r->sent_ns - r->ready_ns;
    if (r->first_token_ns != TIME_NEVER && (s->finals == 1 || ttft_ns < s->least_ttft_ns))
        s->least_ttft_ns = ttft_ns;
    s->per_endpoint[r->endpoint && strcmp(r->endpoint, "b") == 0]++;
    return s->finals != s->stop_after;
}

static inline struct bench_config base(const struct endpoint_config *e)
{
    struct bench_config c;
    bench_config_init(&c);
    c.endpoints = e;
    c.endpoint_count = 1;
    c.seed = 7;
    return c;
}

static inline struct bench_report run(const struct bench_config *c, const struct workload *w,
                                      struct seen *s)
{
    struct bench_report report;
    struct error err = {0};
    struct run_observer observer = {s, see};
    ck_assert_msg(bench_run(c, w, &observer, &report, &err) == 0, "%s", err.message);
    return report;
}

struct live {
    struct fault_server server;
    struct endpoint_config endpoint;
    struct bench_config config; /* its load is freed by live_end */
    struct workload workload;
    struct seen seen;
    struct bench_report report;
};

/* A server with this fault, and a config for it without a probe; what differs is set before the
 * run. */
static inline void live_start(struct live *l, enum fault fault)
{
    *l = (struct live){.endpoint = {.url = l->server.url, .model = "m"}};
    fault_server_start(&l->server, fault);
    l->config = base(&l->endpoint);
    l->config.no_probe = true;
}

/* Takes the workload. */
static inline void live_run(struct live *l, struct workload w)
{
    l->workload = w;
    l->report = run(&l->config, &l->workload, &l->seen);
}

static inline void live_end(struct live *l)
{
    bench_report_free(&l->report);
    profile_free(&l->config.schedule.load);
    workload_free(&l->workload);
    fault_server_stop(&l->server);
}

#endif
