/* Requests on kept connections that the server closes under them. */
#include "bench_fixture.h"

#include <signal.h>

/* A kept connection that is closed under a request: it goes out once more, over a new one, unless a
 * part of an answer has come. The server sees it twice, and nothing more often. */
static const struct {
    enum fault fault;
    int server_saw;
    uint32_t completed, stale;
} stales[] = {
    {FAULT_CLOSE_REUSED, 3, 2, 1},
    {FAULT_BEGIN_REUSED, 2, 1, 0},
};

START_TEST(a_request_outlives_a_stale_connection)
{
    struct live l;
    live_start(&l, stales[_i].fault);
    live_run(&l, testing_rows(2, 60 * NS_PER_MS, 20, 3));
    ck_assert_int_eq(atomic_load(&l.server.requests), stales[_i].server_saw);
    ck_assert_uint_eq(l.seen.attempts, 2);
    ck_assert_uint_eq(l.seen.by_status[RECORD_COMPLETED], stales[_i].completed);
    ck_assert_uint_eq(l.report.fidelity.counts.stale_connections, stales[_i].stale);
    if (stales[_i].completed < 2)
        ck_assert_int_eq(l.seen.last.failure, FAILURE_RESET);
    else /* the clock was not set back: it is due at 60 ms and was sent then */
        ck_assert(l.seen.last.connects == 1 &&
                  l.seen.last.sent_ns < l.seen.last.first_byte_ns - l.seen.last.connect_ns);
    live_end(&l);
}
END_TEST

/* A connection that carried nothing before and dies is the endpoint's failure. */
START_TEST(a_new_connection_is_not_stale)
{
    struct live l;
    live_start(&l, FAULT_RESET_FIRST);
    l.config.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&l.config.schedule.load, 2);
    live_run(&l, testing_rows(6, 0, 20, 3));
    ck_assert_int_eq(atomic_load(&l.server.requests), 6);
    ck_assert_uint_eq(l.seen.by_status[RECORD_FAILED], 6);
    ck_assert_uint_eq(l.report.fidelity.counts.stale_connections, 0);
    live_end(&l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stale");
    TCase *t = tcase_create("stale");
    signal(SIGPIPE, SIG_IGN);
    tcase_add_loop_test(t, a_request_outlives_a_stale_connection, 0,
                        (int)(sizeof stales / sizeof *stales));
    tcase_add_test(t, a_new_connection_is_not_stale);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
