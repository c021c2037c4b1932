#include "bench/client/bench.h"
#include "bench/client/null_endpoint.h"
#include "bench/client/retry.h"
#include "core/stop.h"
#include "tests/unit/fault_server.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static bool see(void *context, const struct record *r)
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

static struct workload make(uint32_t count, int64_t gap_ns, uint32_t input, uint32_t output)
{
    struct workload w;
    struct error err = {0};
    workload_init(&w);
    for (uint32_t i = 0; i < count; i++) {
        struct request r = {.timestamp_ns = i * gap_ns,
                            .input_tokens = input,
                            .output_tokens = output,
                            .attempts = 1};
        ck_assert_int_eq(workload_add(&w, &r, &err), 0);
    }
    return w;
}

static struct bench_config base(const struct endpoint_config *e)
{
    struct bench_config c;
    bench_config_init(&c);
    c.endpoints = e;
    c.endpoint_count = 1;
    c.seed = 7;
    return c;
}

static struct bench_report run(const struct bench_config *c, const struct workload *w,
                               struct seen *s)
{
    struct bench_report report;
    struct error err = {0};
    struct run_observer observer = {s, see};
    ck_assert_msg(bench_run(c, w, &observer, &report, &err) == 0, "%s", err.message);
    return report;
}

/* ---- classes ---- */

static const struct {
    enum fault fault;
    int status;
    enum failure_class failure; /* FAILURE_NONE = completed */
    const char *message;
} faults[] = {
    {FAULT_NONE, 0, FAILURE_NONE, ""},
    {FAULT_WHOLE_JSON, 0, FAILURE_NONE, ""},
    {FAULT_BYTE_BY_BYTE, 0, FAILURE_NONE, ""},
    {FAULT_CRLF, 0, FAILURE_NONE, ""},
    {FAULT_REASONING, 0, FAILURE_NONE, ""},
    {FAULT_LEFT_OPEN, 0, FAILURE_NONE, ""},
    {FAULT_KEPT_ALIVE, 0, FAILURE_NONE, ""},
    {FAULT_STATUS, 500, FAILURE_SERVER, "as asked"},
    {FAULT_STATUS, 503, FAILURE_SERVER, "as asked"},
    {FAULT_STATUS, 429, FAILURE_RATE_LIMITED, "as asked"},
    {FAULT_STATUS, 401, FAILURE_AUTH, "as asked"},
    {FAULT_STATUS, 403, FAILURE_AUTH, "as asked"},
    {FAULT_STATUS, 400, FAILURE_BAD_REQUEST, "as asked"},
    {FAULT_STATUS, 404, FAILURE_BAD_REQUEST, "as asked"},
    {FAULT_STATUS, 302, FAILURE_HTTP, "as asked"},
    {FAULT_RESET_FIRST, 0, FAILURE_RESET, NULL},
    {FAULT_RESET_INSIDE, 0, FAILURE_RESET, NULL},
    {FAULT_CUT_INSIDE, 0, FAILURE_TRUNCATED, NULL},
    {FAULT_NO_DONE, 0, FAILURE_TRUNCATED, "the stream ended without [DONE]"},
    {FAULT_NO_FINISH, 0, FAILURE_TRUNCATED, "the stream ended without finish_reason"},
    {FAULT_BAD_JSON, 0, FAILURE_MALFORMED, "{\"choices\":[{"},
    {FAULT_ERROR_EVENT, 0, FAILURE_ERROR_EVENT, "overloaded"},
    {FAULT_HUGE_EVENT, 0, FAILURE_TOO_LARGE, NULL},
    {FAULT_EMPTY_STREAM, 0, FAILURE_EMPTY, NULL},
    {FAULT_HTML, 0, FAILURE_TRUNCATED, NULL},
    {FAULT_NOT_HTTP, 0, FAILURE_HTTP, NULL},
    {FAULT_SILENT, 0, FAILURE_TIMEOUT_FIRST_TOKEN, NULL},
    {FAULT_STALL_INSIDE, 0, FAILURE_TIMEOUT_GAP, NULL},
};

