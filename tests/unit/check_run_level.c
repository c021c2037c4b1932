/* A figure of one run against a limit: how often it is wrong, and what it cannot tell. */
#include "core/random.h"
#include "core/runs/compare/run_level.h"
#include "core/stats/compare.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#define DRAWS 1000
#define N 2000

static double values[N];

static void draw(struct random *r, double phi)
{
    gsl_rng *g = random_gsl(r);
    double x = gsl_ran_ugaussian(g);
    for (size_t i = 0; i < N; i++) {
        values[i] = exp(x);
        x = phi * x + sqrt(1 - phi * phi) * gsl_ran_ugaussian(g);
    }
}

/* Of draws whose true quantile is the limit: how many say that it is surely above, surely not, and
 * whose interval leaves it out. */
static void count_wrong(double phi, double q, double truth, double out[3])
{
    struct random r;
    random_init(&r, 3, RANDOM_TEST, (uint64_t)(phi * 100) + (uint64_t)(q * 1000));
    out[0] = out[1] = out[2] = 0;
    for (int k = 0; k < DRAWS; k++) {
        struct run_level l;
        draw(&r, phi);
        run_level(values, N, q, truth, &l);
        out[0] += l.p_up <= 0.025;
        out[1] += l.p_down <= 0.025;
        out[2] += l.low > truth || l.high < truth;
        ck_assert((l.p_up <= 0.025) == (l.low > truth));
        ck_assert((l.p_down <= 0.025) == (l.high <= truth));
    }
}

/* 2.5 % each, and not more than 4 % with neighbours that are alike: three standard errors of 1,000
 * draws are 1.5 %. */
START_TEST(a_run_at_its_limit_is_seldom_said_to_be_beyond)
{
    double wrong[3];
    count_wrong(0, 0.5, 1, wrong);
    ck_assert_double_lt(fmax(wrong[0], wrong[1]) / DRAWS, 0.04);
    ck_assert_double_lt(wrong[2] / DRAWS, 0.065);
    count_wrong(0, 0.99, exp(2.3263479), wrong);
    ck_assert_double_lt(fmax(wrong[0], wrong[1]) / DRAWS, 0.04);
    count_wrong(0.8, 0.5, 1, wrong);
    ck_assert_double_lt(fmax(wrong[0], wrong[1]) / DRAWS, 0.06);
}
END_TEST

/* Of 100 ones in 1,000 Clopper and Pearson's interval is 8.21 % to 12.03 %. */
START_TEST(a_share_has_clopper_and_pearsons_interval)
{
    static double ones[1000];
    struct random r;
    struct run_level l;
    random_init(&r, 1, RANDOM_TEST, 1);
    for (size_t i = 0; i < 1000; i++)
        ones[i] = i % 10 == 0; /* evenly: no fates in common */
    run_level(ones, 1000, COMPARE_SHARE, 0.05, &l);
    ck_assert_double_eq_tol(l.value, 0.1, 1e-12);
    ck_assert_double_eq_tol(l.low, 0.0821, 1e-4);
    ck_assert_double_eq_tol(l.high, 0.1203, 1e-4);
    ck_assert(l.p_up < 1e-6 && l.p_down > 0.99);
    run_level(ones, 1000, COMPARE_SHARE, 0.15, &l);
    ck_assert(l.p_down < 1e-4 && l.p_up > 0.99);
    run_level(ones + 1, 9, COMPARE_SHARE, 0.01, &l); /* none of nine */
    ck_assert(l.value == 0 && l.low == 0 && l.high > 0.3 && l.p_down > 0.9);
}
END_TEST

START_TEST(a_mean_is_held_against_a_limit)
{
    struct random r;
    struct run_level l;
    random_init(&r, 1, RANDOM_TEST, 2);
    draw(&r, 0);
    run_level(values, N, COMPARE_MEAN, 1, &l); /* e^0.5 = 1.65 */
    ck_assert(l.low > 1.4 && l.high < 1.9 && l.p_up < 0.001 && l.p_down > 0.99);
    run_level(values, N, COMPARE_MEAN, 2, &l);
    ck_assert(l.p_down < 0.001 && l.p_up > 0.99);
    run_level(values, 10, COMPARE_MEAN, 2, &l);
    ck_assert(isnan(l.high) && isnan(l.p_up) && l.why);
    run_level(values, 0, COMPARE_MEAN, 2, &l);
    ck_assert_str_eq(l.why, "the run has none");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run_level");
    TCase *tests = tcase_create("run_level");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_run_at_its_limit_is_seldom_said_to_be_beyond);
    tcase_add_test(tests, a_share_has_clopper_and_pearsons_interval);
    tcase_add_test(tests, a_mean_is_held_against_a_limit);
    return testing_run(suite);
}
