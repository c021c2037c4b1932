/* What records amount to: latencies, accounting, timeline, parts that merge, objectives. */
#include "core/memory.h"
#include "runs_fixture.h"

#include <stdlib.h>
#include <string.h>

START_TEST(latencies_mean_what_is_documented)
{
    struct collector *c = collector_create();
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * 10 * MS, 2 * MS, 20 * MS, 5 * MS, 11);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, "ttft=20");
    const struct metric_summary *m = s.window.metrics;
    ck_assert_double_eq(m[METRIC_TTFT].p50, 20);
    ck_assert_double_eq(m[METRIC_TTFT_SCHEDULED].p99, 22);
    ck_assert_double_eq(m[METRIC_TPOT].mean, 5);
    ck_assert_double_eq(m[METRIC_E2E].max, 70);
    ck_assert_double_eq(m[METRIC_E2E_SCHEDULED].min, 72);
    ck_assert_double_eq(m[METRIC_SEND_LAG].p50, 2);
    ck_assert_double_eq(m[METRIC_QUEUE].p50, 0);
    ck_assert_uint_eq(m[METRIC_CHUNK_GAP].count, 1000);
    ck_assert_double_eq(m[METRIC_CHUNK_GAP].p999, 5);
    ck_assert_double_eq(s.window.duration_s, 0.99);
    ck_assert_double_eq_tol(s.duration_s, 0.99 + 0.073, 1e-9);
    ck_assert_double_eq(s.window.goodput_fraction, 1);
    ck_assert_uint_eq(s.all.output_tokens, 1100);
    ck_assert_uint_eq(s.all.input_tokens, 10000);
    /* Ends in the window of 0.99 s: request i ends at 10 i + 73 ms, so the first 92. */
    ck_assert_uint_eq(s.window.completed, 92);
    ck_assert_uint_eq(s.peak_in_flight, 8);
    s = summarize(c, "ttft=19.9");
    ck_assert_double_eq(s.window.goodput_fraction, 0);
    collector_free(c);
}
END_TEST

START_TEST(a_retry_never_resets_the_clock)
{
    struct collector *c = collector_create();
    struct record first = answered("r", 0, MS, 10 * MS, MS, 2);
    first.final = false;
    first.status = RECORD_FAILED;
    first.failure = FAILURE_RATE_LIMITED;
    collector_add(c, &first);
    struct record second = answered("r", 0, 500 * MS, 10 * MS, MS, 2);
    second.attempt = 2;
    collector_add(c, &second);
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.accounting.scheduled, 1);
    ck_assert_uint_eq(s.accounting.completed, 1);
    ck_assert_uint_eq(s.accounting.attempts, 2);
    ck_assert_uint_eq(s.accounting.retried, 1);
    /* From the first attempt's sending at 1 ms to the second's token at 510 ms. */
    ck_assert_double_eq(s.window.metrics[METRIC_TTFT].p50, 509);
    ck_assert_double_eq(s.window.metrics[METRIC_SEND_LAG].p50, 1);
    ck_assert_uint_eq(s.window.metrics[METRIC_CHUNK_GAP].count, 1);
    collector_free(c);
}
END_TEST

START_TEST(a_metric_that_is_missing_cannot_meet_an_objective)
{
    struct collector *c = collector_create();
    struct record plain = answered("a", 0, 0, 10 * MS, MS, 5);
    plain.streamed = false;
    collector_add(c, &plain);
    struct record one = answered("b", MS, 0, 10 * MS, MS, 1);
    collector_add(c, &one);
    struct record failed = answered("c", 2 * MS, 0, 10 * MS, MS, 5);
    failed.status = RECORD_FAILED;
    failed.failure = FAILURE_RESET;
    collector_add(c, &failed);
    struct summary s = summarize(c, "tpot=50");
    /* Not streamed: no TPOT. One token: excepted. Failed: never good. Denominator: scheduled. */
    ck_assert_double_eq_tol(s.window.goodput_fraction, 1.0 / 3, 1e-12);
    ck_assert_uint_eq(s.window.metrics[METRIC_TTFT].count, 1);
    ck_assert_uint_eq(s.window.metrics[METRIC_E2E].count, 2);
    ck_assert_uint_eq(s.accounting.failed_by[FAILURE_RESET], 1);
    collector_free(c);
}
END_TEST

