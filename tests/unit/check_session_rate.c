/* Rates in requests per second: what a session is expected to hold, what a scenario gives at a
 * rate, and when the rate is reached. */
#include "tests/unit/testing_workload.h"

#include "core/embedded.h"
#include "workloads/load/request_rate.h"
#include "workloads/scenario/generate.h"
#include "workloads/scenario/session_rate.h"

#include <math.h>
#include <string.h>

#define SEEDS 200

static void load(const char *text, struct scenario *s)
{
    struct error err = {0};
    ck_assert_msg(scenario_parse("test.json", text, strlen(text), s, &err) == 0, "%s", err.message);
}

/* Mean and variance of the requests that sessions begun within `duration_s` hold, over 200 seeds.
 */
struct counts {
    double mean, variance;
};

static struct counts count_requests(const struct scenario *s, struct generate_options o)
{
    double sum = 0, squares = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct workload w;
        struct error err = {0};
        struct generator *g;
        o.arrival_seed = seed;
        workload_init(&w);
        ck_assert_msg(generator_create(s, seed, &o, &g, &err) == 0, "%s", err.message);
        ck_assert_int_eq(generator_fill(g, SIZE_MAX, &w, &err), 0);
        double n = (double)w.count;
        sum += n;
        squares += n * n;
        generator_free(g);
        workload_free(&w);
    }
    struct counts c = {.mean = sum / SEEDS};
    c.variance = (squares - sum * c.mean) / (SEEDS - 1);
    return c;
}

static void assert_mean(const char *name, struct counts c, double expected)
{
    double error = sqrt(c.variance / SEEDS);
    ck_assert_msg(fabs(c.mean - expected) <= 3 * error,
                  "%s: %.2f requests, expected %.2f within 3 × %.2f", name, c.mean, expected,
                  error);
}

START_TEST(five_a_second_are_three_hundred_a_minute)
{
    struct profile rate;
    profile_hold(&rate, 5);
    for (const struct embedded_file *f = NULL; (f = embedded_next("scenarios", f));) {
        struct scenario s;
        struct error err = {0};
        bool turns = false;
        ck_assert_int_eq(scenario_load(f->stem, &s, &err), 0);
        struct counts c = count_requests(
            &s, (struct generate_options){.load = &rate, .duration_s = 60, .burstiness = 1});
        assert_mean(f->stem, c, 300);
        for (size_t i = 0; i < s.class_count; i++)
            turns = turns || scenario_class_has_turns(&s.classes[i]);
        /* Poisson: χ² of 199 degrees of freedom lies within ± 4 √(2/199) of its mean. */
        if (!turns)
            ck_assert_double_eq_tol(c.variance / c.mean, 1, 0.4);
        else
            ck_assert_double_gt(c.variance / c.mean, 1.4);
        scenario_free(&s);
    }
    profile_free(&rate);
}
END_TEST

static const char sessions[] =
    "{\"arrivals\": {\"process\": \"gamma\", \"cv\": 3, \"rate_rps\": 2}, \"classes\": ["
    "{\"class\": \"a\", \"weight\": 3, \"input\": 10, \"output\": 5, \"session\": {\"turns\": 4}},"
    "{\"class\": \"b\", \"input\": 10, \"output\": 5},"
    "{\"class\": \"c\", \"input\": 10, \"output\": 5, \"session\": {\"turns\": 2}, \"arrivals\":"
    " {\"process\": \"weibull\", \"cv\": 2, \"rate_rps\": 1}}]}";

/* Classes come in the ratio of their rates (1.5, 0.5 and 1 sessions a second), so that a session
 * has (1.5 × 4 + 0.5 × 1 + 1 × 2) / 3 requests. */
START_TEST(classes_count_by_how_often_they_begin)
{
    struct scenario s;
    load(sessions, &s);
    ck_assert_double_eq_tol(scenario_requests_per_session(&s), 8.5 / 3, 1e-12);
    ck_assert_double_eq_tol(scenario_sessions_rps(&s), 3, 1e-12);
    ck_assert_double_eq_tol(scenario_class_sessions_rps(&s, 0), 1.5, 1e-12);
    scenario_free(&s);
}
END_TEST

/* The mean holds whatever the process: with long gaps a start with a whole gap would be too low or
 * too high by (CV² − 1) / 2 sessions. */
