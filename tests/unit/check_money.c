/* Money: exact parsing, products, and the one place where it rounds. */
#include "core/memory.h"
#include "core/money.h"
#include "tests/unit/testing.h"

#include <string.h>

static money parse(const char *text, enum money_per per)
{
    money value = 0;
    ck_assert_msg(money_parse(text, strlen(text), per, &value) == MONEY_OK, "%s", text);
    return value;
}

static void assert_text(money value, const char *expected)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(parses_and_prints_every_form_exactly)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"2.50", "2.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e-24", "0.000000000000000000000001"},
        {"-3.1", "-3.1"},
        {"25e-7", "0.0000025"},
        {"1.5E+3", "1500"},
        {"170000000000000", "170000000000000"},
        {"0.100000000000000000000000000", "0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(parse(cases[i].in, MONEY_PER_ONE), cases[i].out);
    assert_text(parse("2.50", MONEY_PER_MILLION), "0.0000025");
}
END_TEST

START_TEST(says_why_a_text_is_no_price)
{
    static const struct {
        const char *text;
        enum money_fault fault;
    } cases[] = {
        {"", MONEY_NOT_A_NUMBER},
        {".", MONEY_NOT_A_NUMBER},
        {"1,5", MONEY_NOT_A_NUMBER},
        {"1e", MONEY_NOT_A_NUMBER},
        {"0x10", MONEY_NOT_A_NUMBER},
        {"nan", MONEY_NOT_A_NUMBER},
        {" 1", MONEY_NOT_A_NUMBER},
        {"1e400", MONEY_TOO_LARGE},
        {"200000000000000", MONEY_TOO_LARGE},
        {"99999999999999999999999999999999999999999999", MONEY_TOO_LARGE},
        {"1e-25", MONEY_TOO_FINE},
        {"0.0000000000000000000000001", MONEY_TOO_FINE},
        {"1e-99999999999", MONEY_TOO_FINE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        money value;
        ck_assert_msg(money_parse(cases[i].text, strlen(cases[i].text), MONEY_PER_ONE, &value) ==
                          cases[i].fault,
                      "%s", cases[i].text);
    }
    money value;
    ck_assert_int_eq(money_parse(NULL, 0, MONEY_PER_ONE, &value), MONEY_NOT_A_NUMBER);
    ck_assert_int_eq(money_parse("0.1234567890123456789", 21, MONEY_PER_MILLION, &value),
                     MONEY_TOO_FINE);
}
END_TEST

START_TEST(token_products_are_exact_where_doubles_fail)
{
    /* 11 × $3 and 144,211 × $3.75 and 197 × $15 per million: doubles give 0.5437792499999999. */
    money total = 0, part;
    ck_assert_int_eq(money_multiply(parse("3", MONEY_PER_MILLION), 11, &part), 0);
    ck_assert_int_eq(money_add(total, part, &total), 0);
    money_multiply(parse("3.75", MONEY_PER_MILLION), 144211, &part);
    money_add(total, part, &total);
    money_multiply(parse("15", MONEY_PER_MILLION), 197, &part);
    money_add(total, part, &total);
    assert_text(total, "0.54377925");
}
END_TEST

START_TEST(overflow_is_reported_not_wrapped)
{
    money out;
    ck_assert_int_eq(money_multiply(parse("1000000", MONEY_PER_ONE), 1000000000, &out), -1);
    ck_assert_int_eq(money_add(MONEY_MAX, 1, &out), -1);
    ck_assert_int_eq(money_prorate(MONEY_MAX, 3, 2, &out), -1);
    ck_assert_int_eq(money_prorate(MONEY_USD, 1, 0, &out), -1);
}
END_TEST

START_TEST(divisions_round_half_to_even_at_a_trillionth)
{
    money out;
    money_prorate(MONEY_USD, 1, 3, &out);
    assert_text(out, "0.333333333333");
    money_prorate(MONEY_USD, 2, 3, &out);
    assert_text(out, "0.666666666667");
    money_prorate(-MONEY_USD, 2, 3, &out);
    assert_text(out, "-0.666666666667");
    money_prorate(3 * MONEY_PICO_USD, 1, 2, &out); /* 1.5e-12: to the even 2 */
    assert_text(out, "0.000000000002");
    money_prorate(MONEY_PICO_USD, 1, 2, &out); /* 0.5e-12: to the even 0 */
    assert_text(out, "0");
    money_prorate(5 * MONEY_PICO_USD, 3, 6, &out); /* 2.5e-12: to the even 2 */
    assert_text(out, "0.000000000002");
    /* The 256-bit product: 80 USD × 3,435,948,000,000 ns of a 30-day month. */
    money_prorate(80 * MONEY_USD, 3435948000000, 2592000000000000, &out);
    assert_text(out, "0.106047777778");
}
END_TEST

START_TEST(multipliers_stay_exact_or_say_so)
{
    money out;
    ck_assert_int_eq(
        money_scale(parse("2.5", MONEY_PER_MILLION), parse("0.5", MONEY_PER_ONE), &out), 0);
    assert_text(out, "0.00000125");
    ck_assert_int_eq(money_scale(1, parse("0.5", MONEY_PER_ONE), &out), -1);
    ck_assert_int_eq(money_scale(-3 * MONEY_USD, parse("2", MONEY_PER_ONE), &out), 0);
    assert_text(out, "-6");
}
END_TEST

START_TEST(people_read_money_in_one_way)
{
    char text[MONEY_TEXT_SIZE];
    static const char *const amounts[][2] = {
        {"9.5586634", "9.5587"},
        {"0.0001", "0.0001"},
        {"0.00004123", "0.000041"},
        {"0", "0.00"},
        {"-0.00005", "-0.000050"},
        {"0.000000000000000000000001", "0.000000000000000000000001"},
        {"80", "80.00"},
        {"237.15", "237.15"},
        {"3.545", "3.5450"},
        {"-0.004", "-0.0040"},
        {"999.99996", "1,000.00"},
        {"-1234567.5", "-1,234,567.50"},
        {"1117.46071", "1,117.4607"},
        {"170141183460469.2", "170,141,183,460,469.20"},
    };
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        money_format_amount(parse(amounts[i][0], MONEY_PER_ONE), 4, text);
        ck_assert_str_eq(text, amounts[i][1]);
    }
    money_format_column(parse("1120", MONEY_PER_ONE), 4, text);
    ck_assert_str_eq(text, "1,120.00  ");
    money_format_column(parse("0.00004123", MONEY_PER_ONE), 4, text);
    ck_assert_str_eq(text, "0.000041");
    money_format_fixed(parse("9.5586634", MONEY_PER_ONE), 4, text);
    ck_assert_str_eq(text, "9.5587");
    money_format_fixed(parse("-0.125", MONEY_PER_ONE), 2, text);
    ck_assert_str_eq(text, "-0.12");
    money_format_fixed(parse("2.5", MONEY_PER_ONE), 0, text);
    ck_assert_str_eq(text, "2");
    ck_assert(money_round(7, 5) == 5 && money_round(8, 5) == 10 && money_round(-8, 5) == -10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("money");
    TCase *t = tcase_create("all");
    tcase_add_test(t, parses_and_prints_every_form_exactly);
    tcase_add_test(t, says_why_a_text_is_no_price);
    tcase_add_test(t, token_products_are_exact_where_doubles_fail);
    tcase_add_test(t, overflow_is_reported_not_wrapped);
    tcase_add_test(t, divisions_round_half_to_even_at_a_trillionth);
    tcase_add_test(t, multipliers_stay_exact_or_say_so);
    tcase_add_test(t, people_read_money_in_one_way);
    suite_add_tcase(s, t);
    return testing_run(s);
}
