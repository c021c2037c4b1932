/* Conditions that end a run's sending: how they are written, and when they hold. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/runs/summary/stop_when.h"
#include "testing.h"

#include <math.h>

static struct stop_watch *watch_of(const char *condition)
{
    struct stop_rules rules = {0};
    struct error err = {0};
    ck_assert_msg(stop_rules_add(&rules, condition, &err) == 0, "%s", err.message);
    return stop_watch_create(&rules);
}

/* An attempt that was sent and ended at these instants, with its first token in between. */
static void note(struct stop_watch *w, enum record_status status, int64_t sent_ms, int64_t first_ms,
                 int64_t done_ms)
{
    struct record r;
    record_init(&r);
    r.status = status;
    r.failure = status == RECORD_FAILED ? FAILURE_SERVER : FAILURE_NONE;
    r.attempt = 1;
    r.final = r.streamed = true;
    r.scheduled_ns = r.ready_ns = r.sent_ns = sent_ms * NS_PER_MS;
    if (first_ms) {
        r.first_token_ns = r.first_output_ns = first_ms * NS_PER_MS;
        r.last_token_ns = done_ms * NS_PER_MS;
    }
    r.done_ns = done_ms * NS_PER_MS;
    r.usage.tokens[USAGE_OUTPUT] = 2;
    r.usage_from = USAGE_SERVER;
    r.chunks = 2;
    stop_watch_note(w, &r);
}

static bool holds_at(struct stop_watch *w, int64_t now_ms)
{
    return stop_watch_judge(w, now_ms * NS_PER_MS, NULL, 0);
}

/* ---- how they are written ---- */

static const struct {
    const char *text;
    enum stop_figure figure;
    double limit;
    double window_s;
} good[] = {
    {"ttft_p50>5s", STOP_LATENCY, 5000, 10},
    {"ttft_p99>800", STOP_LATENCY, 800, 10},
    {" e2e_mean > 1.5s over 2m ", STOP_LATENCY, 1500, 120},
    {"e2e_scheduled_max>250ms over 1s", STOP_LATENCY, 250, 1},
    {"queue_p90>1s", STOP_LATENCY, 1000, 10},
    {"failed>50%", STOP_FAILED_SHARE, 0.5, 10},
    {"failed>0.25 over 30s", STOP_FAILED_SHARE, 0.25, 30},
    {"failures>20", STOP_FAILURES, 20, 10},
};

START_TEST(a_condition_is_read_with_its_unit_and_window)
{
    struct stop_rules rules = {0};
    struct error err = {0};
    ck_assert_msg(stop_rules_add(&rules, good[_i].text, &err) == 0, "%s", err.message);
    ck_assert_int_eq(rules.items[0].figure, good[_i].figure);
    ck_assert_double_eq_tol(rules.items[0].limit, good[_i].limit, 1e-9);
    ck_assert_double_eq_tol((double)rules.items[0].window_ns / 1e9, good[_i].window_s, 1e-9);
}
END_TEST

static const struct {
    const char *text, *says;
} bad[] = {
    {"ttft_p50", "expected FIGURE>LIMIT"},
    {"ttft_p50=5s", "expected FIGURE>LIMIT"},
    {"ttft>5s", "unknown figure"},
    {"ttft_p42>5s", "unknown figure"},
    {"send_lag_p99>5s", "unknown figure"},
    {"chunk_gap_p99>5s", "unknown figure"},
    {"ttft_p50>soon", "expected FIGURE>LIMIT"},
    {"ttft_p50>-1", "expected FIGURE>LIMIT"},
    {"failed>100%", "a share below all"},
    {"failed>20", "failures>20"},
    {"failures>2.5", "expected FIGURE>LIMIT"},
    {"failures>20 over 5s", "no window"},
    {"ttft_p50>5s over 10ms", "from 1s to 1h"},
    {"ttft_p50>5s over 2h", "from 1s to 1h"},
};

START_TEST(what_is_no_condition_is_refused_with_what_would_be)
{
    struct stop_rules rules = {0};
    struct error err = {0};
    ck_assert_int_eq(stop_rules_add(&rules, bad[_i].text, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, bad[_i].says) != NULL, "%s", err.message);
    ck_assert_uint_eq(rules.count, 0);
}
END_TEST

START_TEST(there_are_only_so_many_conditions)
{
    struct stop_rules rules = {0};
    struct error err = {0};
    for (int i = 0; i < STOP_RULES; i++)
        ck_assert_int_eq(stop_rules_add(&rules, "failures>3", &err), 0);
    ck_assert_int_eq(stop_rules_add(&rules, "failures>3", &err), ERR_INPUT);
}
END_TEST

/* ---- when they hold ---- */