START_TEST(the_mean_is_the_rate_whatever_the_process)
{
    static const struct generate_options cases[] = {
        {.arrivals = ARRIVAL_GAMMA, .burstiness = 0.05},
        {.arrivals = ARRIVAL_GAMMA, .burstiness = 16},
        {.own_arrivals = true},
    };
    struct scenario s;
    struct profile rate;
    load(sessions, &s);
    profile_hold(&rate, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generate_options o = cases[i];
        o.load = &rate;
        o.duration_s = 20;
        assert_mean("process", count_requests(&s, o), 20);
    }
    profile_free(&rate);
    scenario_free(&s);
}
END_TEST

START_TEST(stages_are_in_requests_and_bursts_are_sessions_at_one_instant)
{
    struct scenario s;
    struct profile rate;
    struct workload w;
    struct error err = {0};
    load(sessions, &s);
    ck_assert_int_eq(profile_parse("10:10s,+7,10-30:10s", &rate, &err), 0);
    ck_assert_double_eq_tol(profile_sum(&rate, 15 * NS_PER_S), 100 + 7 + 75, 1e-9);
    struct generate_options o = {.load = &rate};
    assert_mean("stages", count_requests(&s, o), 300 + 7 * 8.5 / 3);
    workload_init(&w);
    ck_assert_int_eq(workload_generate(&s, 3, &o, &w, &err), 0);
    uint32_t burst = 0;
    for (size_t i = 0; i < w.count; i++)
        burst += w.timestamp_ns[i] == 10 * NS_PER_S;
    ck_assert_uint_eq(burst, 7);
    workload_free(&w);
    profile_free(&rate);
    scenario_free(&s);
}
END_TEST

/* A day curve shapes the load only where it is asked for: at night here, nothing comes by it. */
START_TEST(a_day_curve_counts_only_where_it_is_asked_for)
{
    struct scenario s;
    struct profile rate;
    load("{\"arrivals\": {\"rate_rps\": 0.5, \"diurnal\": {\"amplitude\": 1, \"peak_hour\": 12}},"
         "\"classes\": [{\"input\": 10, \"output\": 1}]}",
         &s);
    profile_hold(&rate, 5);
    struct generate_options o = {.load = &rate, .duration_s = 60};
    assert_mean("flat", count_requests(&s, o), 300);
    o.own_arrivals = true;
    ck_assert_double_lt(count_requests(&s, o).mean, 1);
    profile_free(&rate);
    scenario_free(&s);
}
END_TEST

/* Turns: 2, 3 or 4, each further one with probability 1/2: (1.5 + 1.75 + 1.875) / 3. A turn: one
 * request and two steps, each with 1/2 + 1/4 failures, a call and a request. */
START_TEST(turns_steps_failures_and_calls_are_counted)
{
    struct scenario s;
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 10, \"output\": 5,"
         "\"session\": {\"turns\": {\"distribution\": \"uniform\", \"low\": 2, \"high\": 4},"
         " \"early_stop\": 0.5}, \"tools\": {\"steps\": 2, \"failure\": 0.5, \"max_repeats\": 2,"
         " \"calls\": 1, \"call_input\": 5, \"call_output\": 5}}]}",
         &s);
    ck_assert_double_eq_tol(scenario_requests_per_session(&s), 5.125 / 3 * 6.5, 1e-12);
    scenario_free(&s);
}
END_TEST

/* A context of 100 tokens takes turns of 10 in and 10 out five times: each session has five. With
 * turns of random length the mean is that of what the generator makes. */
START_TEST(a_context_limit_ends_sessions)
{
    struct scenario s;
    struct profile rate;
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": 10, \"output\": 10,"
         "\"session\": {\"turns\": 100000, \"max_context_tokens\": 100}}]}",
         &s);
    ck_assert_double_eq_tol(scenario_requests_per_session(&s), 5, 1e-12);
    scenario_free(&s);
    load("{\"arrivals\": {\"rate_rps\": 1}, \"classes\": [{\"input\": {\"distribution\":"
         "\"exponential\", \"mean\": 30}, \"output\": 20, \"session\": {\"turns\": "
         "{\"distribution\":"
         "\"lognormal\", \"median\": 4, \"sigma\": 1}, \"max_context_tokens\": 300}}]}",
         &s);
    profile_hold(&rate, 20);
    struct counts c =
        count_requests(&s, (struct generate_options){.load = &rate, .duration_s = 30});
    assert_mean("limited", c, 600);
    profile_free(&rate);
    scenario_free(&s);
}
END_TEST