START_TEST(reasoning_without_chunks_of_its_own_is_not_in_the_pace)
{
    struct collector *c = collector_create();
    struct record r = answered("a", 0, 0, 10 * MS, 4 * MS, 5);
    r.usage = usage_from_totals(100, 0, 0, 0, 105, 100);
    collector_add(c, &r);
    r.request_id = "b";
    r.reasoning_chunks = true;
    collector_add(c, &r);
    struct summary s = summarize(c, NULL);
    struct metric_point *points;
    ck_assert_uint_eq(collector_points(c, &s, METRIC_TPOT, &points), 2);
    ck_assert_double_eq(points[0].value_ms, 4);
    ck_assert_double_eq_tol(points[1].value_ms, 16.0 / 104, 1e-6);
    free(points);
    collector_free(c);
}
END_TEST

/* 8 tokens in one chunk have no pace, and meet no objective on it; 1 token does. */
START_TEST(an_answer_in_one_chunk_has_no_time_per_token)
{
    struct collector *c = collector_create();
    struct record one = answered("a", 0, 0, 10 * MS, MS, 1);
    one.usage = usage_from_totals(100, 0, 0, 0, 8, 0);
    collector_add(c, &one);
    one.usage = usage_from_totals(100, 0, 0, 0, 1, 0);
    one.request_id = "b";
    collector_add(c, &one);
    struct summary s = summarize(c, "tpot=50");
    ck_assert_uint_eq(s.window.metrics[METRIC_TPOT].count, 0);
    ck_assert_double_eq(s.window.goodput_fraction, 0.5);
    collector_free(c);
}
END_TEST

/* 15 tokens in the first of 6 chunks, 5 ms apart, then one in each. */
START_TEST(the_pace_starts_behind_the_first_chunk)
{
    struct collector *c = collector_create();
    struct record r = answered("a", 0, 0, 10 * MS, 5 * MS, 6);
    r.usage = usage_from_totals(100, 0, 0, 0, 20, 0);
    r.first_chunk_tokens = 15;
    collector_add(c, &r);
    ck_assert_double_eq(summarize(c, NULL).window.metrics[METRIC_TPOT].mean, 5);
    collector_free(c);
}
END_TEST

/* Tokens without a text are counted when the answer ended. */
START_TEST(tokens_without_text_are_output_all_the_same)
{
    struct collector *c = collector_create();
    struct record r = answered("a", 0, 0, 10 * MS, 5 * MS, 1);
    r.first_token_ns = r.first_output_ns = r.first_text_ns = r.last_token_ns = TIME_NEVER;
    r.chunks = 0;
    r.chunk_ns = NULL;
    r.odd = ODDITY(NO_TEXT);
    collector_add(c, &r);
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.all.output_tokens, 1);
    ck_assert_uint_eq(s.window.metrics[METRIC_TTFT].count, 0);
    ck_assert_uint_eq(s.odd[ODDITY_NO_TEXT], 1);
    collector_free(c);
}
END_TEST

START_TEST(parts_merge_into_the_same_numbers)
{
    struct collector *whole = collector_create(), *a = collector_create(), *b = collector_create();
    /* Few enough for memory, and so many that most stand in temporary files. */
    const int ends[2][2] = {{333, 1000}, {20000, 50000}};
    add_part(whole, 0, ends[_i][1]);
    add_part(a, 0, ends[_i][0]);
    add_part(b, ends[_i][0], ends[_i][1]);
    collector_merge(b, a);
    char *one = summary_text(whole), *two = summary_text(b);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    collector_free(whole);
    collector_free(a);
    collector_free(b);
}
END_TEST

