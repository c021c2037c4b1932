/* Calibration over several runs, with the server's own metrics, and of runs that were cut. */
#include "core/memory.h"
#include "core/random.h"
#include "sim/engine/calibrate/calibrate.h"
#include "sim/engine/engine.h"
#include "tests/unit/testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS 150
#define MOST_RUNS 3

static struct measured_run runs[MOST_RUNS];
static struct calibration result;

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    struct measured_run *run = context;
    (void)count;
    if (first == 0)
        run->requests[tag].first_ns = at_ns;
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct measured_run *run = context;
    (void)cached;
    run->requests[tag].last_ns = at_ns;
}

/* One scrape a second, as bench asks for them. */
static void scrape_until(struct measured_run *run, struct engine *e, const struct engine_sink *sink,
                         int64_t until_ns)
{
    struct engine_state s;
    for (int64_t t_ns = (int64_t)run->scrape_count * NS_PER_S; t_ns <= until_ns; t_ns += NS_PER_S) {
        engine_advance(e, t_ns, sink);
        engine_state(e, &s);
        mem_grow(&run->scrapes, &run->scrape_capacity, run->scrape_count + 1, sizeof *run->scrapes);
        run->scrapes[run->scrape_count++] = (struct measured_scrape){
            t_ns, s.waiting, s.running, (double)s.kv_blocks_used / (double)s.kv_blocks_total};
    }
}

static void draw(struct measured_request *r, struct random *random, int64_t at_ns)
{
    *r = (struct measured_request){.arrival_ns = at_ns};
    r->input_tokens = 20 + (uint32_t)random_below(random, 3000);
    r->output_tokens = 2 + (uint32_t)random_below(random, 300);
}

/* What a server with these constants would have been measured to do, and what it would say. */
static void make_run(size_t number, const struct engine_config *truth, double gap_s)
{
    struct measured_run *run = &runs[number];
    struct engine *e = engine_create(truth, 3, NULL);
    struct engine_sink sink = {run, hear_tokens, hear_done, NULL};
    struct random random;
    double at_s = 0;
    *run = (struct measured_run){.name = mem_copy_string("a-run"),
                                 .requests = mem_zero(REQUESTS, sizeof *run->requests),
                                 .count = REQUESTS,
                                 .capacity = REQUESTS,
                                 .server = {.sources = 1, .hit_rate = NAN, .preemptions = NAN}};
    random_init(&random, 5 + number, RANDOM_TEST, 0);
    for (size_t i = 0; i < REQUESTS; i++) {
        at_s += gsl_ran_exponential(random_gsl(&random), gap_s);
        struct measured_request *r = &run->requests[i];
        draw(r, &random, i ? llround(at_s * 1e9) : 0);
        struct engine_request q = {
            .tag = i, .input_tokens = r->input_tokens, .output_tokens = r->output_tokens};
        scrape_until(run, e, &sink, r->arrival_ns);
        engine_advance(e, r->arrival_ns, &sink);
        ck_assert_int_eq(engine_submit(e, r->arrival_ns, &q), ENGINE_ACCEPTED);
    }
    while (engine_next_ns(e) != TIME_NEVER)
        scrape_until(run, e, &sink, (int64_t)run->scrape_count * NS_PER_S);
    engine_free(e);
}

/* A kill: what has not ended by then has no record, and nobody was asked any more. */
static void cut_run(size_t number, double share)
{
    struct measured_run *run = &runs[number];
    int64_t cut_ns = run->requests[(size_t)(share * REQUESTS)].last_ns;
    size_t kept = 0;
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].last_ns <= cut_ns)
            run->requests[kept++] = run->requests[i];
    run->count = kept;
    run->killed = true;
    while (run->scrapes[run->scrape_count - 1].t_ns > cut_ns)
        run->scrape_count--;
}

static void free_all(void)
{
    for (size_t i = 0; i < MOST_RUNS; i++)
        measured_free(&runs[i]);
    calibration_free(&result);
}