/* Every fault is told by its class, costs one attempt, hangs nothing. */
START_TEST(faults_are_classified)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, faults[_i].fault);
    server.status = faults[_i].status;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    bool silent = faults[_i].failure == FAILURE_TIMEOUT_FIRST_TOKEN ||
                  faults[_i].failure == FAILURE_TIMEOUT_GAP;
    c.first_token_timeout_ns = c.gap_timeout_ns = (silent ? 150 : 10000) * NS_PER_MS;
    struct workload w = make(3, 5 * NS_PER_MS, 20, 6);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.finals, 3);
    ck_assert_uint_eq(s.attempts, 3);
    ck_assert_int_eq(atomic_load(&server.requests), 3);
    ck_assert_msg(s.last.failure == faults[_i].failure, "fault %d gave %s: %s", faults[_i].fault,
                  failure_name(s.last.failure), s.message);
    ck_assert_uint_eq(s.by_status[faults[_i].failure ? RECORD_FAILED : RECORD_COMPLETED], 3);
    if (faults[_i].message)
        ck_assert_str_eq(s.message, faults[_i].message);
    if (faults[_i].status)
        ck_assert_int_eq(s.last.http_status, faults[_i].status);
    ck_assert_int_eq(report.end, BENCH_FINISHED);
    ck_assert_uint_eq(report.not_due, 0);
    bool left_open = faults[_i].fault == FAULT_LEFT_OPEN || faults[_i].fault == FAULT_KEPT_ALIVE;
    ck_assert_uint_eq(report.fidelity.counts.left_open, left_open ? 3 : 0);
    if (left_open) /* not until the total limit, 600 s */
        ck_assert_int_lt(s.last.done_ns - s.last.last_token_ns, 5 * NS_PER_S);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* An answer that comes while it is still being asked for is read inside the sending: it must be
 * dated by that read, not by the last one. */
START_TEST(no_answer_comes_before_its_request)
{
    struct null_endpoint *n = null_endpoint_create(0, NULL);
    pthread_t thread;
    struct seen s = {0};
    ck_assert_ptr_nonnull(n);
    pthread_create(&thread, NULL, null_endpoint_main, n);
    struct endpoint_config e = {.url = null_endpoint_url(n), .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    struct workload w = make(500, 2 * NS_PER_MS, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 500);
    ck_assert_int_gt(s.least_ttft_ns, 2000); /* loopback takes ten times as long */
    bench_report_free(&report);
    workload_free(&w);
    null_endpoint_stop(n);
    pthread_join(thread, NULL);
    null_endpoint_free(n);
}
END_TEST

/* ---- what a completed record holds ---- */

START_TEST(a_stream_is_measured_and_counted)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_NONE);
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    struct workload w = make(5, NS_PER_MS, 300, 12);
    struct bench_report report = run(&c, &w, &s);
    const struct record *r = &s.last;
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 5);
    ck_assert_str_eq(s.finish, "length");
    ck_assert_uint_eq(r->chunks, 12);
    ck_assert_uint_eq(r->usage.tokens[USAGE_OUTPUT], 12);
    ck_assert_int_eq(r->usage_from, USAGE_SERVER);
    /* the server counts words + 5: the probe finds that, and prompts come out exact */
    ck_assert(report.fidelity.probes[0].measured);
    ck_assert_double_eq_tol(report.fidelity.probes[0].tokens_per_word, 1, 1e-9);
    ck_assert_double_eq_tol(report.fidelity.probes[0].template_tokens, 5, 1e-6);
    ck_assert_uint_eq(usage_input(&r->usage), 300);
    ck_assert(r->scheduled_ns <= r->sent_ns && r->sent_ns <= r->first_byte_ns &&
              r->first_byte_ns <= r->first_token_ns && r->first_token_ns == s.chunks[0] &&
              r->last_token_ns == s.chunks[11] && r->last_token_ns <= r->done_ns);
    ck_assert(r->first_output_ns == r->first_token_ns && r->streamed);
    ck_assert_uint_eq(report.fidelity.counts.connects + report.fidelity.counts.reuses, 5);
    ck_assert_uint_eq(report.fidelity.counts.http1_answers, 5);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

START_TEST(a_buffered_stream_is_noticed)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_ALL_AT_ONCE);
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    struct workload w = make(2, 0, 20, 30);
    struct bench_report report = run(&c, &w, &s);
    ck_assert(s.last.slow_reader);
    ck_assert_uint_eq(report.fidelity.counts.slow_reads, 2);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* ---- retries ---- */

