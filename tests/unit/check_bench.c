/* Live runs: every fault by its class, what a completed record holds, shapes of load. */
#include "bench/client/null_endpoint.h"
#include "bench_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    {FAULT_NO_DONE, 0, FAILURE_NONE, ""},
    {FAULT_NO_FINISH, 0, FAILURE_NONE, ""},
    {FAULT_BAD_JSON, 0, FAILURE_TRUNCATED, "the stream ended without finish_reason and [DONE]"},
    {FAULT_ERROR_EVENT, 0, FAILURE_ERROR_EVENT, "overloaded"},
    {FAULT_HUGE_EVENT, 0, FAILURE_TOO_LARGE, NULL},
    {FAULT_EMPTY_STREAM, 0, FAILURE_NONE, ""},
    {FAULT_HTML, 0, FAILURE_MALFORMED, "a web page"},
    {FAULT_NOT_HTTP, 0, FAILURE_HTTP, NULL},
    {FAULT_SILENT, 0, FAILURE_TIMEOUT_FIRST_TOKEN, NULL},
    {FAULT_STALL_INSIDE, 0, FAILURE_TIMEOUT_GAP, NULL},
};

/* Every fault is told by its class, costs one attempt, hangs nothing. */
START_TEST(faults_are_classified)
{
    struct live l;
    live_start(&l, faults[_i].fault);
    l.server.status = faults[_i].status;
    bool silent = faults[_i].failure == FAILURE_TIMEOUT_FIRST_TOKEN ||
                  faults[_i].failure == FAILURE_TIMEOUT_GAP;
    l.config.first_token_timeout_ns = l.config.gap_timeout_ns = (silent ? 150 : 10000) * NS_PER_MS;
    live_run(&l, testing_rows(3, 5 * NS_PER_MS, 20, 6));
    ck_assert_uint_eq(l.seen.finals, 3);
    ck_assert_uint_eq(l.seen.attempts, 3);
    ck_assert_int_eq(atomic_load(&l.server.requests), 3);
    ck_assert_msg(l.seen.last.failure == faults[_i].failure, "fault %d gave %s: %s",
                  faults[_i].fault, failure_name(l.seen.last.failure), l.seen.message);
    ck_assert_uint_eq(l.seen.by_status[faults[_i].failure ? RECORD_FAILED : RECORD_COMPLETED], 3);
    if (faults[_i].message)
        ck_assert_str_eq(l.seen.message, faults[_i].message);
    if (faults[_i].status)
        ck_assert_int_eq(l.seen.last.http_status, faults[_i].status);
    ck_assert_int_eq(l.report.end, BENCH_FINISHED);
    ck_assert_uint_eq(l.report.not_due, 0);
    bool left_open = faults[_i].fault == FAULT_LEFT_OPEN || faults[_i].fault == FAULT_KEPT_ALIVE;
    ck_assert_uint_eq(l.report.fidelity.counts.left_open, left_open ? 3 : 0);
    if (left_open) /* not until the total limit, 600 s */
        ck_assert_int_lt(l.seen.last.done_ns - l.seen.last.last_token_ns, 5 * NS_PER_S);
    live_end(&l);
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
    struct workload w = testing_rows(500, 2 * NS_PER_MS, 20, 3);
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
    struct live l;
    live_start(&l, FAULT_NONE);
    l.config.no_probe = false;
    live_run(&l, testing_rows(5, NS_PER_MS, 300, 12));
    const struct record *r = &l.seen.last;
    ck_assert_uint_eq(l.seen.by_status[RECORD_COMPLETED], 5);
    ck_assert_str_eq(l.seen.finish, "length");
    ck_assert_uint_eq(r->chunks, 12);
    ck_assert_uint_eq(r->usage.tokens[USAGE_OUTPUT], 12);
    ck_assert_int_eq(r->usage_from, USAGE_SERVER);
    /* the server counts words + 5: the probe finds that, and prompts come out exact */
    ck_assert(l.report.fidelity.probes[0].measured);
    ck_assert_double_eq_tol(l.report.fidelity.probes[0].tokens_per_word, 1, 1e-9);
    ck_assert_double_eq_tol(l.report.fidelity.probes[0].template_tokens, 5, 1e-6);
    ck_assert_uint_eq(usage_input(&r->usage), 300);
    ck_assert(r->scheduled_ns <= r->sent_ns && r->sent_ns <= r->first_byte_ns &&
              r->first_byte_ns <= r->first_token_ns && r->first_token_ns == l.seen.chunks[0] &&
              r->last_token_ns == l.seen.chunks[11] && r->last_token_ns <= r->done_ns);
    ck_assert(r->first_output_ns == r->first_token_ns && r->streamed);
    ck_assert_uint_eq(l.report.fidelity.counts.connects + l.report.fidelity.counts.reuses, 5);
    ck_assert_uint_eq(l.report.fidelity.counts.http1_answers, 5);
    live_end(&l);
}
END_TEST

