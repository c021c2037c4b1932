/* The test of a tail: what it must see, what it must not, and that limits and p-values agree.
 * FAREBOX_LONG_TESTS=1 takes 200 pairs of each kind instead of a few. */
#include "core/random.h"
#include "core/stats/compare.h"
#include "core/stats/interval.h"
#include "core/stats/tail.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define MOST 5000

static double before[MOST], after[MOST];

static int pairs(int short_run)
{
    return getenv("FAREBOX_LONG_TESTS") ? 200 : short_run;
}

/* Waits in an M/M/1 queue plus a little work, from its steady state; `jitter` lets two runs share
 * arrivals and work and yet differ. */
static void make_queue(double *out, size_t n, double load, struct random *r, struct random *jitter)
{
    gsl_rng *g = random_gsl(r);
    double wait = random_unit(r) < load ? gsl_ran_exponential(g, 1 / (1 - load)) : 0;
    for (size_t i = 0; i < n; i++) {
        double service = gsl_ran_exponential(g, 1);
        if (jitter)
            service *= gsl_ran_lognormal(random_gsl(jitter), -0.005, 0.1);
        out[i] = wait + 0.5;
        wait = fmax(0, wait + service - gsl_ran_exponential(g, 1 / load));
    }
}

static void factor_above(double *values, size_t n, double threshold, double factor)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] > threshold)
            values[i] *= factor;
}

static void check_agreement(const struct tail_change *t)
{
    ck_assert(t->low <= t->high);
    ck_assert_int_eq(t->p_up <= 0.025, t->low > 0);
    ck_assert_int_eq(t->p_down <= 0.025, t->high < 0);
}

/* Equal queues must seldom show a change, a longer tail nearly always. */
START_TEST(queues)
{
    static const double loads[] = {0.5, 0.8};
    int of = pairs(40);
    for (int paired = 0; paired < 2; paired++) {
        for (int k = 0; k < 2; k++) {
            int found[2] = {0}, equal = 0;
            for (int pair = 0; pair < of; pair++) {
                struct random r[2], jitter[2];
                struct tail_change t;
                for (int side = 0; side < 2; side++) {
                    random_init(&r[side], 91, RANDOM_TEST,
                                (uint64_t)(paired ? pair : 2 * pair + side));
                    random_init(&jitter[side], 92, RANDOM_TEST, (uint64_t)(2 * pair + side));
                    make_queue(side ? after : before, 2000, loads[k], &r[side], &jitter[side]);
                }
                for (int slow = 0; slow < 2; slow++) {
                    if (slow)
                        factor_above(after, 2000, loads[k] < 0.6 ? 3 : 10, paired ? 1.8 : 3);
                    if (paired)
                        tail_compare_paired(before, after, 2000, 0.99, &t);
                    else
                        tail_compare(before, 2000, after, 2000, 0.99, &t);
                    check_agreement(&t);
                    found[slow] += t.p_up <= 0.025;
                    equal += !slow && t.p_down <= 0.025;
                }
            }
            printf("%s queues at load %.1f: up %d, down %d; longer tail found in %d of %d\n",
                   paired ? "paired" : "other", loads[k], found[0], equal, found[1], of);
            ck_assert_int_le(found[0], of == 200 ? 12 : 4);
            ck_assert_int_le(equal, of == 200 ? 12 : 4);
            if (loads[k] < 0.6)
                ck_assert_int_ge(found[1], of * (paired ? 95 : 65) / 100);
        }
    }
}
END_TEST

static void make_plain(double *out, size_t n, double sigma, struct random *r)
{
    for (size_t i = 0; i < n; i++)
        out[i] = gsl_ran_lognormal(random_gsl(r), log(120), sigma);
}

/* 15 slow requests of 600, here and there, none of them before: paired or not. */
START_TEST(a_few_separate_outliers_are_a_change)
{
    struct random r;
    struct tail_change t;
    random_init(&r, 93, RANDOM_TEST, 0);
    for (int paired = 0; paired < 2; paired++) {
        make_plain(before, 600, 0.15, &r);
        for (size_t i = 0; i < 600; i++)
            after[i] = before[i] * gsl_ran_lognormal(random_gsl(&r), 0, 0.05);
        for (size_t i = 0; i < 15; i++)
            after[40 * i + 7] = 390 + (double)i;
        if (paired)
            tail_compare_paired(before, after, 600, 0.99, &t);
        else
            tail_compare(before, 600, after, 600, 0.99, &t);
        ck_assert_double_lt(t.p_up, 0.025 / 6);
        check_agreement(&t);
    }
}
END_TEST