START_TEST(a_retry_is_recorded_and_completes)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_STATUS_ONCE);
    server.status = 429;
    snprintf(server.retry_after, sizeof server.retry_after, "Retry-After: 0\r\n");
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.retry.count = 2;
    c.retry.backoff_ns = 2 * NS_PER_MS;
    struct workload w = make(1, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.attempts, 2);
    ck_assert_uint_eq(s.finals, 1);
    ck_assert_uint_eq(s.last.attempt, 2);
    ck_assert_int_eq(s.last.status, RECORD_COMPLETED);
    ck_assert_int_eq(s.last.scheduled_ns, 0);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

START_TEST(retries_end_with_the_policy)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_STATUS);
    server.status = 503;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.retry.count = 2;
    c.retry.backoff_ns = NS_PER_MS;
    struct workload w = make(2, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.attempts, 6);
    ck_assert_uint_eq(s.finals, 2);
    ck_assert_uint_eq(s.by_status[RECORD_FAILED], 2);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* Retry-After in seconds and as a date; one that asks for hours is not waited for. */
static const struct {
    const char *text; /* NULL: a date, two seconds from now */
    uint32_t attempts;
    int64_t least_ns, most_ns; /* between the attempts' sendings */
} waits[] = {
    {"Retry-After: 1\r\n", 2, NS_PER_S, 5 * NS_PER_S},
    {NULL, 2, NS_PER_S / 2, 6 * NS_PER_S}, /* dates have whole seconds */
    {"Retry-After: 86400\r\n", 1, 0, 0},
    {"Retry-After: 9223372036\r\n", 1, 0, 0},
    {"Retry-After: -5\r\n", 2, NS_PER_MS, 2 * NS_PER_S},
    {"Retry-After: soon\r\n", 2, NS_PER_MS, 2 * NS_PER_S},
};

START_TEST(retry_after_is_honoured_within_reason)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_STATUS_ONCE);
    server.status = 503;
    time_t then = time(NULL) + 2;
    if (waits[_i].text)
        snprintf(server.retry_after, sizeof server.retry_after, "%s", waits[_i].text);
    else
        strftime(server.retry_after, sizeof server.retry_after,
                 "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&then));
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.retry.count = 50;
    c.retry.backoff_ns = 4 * NS_PER_MS;
    struct workload w = make(1, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.attempts, waits[_i].attempts);
    if (waits[_i].attempts == 2) {
        ck_assert_int_eq(s.last.status, RECORD_COMPLETED);
        ck_assert_int_ge(s.last.sent_ns, waits[_i].least_ns);
        ck_assert_int_le(s.last.sent_ns, waits[_i].most_ns);
    } else {
        ck_assert_int_eq(s.last.failure, FAILURE_SERVER);
    }
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* Waits double up to the longest, and each is drawn from the upper half of its range. */
START_TEST(backoff_doubles_with_jitter)
{
    struct bench_config c;
    struct random random;
    struct record r;
    int64_t wait_ns;
    bench_config_init(&c);
    random_init(&random, 1, RANDOM_RETRIES, 0);
    record_init(&r);
    r.status = RECORD_FAILED;
    r.failure = FAILURE_SERVER;
    r.http_status = 503;
    c.retry.count = 12;
    for (r.attempt = 1; r.attempt <= 12; r.attempt++) {
        double most = fmin(500.0 * (1 << (r.attempt - 1)), 30000), sum = 0;
        for (int i = 0; i < 1000; i++) {
            ck_assert(retry_wanted(&c.retry, &r, 0, &random, &wait_ns));
            double ms = (double)wait_ns / NS_PER_MS;
            ck_assert(ms >= most / 2 && ms <= most);
            sum += ms;
        }
        ck_assert_double_eq_tol(sum / 1000, 0.75 * most, 0.02 * most);
    }
    ck_assert(!retry_wanted(&c.retry, &r, 0, &random, &wait_ns)); /* the 13th */
}
END_TEST

/* ---- the audit ---- */

/* Keeps the worker from its loop for 60 ms, once: in the callback it is inside a round. */
static bool stand_still(void *context, uint32_t row)
{
    struct timespec pause = {0, 60 * NS_PER_MS};
    (void)context;
    if (row == 40)
        nanosleep(&pause, NULL);
    return true;
}

START_TEST(a_loop_that_stood_still_says_so)
{
    struct null_endpoint *n = null_endpoint_create(0, NULL);
    pthread_t thread;
    ck_assert_ptr_nonnull(n);
    pthread_create(&thread, NULL, null_endpoint_main, n);
    struct endpoint_config e = {.url = null_endpoint_url(n), .model = "m"};
    struct workload w = make(100, 2 * NS_PER_MS, 20, 3);
    struct seen s = {0};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.admit = stand_still;
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 100);
    ck_assert_double_ge(report.fidelity.stall_max_ms, 55);
    ck_assert(report.fidelity.client_limited);
    ck_assert_str_ne(report.fidelity.reason, "");
    /* 30 requests were due meanwhile: their lag is told too */
    ck_assert_double_ge(report.fidelity.lag_max_ms, 40);
    ck_assert_double_gt(report.fidelity.cpu_of[0], 0);
    bench_report_free(&report);
    workload_free(&w);
    null_endpoint_stop(n);
    pthread_join(thread, NULL);
    null_endpoint_free(n);
}
END_TEST

