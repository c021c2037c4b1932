#include "core/stats/moments.h"
#include "testing.h"

#include <math.h>
#include <string.h>

START_TEST(small_samples)
{
    struct moments m = {0};
    ck_assert(isnan(moments_mean(&m)) && isnan(moments_stddev(&m)) && isnan(moments_cv(&m)));
    moments_add(&m, 7, 1);
    ck_assert_double_eq(moments_mean(&m), 7);
    ck_assert_double_eq(moments_stddev(&m), 0);
    moments_add(&m, -3, 0);
    ck_assert_uint_eq(m.count, 1);
    int64_t more[] = {2, 4, 4, 5, 5, 7, 9};
    for (size_t i = 0; i < 7; i++)
        moments_add(&m, more[i], 1);
    ck_assert_double_eq_tol(moments_mean(&m), 43.0 / 8, 1e-15);
    ck_assert_double_eq_tol(moments_stddev(&m), sqrt((265 - 43.0 * 43.0 / 8) / 7), 1e-14);
    ck_assert_int_eq(m.min, 2);
    ck_assert_int_eq(m.max, 9);
}
END_TEST

/* Deviations of a few nanoseconds on top of ten years: textbook sums in doubles give 0 or NaN. */
START_TEST(large_offset_keeps_the_deviation)
{
    int64_t base = INT64_C(315576000000000000);
    struct moments m = {0};
    for (int i = 0; i < 1000; i++)
        moments_add(&m, base + i % 4, 1);
    ck_assert_double_eq_tol(moments_stddev(&m), sqrt(1250.0 / 999), 1e-12);
    struct moments negative = {0};
    for (int i = 0; i < 1000; i++)
        moments_add(&negative, -base - i % 4, 1);
    ck_assert_double_eq_tol(moments_stddev(&negative), sqrt(1250.0 / 999), 1e-12);
}
END_TEST

START_TEST(merging_is_exact_in_any_order)
{
    struct moments whole = {0}, parts[3] = {{0}}, ab = {0}, ba = {0};
    for (int64_t i = 0; i < 3000; i++) {
        int64_t value = (i * i * 7919) % 1000003 - 500000 + (i == 17 ? INT64_C(1) << 60 : 0);
        moments_add(&whole, value, 1);
        moments_add(&parts[i % 3], value, 1);
    }
    for (int i = 0; i < 3; i++) {
        moments_merge(&ab, &parts[i]);
        moments_merge(&ba, &parts[2 - i]);
    }
    ck_assert(whole.sum == ab.sum && whole.squares == ab.squares && whole.count == ab.count);
    ck_assert(ba.sum == ab.sum && ba.squares == ab.squares);
    ck_assert(whole.min == ba.min && whole.max == ba.max && ab.min == ba.min);
    struct moments counted = {0}, single = {0};
    moments_add(&counted, -12, 5);
    for (int i = 0; i < 5; i++)
        moments_add(&single, -12, 1);
    ck_assert(counted.sum == single.sum && counted.squares == single.squares);
}
END_TEST

START_TEST(squares_past_the_end_are_no_number)
{
    struct moments m = {0}, other = {0};
    moments_add(&m, INT64_MIN, 2);
    moments_add(&other, INT64_MAX, 5);
    moments_merge(&m, &other);
    ck_assert(isnan(moments_stddev(&m)));
    ck_assert(!isnan(moments_mean(&m)));
}
END_TEST

START_TEST(sums_survive_a_file)
{
    struct moments m = {0}, back = {0};
    moments_add(&m, INT64_MIN, 3);
    moments_add(&m, 5, 1);
    char sum[MOMENTS_TEXT_SIZE], squares[MOMENTS_TEXT_SIZE];
    moments_format_sums(&m, sum, squares);
    ck_assert_str_eq(sum, "-27670116110564327419");
    ck_assert_str_eq(squares, "255211775190703847597530955573826158617");
    ck_assert(moments_parse_sums(&back, sum, strlen(sum), squares, strlen(squares)));
    ck_assert(back.sum == m.sum && back.squares == m.squares);
    ck_assert(!moments_parse_sums(&back, "1", 1, "-1", 2));
    ck_assert(!moments_parse_sums(&back, "1.5", 3, "1", 1));
    ck_assert(!moments_parse_sums(&back, "", 0, "1", 1));
    const char *large = "340282366920938463463374607431768211456"; /* 2^128 */
    ck_assert(!moments_parse_sums(&back, "1", 1, large, strlen(large)));
    ck_assert(!moments_parse_sums(&back, squares, strlen(squares), "1", 1)); /* > 2^127 */
}
END_TEST

START_TEST(steps_are_added_as_single_values_are)
{
    const int64_t values[] = {5, 12, 12, -3, 4000000000, INT64_MAX, 7, 8};
    struct moments single = {0}, steps = {0};
    moments_add(&single, 1, 2);
    steps = single;
    for (size_t i = 1; i < 8; i++)
        moments_add(&single, values[i] - values[i - 1], 1);
    moments_add_steps(&steps, values, 8);
    ck_assert_mem_eq(&steps, &single, sizeof single);
    moments_add_steps(&steps, values, 1); /* none */
    moments_add_steps(&steps, values, 0);
    ck_assert_mem_eq(&steps, &single, sizeof single);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moments");
    TCase *tests = tcase_create("moments");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, small_samples);
    tcase_add_test(tests, large_offset_keeps_the_deviation);
    tcase_add_test(tests, merging_is_exact_in_any_order);
    tcase_add_test(tests, squares_past_the_end_are_no_number);
    tcase_add_test(tests, sums_survive_a_file);
    tcase_add_test(tests, steps_are_added_as_single_values_are);
    return testing_run(suite);
}
