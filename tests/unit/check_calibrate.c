#include "core/buffer.h"
#include "core/random.h"
#include "sim/engine/calibrate/calibrate.h"
#include "sim/engine/engine.h"
#include "tests/unit/testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define REQUESTS 200

static struct measured_request requests[REQUESTS];

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    (void)context;
    (void)count;
    if (first == 0)
        requests[tag].first_ns = at_ns;
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    (void)context;
    (void)cached;
    requests[tag].last_ns = at_ns;
}

/* What a server with these constants would have been measured to do at two mean gaps. */
static struct measured_run make_load(const struct engine_config *truth, double first_gap_s,
                                     double second_gap_s, uint32_t longest)
{
    struct engine *e = engine_create(truth, 3, NULL);
    struct engine_sink sink = {.on_tokens = hear_tokens, .on_done = hear_done};
    struct random r;
    double at_s = 0;
    memset(requests, 0, sizeof requests);
    random_init(&r, 5, RANDOM_TEST, 0);
    for (size_t i = 0; i < REQUESTS; i++) {
        at_s += gsl_ran_exponential(random_gsl(&r), i < REQUESTS / 2 ? first_gap_s : second_gap_s);
        requests[i].arrival_ns = llround(at_s * 1e9);
        requests[i].input_tokens = 20 + (uint32_t)random_below(&r, 3000);
        requests[i].output_tokens = 2 + (uint32_t)random_below(&r, longest);
        struct engine_request q = {.tag = i,
                                   .input_tokens = requests[i].input_tokens,
                                   .output_tokens = requests[i].output_tokens};
        engine_advance(e, requests[i].arrival_ns, &sink);
        engine_submit(e, requests[i].arrival_ns, &q);
    }
    engine_advance(e, INT64_MAX - 1, &sink);
    engine_free(e);
    return (struct measured_run){.name = "run", .requests = requests, .count = REQUESTS};
}

static struct measured_run make_run(const struct engine_config *truth)
{
    return make_load(truth, 2.0, 0.15, 200);
}

static struct engine_config preset(void)
{
    struct engine_config config;
    ck_assert_int_eq(engine_config_load("rtx4090-llama-3.1-8b-tp1", &config, NULL), 0);
    return config;
}

static struct calibration *made[8]; /* that are to be freed, by where they are */

/* Of one run. */
static int fit(const struct measured_run *run, const struct engine_config *start, const char *names,
               struct calibration *out, struct error *err)
{
    size_t i = 0;
    while (made[i] && made[i] != out)
        i++;
    if (made[i])
        calibration_free(out);
    made[i] = out;
    return calibrate(run, 1, start, names, out, err);
}

START_TEST(k_is_found_again)
{
    struct engine_config truth = preset(), start = truth;
    static struct calibration c;
    struct error err = {0};
    truth.steps.k = 1.37;
    truth.jitter_cv = 0.05;
    struct measured_run run = make_run(&truth);
    ck_assert_msg(fit(&run, &start, "k", &c, &err) == 0, "%s", err.message);
    ck_assert_double_eq_tol(c.config.steps.k, 1.37, 0.015);
    ck_assert_double_lt(c.parts->after.tpot.error, 0.05);
    ck_assert_double_gt(c.parts->before.tpot.error, 0.2);
    ck_assert_uint_eq(c.parts->requests, REQUESTS);
}
END_TEST

START_TEST(several_constants_are_found_again)
{
    struct engine_config truth = preset(), start = truth;
    static struct calibration c;
    struct error err = {0};
    start.steps.w0 = 25;
    start.steps.c1 = 0.05;
    struct measured_run run = make_run(&truth);
    ck_assert_msg(fit(&run, &start, "w0,c1", &c, &err) == 0, "%s", err.message);
    ck_assert_double_eq_tol(c.config.steps.w0, truth.steps.w0, 0.03 * truth.steps.w0);
    ck_assert_double_eq_tol(c.config.steps.c1, truth.steps.c1, 0.03 * truth.steps.c1);
}
END_TEST

