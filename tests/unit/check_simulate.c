#include "core/memory.h"
#include "core/stop.h"
#include "sim/simulate.h"
#include "tests/unit/testing_workload.h"

#include <signal.h>
#include <string.h>

#define MS NS_PER_MS
#define KEPT 512

/* Every record of a run, and what must hold of all of them. */
struct seen {
    struct record records[KEPT];
    char ids[KEPT][48];
    size_t count;
    int64_t last_end_ns;
    size_t by_status[RECORD_STATUSES];
    size_t stop_after; /* records; 0 = never */
    size_t interrupt_after;
};

static bool see(void *context, const struct record *r)
{
    struct seen *s = context;
    ck_assert_uint_lt(s->count, KEPT);
    s->records[s->count] = *r;
    snprintf(s->ids[s->count], sizeof s->ids[0], "%s", r->request_id);
    s->records[s->count].request_id = s->ids[s->count];
    s->by_status[r->status]++;
    s->count++;
    ck_assert(r->final);
    if (r->status == RECORD_UNSENT) {
        ck_assert_uint_eq(r->attempt, 0);
        return true;
    }
    ck_assert_uint_eq(r->attempt, 1);
    ck_assert_int_le(r->scheduled_ns, r->ready_ns);
    ck_assert_int_eq(r->ready_ns, r->sent_ns);
    ck_assert_int_le(r->sent_ns, r->done_ns);
    ck_assert_int_ge(r->done_ns, s->last_end_ns);
    s->last_end_ns = r->done_ns;
    if (r->chunk_ns) {
        ck_assert_int_eq(r->chunk_ns[0], r->first_token_ns);
        ck_assert_int_eq(r->chunk_ns[r->chunks - 1], r->last_token_ns);
        for (uint32_t i = 1; i < r->chunks; i++)
            ck_assert_int_gt(r->chunk_ns[i], r->chunk_ns[i - 1]);
    }
    if (s->interrupt_after && s->count == s->interrupt_after)
        raise(SIGINT);
    return !s->stop_after || s->count < s->stop_after;
}

static struct workload w;
static struct simulate_options options;
static struct simulate_report report;
static struct seen seen;

static void fresh(void)
{
    workload_init(&w);
    simulate_options_init(&options);
    options.engine = engine_config_constant(100, 10);
    memset(&seen, 0, sizeof seen);
}

static void add(int64_t at_ms, uint32_t input, uint32_t output)
{
    testing_add(&w, (struct request){.timestamp_ns = at_ms * MS,
                                     .input_tokens = input,
                                     .output_tokens = output});
}

static void add_child(uint32_t parent, int64_t delay_ms, uint32_t input, uint32_t output)
{
    testing_add(&w, (struct request){.timestamp_ns = TIME_NEVER,
                                     .delay_ns = delay_ms * MS,
                                     .after = &parent,
                                     .after_count = 1,
                                     .input_tokens = input,
                                     .output_tokens = output});
}

static void set_load(enum schedule_mode mode, const char *load)
{
    options.schedule.mode = mode;
    ck_assert_int_eq(profile_parse(load, &options.schedule.load, NULL), 0);
}

