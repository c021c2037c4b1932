#include "core/random.h"
#include "core/stats/steady.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>

static double values[4000];

static void fill(size_t n, size_t warm_up, double extra, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 0);
    for (size_t i = 0; i < n; i++) {
        double left = i < warm_up ? 1 - (double)i / (double)warm_up : 0;
        values[i] = 100 + extra * left + gsl_ran_gaussian(random_gsl(&r), 5);
    }
}

static struct steady steady_mser5(const double *in_order, size_t n)
{
    struct sample sample = sample_of_array(in_order, n);
    return steady_mser5_sample(&sample);
}

START_TEST(warm_up_is_cut_off)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        fill(4000, 600, 200, seed);
        struct steady s = steady_mser5(values, 4000);
        ck_assert_uint_ge(s.drop, 500); /* the last sixth of the ramp drowns in the noise */
        ck_assert_uint_le(s.drop, 1000);
        ck_assert_uint_eq(s.drop % 5, 0);
        ck_assert(s.reached);
    }
}
END_TEST

START_TEST(steady_sequences_keep_nearly_everything)
{
    size_t dropped = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        fill(4000, 0, 0, seed);
        dropped += steady_mser5(values, 4000).drop;
    }
    ck_assert_uint_le(dropped, 20 * 4000 / 10);
}
END_TEST

START_TEST(never_more_than_half)
{
    for (size_t i = 0; i < 4000; i++)
        values[i] = (double)i; /* overload: it never settles */
    struct steady s = steady_mser5(values, 4000);
    ck_assert_uint_eq(s.drop, 2000);
    ck_assert(!s.reached);
    ck_assert_uint_le(steady_mser5(values, 21).drop, 10);
}
END_TEST

START_TEST(short_and_constant)
{
    fill(19, 10, 200, 1);
    ck_assert_uint_eq(steady_mser5(values, 19).drop, 0);
    ck_assert_uint_eq(steady_mser5(values, 0).drop, 0);
    for (size_t i = 0; i < 100; i++)
        values[i] = 20;
    struct steady s = steady_mser5(values, 100);
    ck_assert_uint_eq(s.drop, 0);
    ck_assert(s.reached);
}
END_TEST

/* The choice, checked against the definition. */
START_TEST(least_by_the_definition)
{
    fill(200, 60, 40, 3);
    struct steady s = steady_mser5(values, 200);
    double best = INFINITY;
    size_t at = 0;
    for (size_t d = 0; d <= 20; d++) {
        double mean = 0, squares = 0, z[40];
        for (size_t j = d; j < 40; j++) {
            z[j] = 0;
            for (size_t i = 0; i < 5; i++)
                z[j] += values[j * 5 + i] / 5;
            mean += z[j] / (double)(40 - d);
        }
        for (size_t j = d; j < 40; j++)
            squares += (z[j] - mean) * (z[j] - mean);
        double error = squares / (double)((40 - d) * (40 - d));
        if (error < best) {
            best = error;
            at = d * 5;
        }
    }
    ck_assert_uint_eq(s.drop, at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("steady");
    TCase *tests = tcase_create("steady");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, warm_up_is_cut_off);
    tcase_add_test(tests, steady_sequences_keep_nearly_everything);
    tcase_add_test(tests, never_more_than_half);
    tcase_add_test(tests, short_and_constant);
    tcase_add_test(tests, least_by_the_definition);
    return testing_run(suite);
}