/* Every request fails once, 10 ms after it was sent, and is answered by its second attempt. */
START_TEST(retried_requests_keep_their_clock_and_take_no_room)
{
    struct collector *c = collector_create();
    char id[16];
    const int count = 20000;
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * MS, 2 * MS, 5 * MS, MS, 3), first = r;
        first.status = RECORD_FAILED;
        first.failure = FAILURE_SERVER;
        first.final = false;
        first.chunk_ns = NULL;
        first.chunks = 0;
        r.attempt = 2;
        r.sent_ns += 10 * MS;
        r.first_token_ns = r.first_output_ns = r.sent_ns + 5 * MS;
        collector_add(c, &first);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.accounting.attempts, 2 * (uint64_t)count);
    ck_assert_uint_eq(s.accounting.retried, (uint64_t)count);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_TTFT].min, 15, 1e-9);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_TTFT].max, 15, 1e-9);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_SEND_LAG].max, 2, 1e-9);
    ck_assert_uint_lt(c->retries.ids.count, 2048);
    collector_free(c);
}
END_TEST

/* Bins of tokens that lines cut, and requests that were never sent: the lines' sums are the run's.
 */
START_TEST(the_timeline_adds_up)
{
    struct collector *c = collector_create();
    char id[16];
    uint64_t tokens = 0, failed = 0, cancelled = 0, unsent = 0, due = 0, sent = 0;
    for (int i = 0; i < 3000; i++) {
        snprintf(id, sizeof id, "r%d", i);
        /* over a week: bins are far wider than a millisecond, lines are of several seconds */
        struct record r = answered(id, (int64_t)i * 211 * NS_PER_S, MS, 20 * MS, 700 * MS, 9);
        if (i % 3 == 2) {
            r.status = RECORD_UNSENT;
            r.unsent = UNSENT_CAP;
            r.attempt = 0;
            r.sent_ns = r.done_ns = r.first_token_ns = r.last_token_ns = TIME_NEVER;
            r.chunks = 0;
            r.usage = (struct usage){0};
        } else if (i % 6 == 1) {
            r.status = RECORD_CANCELLED;
        }
        collector_add(c, &r);
    }
    struct timeline_line *lines;
    size_t count = collector_timeline(c, &lines);
    for (size_t i = 0; i < count; i++) {
        tokens += lines[i].output_tokens;
        failed += lines[i].failed;
        cancelled += lines[i].cancelled;
        unsent += lines[i].unsent;
        due += lines[i].due;
        sent += lines[i].sent;
    }
    ck_assert_uint_gt(lines[0].seconds, 1);
    ck_assert_uint_eq(tokens, (2000 - 500) * 9);
    ck_assert_uint_eq(unsent, 1000);
    ck_assert_uint_eq(cancelled, 500);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_eq(due, 3000);
    ck_assert_uint_eq(sent, 2000);
    free(lines);
    collector_free(c);
}
END_TEST

/* Refused at once: sent and ended at one instant, in flight never. */
START_TEST(what_ends_as_it_starts_is_never_in_flight)
{
    struct collector *c = collector_create();
    struct timeline_line *lines;
    for (int i = 0; i < 5; i++) {
        struct record r = answered("r", 10 * MS, 0, MS, MS, 2);
        r.status = RECORD_FAILED;
        r.failure = FAILURE_REJECTED;
        r.done_ns = r.sent_ns;
        collector_add(c, &r);
    }
    ck_assert_uint_eq(summarize(c, NULL).peak_in_flight, 0);
    struct record one = answered("s", 20 * MS, 0, MS, MS, 2);
    collector_add(c, &one);
    ck_assert_uint_le(summarize(c, NULL).peak_in_flight, 1);
    ck_assert_uint_eq(collector_timeline(c, &lines), 1);
    ck_assert_uint_le(lines[0].in_flight, 1);
    free(lines);
    collector_free(c);
}
END_TEST

