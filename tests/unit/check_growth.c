/* Growth and sustained loads: never a healthy queue for an overloaded one, at any load. */
#include "core/memory.h"
#include "core/random.h"
#include "core/runs/compare/sustained.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

#define MOST 3000

/* Of each queue. */
static unsigned runs(void)
{
    return testing_few() ? 100 : 1000;
}

/* An M/M/c queue with a service of one second, first come first served; an answer's tokens come
 * over `answer_s` more, exponential. */
struct queue {
    unsigned servers;
    double load, answer_s;
    bool equal; /* all answers have as many tokens; else one comes every 10 ms */
    double due_s[MOST], delay_s[MOST], end_s[MOST];
};

static void run_queue(struct queue *q, size_t n, uint64_t seed)
{
    struct random r;
    double free_s[64] = {0}, now_s = 0;
    random_init(&r, seed, RANDOM_TEST, n);
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        now_s += gsl_ran_exponential(random_gsl(&r), 1 / (q->load * q->servers));
        for (size_t k = 1; k < q->servers; k++)
            first = free_s[k] < free_s[first] ? k : first;
        double start_s = fmax(now_s, free_s[first]);
        free_s[first] = start_s + gsl_ran_exponential(random_gsl(&r), 1);
        q->due_s[i] = now_s;
        q->delay_s[i] = start_s - now_s + 0.1;
        q->end_s[i] = free_s[first] + 0.1;
        if (q->answer_s > 0)
            q->end_s[i] += gsl_ran_exponential(random_gsl(&r), q->answer_s);
    }
}

static struct sustained judge(const struct queue *q, size_t n)
{
    struct sustained_log log = {0};
    struct sustained s;
    for (size_t i = n; i-- > 0;) { /* in any order */
        struct record r;
        record_init(&r);
        r.final = true;
        r.status = RECORD_COMPLETED;
        r.scheduled_ns = llround(q->due_s[i] * 1e9);
        r.first_token_ns = llround((q->due_s[i] + q->delay_s[i]) * 1e9);
        r.last_token_ns = r.done_ns = llround(q->end_s[i] * 1e9);
        double answer_s = q->end_s[i] - q->due_s[i] - q->delay_s[i];
        r.usage.tokens[USAGE_OUTPUT] = q->equal ? 100 : 2 + (uint64_t)(answer_s * 100);
        sustained_add(&log, &r);
    }
    sustained_judge(&log, 0, &s);
    sustained_free(&log);
    return s;
}

/* Percent of runs with each verdict. */
static void verdicts(struct queue *q, size_t n, double percent[3])
{
    percent[0] = percent[1] = percent[2] = 0;
    for (uint64_t seed = 0; seed < runs(); seed++) {
        run_queue(q, n, seed);
        percent[judge(q, n).verdict] += 100.0 / runs();
    }
    printf("M/M/%u, %zu requests at %3.0f %%: grows %.1f %%, sustained %.1f %%\n", q->servers, n,
           100 * q->load, percent[SUSTAINED_NO], percent[SUSTAINED_YES]);
}

START_TEST(healthy_queues_are_not_rejected)
{
    static const double loads[] = {0.5, 0.8, 0.9, 0.95, 1};
    static const size_t counts[] = {40, 300, 3000};
    struct queue *q = mem_zero(1, sizeof *q);
    double percent[3];
    for (unsigned servers = 1; servers <= 10; servers += 9)
        for (size_t i = 0; i < 5; i++)
            for (size_t k = 0; k < 3; k++) {
                q->servers = servers;
                q->load = loads[i];
                verdicts(q, counts[k], percent);
                ck_assert_double_le(percent[SUSTAINED_NO], loads[i] < 1 ? 5.5 : 7);
                if (loads[i] <= 0.95 && counts[k] == 3000)
                    ck_assert_double_ge(percent[SUSTAINED_YES], 95);
                if (loads[i] <= 0.5 && counts[k] == 300)
                    ck_assert_double_ge(percent[SUSTAINED_YES], 95);
            }
    free(q);
}
END_TEST