/* The preset made the run: whatever a fit changes, it can only be farther off. */
START_TEST(a_fit_that_comes_no_closer_is_not_taken)
{
    struct engine_config truth = preset();
    static struct calibration c;
    struct error err = {0};
    struct measured_run run = make_run(&truth);
    ck_assert_msg(fit(&run, &truth, "w0,kappa,d0", &c, &err) == 0, "%s", err.message);
    ck_assert(c.kept);
    ck_assert_mem_eq(&c.config.steps, &truth.steps, sizeof truth.steps);
    ck_assert_double_le(c.misfit_after, c.misfit_before);
    for (size_t i = 0; i < c.count; i++)
        ck_assert_double_eq(c.constants[i].after, c.constants[i].before);
}
END_TEST

/* A server under too much load, killed: what was in flight has no record. The fit would blame the
 * server for it. */
START_TEST(a_run_that_was_cut_is_noticed)
{
    struct engine_config truth = preset(), start = truth;
    static struct calibration whole, cut;
    truth.steps.k = 1.2;
    struct measured_run run = make_load(&truth, 0.2, 0.2, 1200);
    ck_assert_int_eq(fit(&run, &start, "k", &whole, NULL), 0);
    ck_assert_int_eq(whole.parts->cut, CALIBRATE_WHOLE);
    ck_assert_uint_eq(whole.parts->judged, REQUESTS);
    ck_assert_double_eq_tol(whole.config.steps.k, 1.2, 0.012);
    int64_t cut_ns = requests[REQUESTS / 2].last_ns;
    run.count = 0;
    for (size_t i = 0; i < REQUESTS; i++)
        if (requests[i].last_ns <= cut_ns)
            requests[run.count++] = requests[i];
    ck_assert_uint_gt(run.count, 50);
    ck_assert_int_eq(fit(&run, &start, "k", &cut, NULL), 0);
    ck_assert_int_eq(cut.parts->cut, CALIBRATE_LOOKS_CUT);
    ck_assert_uint_lt(cut.parts->judged, run.count);
    ck_assert_double_eq_tol(cut.config.steps.k, 1.2, 0.036);
    run.killed = true; /* or it says so itself */
    ck_assert_int_eq(fit(&run, &start, "k", &cut, NULL), 0);
    ck_assert_int_eq(cut.parts->cut, CALIBRATE_KILLED);
}
END_TEST

/* Those that the client hung up on were load: with them the constant is found, without it is not.
 */
START_TEST(what_was_hung_up_on_is_replayed_as_load)
{
    struct engine_config truth = preset(), start = truth;
    static struct calibration with, without;
    truth.steps.k = 1.2;
    struct measured_run run = make_load(&truth, 0.2, 0.2, 400);
    for (size_t i = 0; i < REQUESTS; i += 3) { /* at their last token, so that the truth is known */
        requests[i].cancelled = true;
        requests[i].cancelled_ns = requests[i].last_ns;
        run.load++;
    }
    ck_assert_int_eq(fit(&run, &start, "k", &with, NULL), 0);
    ck_assert_double_eq_tol(with.config.steps.k, 1.2, 0.02);
    ck_assert_uint_eq(with.parts->requests, REQUESTS - run.load);
    run.count = run.load = 0;
    for (size_t i = 0; i < REQUESTS; i++)
        if (!requests[i].cancelled)
            requests[run.count++] = requests[i];
    ck_assert_int_eq(fit(&run, &start, "k", &without, NULL), 0);
    ck_assert_double_gt(without.config.steps.k, 1.25);
}
END_TEST