/* A warm-up longer than the run would leave one request: nothing is left out, and it is said. */
START_TEST(a_warm_up_beyond_the_run_leaves_nothing_out)
{
    struct collector *c = collector_create();
    struct summary_options o = {
        .command = "bench", .load = "open", .warmup = WARMUP_GIVEN, .no_intervals = true};
    struct summary s;
    add_part(c, 0, 100); /* due from 0 to 693 ms */
    o.warmup_ns = 693 * MS;
    collector_summarize(c, &o, &s);
    ck_assert_str_eq(s.warmup_method, "given");
    ck_assert_double_eq_tol(s.warmup_s, 0.693, 1e-9);
    o.warmup_ns = 694 * MS;
    collector_summarize(c, &o, &s);
    ck_assert_str_eq(s.warmup_method, "beyond");
    ck_assert_double_eq(s.warmup_s, 0);
    ck_assert_uint_eq(s.window.requests, 100);
    collector_free(c);
}
END_TEST

/* The endpoint's template takes 28 tokens: what asks for less cannot be met, and is counted. */
START_TEST(lengths_that_cannot_be_made_are_told_apart)
{
    struct collector *c = collector_create();
    struct summary_options o = {
        .command = "bench", .load = "open", .no_intervals = true, .least_input = 28};
    struct summary s;
    for (uint32_t i = 0; i < 100; i++) {
        struct record r = answered("r", i * MS, 0, MS, MS, 2);
        r.asked_input = i < 5 ? 2 : 1000;
        r.usage = usage_from_totals(i < 5 ? 28 : 1001, 0, 0, 0, 2, 0);
        collector_add(c, &r);
    }
    collector_summarize(c, &o, &s);
    ck_assert_uint_eq(s.asked_too_little, 5);
    ck_assert_double_eq_tol(s.input_error_p99, 0.001, 1e-9);
    o.least_input = 0;
    collector_summarize(c, &o, &s);
    ck_assert_uint_eq(s.asked_too_little, 0);
    ck_assert_double_eq_tol(s.input_error_p99, 13, 1e-9);
    collector_free(c);
}
END_TEST

/* Images are no part of what was asked: the text is compared where usage tells them apart. */
START_TEST(the_text_beside_images_is_compared_where_they_are_told)
{
    static const struct {
        uint32_t images, text, image_tokens, cached;
        bool longer;
        double error; /* < 0: nothing is compared */
    } cases[] = {
        {2, 100, 0, 0, false, -1},  {2, 100, 765, 0, false, 0}, {2, 150, 500, 265, false, .5},
        {2, 150, 765, 0, true, -1}, {0, 100, 50, 0, false, .5}, /* of a length that had them in it
                                                                 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct collector *c = collector_create();
        struct summary_options o = {.command = "bench", .load = "open", .no_intervals = true};
        struct summary s;
        struct record r = answered("r", 0, 0, MS, MS, 2);
        r.asked_input = 100;
        r.asked_images = cases[i].images;
        r.long_history = cases[i].longer;
        r.usage = usage_from_totals(cases[i].text, 0, 0, 0, 2, 0);
        r.usage.tokens[USAGE_IMAGE_INPUT] = cases[i].image_tokens;
        r.usage.tokens[USAGE_CACHED_IMAGE_INPUT] = cases[i].cached;
        collector_add(c, &r);
        collector_summarize(c, &o, &s);
        if (cases[i].error < 0)
            ck_assert_msg(isnan(s.input_error_p99), "case %zu", i);
        else
            ck_assert_double_eq_tol(s.input_error_p99, cases[i].error, 1e-9);
        collector_free(c);
    }
}
END_TEST

START_TEST(many_gaps_fold_into_a_histogram)
{
    struct collector *c = collector_create();
    char id[16];
    for (int i = 0; i < 600; i++) { /* 600 × 1,999 gaps: past the million kept exactly */
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * NS_PER_S, 0, MS, (i % 2 ? 10 : 20) * MS, 2000);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, NULL);
    const struct metric_summary *m = &s.window.metrics[METRIC_CHUNK_GAP];
    ck_assert_uint_eq(m->count, 600u * 1999u);
    ck_assert_str_eq(m->quantile_method, "histogram");
    ck_assert_double_eq(m->mean, 15);
    ck_assert_double_eq_tol(m->p99, 20, 0.02);
    ck_assert_double_eq(m->max, 20);
    collector_free(c);
}
END_TEST