static struct engine_config preset(void)
{
    struct engine_config config;
    ck_assert_int_eq(engine_config_load("rtx4090-llama-3.1-8b-tp1", &config, NULL), 0);
    return config;
}

static void expect_fit(size_t count, const struct engine_config *start, const char *names)
{
    struct error err = {0};
    ck_assert_msg(calibrate(runs, count, start, names, &result, &err) == 0, "%s", err.message);
}

START_TEST(each_run_is_foretold_by_the_others)
{
    struct engine_config truth = preset(), start = truth;
    truth.steps.k = 1.3;
    make_run(0, &truth, 1.5);
    make_run(1, &truth, 0.4);
    make_run(2, &truth, 0.2);
    expect_fit(3, &start, "k");
    ck_assert_uint_eq(result.part_count, 3);
    ck_assert_double_eq_tol(result.config.steps.k, 1.3, 0.01);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_gt(result.parts[i].before.tpot.off_p50, 0.15);
        ck_assert_double_lt(result.parts[i].unseen.tpot.off_p50, 0.02);
        ck_assert_double_lt(result.parts[i].unseen.tpot.off_p90, 0.05);
        ck_assert_double_lt(result.parts[i].unseen.e2e.off_p90, 0.05);
        ck_assert_int_eq(result.parts[i].cut, CALIBRATE_WHOLE);
    }
}
END_TEST

/* One of the runs is of a server twice as slow: the fit goes between, the run left out is far off.
 */
START_TEST(a_run_of_another_server_is_seen_by_its_error)
{
    struct engine_config truth = preset(), start = truth, other = truth;
    other.steps.k = 2;
    make_run(0, &truth, 1.0);
    make_run(1, &truth, 0.8);
    make_run(2, &other, 1.2);
    expect_fit(3, &start, "k");
    ck_assert_double_gt(result.parts[2].unseen.tpot.off_p50, 0.4);
    ck_assert_double_lt(result.parts[2].after.tpot.off_p50, result.parts[2].unseen.tpot.off_p50);
}
END_TEST

START_TEST(constants_are_chosen_by_what_the_other_runs_foretell)
{
    struct engine_config truth = preset(), start = truth;
    truth.steps.w0 = 9;
    truth.steps.c1 = 0.2;
    truth.request_overhead_ms = 90;
    make_run(0, &truth, 1.5);
    make_run(1, &truth, 0.7);
    make_run(2, &truth, 0.4);
    expect_fit(3, &start, "auto");
    ck_assert_uint_eq(result.candidate_count, CALIBRATE_CANDIDATES);
    ck_assert_str_ne(result.names, "k,request_overhead_ms");
    ck_assert_double_lt(result.parts[0].unseen.tpot.off_p50, 0.05);
    ck_assert_double_lt(result.parts[1].unseen.tpot.off_p50, 0.05);
}
END_TEST

START_TEST(the_server_s_metrics_tell_its_memory)
{
    struct engine_config truth = preset(), start = truth;
    struct calibrate_settings found;
    truth.kv_blocks = 1500;
    truth.steps.k = 1.2;
    make_run(0, &truth, 0.5);
    ck_assert_int_eq(calibrate_find_settings(runs, 1, &start, &found, NULL), 0);
    ck_assert_uint_eq(found.max_num_seqs, 0);
    ck_assert_double_eq_tol((double)found.kv_blocks, 1500, 75);
    start.kv_blocks = found.kv_blocks;
    expect_fit(1, &start, "k");
    const struct calibrate_server *s = &result.parts[0].server;
    ck_assert_uint_gt(s->scrapes, 50);
    ck_assert_double_eq_tol(s->running.model, s->running.measured, 0.05 * s->running.measured);
    ck_assert_double_eq_tol(s->kv_use.model, s->kv_use.measured, 0.05 * s->kv_use.measured);
    /* Where prompts share prefixes they hold blocks together: the share says nothing. */
    runs[0].server.hit_rate = 0.4;
    ck_assert_int_eq(calibrate_find_settings(runs, 1, &start, &found, NULL), 0);
    ck_assert_uint_eq(found.kv_blocks, 0);
}
END_TEST

