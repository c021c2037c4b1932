/* Retries: what is tried again, when, and how it is recorded. */
#include "bench/refusal/retry.h"
#include "bench_fixture.h"

#include <math.h>
#include <signal.h>

/* ---- retries ---- */

START_TEST(a_retry_is_recorded_and_completes)
{
    struct live l;
    live_start(&l, FAULT_STATUS_ONCE);
    l.server.status = 429;
    snprintf(l.server.retry_after, sizeof l.server.retry_after, "Retry-After: 0\r\n");
    l.config.retry.count = 2;
    l.config.retry.backoff_ns = 2 * NS_PER_MS;
    live_run(&l, testing_rows(1, 0, 20, 3));
    ck_assert_uint_eq(l.seen.attempts, 2);
    ck_assert_uint_eq(l.seen.finals, 1);
    ck_assert_uint_eq(l.seen.last.attempt, 2);
    ck_assert_int_eq(l.seen.last.status, RECORD_COMPLETED);
    ck_assert_int_eq(l.seen.last.scheduled_ns, 0);
    live_end(&l);
}
END_TEST

START_TEST(retries_end_with_the_policy)
{
    struct live l;
    live_start(&l, FAULT_STATUS);
    l.server.status = 503;
    l.config.retry.count = 2;
    l.config.retry.backoff_ns = NS_PER_MS;
    live_run(&l, testing_rows(2, 0, 20, 3));
    ck_assert_uint_eq(l.seen.attempts, 6);
    ck_assert_uint_eq(l.seen.finals, 2);
    ck_assert_uint_eq(l.seen.by_status[RECORD_FAILED], 2);
    live_end(&l);
}
END_TEST

/* Retry-After in seconds, milliseconds and as a date, never sooner than it says; one that asks for
 * hours is not waited for. */
static const struct {
    const char *text; /* NULL: a date, two seconds from now */
    uint32_t attempts;
    int64_t least_ns, most_ns; /* between the attempts' sendings */
} waits[] = {
    {"Retry-After: 1\r\n", 2, NS_PER_S, 5 * NS_PER_S},
    {NULL, 2, NS_PER_S / 2, 6 * NS_PER_S}, /* dates have whole seconds */
    {"Retry-After: 1.25\r\n", 2, 5 * NS_PER_S / 4, 6 * NS_PER_S},
    {"retry-after: 900\r\nretry-after-ms: 1100\r\n", 2, 11 * NS_PER_S / 10, 6 * NS_PER_S},
    {"Retry-After: 86400\r\n", 1, 0, 0},
    {"Retry-After: 9223372036\r\n", 1, 0, 0},
    {"Retry-After: -5\r\n", 2, NS_PER_MS, 2 * NS_PER_S},
    {"Retry-After: soon\r\n", 2, NS_PER_MS, 2 * NS_PER_S},
};

START_TEST(retry_after_is_honoured_within_reason)
{
    struct live l;
    live_start(&l, FAULT_STATUS_ONCE);
    l.server.status = 503;
    time_t then = time(NULL) + 2;
    if (waits[_i].text)
        snprintf(l.server.retry_after, sizeof l.server.retry_after, "%s", waits[_i].text);
    else
        strftime(l.server.retry_after, sizeof l.server.retry_after,
                 "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime(&then));
    l.config.retry.count = 50;
    l.config.retry.backoff_ns = 4 * NS_PER_MS;
    live_run(&l, testing_rows(1, 0, 20, 3));
    ck_assert_uint_eq(l.seen.attempts, waits[_i].attempts);
    if (waits[_i].attempts == 2) {
        ck_assert_int_eq(l.seen.last.status, RECORD_COMPLETED);
        ck_assert_int_ge(l.seen.last.sent_ns, waits[_i].least_ns);
        ck_assert_int_le(l.seen.last.sent_ns, waits[_i].most_ns);
    } else {
        ck_assert_int_eq(l.seen.last.failure, FAILURE_SERVER);
    }
    live_end(&l);
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

int main(void)
{
    Suite *suite = suite_create("retry");
    TCase *t = tcase_create("retry");
    signal(SIGPIPE, SIG_IGN);
    tcase_add_test(t, a_retry_is_recorded_and_completes);
    tcase_add_test(t, retries_end_with_the_policy);
    tcase_add_loop_test(t, retry_after_is_honoured_within_reason, 0,
                        (int)(sizeof waits / sizeof *waits));
    tcase_add_test(t, backoff_doubles_with_jitter);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
