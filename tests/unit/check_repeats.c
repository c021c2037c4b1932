/* Comparisons by repeats: two sides that are alike must stay without a finding in 95 of 100 draws,
 * whatever their figures are like; a side that is slower must be found. */
#include "core/random.h"
#include "core/runs/compare/repeats.h"
#include "core/stats/multiple.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#define DRAWS 2000
#define MOST 12
#define FIGURES 8

enum shape { NORMAL, SKEWED, FAR_OUT, DRIFTING };

/* A figure of one run, 20 on average: as the noise of that shape has it. */
static double figure(enum shape shape, double place, gsl_rng *g)
{
    switch (shape) {
    case NORMAL:
        return 20 * exp(gsl_ran_gaussian(g, 0.03));
    case SKEWED:
        return 20 * (1 + gsl_ran_exponential(g, 0.1));
    case FAR_OUT:
        return 20 * exp(0.01 * gsl_ran_tdist(g, 2));
    case DRIFTING:
        return 20 * exp(gsl_ran_gaussian(g, 0.01) + 0.02 * place);
    }
    return NAN;
}

/* Pairs made AB, BA, AB, ...; what both share is in the draw of the pair. */
static void draw(enum shape shape, size_t n, double slower, gsl_rng *g, double *a, double *b)
{
    for (size_t i = 0; i < n; i++) {
        double shared = exp(gsl_ran_gaussian(g, 0.05)), first = 2 * (double)i;
        a[i] = shared * figure(shape, first + (i % 2 ? 1 : 0), g);
        b[i] = shared * slower * figure(shape, first + (i % 2 ? 0 : 1), g);
    }
}

/* Of so many draws of a family of figures those with any finding (Holm). */
static double findings(enum shape shape, size_t n, bool paired, double slower, size_t family)
{
    struct random r;
    size_t found = 0;
    random_init(&r, 11, RANDOM_TEST, (uint64_t)shape * 100 + n);
    for (int k = 0; k < DRAWS; k++) {
        struct comparison c[FIGURES];
        for (size_t f = 0; f < family; f++) {
            double a[MOST], b[MOST];
            draw(shape, n, slower, random_gsl(&r), a, b);
            struct repeat_values v = {a, b, n, n, .paired = paired};
            repeats_compare(&v, 0.5, &c[f]);
            ck_assert((c[f].p_value < 0.05) == (c[f].low > 0 || c[f].high < 0));
        }
        compare_adjust(c, family);
        bool any = false;
        for (size_t f = 0; f < family; f++)
            any = any || c[f].p_adjusted < 0.05;
        found += any;
    }
    return (double)found / DRAWS;
}

/* 6.5 %: three standard errors above 5 % in 2,000 draws. */
START_TEST(alike_sides_are_found_to_differ_in_one_of_twenty_draws_at_most)
{
    static const size_t repeats[] = {3, 6, 12};
    for (enum shape shape = NORMAL; shape <= DRIFTING; shape++)
        for (size_t i = 0; i < 3; i++) {
            ck_assert_double_lt(findings(shape, repeats[i], true, 1, 1), 0.065);
            ck_assert_double_lt(findings(shape, repeats[i], true, 1, FIGURES), 0.065);
        }
    ck_assert_double_lt(findings(NORMAL, 6, false, 1, FIGURES), 0.065);
    ck_assert_double_gt(findings(NORMAL, 6, true, 1, 1), 0.04); /* and not by never finding any */
}
END_TEST

START_TEST(a_side_that_is_slower_is_found)
{
    ck_assert_double_gt(findings(NORMAL, 6, true, 1.12, 1), 0.99);
    ck_assert_double_gt(findings(NORMAL, 6, true, 1.12, FIGURES), 0.99);
    ck_assert_double_gt(findings(DRIFTING, 6, true, 1.12, 1), 0.9);
    ck_assert_double_lt(findings(NORMAL, 2, true, 1.12, FIGURES), 0.9); /* two pairs tell little */
}
END_TEST