/* ---- ends ---- */

START_TEST(an_unreachable_endpoint_accounts_for_everything)
{
    struct seen s = {0};
    struct endpoint_config e = {.url = "http://127.0.0.1:1/v1", .model = "m"};
    struct bench_config c = base(&e);
    struct workload w = make(20, NS_PER_MS, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_FAILED], 20);
    ck_assert_int_eq(s.last.failure, FAILURE_CONNECT);
    ck_assert(!report.fidelity.probes[0].measured && report.fidelity.probes[0].note[0]);
    bench_report_free(&report);
    workload_free(&w);
}
END_TEST

START_TEST(a_run_that_reaches_nothing_stops_early)
{
    struct seen s = {0};
    struct endpoint_config e = {.url = "http://127.0.0.1:1/v1", .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&c.schedule.load, 4);
    c.schedule.max_requests = 100000;
    struct workload w = make(10, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_int_eq(report.end, BENCH_UNREACHABLE);
    ck_assert_uint_lt(s.finals, 1000);
    ck_assert_uint_eq(s.finals + report.not_due, 100000);
    bench_report_free(&report);
    profile_free(&c.schedule.load);
    workload_free(&w);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_dns)
{
    struct seen s = {0};
    struct endpoint_config e = {.url = "http://no-such-host.invalid/v1", .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    struct workload w = make(2, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_int_eq(s.last.failure, FAILURE_DNS);
    ck_assert_uint_eq(s.finals, 2);
    bench_report_free(&report);
    workload_free(&w);
}
END_TEST

/* First SIGINT in the middle: what is in flight may end, what was due is counted, the rest was
 * never due. */
static bool interrupt_in_the_middle(void *context, const struct bench_progress *p)
{
    (void)context;
    if (p->elapsed_ns > 0)
        raise(SIGINT);
    return true;
}

START_TEST(an_interrupted_run_adds_up)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_SLOW);
    server.delay_ms = 40;
    stop_install();
    stop_hold();
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.on_progress = interrupt_in_the_middle;
    c.schedule.max_in_flight = 2;
    struct workload w = make(1000, 2 * NS_PER_MS, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    stop_reset();
    ck_assert_int_eq(report.end, BENCH_INTERRUPTED);
    ck_assert_uint_eq(s.finals + report.not_due, 1000);
    ck_assert_uint_gt(report.not_due, 0);
    ck_assert_uint_gt(s.by_unsent[UNSENT_INTERRUPTED], 0);
    ck_assert_uint_eq(s.by_unsent[UNSENT_INTERRUPTED], s.by_status[RECORD_UNSENT]);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

START_TEST(the_observer_stops_the_run)
{
    struct fault_server server;
    struct seen s = {.stop_after = 10};
    fault_server_start(&server, FAULT_SLOW);
    server.delay_ms = 5;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&c.schedule.load, 2);
    struct workload w = make(2000, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_int_eq(report.end, BENCH_UNKEPT);
    ck_assert_uint_lt(s.finals, 100);
    ck_assert_uint_eq(s.finals + report.not_due, 2000);
    bench_report_free(&report);
    profile_free(&c.schedule.load);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* The end comes while whole answers wait for their exchange to end: they are complete. */
START_TEST(what_is_whole_is_not_cancelled)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_LEFT_OPEN);
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.schedule.duration_ns = 100 * NS_PER_MS;
    c.drain_ns = 50 * NS_PER_MS;
    struct workload w = make(5, 10 * NS_PER_MS, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 5);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

START_TEST(what_drains_too_long_is_cancelled)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_STALL_INSIDE);
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.schedule.duration_ns = 50 * NS_PER_MS;
    c.drain_ns = 50 * NS_PER_MS;
    struct workload w = make(10, 10 * NS_PER_MS, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_CANCELLED], 5);
    ck_assert_uint_eq(s.last.chunks, 1);
    ck_assert_int_eq(s.last.usage_from, USAGE_ESTIMATED);
    ck_assert_uint_eq(report.not_due, 5);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* ---- shapes ---- */

START_TEST(a_closed_loop_holds_its_concurrency)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_SLOW);
    server.delay_ms = 10;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.workers = 2;
    c.schedule.mode = SCHEDULE_CLOSED;
    c.schedule.max_requests = 60;
    profile_hold(&c.schedule.load, 6);
    struct workload w = make(25, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 60);
    ck_assert_int_le(atomic_load(&server.connections), 6);
    ck_assert_uint_eq(report.fidelity.workers, 2);
    bench_report_free(&report);
    profile_free(&c.schedule.load);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

