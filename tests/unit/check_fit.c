/* Fits: the generated twin of a recorded trace is like it, and its bill too. */
#include "testing_trace.h"

#include "workloads/describe/fit.h"
#include "workloads/scenario/generate.h"

#include <math.h>
#include <string.h>

/* Fits, writes the scenario, reads it back and generates from what was read. */
static void make_twin(const struct workload *w, uint64_t seed, struct workload *twin)
{
    struct scenario fitted, read;
    struct fit_report report;
    struct buffer text;
    struct error err = {0};
    ck_assert_msg(workload_fit(w, &fitted, &report, &err) == 0, "%s", err.message);
    buffer_init(&text, BUFFER_UNBOUNDED);
    scenario_write(&fitted, &text);
    scenario_free(&fitted);
    ck_assert_msg(scenario_parse("fit.json", text.data, text.length, &read, &err) == 0, "%ld: %s",
                  err.line, err.message);
    buffer_free(&text);
    workload_init(twin);
    ck_assert_int_eq(workload_generate(&read, seed, &(struct generate_options){0}, twin, &err), 0);
    scenario_free(&read);
}

/* Prices in whole micro-cents per token: input, output. */
static double bill(const struct workload *w, uint64_t input, uint64_t output)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->count; i++)
        sum += w->input_tokens[i] * input + w->output_tokens[i] * output;
    return (double)sum;
}

static const char *const traces[] = {
    "tests/data/azure.csv",
    "tests/data/mooncake.jsonl",
    "azure2023/AzureLLMInferenceTrace_code.csv",
    "azure2023/AzureLLMInferenceTrace_conv_first10000.csv",
    "mooncake/synthetic_trace.jsonl",
};

START_TEST(the_twin_is_like_the_trace)
{
    struct workload w, twin;
    struct fit_distance d;
    testing_read_file(traces[_i], &w, NULL);
    for (uint64_t seed = 11; seed < 14; seed++) {
        make_twin(&w, seed, &twin);
        ck_assert_uint_eq(twin.count, w.count);
        workload_fit_compare(&w, &twin, &d);
        double apart = fmax(0.05, 1.6 / sqrt((double)w.count)); /* of few rows, by chance */
        ck_assert_double_le(d.ks_input, apart);
        ck_assert_double_le(d.ks_output, apart);
        ck_assert_double_le(fabs(d.twin_cv / d.interarrival_cv - 1), 0.15);
        ck_assert_double_le(fabs(bill(&twin, 50, 215) / bill(&w, 50, 215) - 1), 0.10);
        ck_assert_double_le(fabs(bill(&twin, 500, 3000) / bill(&w, 500, 3000) - 1), 0.10);
        if (w.block_size)
            ck_assert_double_le(fabs(d.twin_hit_ratio - d.hit_ratio), apart);
        workload_free(&twin);
    }
    workload_free(&w);
}
END_TEST

START_TEST(classes_and_their_dependence_are_kept)
{
    static const char text[] =
        "{\"arrivals\": {\"process\": \"constant\", \"rate_rps\": 10}, \"classes\": ["
        "{\"class\": \"a\", \"model\": \"m\", \"weight\": 3, \"input\": {\"distribution\":"
        " \"lognormal\", \"median\": 1000, \"sigma\": 1}, \"output\": {\"distribution\":"
        " \"lognormal\", \"median\": 300, \"sigma\": 0.5}, \"correlation\": 0.8},"
        "{\"class\": \"b\", \"service\": \"batch\", \"input\": 70, \"output\": 7}]}";
    struct scenario s, fitted;
    struct workload w;
    struct fit_report report;
    struct error err = {0};
    ck_assert_int_eq(scenario_parse("t.json", text, strlen(text), &s, &err), 0);
    workload_init(&w);
    ck_assert_int_eq(
        workload_generate(&s, 5, &(struct generate_options){.requests = 20000}, &w, &err), 0);
    ck_assert_int_eq(workload_fit(&w, &fitted, &report, &err), 0);
    ck_assert_uint_eq(fitted.class_count, 2);
    const struct scenario_class *a = &fitted.classes[0], *b = &fitted.classes[1];
    if (strcmp(a->name, "a") != 0) {
        b = &fitted.classes[0];
        a = &fitted.classes[1];
    }
    ck_assert_str_eq(a->model, "m");
    ck_assert_double_eq_tol(a->correlation, 0.8, 0.02);
    ck_assert_double_eq_tol(a->weight / b->weight, 3, 0.2);
    ck_assert_int_eq(b->service, SERVICE_BATCH);
    ck_assert_int_eq(b->input.kind, LENGTH_CONSTANT);
    ck_assert_double_le(report.fitted_cv, 0.05);
    ck_assert_double_eq_tol(arrival_mean_rps(&fitted.arrival), 10, 0.01);
    scenario_free(&s);
    scenario_free(&fitted);
    workload_free(&w);
}
END_TEST

START_TEST(what_cannot_be_fitted_is_refused)
{
    struct workload w;
    struct scenario s;
    struct fit_report report;
    struct error err = {0};
    workload_init(&w);
    workload_add_plain(&w, 5, 10, 1);
    ck_assert_int_eq(workload_fit(&w, &s, &report, &err), ERR_INPUT);
    workload_add_plain(&w, 5, 10, 1);
    err = (struct error){0};
    ck_assert_int_eq(workload_fit(&w, &s, &report, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "same time"));
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit");
    TCase *t = tcase_create("fit");
    tcase_add_loop_test(t, the_twin_is_like_the_trace, 0, (int)(sizeof traces / sizeof *traces));
    tcase_add_test(t, classes_and_their_dependence_are_kept);
    tcase_add_test(t, what_cannot_be_fitted_is_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