START_TEST(assertions_compare_with_the_run)
{
    struct collector *c = collector_create();
    add_part(c, 0, 100);
    struct summary s = summarize(c, "e2e=100");
    struct error err = {0};
    ck_assert_int_eq(slo_assert("ttft_p99=36", &s, &err), 0);
    ck_assert_int_eq(slo_assert("ttft_p99=35", &s, &err), ERR_WORK);
    ck_assert_str_eq(err.message, "assertion ttft_p99=35 missed: it is 36");
    ck_assert_int_eq(slo_assert("failed=10", &s, NULL), 0);
    ck_assert_int_eq(slo_assert("failed=9", &s, NULL), ERR_WORK);
    ck_assert_int_eq(slo_assert("completed=91", &s, NULL), ERR_WORK);
    ck_assert_int_eq(slo_assert("ttft=500", &s, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_assert("ttft_p98=500", &s, NULL), ERR_INPUT);
    struct slo_list list = {0};
    ck_assert_int_eq(slo_parse("ttft", &list, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_parse("chunk_gap=1", &list, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_parse("tpot=-1", &list, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_assert("ttft_p99<=36ms", &s, NULL), 0);
    ck_assert_int_eq(slo_assert("ttft_p99=0.035s", &s, NULL), ERR_WORK);
    ck_assert_int_eq(slo_assert("failed=10ms", &s, NULL), ERR_INPUT);
    collector_free(c);
}
END_TEST

START_TEST(an_objective_may_name_its_unit)
{
    static const char *const same[] = {"ttft=1500",    "ttft=1500ms", "ttft=1.5s",
                                       "ttft<=1500ms", "ttft ≤ 1.5s", "ttft<1500"};
    static const char *const wrong[] = {"ttft=5x", "ttft=ms", "ttft=", "ttft=-1s", "ttft>5ms"};
    struct slo_list list = {0};
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        ck_assert_msg(slo_parse(same[i], &list, NULL) == 0, "%s", same[i]);
        ck_assert_int_eq(list.items[i].metric, METRIC_TTFT);
        ck_assert_double_eq(list.items[i].limit_ms, 1500);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct error err = {0};
        ck_assert_msg(slo_parse(wrong[i], &list, &err) == ERR_INPUT, "%s", wrong[i]);
        ck_assert_ptr_nonnull(strstr(err.message, "ttft=500ms"));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collector");
    TCase *t = tcase_create("collector");
    tcase_add_test(t, latencies_mean_what_is_documented);
    tcase_add_test(t, a_retry_never_resets_the_clock);
    tcase_add_test(t, a_metric_that_is_missing_cannot_meet_an_objective);
    tcase_add_test(t, reasoning_without_chunks_of_its_own_is_not_in_the_pace);
    tcase_add_test(t, an_answer_in_one_chunk_has_no_time_per_token);
    tcase_add_test(t, the_pace_starts_behind_the_first_chunk);
    tcase_add_test(t, tokens_without_text_are_output_all_the_same);
    tcase_add_loop_test(t, parts_merge_into_the_same_numbers, 0, 2);
    tcase_add_test(t, retried_requests_keep_their_clock_and_take_no_room);
    tcase_add_test(t, what_ends_as_it_starts_is_never_in_flight);
    tcase_add_test(t, the_timeline_adds_up);
    tcase_add_test(t, a_warm_up_beyond_the_run_leaves_nothing_out);
    tcase_add_test(t, lengths_that_cannot_be_made_are_told_apart);
    tcase_add_test(t, the_text_beside_images_is_compared_where_they_are_told);
    tcase_add_test(t, many_gaps_fold_into_a_histogram);
    tcase_add_test(t, assertions_compare_with_the_run);
    tcase_add_test(t, an_objective_may_name_its_unit);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