/* One slot, four workers: one of them runs, and does it all. */
START_TEST(more_workers_than_slots_do_not_hang)
{
    struct fault_server server;
    fault_server_start(&server, FAULT_SLOW);
    server.delay_ms = 2;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct workload w = make(20, NS_PER_MS, 20, 3);
    for (int cap = 0; cap < 2; cap++) {
        struct seen s = {0};
        struct bench_config c = base(&e);
        c.no_probe = true;
        c.workers = 4;
        c.schedule.mode = cap ? SCHEDULE_TRACE : SCHEDULE_CLOSED;
        c.schedule.max_in_flight = cap ? 1 : 0;
        if (!cap)
            profile_hold(&c.schedule.load, 1);
        int before = atomic_load(&server.connections);
        struct bench_report report = run(&c, &w, &s);
        ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 20);
        ck_assert_int_eq(atomic_load(&server.connections) - before, 1);
        ck_assert_uint_eq(report.fidelity.workers, 1);
        bench_report_free(&report);
        if (!cap)
            profile_free(&c.schedule.load);
    }
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

START_TEST(a_load_too_small_for_its_shards_is_refused)
{
    struct endpoint_config e = {.url = "http://127.0.0.1:1/v1", .model = "m"};
    struct bench_report report;
    struct error err = {0};
    struct bench_config c = base(&e);
    c.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&c.schedule.load, 1);
    c.shards = 2;
    c.shard = 1;
    struct workload w = make(2, 0, 20, 3);
    ck_assert_int_eq(bench_run(&c, &w, NULL, &report, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "2 shards"));
    profile_free(&c.schedule.load);
    workload_free(&w);
}
END_TEST

/* Open files run out: that is the client's limit, and no fault of the endpoint. */
START_TEST(want_of_open_files_is_the_clients_own)
{
    struct null_endpoint *n = null_endpoint_create(50 * NS_PER_MS, NULL);
    struct seen s = {0};
    ck_assert_ptr_nonnull(n);
    pid_t server = fork(); /* it needs open files of its own */
    if (server == 0) {
        null_endpoint_main(n);
        _exit(0);
    }
    const struct rlimit few = {100, 100};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct endpoint_config e = {.url = null_endpoint_url(n), .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    struct workload w = make(200, 0, 20, 3);
    struct bench_report report = run(&c, &w, &s);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    ck_assert_uint_eq(s.finals, 200);
    ck_assert_uint_gt(s.by_status[RECORD_COMPLETED], 0);
    ck_assert_uint_eq(report.fidelity.counts.client_failures, s.by_status[RECORD_FAILED]);
    ck_assert_uint_gt(report.fidelity.counts.client_failures, 0);
    ck_assert(report.fidelity.client_limited);
    ck_assert_ptr_nonnull(strstr(report.fidelity.reason, "ulimit"));
    bench_report_free(&report);
    workload_free(&w);
    null_endpoint_free(n);
}
END_TEST

START_TEST(endpoints_get_their_shares)
{
    struct fault_server a, b;
    struct seen s = {0};
    fault_server_start(&a, FAULT_NONE);
    fault_server_start(&b, FAULT_NONE);
    struct endpoint_config e[2] = {{.name = "a", .url = a.url, .model = "m", .share = 3},
                                   {.name = "b", .url = b.url, .model = "m", .share = 1}};
    struct bench_config c = base(e);
    c.endpoint_count = 2;
    c.no_probe = true;
    struct workload w = make(400, 100000, 20, 1);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_COMPLETED], 400);
    ck_assert_int_eq(atomic_load(&a.requests), (int)s.per_endpoint[0]);
    ck_assert_int_eq(atomic_load(&b.requests), (int)s.per_endpoint[1]);
    ck_assert_uint_gt(s.per_endpoint[1], 60);
    ck_assert_uint_lt(s.per_endpoint[1], 140);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&a);
    fault_server_stop(&b);
}
END_TEST

