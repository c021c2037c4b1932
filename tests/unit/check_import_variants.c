/* What lists say of regions, hours, kept writes and dates: plans of their own, windows, classes. */
#include "tests/unit/testing_import.h"

START_TEST(a_region_multiplies_tokens_of_every_service_and_length)
{
    ck_assert_int_eq(
        import(IMPORT_LITELLM,
               "{\"m\": {\"input_cost_per_token\": 3e-06, \"output_cost_per_token\": 9e-06,"
               " \"input_cost_per_token_above_200k_tokens\": 7e-06,"
               " \"input_cost_per_token_batches\": 1e-06, \"fedramp_uplift_multiplier\": 1.1,"
               " \"regional_processing_uplift_multiplier_eu\": 1.25,"
               " \"regional_endpoint_uplift_multiplier\": 1.0,"
               " \"provider_specific_entry\": {\"fast\": 2, \"free_images\": 5},"
               " \"input_cost_per_image\": 0.5, \"input_cost_per_token_ultrafast\": 4e-05,"
               " \"search_context_cost_per_query\": {\"search_context_size_medium\": 0.01}}}"),
        0);
    ck_assert_uint_eq(report.represented, 1);
    ck_assert_uint_eq(report.variants, 4);
    struct usage u = usage_from_totals(1000, 0, 0, 0, 100, 0);
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, NULL), "0.0039");
    ck_assert_str_eq(charge("m (eu)", u, SERVICE_STANDARD, NULL), "0.004875");
    ck_assert_str_eq(charge("m (fedramp)", u, SERVICE_STANDARD, NULL), "0.00429");
    ck_assert_str_eq(charge("m (fast)", u, SERVICE_STANDARD, NULL), "0.0078");
    ck_assert_str_eq(charge("m (eu)", u, SERVICE_BATCH, NULL), "0.002375");
    ck_assert_str_eq(charge("m (ultrafast)", u, SERVICE_STANDARD, NULL), "0.0409");
    u = usage_from_totals(200001, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("m (eu)", u, SERVICE_STANDARD, NULL), "1.75000875");
    struct usage_extra extras[] = {{"input_image", 2000000, 1}, {"web_search", 1000000, 0}};
    u = (struct usage){.extras = extras, .extra_count = 2};
    ck_assert_str_eq(charge("m (eu)", u, SERVICE_STANDARD, NULL), "1.01");
    ck_assert_ptr_nonnull(strstr(plan_book_find(&book, "m (eu)")->note, "× 1.25"));
}
END_TEST

START_TEST(writes_kept_for_12_hours_are_the_longer_kept_ones)
{
    ck_assert_int_eq(
        import(IMPORT_LITELLM,
               "{\"m\": {\"input_cost_per_token\": 1e-06,"
               " \"cache_creation_input_token_cost\": 2e-06,"
               " \"cache_creation_input_token_cost_above_12hr\": 4e-06,"
               " \"cache_creation_input_token_cost_above_12hr_above_272k_tokens\": 8e-06,"
               " \"cache_creation_input_token_cost_above_12hr_flex\": 3e-06}}"),
        0);
    ck_assert_uint_eq(report.assumed_by[IMPORT_LONGEST_KEPT], 1);
    struct usage u = usage_from_totals(3000, 0, 1000, 1000, 0, 0);
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, NULL), "0.007");
    ck_assert_str_eq(charge("m", u, SERVICE_FLEX, NULL), "0.006");
    u = usage_from_totals(300000, 0, 0, 300000, 0, 0);
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, NULL), "2.4");
}
END_TEST