static void run(void)
{
    struct run_observer observer = {&seen, see};
    struct error err = {0};
    ck_assert_msg(simulate_run(&w, &options, &observer, &report, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(seen.count + report.not_due, report.planned);
    profile_free(&options.schedule.load);
    workload_free(&w);
}

START_TEST(a_trace_keeps_its_times)
{
    fresh();
    add(0, 5, 3);
    add(50, 7, 1);
    add(15, 7, 0);
    run();
    ck_assert_uint_eq(seen.count, 3);
    const struct record *r = &seen.records[0]; /* the embedding: no tokens, ends at 115 */
    ck_assert_int_eq(r->scheduled_ns, 15 * MS);
    ck_assert_int_eq(r->done_ns, 115 * MS);
    ck_assert_int_eq(r->first_token_ns, TIME_NEVER);
    ck_assert(!r->streamed);
    r = &seen.records[1];
    ck_assert_str_eq(r->request_id, "r1");
    ck_assert_int_eq(r->first_token_ns, 100 * MS);
    ck_assert_int_eq(r->last_token_ns, 120 * MS);
    ck_assert_uint_eq(r->chunks, 3);
    ck_assert_uint_eq(r->usage.tokens[USAGE_UNCACHED_INPUT], 5);
    ck_assert_uint_eq(r->usage.tokens[USAGE_OUTPUT], 3);
    ck_assert_int_eq(report.duration_ns, 150 * MS);
}
END_TEST

START_TEST(speed_divides_times_and_delays)
{
    fresh();
    add(1000, 5, 1);
    add_child(0, 500, 5, 1);
    options.schedule.speed = 10;
    run();
    ck_assert_int_eq(seen.records[0].scheduled_ns, 100 * MS);
    ck_assert_int_eq(seen.records[1].scheduled_ns, 250 * MS); /* 100 + 100 + 50 */
}
END_TEST

START_TEST(a_turn_waits_for_its_parent_and_thinks)
{
    fresh();
    add(0, 5, 2);
    add_child(0, 30, 5, 1);
    add_child(1, 5, 5, 1);
    run();
    ck_assert_int_eq(seen.records[1].scheduled_ns, 140 * MS);
    ck_assert_int_eq(seen.records[2].scheduled_ns, 245 * MS);
}
END_TEST

START_TEST(behind_a_failed_parent_nothing_is_sent)
{
    fresh();
    options.engine.kind = ENGINE_STEPS;
    options.engine.kv_blocks = 5;
    options.engine.steps.w0 = 10;
    add(0, 100, 1); /* 64 fit */
    add_child(0, 30, 5, 1);
    add_child(1, 5, 5, 1);
    add(0, 40, 2);
    run();
    ck_assert_uint_eq(seen.by_status[RECORD_FAILED], 1);
    ck_assert_uint_eq(seen.by_status[RECORD_UNSENT], 2);
    ck_assert_uint_eq(seen.by_status[RECORD_COMPLETED], 1);
    ck_assert_int_eq(seen.records[0].failure, FAILURE_REJECTED);
    ck_assert_int_eq(seen.records[1].unsent, UNSENT_PARENT_FAILED);
    ck_assert_int_eq(seen.records[1].scheduled_ns, 30 * MS);
    ck_assert_int_eq(seen.records[2].scheduled_ns, 35 * MS);
}
END_TEST

START_TEST(a_closed_loop_keeps_its_concurrency)
{
    fresh();
    for (int i = 0; i < 20; i++)
        add(1000 * i, 5, 1 + (uint32_t)i % 4);
    set_load(SCHEDULE_CLOSED, "3");
    options.schedule.max_requests = 50;
    run();
    ck_assert_uint_eq(seen.count, 50);
    ck_assert_uint_eq(report.peak_in_flight, 3);
    size_t at_start = 0;
    for (size_t i = 0; i < seen.count; i++) {
        bool follows = seen.records[i].scheduled_ns == 0;
        at_start += follows;
        for (size_t k = 0; k < i && !follows; k++)
            follows = seen.records[k].done_ns == seen.records[i].scheduled_ns;
        ck_assert(follows);
    }
    ck_assert_uint_eq(at_start, 3);
}
END_TEST

/* One slot at 0, two from 1 s on, three from 2 s on; all answers take 300 ms. */
START_TEST(a_closed_loop_follows_its_stages)
{
    fresh();
    options.engine = engine_config_constant(300, 0);
    add(0, 5, 1);
    set_load(SCHEDULE_CLOSED, "1-3:2s,3:1s");
    run();
    ck_assert_uint_eq(report.peak_in_flight, 3);
    ck_assert_uint_eq(report.not_due, 0);
    size_t by_second[3] = {0};
    for (size_t i = 0; i < seen.count; i++) {
        ck_assert_int_lt(seen.records[i].scheduled_ns, 3 * NS_PER_S);
        by_second[seen.records[i].scheduled_ns / NS_PER_S]++;
    }
    ck_assert_uint_eq(by_second[0], 4); /* at 0, 300, 600, 900 */
    ck_assert_uint_eq(by_second[1], 7); /* at 1200, 1500, 1800; 1000, 1300, 1600, 1900 */
    ck_assert_uint_eq(by_second[2], 10);
}
END_TEST

START_TEST(a_closed_loop_ends_with_the_workload)
{
    fresh();
    for (int i = 0; i < 5; i++)
        add(0, 5, 1);
    set_load(SCHEDULE_CLOSED, "2");
    options.schedule.duration_ns = 60 * NS_PER_S;
    run();
    ck_assert_uint_eq(seen.by_status[RECORD_COMPLETED], 5);
    ck_assert_int_eq(report.duration_ns, 300 * MS);
}
END_TEST

START_TEST(what_the_cap_holds_at_the_end_is_unsent)
{
    fresh();
    for (int i = 0; i < 10; i++)
        add(i * 10, 5, 1);
    options.schedule.max_in_flight = 1;
    options.schedule.duration_ns = 65 * MS;
    run();
    ck_assert_uint_eq(seen.by_status[RECORD_COMPLETED], 1);
    ck_assert_uint_eq(seen.by_status[RECORD_UNSENT], 6);
    ck_assert_uint_eq(report.not_due, 3);
    ck_assert_int_eq(seen.records[6].unsent, UNSENT_CAP);
    ck_assert_int_eq(seen.records[6].scheduled_ns, 60 * MS);
}
END_TEST

START_TEST(repeats_have_names_and_prefixes_of_their_own)
{
    fresh();
    uint64_t ids[4] = {1, 2, 3, 4};
    struct request r = {.timestamp_ns = 0,
                        .input_tokens = 64,
                        .output_tokens = 1,
                        .hash_ids = ids,
                        .hash_count = 4,
                        .block_size = 16,
                        .attempts = 1};
    testing_add(&w, r);
    r.input_tokens = 80;
    testing_add(&w, r);
    options.engine.kind = ENGINE_STEPS;
    options.engine.kv_blocks = 100;
    options.engine.steps.w0 = 10;
    set_load(SCHEDULE_CLOSED, "1");
    options.schedule.max_requests = 4;
    run();
    ck_assert_str_eq(seen.records[0].request_id, "r1");
    ck_assert_str_eq(seen.records[2].request_id, "r1#2");
    ck_assert_uint_eq(seen.records[1].usage.tokens[USAGE_CACHED_INPUT], 64);
    ck_assert_uint_eq(seen.records[1].usage.tokens[USAGE_UNCACHED_INPUT], 16);
    ck_assert_uint_eq(seen.records[2].usage.tokens[USAGE_CACHED_INPUT], 0);
    ck_assert_uint_eq(seen.records[3].usage.tokens[USAGE_CACHED_INPUT], 64);
}
END_TEST

START_TEST(an_open_loop_draws_the_same_arrivals_for_a_seed)
{
    int64_t first[400];
    double sum = 0;
    for (int round = 0; round < 2; round++) {
        fresh();
        add(0, 5, 2);
        set_load(SCHEDULE_OPEN, "50");
        options.schedule.max_requests = 400;
        options.seed = 9;
        run();
        ck_assert_uint_eq(seen.count, 400);
        for (size_t i = 0; i < 400; i++) {
            if (round == 0)
                first[i] = seen.records[i].scheduled_ns;
            else
                ck_assert_int_eq(first[i], seen.records[i].scheduled_ns);
        }
        sum = (double)seen.records[399].scheduled_ns / 1e9;
    }
    ck_assert_double_eq_tol(sum, 400 / 50.0, 4 * 20 / 50.0); /* 4 standard deviations */
}
END_TEST

START_TEST(a_cap_makes_due_requests_wait)
{
    fresh();
    for (int i = 0; i < 4; i++)
        add(i, 5, 1);
    options.schedule.max_in_flight = 1;
    run();
    ck_assert_uint_eq(report.peak_in_flight, 1);
    ck_assert_int_eq(seen.records[3].scheduled_ns, 3 * MS);
    ck_assert_int_eq(seen.records[3].ready_ns, 300 * MS);
}
END_TEST

START_TEST(after_the_duration_nothing_becomes_due)
{
    fresh();
    for (int i = 0; i < 10; i++)
        add(i * 10, 5, 1);
    options.schedule.duration_ns = 50 * MS;
    run();
    ck_assert_uint_eq(seen.by_status[RECORD_COMPLETED], 5);
    ck_assert_uint_eq(report.not_due, 5);
}
END_TEST

START_TEST(the_observer_can_stop_the_sending)
{
    fresh();
    for (int i = 0; i < 100; i++)
        add(i * 60, 5, 2);
    add(200, 5, 1);
    options.schedule.max_in_flight = 2;
    seen.stop_after = 3;
    run();
    ck_assert_int_eq(report.end, SIMULATE_STOPPED);
    ck_assert_uint_le(seen.by_status[RECORD_COMPLETED], 5);
    ck_assert_uint_ge(seen.by_status[RECORD_UNSENT], 1);
    ck_assert_uint_gt(report.not_due, 90);
}
END_TEST

START_TEST(an_interrupt_accounts_for_everything)
{
    fresh();
    stop_install();
    stop_hold();
    for (int i = 0; i < 300; i++)
        add(i < 200 ? 0 : 1000000 + i, 5, 100);
    options.engine.max_num_seqs = 2;
    options.schedule.max_in_flight = 150;
    seen.interrupt_after = 10;
    run();
    stop_reset();
    ck_assert_int_eq(report.end, SIMULATE_INTERRUPTED);
    ck_assert_uint_ge(seen.by_status[RECORD_COMPLETED], 10);
    ck_assert_uint_ge(seen.by_status[RECORD_CANCELLED], 100);
    ck_assert_uint_ge(seen.by_status[RECORD_UNSENT], 30);
    ck_assert_uint_eq(report.not_due, 100);
}
END_TEST

START_TEST(reasoning_comes_first)
{
    fresh();
    add(0, 5, 10);
    w.usage = mem_zero(w.capacity, sizeof *w.usage);
    w.usage_known = mem_zero(w.capacity, sizeof *w.usage_known);
    w.usage[0].reasoning = 4;
    w.usage_known[0] = true;
    run();
    ck_assert_int_eq(seen.records[0].first_token_ns, 100 * MS);
    ck_assert_int_eq(seen.records[0].first_output_ns, 140 * MS);
    ck_assert_uint_eq(seen.records[0].usage.tokens[USAGE_REASONING], 4);
    ck_assert_uint_eq(seen.records[0].usage.tokens[USAGE_OUTPUT], 6);
}
END_TEST

START_TEST(options_that_cannot_work_are_refused)
{
    fresh();
    struct error err = {0};
    ck_assert_int_eq(simulate_run(&w, &options, NULL, &report, &err), ERR_INPUT);
    add(0, 5, 1);
    options.schedule.mode = SCHEDULE_OPEN;
    err = (struct error){0};
    ck_assert_int_eq(simulate_run(&w, &options, NULL, &report, &err), ERR_INPUT);
    set_load(SCHEDULE_CLOSED, "1:5s");
    options.engine = engine_config_constant(0, 0); /* without end */
    err = (struct error){0};
    ck_assert_int_eq(simulate_run(&w, &options, NULL, &report, &err), ERR_INPUT);
    profile_free(&options.schedule.load);
    options.schedule.mode = SCHEDULE_TRACE;
    engine_config_init(&options.engine);
    err = (struct error){0};
    ck_assert_int_eq(simulate_run(&w, &options, NULL, &report, &err), ERR_INPUT);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulate");
    TCase *tests = tcase_create("simulate");
    tcase_add_test(tests, a_trace_keeps_its_times);
    tcase_add_test(tests, speed_divides_times_and_delays);
    tcase_add_test(tests, a_turn_waits_for_its_parent_and_thinks);
    tcase_add_test(tests, behind_a_failed_parent_nothing_is_sent);
    tcase_add_test(tests, a_closed_loop_keeps_its_concurrency);
    tcase_add_test(tests, a_closed_loop_follows_its_stages);
    tcase_add_test(tests, a_closed_loop_ends_with_the_workload);
    tcase_add_test(tests, what_the_cap_holds_at_the_end_is_unsent);
    tcase_add_test(tests, repeats_have_names_and_prefixes_of_their_own);
    tcase_add_test(tests, an_open_loop_draws_the_same_arrivals_for_a_seed);
    tcase_add_test(tests, a_cap_makes_due_requests_wait);
    tcase_add_test(tests, after_the_duration_nothing_becomes_due);
    tcase_add_test(tests, the_observer_can_stop_the_sending);
    tcase_add_test(tests, an_interrupt_accounts_for_everything);
    tcase_add_test(tests, reasoning_comes_first);
    tcase_add_test(tests, options_that_cannot_work_are_refused);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