START_TEST(the_server_s_metrics_tell_how_many_may_run)
{
    struct engine_config truth = preset(), start = truth;
    struct calibrate_settings found;
    truth.max_num_seqs = 6;
    make_run(0, &truth, 0.4);
    ck_assert_int_eq(calibrate_find_settings(runs, 1, &start, &found, NULL), 0);
    ck_assert_uint_eq(found.max_num_seqs, 6);
    for (size_t i = 0; i < runs[0].scrape_count; i++) /* memory may be what they wait for */
        runs[0].scrapes[i].kv_use = 0.97;
    ck_assert_int_eq(calibrate_find_settings(runs, 1, &start, &found, NULL), 0);
    ck_assert_uint_eq(found.max_num_seqs, 0);
}
END_TEST

/* Killed so early that nothing is free of what was in flight: the server's count tells the load. */
START_TEST(the_load_of_a_cut_run_is_put_in_by_the_server_s_count)
{
    struct engine_config truth = preset(), start = truth;
    truth.steps.k = 1.2;
    make_run(0, &truth, 0.1);
    cut_run(0, 0.3);
    size_t known = runs[0].count;
    expect_fit(1, &start, "k");
    ck_assert_int_eq(result.parts[0].cut, CALIBRATE_KILLED);
    ck_assert(result.parts[0].counted);
    ck_assert_uint_gt(result.parts[0].put_in, 10);
    ck_assert_uint_eq(result.parts[0].requests, known);
    ck_assert_uint_eq(runs[0].count, known); /* the caller's stay as they are */
    ck_assert_double_eq_tol(result.config.steps.k, 1.2, 0.06);
}
END_TEST

START_TEST(a_cut_run_that_tells_no_load_is_refused)
{
    struct engine_config start = preset();
    struct error err = {0};
    make_run(0, &start, 0.1);
    cut_run(0, 0.1);
    runs[0].scrape_count = 0;
    ck_assert_int_eq(calibrate(runs, 1, &start, "k", &result, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "a-run was cut: ") != NULL);
    ck_assert(strstr(err.message, "--served-out") != NULL);
    runs[0].served_out = true; /* whoever says so is believed */
    expect_fit(1, &start, "k");
    ck_assert_int_eq(result.parts[0].cut, CALIBRATE_WHOLE);
    ck_assert_uint_eq(result.parts[0].put_in, 0);
}
END_TEST

/* Where enough of a cut run is clean, it tells the constants by itself. */
START_TEST(what_is_clean_of_a_cut_run_is_fitted_alone)
{
    struct engine_config truth = preset(), start = truth;
    truth.steps.k = 1.2;
    make_run(0, &truth, 0.3);
    cut_run(0, 0.8);
    runs[0].scrape_count = 0;
    expect_fit(1, &start, "k");
    ck_assert_int_eq(result.parts[0].cut, CALIBRATE_KILLED);
    ck_assert(!result.parts[0].counted);
    ck_assert_uint_lt(result.parts[0].judged, runs[0].count);
    ck_assert_double_eq_tol(result.config.steps.k, 1.2, 0.036);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("calibrate_several");
    TCase *tests = tcase_create("calibrate_several");
    tcase_add_checked_fixture(tests, NULL, free_all);
    tcase_add_test(tests, each_run_is_foretold_by_the_others);
    tcase_add_test(tests, a_run_of_another_server_is_seen_by_its_error);
    tcase_add_test(tests, constants_are_chosen_by_what_the_other_runs_foretell);
    tcase_add_test(tests, the_server_s_metrics_tell_its_memory);
    tcase_add_test(tests, the_server_s_metrics_tell_how_many_may_run);
    tcase_add_test(tests, the_load_of_a_cut_run_is_put_in_by_the_server_s_count);
    tcase_add_test(tests, a_cut_run_that_tells_no_load_is_refused);
    tcase_add_test(tests, what_is_clean_of_a_cut_run_is_fitted_alone);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