/* 2026-11-06 is a Friday. Days elsewhere begin at another hour of the UTC day. */
START_TEST(off_peak_hours_become_windows)
{
    ck_assert_int_eq(
        import(IMPORT_LITELLM,
               "{\"m\": {\"input_cost_per_token\": 4e-06, \"off_peak_pricing\":"
               "  {\"hours_utc\": [\"22:00-00:30\"], \"input_cost_per_token\": 1e-06,"
               "   \"windows\": [{\"weekdays\": [6, \"sunday\"], \"hours_utc\": \"00:00-00:00\"}],"
               "   \"weekday_timezone\": \"Asia/Shanghai\"},"
               " \"input_cost_per_token_above_200k_tokens\": 9e-06,"
               " \"output_cost_per_token\": 5e-06},"
               " \"x\": {\"input_cost_per_token\": 4e-06, \"off_peak_pricing\":"
               "  {\"windows\": [{\"weekdays\": [6], \"hours_utc\": \"00:00-09:00\"}],"
               "   \"weekday_timezone\": \"Europe/Paris\", \"input_cost_per_token\": 1e-06}}}"),
        0);
    static const struct {
        const char *at, *usd;
    } cases[] = {
        {"2026-11-06T12:00:00Z", "0.45"}, {"2026-11-05T22:00:00Z", "0.15"},
        {"2026-11-06T00:29:00Z", "0.15"}, {"2026-11-06T00:30:00Z", "0.45"},
        {"2026-11-06T15:59:00Z", "0.45"}, {"2026-11-06T16:00:00Z", "0.15"},
        {"2026-11-08T15:59:00Z", "0.15"}, {"2026-11-08T16:00:00Z", "0.45"},
    };
    struct usage u = usage_from_totals(100000, 0, 0, 0, 10000, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, cases[i].at), cases[i].usd);
    u = usage_from_totals(300000, 0, 0, 0, 0, 0); /* no tier in those hours */
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-07T12:00:00Z"), "0.3");
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-06T12:00:00Z"), "2.7");
    ck_assert_int_eq((int)finding("x", "off_peak_pricing")->reason, IMPORT_CONDITION);
}
END_TEST

START_TEST(openrouter_hours_become_windows)
{
    ck_assert_int_eq(import(IMPORT_OPENROUTER,
                            "{\"data\": [{\"id\": \"m\", \"pricing\": {\"overrides\": ["
                            "  {\"utc_start\": 1630, \"utc_end\": 30, \"utc_days\": [\"friday\"],"
                            "   \"prompt\": \"0.000002\"},"
                            "  {\"min_prompt_tokens\": 1000, \"completion\": \"0.00001\"}],"
                            "  \"prompt\": \"0.000001\", \"completion\": \"0.000005\"}}]}"),
                     0);
    ck_assert_uint_eq(report.represented, 1);
    struct usage u = usage_from_totals(1000, 0, 0, 0, 100, 0);
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-06T16:29:00Z"), "0.002");
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-06T16:30:00Z"), "0.003");
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-06T00:29:00Z"), "0.003");
    ck_assert_str_eq(charge("m", u, SERVICE_STANDARD, "2026-11-07T16:30:00Z"), "0.002");
}
END_TEST

/* The list is of 2026-08-01: what begins later is not yet so, and of dated prices beside a
 * service's those of that day stand. */
START_TEST(dated_variants_are_those_of_the_lists_day)
{
    ck_assert_int_eq(
        import(
            IMPORT_GENAI,
            "[{\"id\": \"p\", \"models\": [{\"id\": \"m\", \"prices\": ["
            "  {\"prices\": {\"input_mtok\": 8}},"
            "  {\"constraint\": {\"start_date\": \"2026-07-01\"}, \"prices\": {\"input_mtok\": 6}},"
            "  {\"constraint\": {\"start_date\": \"2026-09-01\"}, \"prices\": {\"input_mtok\": "
            "4}}],"
            " \"price_variants\": ["
            "  {\"when\": {\"service_tier\": \"default\"}, \"prices\": {}},"
            "  {\"when\": {\"processing\": \"batch\"}, \"prices\": {\"input_mtok\": 3},"
            "   \"constraint\": {\"start_date\": \"2026-07-01\"}},"
            "  {\"when\": {\"service_tier\": \"flex\"}, \"prices\": {\"input_mtok\": 2},"
            "   \"constraint\": {\"start_date\": \"2026-10-01\"}}]}]}]"),
        0);
    ck_assert_uint_eq(report.assumed_by[IMPORT_DATED], 1);
    ck_assert_uint_eq(report.assumed_by[IMPORT_SINCE], 1);
    ck_assert_ptr_nonnull(finding("p/m", "price_variants service_tier=flex"));
    struct usage u = usage_from_totals(1000000, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("p/m", u, SERVICE_STANDARD, NULL), "6");
    ck_assert_str_eq(charge("p/m", u, SERVICE_BATCH, NULL), "3");
    ck_assert_str_eq(charge("p/m", u, SERVICE_FLEX, NULL), "6");
}
END_TEST

/* A list of tomorrow may keep prices where nobody looks today. */
int main(void)
{
    Suite *suite = suite_create("import_variants");
    TCase *t = tcase_create("import_variants");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_region_multiplies_tokens_of_every_service_and_length);
    tcase_add_test(t, writes_kept_for_12_hours_are_the_longer_kept_ones);
    tcase_add_test(t, off_peak_hours_become_windows);
    tcase_add_test(t, openrouter_hours_become_windows);
    tcase_add_test(t, dated_variants_are_those_of_the_lists_day);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
