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
    ck_assert(!exact.folded && over.folded);
    double p[] = {0, 0.5, 0.9, 0.99, 1}, a[5], b[5], sorted[1000];
    for (int i = 0; i < 1000; i++)
        sorted[i] = (double)value_at(i);
    double expected[5];
    quantiles_select(sorted, 1000, p, 5, expected);
    series_quantiles(&exact, p, 5, a);
    series_quantiles(&over, p, 5, b);
    for (int i = 0; i < 5; i++) {
        ck_assert_double_eq(a[i], expected[i]);
        ck_assert_double_le(fabs(a[i] - b[i]), 0.001 * a[i]);
    }
    ck_assert_double_eq(b[4], (double)exact.moments.max); /* never outside min … max */
    ck_assert(exact.moments.sum == over.moments.sum);
    ck_assert_uint_eq(over.histogram.count, 1000);
    series_quantiles(&exact, p, 5, b); /* asking changes nothing */
    ck_assert_mem_eq(a, b, sizeof a);
    series_free(&exact);
    series_free(&over);
}
END_TEST

static double median(const struct series *s)
{
    double p = 0.5, q;
    series_quantiles(s, &p, 1, &q);
    return q;
}

START_TEST(empty_and_negative)
{
    struct series s;
    series_init(&s, 4);
    ck_assert(isnan(median(&s)));
    series_add(&s, -10);
    series_add(&s, 30);
    ck_assert_double_eq(median(&s), 10);
    ck_assert_int_eq(s.moments.min, -10);
    series_free(&s);
    series_init(&s, 0);
    ck_assert(isnan(median(&s)));
    series_add(&s, -3);
    ck_assert_uint_eq(s.histogram.negative, 1);
    ck_assert_double_eq(median(&s), -3);
    series_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series");
    TCase *tests = tcase_create("series");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, exact_to_the_limit_and_histogram_beyond);
    tcase_add_test(tests, empty_and_negative);
    return testing_run(suite);
}