START_TEST(a_latency_counts_within_its_window_only)
{
    struct stop_watch *w = watch_of("ttft_p50>1s over 5s");
    for (int i = 0; i < 20; i++) /* slow ones, long ago */
        note(w, RECORD_COMPLETED, i, 2000 + i, 2100 + i);
    for (int i = 0; i < 20; i++)
        note(w, RECORD_COMPLETED, 9000 + i, 9100 + i, 9200 + i);
    ck_assert(!holds_at(w, 10000));
    for (int i = 0; i < 21; i++)
        note(w, RECORD_COMPLETED, 8000 + i, 9900 + i, 9950 + i);
    ck_assert(holds_at(w, 10000));
    const struct stop_outcome *o = stop_watch_outcome(w);
    ck_assert_str_eq(o->condition, "ttft_p50>1s over 5s");
    ck_assert_str_eq(o->reason, "ttft_p50 was 1.9 s over the last 5 s");
    ck_assert_double_eq_tol(o->at_s, 10, 1e-9);
    stop_watch_free(w);
}
END_TEST

START_TEST(few_values_and_a_young_run_tell_nothing)
{
    struct stop_watch *w = watch_of("e2e_mean>1s");
    for (int i = 0; i < STOP_LEAST - 1; i++)
        note(w, RECORD_COMPLETED, 5000, 5100, 8000);
    ck_assert(!holds_at(w, 12000));
    note(w, RECORD_COMPLETED, 5000, 5100, 8000);
    ck_assert(!holds_at(w, 9999)); /* the window is 10 s, and the run is younger */
    ck_assert(holds_at(w, 10000));
    stop_watch_free(w);
}
END_TEST

/* The endpoint stops answering: nothing ends any more. */
START_TEST(what_waits_longer_than_the_limit_is_above_it)
{
    struct stop_flight waiting[30];
    struct stop_watch *w = watch_of("ttft_p50>2s");
    for (int i = 0; i < 15; i++)
        note(w, RECORD_COMPLETED, 9000 + i, 9100 + i, 9200 + i);
    for (int i = 0; i < 30; i++)
        waiting[i] = (struct stop_flight){(9500 + i) * NS_PER_MS, (9500 + i) * NS_PER_MS,
                                          TIME_NEVER, TIME_NEVER};
    ck_assert(!stop_watch_judge(w, 11500 * NS_PER_MS, waiting, 30));
    ck_assert(stop_watch_judge(w, 11600 * NS_PER_MS, waiting, 30));
    ck_assert_ptr_nonnull(strstr(stop_watch_outcome(w)->reason, "above 2 s"));
    ck_assert_ptr_nonnull(strstr(stop_watch_outcome(w)->reason, "30 of 45"));
    stop_watch_free(w);
}
END_TEST

/* Answers that run for minutes tell of their first token at once, and once only. */
START_TEST(a_first_token_counts_when_it_comes)
{
    struct stop_flight flying[20];
    struct stop_watch *w = watch_of("ttft_p50>2s");
    for (int i = 0; i < 20; i++)
        flying[i] = (struct stop_flight){0, 0, 3000 * NS_PER_MS, 3000 * NS_PER_MS};
    ck_assert(stop_watch_judge(w, 10000 * NS_PER_MS, flying, 20));
    stop_watch_free(w);
    w = watch_of("ttft_p50>2s");
    ck_assert(!stop_watch_judge(w, 14000 * NS_PER_MS, flying, 20));
    for (int i = 0; i < 20; i++)
        note(w, RECORD_COMPLETED, 0, 3000, 15000);
    ck_assert(!holds_at(w, 16000));
    stop_watch_free(w);
}
END_TEST

START_TEST(what_ended_without_a_token_after_a_long_wait_is_above)
{
    struct stop_watch *w = watch_of("ttft_p90>2s");
    for (int i = 0; i < 20; i++) /* refused at once: not slow */
        note(w, RECORD_FAILED, 9000, 0, 9001);
    ck_assert(!holds_at(w, 12000));
    for (int i = 0; i < 20; i++)
        note(w, RECORD_FAILED, 8000, 0, 11000);
    ck_assert(holds_at(w, 12000));
    stop_watch_free(w);
}
END_TEST

START_TEST(a_share_of_failures_leaves_cancelled_ones_out)
{
    struct stop_watch *w = watch_of("failed>50%");
    for (int i = 0; i < 6; i++) {
        note(w, RECORD_FAILED, 9000, 0, 9001);
        note(w, RECORD_COMPLETED, 9000, 9100, 9200);
        note(w, RECORD_CANCELLED, 9000, 9100, 9200);
    }
    ck_assert(!holds_at(w, 12000));
    note(w, RECORD_FAILED, 9000, 0, 9001);
    ck_assert(holds_at(w, 12000));
    ck_assert_str_eq(stop_watch_outcome(w)->reason, "7 of 13 failed over the last 10 s");
    stop_watch_free(w);
}
END_TEST