/* One factor cannot make this server of that preset; what foretells the rest of the run can. */
START_TEST(constants_are_chosen_by_what_they_foretell)
{
    struct engine_config truth = preset(), start = truth;
    static struct calibration one, chosen;
    truth.steps.w0 = 9;
    truth.steps.c1 = 0.2;
    truth.request_overhead_ms = 90;
    struct measured_run run = make_load(&truth, 1.0, 0.3, 300);
    ck_assert_int_eq(fit(&run, &start, "k", &one, NULL), 0);
    ck_assert_int_eq(fit(&run, &start, "auto", &chosen, NULL), 0);
    ck_assert_uint_eq(chosen.candidate_count, CALIBRATE_CANDIDATES);
    ck_assert_str_ne(chosen.names, "k,request_overhead_ms");
    ck_assert_double_lt(chosen.parts->after.ttft.error, 0.5 * one.parts->after.ttft.error);
    ck_assert_double_lt(chosen.parts->after.tpot.error, 0.5 * one.parts->after.tpot.error);
    /* Where one factor is all, one is taken. */
    truth = start;
    truth.steps.k = 1.3;
    run = make_load(&truth, 1.0, 0.3, 300);
    ck_assert_int_eq(fit(&run, &start, "auto", &chosen, NULL), 0);
    ck_assert_str_eq(chosen.names, "k,request_overhead_ms");
    ck_assert_double_eq_tol(chosen.config.steps.k, 1.3, 0.013);
}
END_TEST

