/* Figures are found in a document wherever they stand; what is not there is not found. */
#include "testing.h"

#include "core/json/json_look.h"

#include <math.h>
#include <stdlib.h>

static const char document[] =
    "{\"a\": {\"rate\": 2.5, \"none\": null, \"cost\": \"1234.50\"}, \"name\": \"x \\u00e4 "
    "\\\"y\\\"\","
    " \"list\": [1, {\"rate\": 7}, \"z\", []], \"yes\": true, \"rate\": 1}";

START_TEST(values_are_found_by_their_own_object)
{
    struct text all = text_of(document), a, value;
    money cost;
    ck_assert(json_look(all, "a", &a));
    ck_assert_double_eq(json_look_number(a, "rate"), 2.5);
    ck_assert_double_eq(json_look_number(all, "rate"), 1);
    ck_assert(json_look_money(a, "cost", &cost));
    ck_assert(cost == 1234 * MONEY_USD + MONEY_USD / 2);
    ck_assert(json_look_true(all, "yes"));
    char *name = json_look_string(all, "name");
    ck_assert_str_eq(name, "x ä \"y\"");
    free(name);
    ck_assert(json_look(all, "list", &value));
    ck_assert(value.at[0] == '[' && value.at[value.length - 1] == ']');
}
END_TEST

START_TEST(elements_of_a_list_are_lent_in_order)
{
    struct text *items;
    ck_assert_uint_eq(json_look_items(text_of(document), "list", &items), 4);
    ck_assert_double_eq(json_number_of(items[0]), 1);
    ck_assert_double_eq(json_look_number(items[1], "rate"), 7);
    char *z = json_text_of(items[2]);
    ck_assert_str_eq(z, "z");
    free(z);
    free(items);
}
END_TEST

START_TEST(a_pair_is_a_list_of_two_and_a_part_is_empty_where_it_is_absent)
{
    static const char text[] = "{\"both\": [1.5, 2], \"half\": [null, 2], \"three\": [1, 2, 3]}";
    double pair[2];
    ck_assert(json_look_pair(text_of(text), "both", pair));
    ck_assert_double_eq(pair[0], 1.5);
    ck_assert_double_eq(pair[1], 2);
    ck_assert(json_look_pair(text_of(text), "half", pair));
    ck_assert(isnan(pair[0]) && pair[1] == 2);
    ck_assert(!json_look_pair(text_of(text), "three", pair));
    ck_assert(isnan(pair[0]) && isnan(pair[1]));
    ck_assert_double_eq(json_look_number(json_look_part(text_of(document), "a"), "rate"), 2.5);
    ck_assert(isnan(json_look_number(json_look_part(text_of(document), "z"), "rate")));
    ck_assert(isnan(json_look_number(json_look_part(JSON_NO_OBJECT, "a"), "rate")));
}
END_TEST

START_TEST(what_is_absent_null_or_of_another_kind_is_not_found)
{
    static const char *const others[] = {"", "null", "[1, 2]", "{\"rate\": ", "{\"rate\": \"x\"}",
                                         "{"};
    struct text all = text_of(document), a, *items;
    money cost;
    ck_assert(json_look(all, "a", &a));
    ck_assert(isnan(json_look_number(a, "none")));
    ck_assert(isnan(json_look_number(all, "name")));
    ck_assert(isnan(json_look_number(all, "z")));
    ck_assert(!json_look_true(all, "rate"));
    ck_assert(!json_look_money(a, "rate", &cost));
    ck_assert_ptr_null(json_look_string(all, "rate"));
    ck_assert_uint_eq(json_look_items(all, "a", &items), 0);
    ck_assert_ptr_null(items);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert(isnan(json_look_number(text_of(others[i]), "rate")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_look");
    TCase *test = tcase_create("json_look");
    tcase_add_test(test, values_are_found_by_their_own_object);
    tcase_add_test(test, elements_of_a_list_are_lent_in_order);
    tcase_add_test(test, a_pair_is_a_list_of_two_and_a_part_is_empty_where_it_is_absent);
    tcase_add_test(test, what_is_absent_null_or_of_another_kind_is_not_found);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