START_TEST(failures_in_a_row_need_no_window)
{
    struct stop_watch *w = watch_of("failures>3");
    for (int i = 0; i < 3; i++)
        note(w, RECORD_FAILED, 1, 0, 2);
    note(w, RECORD_COMPLETED, 1, 2, 3);
    for (int i = 0; i < 3; i++)
        note(w, RECORD_FAILED, 3, 0, 4);
    ck_assert(!holds_at(w, 5));
    note(w, RECORD_FAILED, 3, 0, 4);
    ck_assert(holds_at(w, 5));
    ck_assert_str_eq(stop_watch_outcome(w)->reason, "4 failed one after the other");
    stop_watch_free(w);
}
END_TEST

/* Memory of a run follows its window, not its length. */
START_TEST(old_ends_are_forgotten_and_new_ones_count)
{
    struct stop_watch *w = watch_of("e2e_p50>100ms over 1s");
    for (int s = 0; s < 200; s++) {
        for (int i = 0; i < 100; i++)
            note(w, RECORD_COMPLETED, s * 1000 + i, s * 1000 + i + 10, s * 1000 + i + 20);
        ck_assert(!holds_at(w, s * 1000 + 999));
    }
    for (int i = 0; i < 100; i++)
        note(w, RECORD_COMPLETED, 200000, 200100, 200500);
    ck_assert(holds_at(w, 200900));
    stop_watch_free(w);
}
END_TEST

static const struct {
    const char *condition;
    struct stop_run run;
    const char *says; /* NULL: it may hold */
} hopes[] = {
    {"ttft_p50>5s", {.streams = true, .timeout_ns = 600 * NS_PER_S}, NULL},
    {"ttft_p50>5s", {.streams = false}, "answers that come whole have no first token"},
    {"tpot_p50>50", {.streams = false}, "answers that come whole have no first token"},
    {"e2e_p50>5s", {.streams = false}, NULL},
    {"e2e_p50>30s", {.timeout_ns = 20 * NS_PER_S}, "an attempt ends after 20 s"},
    {"e2e_p50>20s", {.timeout_ns = 20 * NS_PER_S}, NULL},           /* it ends a little later */
    {"e2e_scheduled_p50>30s", {.timeout_ns = 20 * NS_PER_S}, NULL}, /* some wait to be sent */
    {"failed>50%", {.duration_ns = 5 * NS_PER_S}, "looks at 10 s, and after 5 s nothing"},
    {"failed>50% over 5s", {.duration_ns = 5 * NS_PER_S}, NULL},
    {"failures>20", {.duration_ns = 5 * NS_PER_S}, NULL},
    {"failures>20", {.requests = 20}, "there are 20 requests only"},
    {"failures>20", {.requests = 20, .retries = 1}, NULL},
    {"failures>19", {.requests = 20}, NULL},
    {"e2e_p50>5s", {.requests = 9}, "needs 10 values, and there are 9 requests"},
    {"e2e_p50>5s", {.requests = 10}, NULL},
};

START_TEST(a_condition_that_can_never_hold_is_refused_with_the_reason)
{
    struct stop_rules rules = {0};
    struct error err = {0};
    ck_assert_int_eq(stop_rules_add(&rules, hopes[_i].condition, &err), 0);
    int code = stop_rules_check(&rules, &hopes[_i].run, &err);
    ck_assert_int_eq(code, hopes[_i].says ? ERR_INPUT : 0);
    if (hopes[_i].says)
        ck_assert_msg(strstr(err.message, hopes[_i].says) && strstr(err.message, "can never hold"),
                      "%s", err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stop_when");
    TCase *t = tcase_create("stop_when");
    tcase_add_loop_test(t, a_condition_is_read_with_its_unit_and_window, 0, (int)COUNT_OF(good));
    tcase_add_loop_test(t, what_is_no_condition_is_refused_with_what_would_be, 0,
                        (int)COUNT_OF(bad));
    tcase_add_test(t, there_are_only_so_many_conditions);
    tcase_add_loop_test(t, a_condition_that_can_never_hold_is_refused_with_the_reason, 0,
                        (int)COUNT_OF(hopes));
    tcase_add_test(t, a_latency_counts_within_its_window_only);
    tcase_add_test(t, few_values_and_a_young_run_tell_nothing);
    tcase_add_test(t, what_waits_longer_than_the_limit_is_above_it);
    tcase_add_test(t, a_first_token_counts_when_it_comes);
    tcase_add_test(t, what_ended_without_a_token_after_a_long_wait_is_above);
    tcase_add_test(t, a_share_of_failures_leaves_cancelled_ones_out);
    tcase_add_test(t, failures_in_a_row_need_no_window);
    tcase_add_test(t, old_ends_are_forgotten_and_new_ones_count);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
