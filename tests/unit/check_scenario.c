/* Scenario files: what they say is what is generated, and what is wrong is named with its place. */
#include "tests/unit/testing.h"
#include "tests/unit/testing_schema.h"

#include "core/embedded.h"
#include "workloads/scenario/scenario.h"

#include <math.h>
#include <string.h>

static int parse(const char *text, struct scenario *s, struct error *err)
{
    *err = (struct error){0};
    return scenario_parse("test.json", text, strlen(text), s, err);
}

#define CLASS "\"classes\": [{\"input\": 10, \"output\": 5}]"
#define ARRIVALS "\"arrivals\": {\"rate_rps\": 2}"

START_TEST(bundled_scenarios_all_load)
{
    size_t count = 0;
    for (const struct embedded_file *f = NULL; (f = embedded_next("scenarios", f)); count++) {
        struct scenario s;
        struct error err = {0};
        ck_assert_msg(scenario_load(f->stem, &s, &err) == 0, "%s:%ld: %s", f->stem, err.line,
                      err.message);
        ck_assert_str_eq(s.name, f->stem);
        ck_assert_ptr_nonnull(s.comment);
        ck_assert(s.requests > 0 || s.duration_s > 0);
        scenario_free(&s);
    }
    ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(an_unknown_name_offers_the_nearest)
{
    struct scenario s;
    struct error err = {0};
    ck_assert_int_eq(scenario_load("chatt", &s, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "did you mean \"chat\"?"));
}
END_TEST

START_TEST(the_schema_has_the_keys_of_the_reader)
{
    cJSON *schema = testing_schema("workloads/scenario.schema.json");
    testing_schema_check(schema, schema, &scenario_table, "scenario");
    cJSON_Delete(schema);
}
END_TEST

static const struct {
    const char *text, *says;
    long line, column;
} wrong[] = {
    {"{\n  \"arivals\": 1}", "did you mean \"arrivals\"", 2, 3},
    {"{" ARRIVALS "}", "needs \"classes\"", 1, 1},
    {"{" CLASS "}", "needs \"arrivals\"", 1, 1},
    {"{" ARRIVALS ", \"classes\": [\n{\"input\": 10}]}", "needs \"input\" and \"output\"", 2, 1},
    {"{\"arrivals\": {\"process\": \"gama\", \"rate_rps\": 1}, " CLASS "}",
     "did you mean \"gamma\"", 1, 26},
    {"{\"arrivals\": {\"process\": \"gamma\", \"rate_rps\": 1}, " CLASS "}",
     "need \"cv\" or \"shape\"", 1, 14},
    {"{\"arrivals\": {\"rate_rps\": -1}, " CLASS "}", "", 1, 27},
    {"{\"arrivals\": {\"rate_rps\": 1, \"cv\": 2}, " CLASS "}", "poisson arrivals take no", 1, 14},
    {"{\"arrivals\": {\"stages\": [{\"rate_rps\": 1}]}, " CLASS "}", "\"duration_s\"", 1, 26},
    {"{\"arrivals\": {\"stages\": [{\"duration_s\": 1, \"rate_rps\": 0}]}, " CLASS "}",
     "every stage is 0", 1, 14},
    {"{" ARRIVALS ", \"classes\": [{\"input\": {\"distribution\": \"lognormal\", \"median\": 5}, "
     "\"output\": 1}]}",
     "needs \"median\" and \"sigma\"", 1, 53},
    {"{" ARRIVALS
     ", \"classes\": [{\"input\": {\"distribution\": \"lognormaal\"}, \"output\": 1}]}",
     "did you mean \"lognormal\"", 1, 70},
    {"{" ARRIVALS ", \"classes\": [{\"input\": 1, \"output\": {\"distribution\": \"empirical\", "
     "\"quantiles\": [3, 2]}}]}",
     "do not fall", 1, 66},
    {"{" ARRIVALS ", \"classes\": [{\"input\": 1, \"output\": 1, \"tools\": {}}]}",
     "\"tools\" needs \"steps\"", 1, 78},
    {"{" ARRIVALS ", \"classes\": [{\"input\": 1, \"output\": 1, \"correlation\": 1.5}]}", "", 1,
     84},
    {"{" ARRIVALS ", \"start\": \"yesterday\", " CLASS "}", "2026-11-01T00:00:00Z", 1, 40},
    {"{" ARRIVALS ", " CLASS ", }", "", 1, 72},
};

START_TEST(what_is_wrong_is_named_with_its_place)
{
    struct scenario s;
    struct error err;
    ck_assert_int_eq(parse(wrong[_i].text, &s, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].says) != NULL, "%s", err.message);
    ck_assert_msg(err.line == wrong[_i].line, "line %ld: %s", err.line, err.message);
    ck_assert_msg(err.column == wrong[_i].column, "column %ld: %s", err.column, err.message);
    ck_assert_str_eq(err.file, "test.json");
}
END_TEST

START_TEST(sharing_turns_on_prefix_blocks)
{
    struct scenario s;
    struct error err;
    ck_assert_int_eq(parse("{" ARRIVALS ", " CLASS "}", &s, &err), 0);
    ck_assert_uint_eq(s.block_size, 0);
    scenario_free(&s);
    ck_assert_int_eq(parse("{" ARRIVALS ", \"classes\": [{\"input\": 1, \"output\": 1, "
                           "\"system_prompt\": {\"tokens\": 100}}]}",
                           &s, &err),
                     0);
    ck_assert_uint_eq(s.block_size, 512);
    scenario_free(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scenario");
    TCase *t = tcase_create("scenario");
    tcase_add_test(t, bundled_scenarios_all_load);
    tcase_add_test(t, an_unknown_name_offers_the_nearest);
    tcase_add_test(t, the_schema_has_the_keys_of_the_reader);
    tcase_add_loop_test(t, what_is_wrong_is_named_with_its_place, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, sharing_turns_on_prefix_blocks);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
