#include "core/random.h"
#include "core/stats/histogram.h"
#include "core/stats/quantile.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

static bool same(const struct histogram *a, const struct histogram *b)
{
    struct histogram_bucket x = {0}, y = {0};
    for (;;) {
        bool more = histogram_next(a, &x), other = histogram_next(b, &y);
        if (more != other || (more && (x.lower != y.lower || x.count != y.count)))
            return false;
        if (!more)
            return a->count == b->count && a->negative == b->negative;
    }
}

/* Every value lies in its bucket, buckets join without gap, and the middle keeps the bound. */
START_TEST(every_bucket_keeps_the_error_bound)
{
    for (int shift = 0; shift < 63; shift++) {
        for (int64_t step = -3; step <= 3; step++) {
            int64_t base = INT64_C(1) << shift;
            if (step > INT64_MAX - base || base + step < 0)
                continue;
            int64_t value = base + step;
            struct histogram h = {0};
            histogram_add(&h, value, 3);
            struct histogram_bucket b = {0};
            ck_assert(histogram_next(&h, &b));
            ck_assert_int_le(b.lower, value);
            ck_assert_int_ge(b.upper, value);
            ck_assert_uint_eq(b.count, 3);
            double error = fabs(histogram_quantile(&h, 0.5) - (double)value);
            ck_assert_double_le(error, 0.001 * (double)value);
            ck_assert(value >= 1024 || error == 0);
            ck_assert(!histogram_next(&h, &b));
            histogram_free(&h);
        }
    }
    struct histogram last = {0};
    histogram_add(&last, INT64_MAX, 1);
    struct histogram_bucket b = {0};
    ck_assert(histogram_next(&last, &b));
    ck_assert_int_eq(b.upper, INT64_MAX);
    histogram_free(&last);
}
END_TEST

START_TEST(quantiles_are_right_to_a_tenth_of_a_percent)
{
    enum { N = 20000 };
    static double values[N];
    struct random r;
    random_init(&r, 1, RANDOM_TEST, 0);
    struct histogram h = {0};
    for (size_t i = 0; i < N; i++) {
        int64_t v = (int64_t)gsl_ran_lognormal(random_gsl(&r), 16, 2);
        values[i] = (double)v;
        histogram_add(&h, v, 1);
    }
    gsl_sort(values, 1, N);
    for (int i = 0; i <= 1000; i++) {
        double p = i / 1000.0, exact = quantile_sorted(values, N, p);
        ck_assert_double_le(fabs(histogram_quantile(&h, p) - exact), 0.001 * exact);
    }
    ck_assert(isnan(histogram_quantile(&h, 1.5)) && isnan(histogram_quantile(&h, NAN)));
    histogram_free(&h);
    ck_assert(isnan(histogram_quantile(&h, 0.5)));
}
END_TEST

START_TEST(merge_and_rebuild_are_exact)
{
    struct histogram whole = {0}, parts[4] = {{0}}, merged = {0}, rebuilt = {0};
    struct random r;
    random_init(&r, 2, RANDOM_TEST, 0);
    for (int i = 0; i < 5000; i++) {
        int64_t v = (int64_t)(random_u64(&r) >> random_below(&r, 63)) & INT64_MAX;
        histogram_add(&whole, v, 1);
        histogram_add(&parts[random_below(&r, 4)], v, 1);
    }
    histogram_add(&whole, -5, 2);
    histogram_add(&parts[1], -5, 2);
    for (int i = 3; i >= 0; i--)
        histogram_merge(&merged, &parts[i]);
    ck_assert(same(&whole, &merged));
    ck_assert_uint_eq(whole.negative, 2);
    for (struct histogram_bucket b = {0}; histogram_next(&whole, &b);)
        histogram_add(&rebuilt, b.lower, b.count);
    rebuilt.negative = whole.negative;
    ck_assert(same(&whole, &rebuilt));
    ck_assert_uint_eq(histogram_count_through(&whole, INT64_MAX), whole.count);
    struct histogram *all[] = {&whole, &merged, &rebuilt};
    for (size_t i = 0; i < 3; i++)
        histogram_free(all[i]);
    for (size_t i = 0; i < 4; i++)
        histogram_free(&parts[i]);
}
END_TEST

START_TEST(counts_through_a_value)
{
    struct histogram h = {0};
    histogram_add(&h, 10, 4);
    histogram_add(&h, 1000, 5);
    histogram_add(&h, 100000, 1);
    ck_assert_uint_eq(histogram_count_through(&h, 9), 0);
    ck_assert_uint_eq(histogram_count_through(&h, 10), 4);
    ck_assert_uint_eq(histogram_count_through(&h, 99000), 9);
    ck_assert_double_eq_tol(histogram_quantile(&h, 1.0 / 3), 10, 1e-9);
    ck_assert_double_eq_tol(histogram_quantile(&h, 3.5 / 9), 505, 1e-9);
    histogram_free(&h);
}
END_TEST

START_TEST(steps_are_added_as_single_values_are)
{
    struct histogram single = {0}, steps = {0};
    struct random r;
    int64_t values[3000] = {0};
    random_init(&r, 3, RANDOM_TEST, 0);
    for (int i = 1; i < 3000; i++) {
        int64_t step = (int64_t)(random_u64(&r) >> (20 + random_below(&r, 43))) - 2;
        values[i] = values[i - 1] + step;
        histogram_add(&single, step, 1);
    }
    histogram_add_steps(&steps, values, 3000);
    ck_assert(same(&single, &steps));
    ck_assert_uint_gt(steps.negative, 0);
    histogram_add_steps(&steps, values, 0);
    ck_assert_uint_eq(steps.count, single.count);
    histogram_free(&single);
    histogram_free(&steps);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("histogram");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_bucket_keeps_the_error_bound);
    tcase_add_test(tests, quantiles_are_right_to_a_tenth_of_a_percent);
    tcase_add_test(tests, merge_and_rebuild_are_exact);
    tcase_add_test(tests, counts_through_a_value);
    tcase_add_test(tests, steps_are_added_as_single_values_are);
    return testing_run(suite);
}