/* From the distribution against 100,000 draws, within 4 standard errors. */
START_TEST(mean_counts_are_those_of_the_draws)
{
    static const char *const lengths[] = {
        "3",
        "{\"distribution\": \"uniform\", \"low\": 0.5, \"high\": 7.5, \"min\": 2}",
        "{\"distribution\": \"normal\", \"mean\": 3, \"stddev\": 4}",
        "{\"distribution\": \"lognormal\", \"median\": 3, \"sigma\": 1, \"max\": 20}",
        "{\"distribution\": \"exponential\", \"mean\": 2.3}",
        "{\"distribution\": \"gamma\", \"mean\": 5, \"cv\": 0.7, \"min\": 1.6}",
        "{\"distribution\": \"pareto\", \"alpha\": 3, \"scale\": 1.7}",
        "{\"distribution\": \"zipf\", \"a\": 1.1, \"max\": 30}",
        "{\"distribution\": \"empirical\", \"quantiles\": [1, 2, 2, 9, 30]}",
        "{\"distribution\": \"empirical\", \"values\": [4, 0, 7], \"weights\": [1, 2, 3]}",
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (uint32_t least = 0; least < 2; least++) {
            struct json_scan scan;
            struct length l;
            struct random r;
            double sum = 0, squares = 0, n = 100000;
            json_scan_init(&scan, "", lengths[i], strlen(lengths[i]), 1);
            ck_assert(length_parse(&scan, &l));
            random_init(&r, 5, RANDOM_TEST, i);
            for (int k = 0; k < n; k++) {
                uint32_t count = length_draw_count(&l, &r, least);
                double value = fmin(count, 25); /* at most 25, each reached with 0.9 */
                value = (1 - pow(0.9, value)) / 0.1;
                sum += value;
                squares += value * value;
            }
            double error = sqrt(fmax(squares / n - sum / n * (sum / n), 0) / n);
            double exact = length_count_sum(&l, least, 25, 0.9);
            ck_assert_msg(fabs(exact - sum / n) <= 4 * error + 1e-9, "%s: %.6f, drawn %.6f",
                          lengths[i], exact, sum / n);
            length_free(&l);
        }
    }
}
END_TEST

/* Two sessions of ten requests, two seconds apart: 19 of 20 have begun after the ninth delay. */
START_TEST(the_rate_is_reached_when_later_turns_have_come)
{
    struct workload w;
    workload_init(&w);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t before = i - 1;
        struct request r = {.timestamp_ns = i % 10 ? TIME_NEVER : 5 * NS_PER_S,
                            .delay_ns = i % 10 ? 2 * NS_PER_S : 0,
                            .output_tokens = 1,
                            .attempts = 1,
                            .after = &before,
                            .after_count = i % 10 ? 1 : 0};
        testing_add(&w, r);
    }
    ck_assert_int_eq(rate_ramp_ns(&w, 0), 18 * NS_PER_S);
    ck_assert_int_eq(rate_ramp_ns(&w, NS_PER_S / 2), 18 * NS_PER_S + 9 * NS_PER_S / 2);
    workload_free(&w);
    workload_init(&w);
    workload_add_plain(&w, 7 * NS_PER_S, 1, 1);
    ck_assert_int_eq(rate_ramp_ns(&w, NS_PER_S), 0);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session rate");
    TCase *t = tcase_create("session rate");
    tcase_add_test(t, five_a_second_are_three_hundred_a_minute);
    tcase_add_test(t, classes_count_by_how_often_they_begin);
    tcase_add_test(t, the_mean_is_the_rate_whatever_the_process);
    tcase_add_test(t, stages_are_in_requests_and_bursts_are_sessions_at_one_instant);
    tcase_add_test(t, a_day_curve_counts_only_where_it_is_asked_for);
    tcase_add_test(t, turns_steps_failures_and_calls_are_counted);
    tcase_add_test(t, a_context_limit_ends_sessions);
    tcase_add_test(t, mean_counts_are_those_of_the_draws);
    tcase_add_test(t, the_rate_is_reached_when_later_turns_have_come);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