START_TEST(a_share_of_streams_is_cancelled)
{
    struct fault_server server;
    struct seen s = {0};
    fault_server_start(&server, FAULT_NONE);
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct bench_config c = base(&e);
    c.no_probe = true;
    c.cancel_share = 0.5;
    c.cancel_tokens = 4;
    struct workload w = make(100, NS_PER_MS, 20, 10);
    struct bench_report report = run(&c, &w, &s);
    ck_assert_uint_eq(s.by_status[RECORD_CANCELLED] + s.by_status[RECORD_COMPLETED], 100);
    ck_assert_uint_gt(s.by_status[RECORD_CANCELLED], 30);
    ck_assert_uint_lt(s.by_status[RECORD_CANCELLED], 70);
    bench_report_free(&report);
    workload_free(&w);
    fault_server_stop(&server);
}
END_TEST

static void check_bad_config(struct endpoint_config e, const char *body, const char *words)
{
    struct bench_report report;
    struct error err = {0};
    struct bench_config c = base(&e);
    c.extra_body = body;
    struct workload w = make(1, 0, 10, 1);
    ck_assert_int_eq(bench_run(&c, &w, NULL, &report, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s", err.message);
    workload_free(&w);
}

START_TEST(bad_configurations_are_refused)
{
    static const char *const bad_header[] = {"no colon here", NULL};
    check_bad_config((struct endpoint_config){.url = "ftp://x/v1"}, NULL, "no endpoint");
    check_bad_config((struct endpoint_config){.url = "not a url"}, NULL, "no endpoint");
    check_bad_config((struct endpoint_config){.url = "http://127.0.0.1:1", .headers = bad_header},
                     NULL, "header 1 is none");
    check_bad_config((struct endpoint_config){.url = "http://127.0.0.1:1"}, "[1]", "object");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench");
    TCase *t = tcase_create("bench");
    signal(SIGPIPE, SIG_IGN);
    tcase_add_loop_test(t, faults_are_classified, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(t, no_answer_comes_before_its_request);
    tcase_add_test(t, a_stream_is_measured_and_counted);
    tcase_add_test(t, a_buffered_stream_is_noticed);
    tcase_add_test(t, a_retry_is_recorded_and_completes);
    tcase_add_test(t, retries_end_with_the_policy);
    tcase_add_loop_test(t, retry_after_is_honoured_within_reason, 0,
                        (int)(sizeof waits / sizeof *waits));
    tcase_add_test(t, backoff_doubles_with_jitter);
    tcase_add_test(t, a_loop_that_stood_still_says_so);
    tcase_add_test(t, an_unreachable_endpoint_accounts_for_everything);
    tcase_add_test(t, a_run_that_reaches_nothing_stops_early);
    tcase_add_test(t, a_name_that_does_not_resolve_is_dns);
    tcase_add_test(t, an_interrupted_run_adds_up);
    tcase_add_test(t, the_observer_stops_the_run);
    tcase_add_test(t, what_is_whole_is_not_cancelled);
    tcase_add_test(t, what_drains_too_long_is_cancelled);
    tcase_add_test(t, a_closed_loop_holds_its_concurrency);
    tcase_add_test(t, more_workers_than_slots_do_not_hang);
    tcase_add_test(t, a_load_too_small_for_its_shards_is_refused);
    tcase_add_test(t, want_of_open_files_is_the_clients_own);
    tcase_add_test(t, endpoints_get_their_shares);
    tcase_add_test(t, a_share_of_streams_is_cancelled);
    tcase_add_test(t, bad_configurations_are_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
