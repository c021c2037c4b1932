#include "core/random.h"
#include "core/stats/quantile.h"
#include "testing.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(type_7_by_hand)
{
    double v[] = {4, 1, 3, 2};
    ck_assert_double_eq_tol(quantile_select(v, 4, 0.5), 2.5, 1e-15);
    ck_assert_double_eq_tol(quantile_select(v, 4, 0.9), 3.7, 1e-14);
    ck_assert_double_eq(quantile_select(v, 4, 0), 1);
    ck_assert_double_eq(quantile_select(v, 4, 1), 4);
    ck_assert_double_eq(quantile_select(v, 1, 0.99), v[0]);
    ck_assert(isnan(quantile_select(v, 0, 0.5)));
    ck_assert(isnan(quantile_select(v, 4, -0.1)) && isnan(quantile_sorted(v, 4, NAN)));
}
END_TEST

enum shape { RANDOM_VALUES, RISING, FALLING, FEW_DISTINCT, ORGAN_PIPE, EQUAL, SHAPES };

static void fill(double *v, size_t n, enum shape shape, struct random *r)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)i;
        v[i] = shape == RANDOM_VALUES  ? random_unit(r)
               : shape == RISING       ? x
               : shape == FALLING      ? -x
               : shape == FEW_DISTINCT ? (double)random_below(r, 3)
               : shape == ORGAN_PIPE   ? fmin(x, (double)n - x)
                                       : 7;
    }
}

START_TEST(selection_agrees_with_sorting)
{
    static double v[5000], sorted[5000];
    const double p[] = {0.99, 0.5, 0, 0.9, 1, 0.5, 0.001, 2};
    struct random r;
    random_init(&r, 3, RANDOM_TEST, 0);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t n = 1; n <= 5000; n = n * 3 + 1) {
            double out[8], kept[8];
            fill(v, n, (enum shape)shape, &r);
            memcpy(sorted, v, n * sizeof *v);
            gsl_sort(sorted, 1, n);
            quantiles_of(v, n, p, 8, kept);
            quantiles_select(v, n, p, 8, out);
            for (size_t i = 0; i < 7; i++) {
                ck_assert_double_eq(out[i], quantile_sorted(sorted, n, p[i]));
                ck_assert_double_eq(out[i], kept[i]);
            }
            ck_assert(isnan(out[7]));
            gsl_sort(v, 1, n);
            ck_assert_mem_eq(v, sorted, n * sizeof *v); /* nothing lost */
        }
    }
}
END_TEST

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Ranks of values of every size, above a least one of any sign, with some to skip in between. */
START_TEST(ranks_of_whole_numbers_are_those_of_sorted_ones)
{
    static int64_t v[4000], sorted[4000];
    const int64_t skip = INT64_MIN;
    struct random r;
    random_init(&r, 4, RANDOM_TEST, 0);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + random_below(&r, round % 3 ? 4000 : 60), kept = 0;
        int64_t least = (int64_t)random_below(&r, 1000) - 500;
        for (size_t i = 0; i < n; i++) {
            int bits = (int)random_below(&r, round % 4 == 0 ? 62 : 9);
            v[i] = least + (int64_t)random_below(&r, (uint64_t)1 << bits);
            if (random_below(&r, 9) == 0 && i > 0)
                v[i] = skip;
            else
                sorted[kept++] = v[i];
        }
        qsort(sorted, kept, sizeof *sorted, by_size);
        size_t ranks[] = {kept / 2, 0, kept - 1, random_below(&r, kept), kept / 2};
        int64_t found[5];
        ranks_of_whole(v, n, skip, least, ranks, 5, found);
        for (int k = 0; k < 5; k++)
            ck_assert_msg(found[k] == sorted[ranks[k]], "round %d, rank %zu of %zu", round,
                          ranks[k], kept);
    }
}
END_TEST

START_TEST(least_samples)
{
    ck_assert_uint_eq(quantile_least_sample(0.99), 368);
    ck_assert_uint_eq(quantile_least_sample(0.999), 3688);
    ck_assert_uint_eq(quantile_least_sample(0.01), 368);
    ck_assert_uint_eq(quantile_least_sample(0.5), 6);
    ck_assert_uint_eq(quantile_least_sample(1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quantile");
    TCase *tests = tcase_create("quantile");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, type_7_by_hand);
    tcase_add_test(tests, selection_agrees_with_sorting);
    tcase_add_test(tests, ranks_of_whole_numbers_are_those_of_sorted_ones);
    tcase_add_test(tests, least_samples);
    return testing_run(suite);
}
