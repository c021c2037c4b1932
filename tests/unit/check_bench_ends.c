/* How live runs end, whatever ends them, and what they say of their own client. */
#include "bench/client/null_endpoint.h"
#include "bench_fixture.h"
#include "core/stop.h"

#include <signal.h>

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
    struct workload w = testing_rows(100, 2 * NS_PER_MS, 20, 3);
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
    struct workload w = testing_rows(20, NS_PER_MS, 20, 3);
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
    struct workload w = testing_rows(10, 0, 20, 3);
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
    struct workload w = testing_rows(2, 0, 20, 3);
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
    struct live l;
    live_start(&l, FAULT_SLOW);
    l.server.delay_ms = 40;
    stop_install();
    stop_hold();
    l.config.on_progress = interrupt_in_the_middle;
    l.config.schedule.max_in_flight = 2;
    live_run(&l, testing_rows(1000, 2 * NS_PER_MS, 20, 3));
    stop_reset();
    ck_assert_int_eq(l.report.end, BENCH_INTERRUPTED);
    ck_assert_uint_eq(l.seen.finals + l.report.not_due, 1000);
    ck_assert_uint_gt(l.report.not_due, 0);
    ck_assert_uint_gt(l.seen.by_unsent[UNSENT_INTERRUPTED], 0);
    ck_assert_uint_eq(l.seen.by_unsent[UNSENT_INTERRUPTED], l.seen.by_status[RECORD_UNSENT]);
    live_end(&l);
}
END_TEST

START_TEST(the_observer_stops_the_run)
{
    struct live l;
    live_start(&l, FAULT_SLOW);
    l.seen.stop_after = 10;
    l.server.delay_ms = 5;
    l.config.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&l.config.schedule.load, 2);
    live_run(&l, testing_rows(2000, 0, 20, 3));
    ck_assert_int_eq(l.report.end, BENCH_UNKEPT);
    ck_assert_uint_lt(l.seen.finals, 100);
    ck_assert_uint_eq(l.seen.finals + l.report.not_due, 2000);
    live_end(&l);
}
END_TEST

/* The end comes while whole answers wait for their exchange to end: they are complete. */
START_TEST(what_is_whole_is_not_cancelled)
{
    struct live l;
    live_start(&l, FAULT_LEFT_OPEN);
    l.config.schedule.duration_ns = 100 * NS_PER_MS;
    l.config.drain_ns = 50 * NS_PER_MS;
    live_run(&l, testing_rows(5, 10 * NS_PER_MS, 20, 3));
    ck_assert_uint_eq(l.seen.by_status[RECORD_COMPLETED], 5);
    live_end(&l);
}
END_TEST

START_TEST(what_drains_too_long_is_cancelled)
{
    struct live l;
    live_start(&l, FAULT_STALL_INSIDE);
    l.config.schedule.duration_ns = 50 * NS_PER_MS;
    l.config.drain_ns = 50 * NS_PER_MS;
    live_run(&l, testing_rows(10, 10 * NS_PER_MS, 20, 3));
    ck_assert_uint_eq(l.seen.by_status[RECORD_CANCELLED], 5);
    ck_assert_uint_eq(l.seen.last.chunks, 1);
    ck_assert_int_eq(l.seen.last.usage_from, USAGE_ESTIMATED);
    ck_assert_uint_eq(l.report.not_due, 5);
    live_end(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_ends");
    TCase *t = tcase_create("bench_ends");
    signal(SIGPIPE, SIG_IGN);
    tcase_add_test(t, a_loop_that_stood_still_says_so);
    tcase_add_test(t, an_unreachable_endpoint_accounts_for_everything);
    tcase_add_test(t, a_run_that_reaches_nothing_stops_early);
    tcase_add_test(t, a_name_that_does_not_resolve_is_dns);
    tcase_add_test(t, an_interrupted_run_adds_up);
    tcase_add_test(t, the_observer_stops_the_run);
    tcase_add_test(t, what_is_whole_is_not_cancelled);
    tcase_add_test(t, what_drains_too_long_is_cancelled);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
