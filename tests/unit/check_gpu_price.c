/* Prices of GPUs from the command line. */
#include "sim/plan/gpu_price.h"
#include "tests/unit/testing.h"

#include <string.h>

static struct gpu_prices read_prices(const char *text)
{
    struct gpu_prices p;
    struct error err = {0};
    ck_assert_msg(gpu_prices_read(text, &p, &err) == 0, "%s", err.message);
    return p;
}

static void costs(const struct gpu_prices *p, const char *engine, const char *usd)
{
    money hour, expected;
    ck_assert_int_eq(money_parse(usd, strlen(usd), MONEY_PER_ONE, &expected), MONEY_OK);
    ck_assert(gpu_prices_find(p, engine, &hour));
    ck_assert_msg(hour == expected, "%s", engine);
}

START_TEST(one_price_is_that_of_all)
{
    struct gpu_prices p = read_prices("2.50");
    costs(&p, "h200-qwen3-32b-tp1", "2.50");
    costs(&p, "mine", "2.5");
}
END_TEST

START_TEST(the_longest_name_tells_the_price)
{
    struct gpu_prices p = read_prices("h200=3.50, h200-qwen3-32b-tp1=3.1,b200=6,1");
    costs(&p, "h200-llama-3.3-70b-tp4", "3.5");
    costs(&p, "h200-qwen3-32b-tp1", "3.1");
    costs(&p, "h200-qwen3-32b-tp10", "3.5");
    costs(&p, "b200-x", "6");
    costs(&p, "h200x-y", "1");
    p = read_prices("h2=1");
    money hour;
    ck_assert(!gpu_prices_find(&p, "h200-x", &hour));
}
END_TEST

START_TEST(prices_that_make_no_sense_are_refused)
{
    static const char *const bad[] = {
        "", "x", "h200=", "=3", "h200=-1", "1,2", "h200=1,h200=2", "1,", "h200=3 USD"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct gpu_prices p;
        struct error err = {0};
        ck_assert_msg(gpu_prices_read(bad[i], &p, &err) == ERR_INPUT, "\"%s\"", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.message, "--gpu-hour"));
    }
}
END_TEST

START_TEST(a_price_of_no_engine_is_refused)
{
    static const char *const engines[] = {"h200-a", "b200-b"};
    struct gpu_prices p = read_prices("h200=3,b200=6");
    struct error err = {0};
    ck_assert_int_eq(gpu_prices_all_used(&p, engines, 2, &err), 0);
    p = read_prices("h200=3,b200=6,h100=2");
    ck_assert_int_eq(gpu_prices_all_used(&p, engines, 2, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "h100"));
    p = read_prices("h200=3,b200=6,2");
    ck_assert_int_eq(gpu_prices_all_used(&p, engines, 2, &err), ERR_INPUT);
    p = read_prices("h200=3,2");
    ck_assert_int_eq(gpu_prices_all_used(&p, engines, 2, &err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gpu_price");
    TCase *tests = tcase_create("gpu_price");
    tcase_add_test(tests, one_price_is_that_of_all);
    tcase_add_test(tests, the_longest_name_tells_the_price);
    tcase_add_test(tests, prices_that_make_no_sense_are_refused);
    tcase_add_test(tests, a_price_of_no_engine_is_refused);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
