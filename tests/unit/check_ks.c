#include "core/random.h"
#include "testing.h"
#include "testing_ks.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

static double uniform(double x, const void *model)
{
    (void)model;
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double exponential(double x, const void *mean)
{
    return x <= 0 ? 0 : gsl_cdf_exponential_P(x, *(const double *)mean);
}

/* Published critical values of Kolmogorov's distribution. */
START_TEST(limiting_distribution)
{
    static const double table[][2] = {
        {0.5, 0.963945}, {0.82757, 0.5}, {1.0, 0.269999},
        {1.2238, 0.1},   {1.3581, 0.05}, {1.6276, 0.01},
    };
    for (size_t i = 0; i < 6; i++)
        ck_assert_double_eq_tol(ks_p_value(table[i][0] / 1e6, 1e12), table[i][1], 2e-4);
    /* Both series agree where they meet; far tails neither vanish nor turn negative. */
    ck_assert_double_eq_tol(ks_p_value(1.1799999e-6, 1e12), ks_p_value(1.1800001e-6, 1e12), 1e-6);
    ck_assert_double_gt(ks_p_value(5e-6, 1e12), 0);
    ck_assert_double_eq(ks_p_value(0, 100), 1);
    /* Exact critical values for small samples (D 5%: n = 10 0.40925, n = 20 0.29408). */
    ck_assert_double_eq_tol(ks_p_value(0.40925, 10), 0.05, 0.003);
    ck_assert_double_eq_tol(ks_p_value(0.29408, 20), 0.05, 0.003);
}
END_TEST

START_TEST(distances_by_hand)
{
    double v[] = {0.1, 0.4, 0.4, 0.7};
    struct ks_result r = ks_one_sample(v, 4, uniform, NULL, false);
    ck_assert_double_eq_tol(r.statistic, 0.35, 1e-12); /* after the tie: 3/4 − 0.4 */
    double distinct[] = {0.1, 0.4, 0.7};
    uint64_t counts[] = {1, 2, 1};
    r = ks_counted(distinct, counts, 3, uniform, NULL, false);
    ck_assert_double_eq_tol(r.statistic, 0.35, 1e-12);
    ck_assert_double_eq(r.effective, 4);
    double a[] = {1, 2, 2, 3}, b[] = {2, 3, 4};
    r = ks_two_samples(a, 4, b, 3);
    ck_assert_double_eq_tol(r.statistic, 0.75 - 1.0 / 3, 1e-12);
    ck_assert(isnan(ks_two_samples(a, 4, b, 0).p_value));
    ck_assert(isnan(ks_one_sample(v, 0, uniform, NULL, false).p_value));
    uint64_t none[] = {0, 0, 0};
    ck_assert(isnan(ks_counted(distinct, none, 3, uniform, NULL, false).p_value));
}
END_TEST

START_TEST(p_values_are_uniform_where_nothing_is_wrong)
{
    int one = 0, two = 0, wrong = 0;
    double mean = 3, other = 4;
    for (uint64_t run = 0; run < 1000; run++) {
        double a[60], b[40];
        struct random r;
        random_init(&r, 81, RANDOM_TEST, run);
        for (size_t i = 0; i < 60; i++)
            a[i] = gsl_ran_exponential(random_gsl(&r), mean);
        for (size_t i = 0; i < 40; i++)
            b[i] = gsl_ran_exponential(random_gsl(&r), mean);
        gsl_sort(a, 1, 60);
        gsl_sort(b, 1, 40);
        one += ks_one_sample(a, 60, exponential, &mean, false).p_value < 0.1;
        two += ks_two_samples(a, 60, b, 40).p_value < 0.1;
        wrong += ks_one_sample(a, 60, exponential, &other, false).p_value < 0.1;
    }
    ck_assert_int_ge(one, 70);
    ck_assert_int_le(one, 130);
    ck_assert_int_ge(two, 60);
    ck_assert_int_le(two, 130);
    ck_assert_int_ge(wrong, 400);
}
END_TEST

/* Counts that pass 2^53 in sum keep their distance; nothing overflows. */
START_TEST(large_counts)
{
    double values[] = {0.25, 0.5, 0.75, 1};
    uint64_t equal[] = {UINT64_C(1) << 60, UINT64_C(1) << 60, UINT64_C(1) << 60, UINT64_C(1) << 60};
    struct ks_result r = ks_counted(values, equal, 4, uniform, NULL, true);
    ck_assert_double_eq_tol(r.statistic, 0, 1e-12);
    ck_assert_double_eq_tol(r.p_value, 1, 1e-12);
    equal[0] += UINT64_C(1) << 58;
    r = ks_counted(values, equal, 4, uniform, NULL, true);
    ck_assert_double_eq(r.p_value, 0);
}
END_TEST

START_TEST(chi_square_by_hand)
{
    uint64_t die[] = {22, 17, 20, 26, 22, 13};
    double fair[] = {1 / 6.0, 1 / 6.0, 1 / 6.0, 1 / 6.0, 1 / 6.0, 1 / 6.0};
    struct ks_result r = chi_square(die, fair, 6, 0, 5);
    ck_assert_double_eq_tol(r.statistic, 5.1, 1e-9);
    ck_assert_double_eq(r.effective, 5);
    ck_assert_double_eq_tol(r.p_value, 0.40379, 1e-3);
    /* Expected 50, 40, 4, 3, 2, 1: the last four are one cell. */
    uint64_t tail[] = {45, 40, 6, 4, 3, 2};
    double p[] = {0.5, 0.4, 0.04, 0.03, 0.02, 0.01};
    r = chi_square(tail, p, 6, 0, 5);
    ck_assert_double_eq_tol(r.statistic, 25 / 50.0 + 0 + 25 / 10.0, 1e-9);
    ck_assert_double_eq(r.effective, 2);
    ck_assert(isnan(chi_square(tail, p, 6, 2, 5).p_value)); /* no freedom is left */
    ck_assert(isnan(chi_square(tail, p, 0, 0, 5).p_value));
}
END_TEST

START_TEST(chi_square_is_calibrated_on_integers)
{
    int rejected = 0, wrong = 0;
    for (uint64_t run = 0; run < 500; run++) {
        uint64_t observed[20] = {0};
        double right[20], other[20];
        struct random r;
        random_init(&r, 82, RANDOM_TEST, run);
        for (int i = 0; i < 500; i++) {
            unsigned k = gsl_ran_poisson(random_gsl(&r), 4);
            observed[k < 19 ? k : 19]++;
        }
        for (unsigned k = 0; k < 20; k++) {
            right[k] = k < 19 ? gsl_ran_poisson_pdf(k, 4) : gsl_cdf_poisson_Q(18, 4);
            other[k] = k < 19 ? gsl_ran_poisson_pdf(k, 4.5) : gsl_cdf_poisson_Q(18, 4.5);
        }
        rejected += chi_square(observed, right, 20, 0, 5).p_value < 0.1;
        wrong += chi_square(observed, other, 20, 0, 5).p_value < 0.1;
    }
    ck_assert_int_ge(rejected, 30);
    ck_assert_int_le(rejected, 72);
    ck_assert_int_ge(wrong, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ks");
    TCase *tests = tcase_create("ks");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, limiting_distribution);
    tcase_add_test(tests, distances_by_hand);
    tcase_add_test(tests, p_values_are_uniform_where_nothing_is_wrong);
    tcase_add_test(tests, large_counts);
    tcase_add_test(tests, chi_square_by_hand);
    tcase_add_test(tests, chi_square_is_calibrated_on_integers);
    return testing_run(suite);
}