START_TEST(a_buffered_stream_is_noticed)
{
    struct live l;
    live_start(&l, FAULT_ALL_AT_ONCE);
    live_run(&l, testing_rows(2, 0, 20, 30));
    ck_assert(l.seen.last.slow_reader);
    ck_assert_uint_eq(l.report.fidelity.counts.slow_reads, 2);
    live_end(&l);
}
END_TEST

/* ---- shapes ---- */

START_TEST(a_closed_loop_holds_its_concurrency)
{
    struct live l;
    live_start(&l, FAULT_SLOW);
    l.server.delay_ms = 10;
    l.config.workers = 2;
    l.config.schedule.mode = SCHEDULE_CLOSED;
    l.config.schedule.max_requests = 60;
    profile_hold(&l.config.schedule.load, 6);
    live_run(&l, testing_rows(25, 0, 20, 3));
    ck_assert_uint_eq(l.seen.by_status[RECORD_COMPLETED], 60);
    ck_assert_int_le(atomic_load(&l.server.connections), 6);
    ck_assert_uint_eq(l.report.fidelity.workers, 2);
    live_end(&l);
}
END_TEST

/* One slot, four workers: one of them runs, and does it all. */
START_TEST(more_workers_than_slots_do_not_hang)
{
    struct fault_server server;
    fault_server_start(&server, FAULT_SLOW);
    server.delay_ms = 2;
    struct endpoint_config e = {.url = server.url, .model = "m"};
    struct workload w = testing_rows(20, NS_PER_MS, 20, 3);
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
    struct workload w = testing_rows(2, 0, 20, 3);
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
    struct workload w = testing_rows(200, 0, 20, 3);
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
    struct workload w = testing_rows(400, 100000, 20, 1);
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
    struct live l;
    live_start(&l, FAULT_NONE);
    l.config.cancel_share = 0.5;
    l.config.cancel_tokens = 4;
    live_run(&l, testing_rows(100, NS_PER_MS, 20, 10));
    ck_assert_uint_eq(l.seen.by_status[RECORD_CANCELLED] + l.seen.by_status[RECORD_COMPLETED], 100);
    ck_assert_uint_gt(l.seen.by_status[RECORD_CANCELLED], 30);
    ck_assert_uint_lt(l.seen.by_status[RECORD_CANCELLED], 70);
    live_end(&l);
}
END_TEST

static void check_bad_config(struct endpoint_config e, const char *body, const char *words)
{
    struct bench_report report;
    struct error err = {0};
    struct bench_config c = base(&e);
    c.extra_body = body;
    struct workload w = testing_rows(1, 0, 10, 1);
    ck_assert_int_eq(bench_run(&c, &w, NULL, &report, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s", err.message);
    workload_free(&w);
}

START_TEST(bad_configurations_are_refused)
{
    static const char *const bad_header[] = {"no colon here", NULL};
    check_bad_config((struct endpoint_config){.url = "ftp://x/v1"}, NULL, "no endpoint");
    check_bad_config((struct endpoint_config){.url = "not a url"}, NULL, "has no scheme");
    check_bad_config((struct endpoint_config){.url = "localhost:8000/v1"}, NULL,
                     "expected --url http://localhost:8000/v1");
    check_bad_config((struct endpoint_config){.url = "http://a b/v1"}, NULL, "no endpoint");
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