START_TEST(overload_is_told_or_said_to_be_unclear)
{
    struct queue *q = mem_zero(1, sizeof *q);
    double percent[3];
    for (unsigned servers = 1; servers <= 10; servers += 9) {
        q->servers = servers;
        q->load = 1.1;
        verdicts(q, 300, percent);
        ck_assert_double_le(percent[SUSTAINED_YES], 6);
        verdicts(q, 3000, percent);
        ck_assert_double_ge(percent[SUSTAINED_NO], 80);
        q->load = 2;
        verdicts(q, 40, percent);
        ck_assert_double_le(percent[SUSTAINED_YES], 1);
        verdicts(q, 300, percent);
        ck_assert_double_ge(percent[SUSTAINED_NO], 99);
    }
    free(q);
}
END_TEST

START_TEST(the_interval_holds_the_drift)
{
    struct queue *q = mem_zero(1, sizeof *q);
    unsigned held = 0;
    q->servers = 1;
    q->load = 1.3;
    for (uint64_t seed = 0; seed < runs(); seed++) {
        struct growth g;
        run_queue(q, 600, seed);
        ck_assert(growth_estimate(q->due_s, q->delay_s, 600, &g));
        held += g.low <= 0.3 && 0.3 <= g.high;
    }
    ck_assert_uint_ge(held, runs() * 90 / 100);
    free(q);
}
END_TEST

/* Plenty of places, answers of half a minute: the last of them end long after the arrivals. */
START_TEST(long_answers_at_the_end_are_no_queue)
{
    struct queue *q = mem_zero(1, sizeof *q);
    double percent[3];
    q->servers = 64;
    q->load = 2.0 / 64;
    q->answer_s = 10;
    verdicts(q, 100, percent); /* 50 s of arrivals */
    ck_assert_double_le(percent[SUSTAINED_NO], 3);
    ck_assert_double_ge(percent[SUSTAINED_YES], 95);
    q->load = 8.0 / 64;
    verdicts(q, 40, percent); /* 5 s: hardly an answer has ended */
    ck_assert_double_ge(percent[SUSTAINED_UNCLEAR], 99);
    free(q);
}
END_TEST

/* Everybody starts at once and shares: only the ends show that the load is 1.25. */
START_TEST(sharing_shows_at_the_ends)
{
    struct queue *q = mem_zero(1, sizeof *q);
    q->equal = true;
    for (size_t i = 0; i < 1000; i++) {
        q->due_s[i] = (double)i * 0.8;
        q->delay_s[i] = 0.1;
        q->end_s[i] = q->due_s[i] + 1 + 0.25 * q->due_s[i];
    }
    struct sustained s = judge(q, 1000);
    ck_assert_int_eq(s.verdict, SUSTAINED_NO);
    ck_assert_double_eq_tol(s.end.rate, 0.25, 1e-6);
    ck_assert_double_eq_tol(s.start.rate, 0, 1e-9);
    ck_assert_double_eq_tol(s.served, 0.8, 0.01);
    free(q);
}
END_TEST

START_TEST(few_requests_tell_nothing)
{
    struct queue *q = mem_zero(1, sizeof *q);
    struct sustained_log none = {0};
    struct sustained s;
    q->servers = 1;
    q->load = 0.1;
    run_queue(q, 19, 1);
    ck_assert_int_eq(judge(q, 19).verdict, SUSTAINED_UNCLEAR);
    sustained_judge(&none, 0, &s);
    ck_assert_int_eq(s.verdict, SUSTAINED_UNCLEAR);
    for (size_t i = 0; i < 50; i++)
        q->due_s[i] = 0;
    struct growth g;
    ck_assert(!growth_estimate(q->due_s, q->delay_s, 50, &g));
    free(q);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("growth");
    TCase *tests = tcase_create("growth");
    tcase_add_test(tests, healthy_queues_are_not_rejected);
    tcase_add_test(tests, overload_is_told_or_said_to_be_unclear);
    tcase_add_test(tests, the_interval_holds_the_drift);
    tcase_add_test(tests, long_answers_at_the_end_are_no_queue);
    tcase_add_test(tests, sharing_shows_at_the_ends);
    tcase_add_test(tests, few_requests_tell_nothing);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