/* By hand: d = ln 1.1, ln 1.2, ln 1.3; mean 0.179999, s/√3 = 0.048238, t(2) = 4.302653. */
START_TEST(the_interval_is_students)
{
    const double a[3] = {10, 100, 1000}, b[3] = {11, 120, 1300};
    struct repeat_values v = {a, b, 3, 3, .paired = true};
    struct comparison c;
    repeats_compare(&v, 0.5, &c);
    ck_assert_double_eq_tol(c.change, 1.197216 - 1, 1e-5);
    ck_assert_double_eq_tol(log1p(c.low), 0.179999 - 4.302653 * 0.048238, 2e-4);
    ck_assert_double_eq_tol(log1p(c.high), 0.179999 + 4.302653 * 0.048238, 2e-4);
    ck_assert_double_eq_tol(c.before, 100, 1e-9);
    ck_assert_double_eq_tol(c.after / c.before - 1, c.change, 1e-12);
    ck_assert(c.supported && !c.settled && c.values == 3);
}
END_TEST

START_TEST(one_run_a_side_concludes_nothing)
{
    const double a[1] = {10}, b[1] = {20};
    struct repeat_values v = {a, b, 1, 1, .paired = true};
    struct comparison c;
    repeats_compare(&v, 0.5, &c);
    ck_assert(!c.supported && isnan(c.p_value) && isnan(c.low));
    ck_assert_double_eq_tol(c.change, 1, 1e-12);
    ck_assert_str_eq(c.why, "one run a side");
}
END_TEST

START_TEST(what_never_differs_weighs_on_nothing)
{
    const double a[3] = {10, 20, 30};
    struct repeat_values v = {a, a, 3, 3, .paired = true};
    struct comparison c;
    repeats_compare(&v, COMPARE_MEAN, &c);
    ck_assert(c.settled && c.change == 0 && c.p_value == 1);
}
END_TEST

/* One failure of 50 in each of three runs against none is three of 150: no finding, though all
 * three repeats agree to the last digit. */
START_TEST(few_failures_that_agree_are_no_finding)
{
    const double a[3] = {0, 0, 0}, b[3] = {0.02, 0.02, 0.02}, c[3] = {0.4, 0.4, 0.4};
    struct repeat_values v = {a, b, 3, 3, true, 150, 150};
    struct comparison r;
    repeats_compare(&v, COMPARE_SHARE, &r);
    ck_assert_double_gt(r.p_value, 0.05);
    ck_assert(r.low < 0 && r.high > 0.02);
    v.after = c;
    repeats_compare(&v, COMPARE_SHARE, &r);
    ck_assert_double_lt(r.p_value, 0.05);
    ck_assert_double_eq_tol(r.change, 0.4, 1e-12);
}
END_TEST

START_TEST(a_level_is_held_against_a_limit)
{
    const double values[6] = {480, 510, 495, 505, 490, 520};
    struct repeat_level l;
    repeats_level(values, 6, 0, 0.99, 450, &l);
    ck_assert(l.low > 450 && l.p_up < 0.001);
    repeats_level(values, 6, 0, 0.99, 550, &l);
    ck_assert(l.high < 550 && l.p_down < 0.001);
    repeats_level(values, 6, 0, 0.99, 500, &l);
    ck_assert(l.low < 500 && l.high > 500 && l.p_up > 0.025 && l.p_down > 0.025);
    repeats_level(values, 1, 0, 0.99, 100, &l);
    ck_assert(l.value > 479 && isnan(l.high) && isnan(l.p_up));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repeats");
    TCase *tests = tcase_create("repeats");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, alike_sides_are_found_to_differ_in_one_of_twenty_draws_at_most);
    tcase_add_test(tests, a_side_that_is_slower_is_found);
    tcase_add_test(tests, the_interval_is_students);
    tcase_add_test(tests, one_run_a_side_concludes_nothing);
    tcase_add_test(tests, what_never_differs_weighs_on_nothing);
    tcase_add_test(tests, few_failures_that_agree_are_no_finding);
    tcase_add_test(tests, a_level_is_held_against_a_limit);
    return testing_run(suite);
}