START_TEST(what_cannot_be_fitted_is_refused)
{
    struct engine_config start = preset(), constant = engine_config_constant(1, 1);
    struct measured_run run = make_run(&start);
    static struct calibration c;
    struct error err = {0};
    ck_assert_int_eq(fit(&run, &start, "kapa", &c, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "did you mean \"kappa\"?") != NULL);
    err = (struct error){0};
    ck_assert_int_eq(fit(&run, &start, "k,k", &c, &err), ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(fit(&run, &start, "", &c, &err), ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(fit(&run, &constant, "k", &c, &err), ERR_INPUT);
    err = (struct error){0};
    start.kv_blocks = 2;
    ck_assert_int_eq(fit(&run, &start, "k", &c, &err), ERR_INPUT);
}
END_TEST

/* Reads a text as if it were a result file. */
static int read_text(const char *text, struct measured_run *run, struct error *err)
{
    char path[64];
    int fd = testing_text_file(text, path);
    *err = (struct error){0};
    int status = measured_read(path, run, err);
    close(fd);
    return status;
}

static void expect_two(const struct measured_run *run)
{
    ck_assert_uint_eq(run->count, 2);
    ck_assert_uint_eq(run->skipped, 1);
    ck_assert_int_eq(run->requests[0].arrival_ns, 0);
    ck_assert_uint_eq(run->requests[0].input_tokens, 10);
    ck_assert_uint_eq(run->requests[1].output_tokens, 3);
    ck_assert_int_eq(run->requests[1].arrival_ns, 500000000);
    ck_assert_int_eq(run->requests[1].first_ns, 750000000);
    ck_assert_int_eq(run->requests[1].last_ns, 1000000000);
}

START_TEST(result_files_of_other_tools_are_read)
{
    struct measured_run run;
    struct error err;
    ck_assert_int_eq(read_text("{\"date\":\"x\",\"input_lens\":[20,10,5],\"output_lens\":[3,2,0],"
                               "\"ttfts\":[0.25,0.125,0],\"itls\":[[0.125,0.125],[0.25],[]],"
                               "\"start_times\":[100.5,100.0,101.0],\"errors\":[\"\",\"\",\"x\"]}",
                               &run, &err),
                     0);
    expect_two(&run);
    measured_free(&run);
    ck_assert_int_eq(
        read_text("{\"metadata\":{\"request_start_ns\":1000000000,\"request_end_ns\":1500000000},"
                  "\"metrics\":{\"time_to_first_token\":{\"value\":125,\"unit\":\"ms\"},"
                  "\"input_sequence_length\":{\"value\":10},\"output_sequence_length\":"
                  "{\"value\":2}},\"error\":null}\n"
                  "{\"metadata\":{\"request_start_ns\":1500000000,\"request_end_ns\":2000000000},"
                  "\"metrics\":{\"time_to_first_token\":{\"value\":250,\"unit\":\"ms\"},"
                  "\"input_sequence_length\":{\"value\":20},\"output_sequence_length\":"
                  "{\"value\":3}}}\n"
                  "{\"metadata\":{\"request_start_ns\":1600000000,\"was_cancelled\":true},"
                  "\"metrics\":{},\"error\":{\"code\":499}}\n",
                  &run, &err),
        0);
    expect_two(&run);
    measured_free(&run);
    ck_assert_int_eq(read_text("{\"input_toks\":10,\"output_toks\":2,\"queued_ts\":7,"
                               "\"first_token_ts\":7.1,\"last_token_ts\":7.2}\n",
                               &run, &err),
                     0);
    ck_assert_uint_eq(run.count, 1);
    ck_assert(!run.killed && !run.endless);
    measured_free(&run);
}
END_TEST

#define WHOLE                                               \
    "{\"input_toks\":10,\"output_toks\":2,\"queued_ts\":7," \
    "\"first_token_ts\":7.1,\"last_token_ts\":9}\n"

START_TEST(a_result_file_that_was_cut_is_noticed)
{
    struct measured_run run;
    struct error err;
    ck_assert_int_eq(read_text(WHOLE "{\"input_toks\":10,\"outp", &run, &err), 0);
    ck_assert_uint_eq(run.count, 1);
    ck_assert(run.killed);
    measured_free(&run);
    ck_assert_int_eq(read_text(WHOLE "{\"input_toks\":10,\"outp\n" WHOLE, &run, &err), ERR_INPUT);
    ck_assert_int_eq(err.line, 2);
    ck_assert_int_eq(read_text(WHOLE "{\"input_toks\":10,\"output_toks\":5,\"queued_ts\":8,"
                                     "\"first_token_ts\":8.5}\n"
                                     "{\"input_toks\":10,\"queued_ts\":8}\n",
                               &run, &err),
                     0);
    ck_assert_uint_eq(run.endless, 2);
    ck_assert_uint_eq(run.load, 1);
    ck_assert_uint_eq(run.count, 2);
    ck_assert(run.requests[1].cancelled);
    ck_assert_int_eq(run.requests[1].arrival_ns, NS_PER_S);
    ck_assert_int_eq(run.requests[1].cancelled_ns, 2 * NS_PER_S);
    measured_free(&run);
}
END_TEST

START_TEST(what_is_no_result_is_refused)
{
    struct measured_run run;
    struct error err;
    ck_assert_int_eq(read_text("{\"ttfts\":[1]}", &run, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "--save-detailed") != NULL);
    ck_assert_int_eq(read_text("{\"queued_ts\":7}\n", &run, &err), ERR_INPUT);
    ck_assert_int_eq(read_text("not json", &run, &err), ERR_INPUT);
    ck_assert_int_eq(read_text("", &run, &err), ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(measured_read("/no/such/file", &run, &err), ERR_INPUT);
}
END_TEST

static void free_made(void)
{
    for (size_t i = 0; made[i]; i++)
        calibration_free(made[i]);
}

int main(void)
{
    Suite *suite = suite_create("calibrate");
    TCase *tests = tcase_create("calibrate");
    tcase_add_checked_fixture(tests, NULL, free_made);
    tcase_add_test(tests, k_is_found_again);
    tcase_add_test(tests, several_constants_are_found_again);
    tcase_add_test(tests, a_fit_that_comes_no_closer_is_not_taken);
    tcase_add_test(tests, a_run_that_was_cut_is_noticed);
    tcase_add_test(tests, what_was_hung_up_on_is_replayed_as_load);
    tcase_add_test(tests, constants_are_chosen_by_what_they_foretell);
    tcase_add_test(tests, what_cannot_be_fitted_is_refused);
    tcase_add_test(tests, result_files_of_other_tools_are_read);
    tcase_add_test(tests, a_result_file_that_was_cut_is_noticed);
    tcase_add_test(tests, what_is_no_result_is_refused);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
