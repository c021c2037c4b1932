#include "core/random.h"
#include "core/stats/quantile.h"
#include "core/stats/series.h"
#include "testing.h"

#include <math.h>

static int64_t value_at(int64_t i)
{
    return (i * 7919) % 100003 * 1000 + 5;
}

static void fill(struct series *s, size_t limit, int64_t first, int64_t last)
{
    series_init(s, limit);
    for (int64_t i = first; i < last; i++)
        series_add(s, value_at(i));
}

START_TEST(exact_to_the_limit_and_histogram_beyond)
{
    struct series exact, over;
    fill(&exact, 1000, 0, 1000);
    fill(&over, 999, 0, 1000);
    ck_assert_str_eq(series_quantile_method(&exact), "exact");
    ck_assert_str_eq(series_quantile_method(&over), "histogram");
    size_t n;
    const int64_t *values = series_values(&exact, &n);
    ck_assert_uint_eq(n, 1000);
    for (int64_t i = 0; i < 1000; i++)
        ck_assert_int_eq(values[i], value_at(i));
    ck_assert_ptr_null(series_values(&over, &n));
    ck_assert_ptr_null(series_copy_doubles(&over, 1, &n));
    double p[] = {0, 0.5, 0.9, 0.99, 1}, a[5], b[5];
    series_quantiles(&exact, p, 5, a);
    series_quantiles(&over, p, 5, b);
    for (int i = 0; i < 5; i++)
        ck_assert_double_le(fabs(a[i] - b[i]), 0.001 * a[i]);
    ck_assert_double_eq(a[4], (double)exact.moments.max);
    ck_assert_double_eq(b[4], (double)exact.moments.max); /* never outside min … max */
    ck_assert(exact.moments.sum == over.moments.sum);
    ck_assert_uint_eq(over.histogram.count, 1000);
    ck_assert_int_eq(series_values(&exact, &n)[0], value_at(0)); /* quantiles reorder nothing */
    series_free(&exact);
    series_free(&over);
}
END_TEST

START_TEST(merge_keeps_order_while_it_fits)
{
    struct series a, b, c;
    fill(&a, 1000, 0, 400);
    fill(&b, 1000, 400, 1000);
    fill(&c, 1000, 1000, 1001);
    series_merge(&a, &b);
    size_t n;
    const int64_t *values = series_values(&a, &n);
    ck_assert_uint_eq(n, 1000);
    for (int64_t i = 0; i < 1000; i++)
        ck_assert_int_eq(values[i], value_at(i));
    series_merge(&a, &c);
    ck_assert_str_eq(series_quantile_method(&a), "histogram");
    ck_assert_uint_eq(a.histogram.count, 1001);
    ck_assert_uint_eq(a.moments.count, 1001);
    series_merge(&c, &a);
    ck_assert_uint_eq(c.histogram.count, 1002);
    series_free(&a);
    series_free(&b);
    series_free(&c);
}
END_TEST

START_TEST(restore_from_what_a_file_keeps)
{
    struct series s, back;
    fill(&s, 1000, 0, 1000);
    struct histogram h = {0};
    series_add_to_histogram(&s, &h);
    series_init(&back, 1000);
    series_restore(&back, &s.moments, &h);
    ck_assert_uint_eq(h.count, 0);
    ck_assert_double_le(fabs(series_quantile(&back, 0.5) / series_quantile(&s, 0.5) - 1), 0.001);
    ck_assert_double_eq(moments_stddev(&back.moments), moments_stddev(&s.moments));
    series_free(&s);
    series_free(&back);
}
END_TEST

START_TEST(empty_and_negative)
{
    struct series s;
    series_init(&s, 4);
    ck_assert(isnan(series_quantile(&s, 0.5)));
    series_add(&s, -10);
    series_add(&s, 30);
    ck_assert_double_eq(series_quantile(&s, 0.5), 10);
    series_fold(&s);
    ck_assert_uint_eq(s.histogram.negative, 1);
    ck_assert_int_eq(s.moments.min, -10);
    series_free(&s);
    series_init(&s, 0);
    ck_assert(isnan(series_quantile(&s, 0.5)));
    series_add(&s, 3);
    ck_assert_double_eq(series_quantile(&s, 0.5), 3);
    series_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series");
    TCase *tests = tcase_create("series");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, exact_to_the_limit_and_histogram_beyond);
    tcase_add_test(tests, merge_keeps_order_while_it_fits);
    tcase_add_test(tests, restore_from_what_a_file_keeps);
    tcase_add_test(tests, empty_and_negative);
    return testing_run(suite);
}