/* The same 15 in a row are one thing that happened. */
START_TEST(one_burst_is_no_change)
{
    struct random r;
    struct tail_change t;
    random_init(&r, 94, RANDOM_TEST, 0);
    for (int paired = 0; paired < 2; paired++) {
        make_plain(before, 600, 0.15, &r);
        for (size_t i = 0; i < 600; i++)
            after[i] = before[i] * gsl_ran_lognormal(random_gsl(&r), 0, 0.05);
        for (size_t i = 0; i < 15; i++)
            after[300 + i] = 390 + (double)i;
        if (paired)
            tail_compare_paired(before, after, 600, 0.99, &t);
        else
            tail_compare(before, 600, after, 600, 0.99, &t);
        ck_assert_double_gt(t.p_up, 0.025);
        ck_assert_double_le(t.low, 0);
    }
}
END_TEST

/* Dividing one side by a factor moves the limits by it, and nothing else. */
START_TEST(limits_move_with_the_factor)
{
    struct random r;
    random_init(&r, 95, RANDOM_TEST, 0);
    make_plain(before, 3000, 0.3, &r);
    for (int paired = 0; paired < 2; paired++) {
        struct tail_change one, two;
        for (size_t i = 0; i < 3000; i++)
            after[i] = paired ? before[i] * gsl_ran_lognormal(random_gsl(&r), 0, 0.05)
                              : gsl_ran_lognormal(random_gsl(&r), log(120), 0.3);
        for (int k = 0; k < 2; k++) {
            struct tail_change *t = k ? &two : &one;
            if (paired)
                tail_compare_paired(before, after, 3000, 0.99, t);
            else
                tail_compare(before, 3000, after, 3000, 0.99, t);
            for (size_t i = 0; i < 3000; i++)
                after[i] *= 1.2;
        }
        ck_assert_double_eq_tol(two.low - one.low, log(1.2), 1e-6);
        ck_assert_double_eq_tol(two.high - one.high, log(1.2), 1e-6);
        ck_assert_uint_ge(one.episodes, INTERVAL_LEAST_EPISODES);
    }
}
END_TEST

/* A mock answers in the same time always: all of the values tie. */
START_TEST(ties)
{
    struct tail_change t;
    for (size_t i = 0; i < 1000; i++) {
        before[i] = 20;
        after[i] = 21;
    }
    for (int paired = 0; paired < 2; paired++) {
        if (paired)
            tail_compare_paired(before, after, 1000, 0.99, &t);
        else
            tail_compare(before, 1000, after, 1000, 0.99, &t);
        ck_assert_double_lt(t.p_up, 1e-6);
        ck_assert_double_eq_tol(t.low, log(1.05), 1e-6);
        ck_assert_double_eq_tol(t.high, log(1.05), 1e-6);
        check_agreement(&t);
    }
    after[500] = 0; /* a value without a logarithm */
    tail_compare_paired(before, after, 1000, 0.99, &t);
    ck_assert(isfinite(t.p_up));
}
END_TEST

/* p by hand: ten separate slower pairs, all of one size, can fall this way once in 2^10. */
START_TEST(signs_by_hand)
{
    struct tail_change t;
    for (size_t i = 0; i < 1000; i++)
        before[i] = after[i] = 1 + 1e-6 * (double)(i % 7);
    for (size_t i = 0; i < 10; i++) {
        before[100 * i + 3] = 100;
        after[100 * i + 3] = 200;
    }
    tail_compare_paired(before, after, 1000, 0.995, &t);
    ck_assert_uint_eq(t.episodes, 10);
    ck_assert_double_eq_tol(t.p_up, 1.0 / 1024, 1e-12);
    after[3] = 50; /* all but one: 11 of the 1,024 */
    tail_compare_paired(before, after, 1000, 0.995, &t);
    ck_assert_double_eq_tol(t.p_up, 11.0 / 1024, 1e-12);
    ck_assert_double_eq_tol(t.p_down, 1023.0 / 1024, 1e-12);
}
END_TEST

/* Too few episodes: tested all the same, but no interval is shown. */
START_TEST(few_episodes_have_no_interval)
{
    struct random r;
    struct comparison c;
    const double p99 = 0.99;
    random_init(&r, 96, RANDOM_TEST, 0);
    make_plain(before, 1000, 0.1, &r);
    make_plain(after, 1000, 0.1, &r);
    for (size_t i = 0; i < 60; i++)
        before[400 + i] = after[700 + i] = 500 + (double)i;
    compare_samples(before, 1000, after, 1000, false, &p99, 1, &c);
    ck_assert(!c.supported && isnan(c.low) && isnan(c.high));
    ck_assert(isfinite(c.p_up) && isfinite(c.p_value));
    ck_assert_uint_lt(c.episodes, INTERVAL_LEAST_EPISODES);
    ck_assert_str_eq(c.why, "fewer than 10 episodes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tail");
    TCase *tests = tcase_create("tail");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, queues);
    tcase_add_test(tests, a_few_separate_outliers_are_a_change);
    tcase_add_test(tests, one_burst_is_no_change);
    tcase_add_test(tests, limits_move_with_the_factor);
    tcase_add_test(tests, ties);
    tcase_add_test(tests, signs_by_hand);
    tcase_add_test(tests, few_episodes_have_no_interval);
    return testing_run(suite);
}
