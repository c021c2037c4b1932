/* Price lists become books: numbers digit by digit, tiers, services, windows, units, and every
 * entry counted. The real lists are tested in tests/e2e/test_prices_import.py. */
#include "tests/unit/testing_import.h"

START_TEST(numbers_keep_their_digits_but_for_artefacts)
{
    static const struct {
        const char *written, *meant;
        bool snapped;
    } cases[] = {{"2.9999999999999997e-06", "0.000003", true},
                 {"0.0000020000000000000005", "0.000002", true},
                 {"0.00000012500000000000002", "0.000000125", true},
                 {"9.999999999999999e-7", "0.000001", true},
                 {"0.00000008333333333333334", "0.00000008333333333333334", false},
                 {"0.0002833333333333333", "0.0002833333333333333", false},
                 {"1.59263611e-07", "0.000000159263611", false},
                 {"123456789012", "123456789012", false},
                 {"-0.50", "-0.5", false},
                 {"0.000e5", "0", false},
                 {"1E+2", "100", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct import_number n;
        char text[IMPORT_NUMBER_TEXT];
        ck_assert(import_number_read(text_of(cases[i].written), &n));
        ck_assert_msg(import_number_snap(&n) == cases[i].snapped, "%s", cases[i].written);
        import_number_text(&n, 0, text);
        ck_assert_str_eq(text, cases[i].meant);
    }
    struct import_number n;
    static const char *const wrong[] = {"", "-", ".", "1.2.3", "0x1", "1e", "1e9999", "nan", "1 "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!import_number_read(text_of(wrong[i]), &n), "%s", wrong[i]);
}
END_TEST

START_TEST(rounding_is_half_to_even_at_the_limit)
{
    static const struct {
        const char *written;
        int decimals;
        const char *rounded;
    } cases[] = {{"0.125", 2, "0.12"}, {"0.135", 2, "0.14"}, {"0.1251", 2, "0.13"},
                 {"0.999", 2, "1"},    {"0.004", 2, "0"},    {"0.005", 2, "0"},
                 {"0.006", 2, "0.01"}, {"1e-30", 24, "0"},   {"12.5", 1, "12.5"},
                 {"9.5", 0, "10"},     {"8.5", 0, "8"},      {"0.00049", 3, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct import_number n;
        char text[IMPORT_NUMBER_TEXT];
        ck_assert(import_number_read(text_of(cases[i].written), &n));
        import_number_limit(&n, cases[i].decimals);
        import_number_text(&n, 0, text);
        ck_assert_msg(strcmp(text, cases[i].rounded) == 0, "%s: %s", cases[i].written, text);
    }
}
END_TEST

START_TEST(litellm_tiers_and_services)
{
    ck_assert_int_eq(
        import(
            IMPORT_LITELLM,
            "{\"a\": {\"litellm_provider\": \"x\", \"max_tokens\": 8, \"mode\": \"chat\","
            " \"input_cost_per_token\": 1e-06, \"output_cost_per_token\": 4e-06,"
            " \"cache_read_input_token_cost\": 1e-07,"
            " \"input_cost_per_token_above_200k_tokens\": 2e-06,"
            " \"input_cost_per_token_batches\": 5e-07,"
            " \"output_cost_per_token_batches\": 2e-06,"
            " \"input_cost_per_image\": 0.01,"
            " \"search_context_cost_per_query\": {\"search_context_size_low\": 0.005,"
            " \"search_context_size_medium\": 0.008, \"search_context_size_high\": 0.012}},"
            " \"xai/b\": {\"litellm_provider\": \"xai\", \"input_cost_per_token\": 1e-06,"
            " \"input_cost_per_token_above_128k_tokens\": 2e-06},"
            " \"sample_spec\": {\"input_cost_per_token\": 0.0}, \"empty\": {\"mode\": \"chat\"}}"),
        0);
    ck_assert_uint_eq(report.represented, 2);
    ck_assert_uint_eq(report.left_out_by[IMPORT_SAMPLE], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_NO_PRICE], 1);
    struct usage at = usage_from_totals(200000, 100000, 0, 0, 0, 0);
    struct usage above = usage_from_totals(200001, 100000, 0, 0, 0, 0);
    ck_assert_str_eq(charge("a", at, SERVICE_STANDARD, NULL), "0.11");
    ck_assert_str_eq(charge("a", above, SERVICE_STANDARD, NULL), "0.210002");
    /* Batch has no long-context price of its own, and keeps the standard price of cache hits. */
    ck_assert_str_eq(charge("a", above, SERVICE_BATCH, NULL), "0.0600005");
    ck_assert_str_eq(charge("a", above, SERVICE_FLEX, NULL), "0.210002");
    /* xAI's thresholds are inclusive. */
    at = usage_from_totals(128000, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("xai/b", at, SERVICE_STANDARD, NULL), "0.256");
    struct usage_extra extras[] = {
        {"web_search", 2000000, 0}, {"web_search_high", 1000000, 0}, {"input_image", 3000000, 1}};
    struct usage tools = {.extras = extras, .extra_count = 3};
    ck_assert_str_eq(charge("a", tools, SERVICE_STANDARD, NULL), "0.058");
}
END_TEST

START_TEST(litellm_lists_and_what_has_no_form)
{
    ck_assert_int_eq(import(IMPORT_LITELLM,
                            "{\"t\": {\"tiered_pricing\": [{\"range\": [0, 32000.0],"
                            " \"input_cost_per_token\": 1e-06}, {\"range\": [32000.0, 128000.0],"
                            " \"input_cost_per_token\": 3e-06}]},"
                            " \"r\": {\"tiered_pricing\": [{\"max_results_range\": [0, 25],"
                            " \"input_cost_per_query\": 0.005}]},"
                            " \"s\": {\"input_cost_per_token\": 1e-06, \"provider_specific_entry\":"
                            " {\"us\": 1.1}, \"input_cost_per_new_thing\": 2,"
                            " \"input_cost_per_audio_token\": 5e-06,"
                            " \"input_cost_per_audio_token_priority\": 7e-06,"
                            " \"input_cost_per_image\": 1e-03,"
                            " \"input_cost_per_image_priority\": 2e-03},"
                            " \"d\": {\"input_dbu_cost_per_token\": 1e-06},"
                            " \"big\": {\"input_cost_per_token\": 1e6}}"),
                     0);
    ck_assert_uint_eq(report.read, 5);
    ck_assert_uint_eq(report.represented, 1);
    ck_assert_uint_eq(report.partly, 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_BY_RESULTS], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_OTHER_CURRENCY], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_NUMBER], 1);
    ck_assert_ptr_nonnull(finding("s", "input_cost_per_new_thing"));
    ck_assert_ptr_nonnull(finding("s", "input_cost_per_image_priority"));
    struct usage sound = {.tokens = {[USAGE_UNCACHED_INPUT] = 10, [USAGE_AUDIO_INPUT] = 100}};
    ck_assert_str_eq(charge("s", sound, SERVICE_STANDARD, NULL), "0.00051");
    ck_assert_str_eq(charge("s", sound, SERVICE_PRIORITY, NULL), "0.00071");
    ck_assert_str_eq(charge("s (us)", sound, SERVICE_STANDARD, NULL), "0.000561");
    ck_assert_str_eq(charge("s (us)", sound, SERVICE_PRIORITY, NULL), "0.000781");
    ck_assert_ptr_nonnull(strstr(plan_book_find(&book, "s")->note, "input_cost_per_new_thing"));
    struct usage at = usage_from_totals(32000, 0, 0, 0, 0, 0);
    struct usage above = usage_from_totals(32001, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("t", at, SERVICE_STANDARD, NULL), "0.032");
    ck_assert_str_eq(charge("t", above, SERVICE_STANDARD, NULL), "0.096003");
}
END_TEST

START_TEST(genai_tiers_of_each_class_and_windows)
{
    ck_assert_int_eq(
        import(IMPORT_GENAI,
               "[{\"id\": \"p\", \"name\": \"P\", \"models\": ["
               " {\"id\": \"m\", \"match\": {}, \"prices\": {"
               "  \"input_mtok\": {\"base\": 1, \"tiers\": [{\"start\": 1000, \"price\": 2}]},"
               "  \"output_mtok\": {\"base\": 3, \"tiers\": [{\"start\": 5000, \"price\": 9}]},"
               "  \"requests_kcount\": 12, \"web_searches_kcount\": 10}},"
               " {\"id\": \"w\", \"prices\": [{\"prices\": {\"input_mtok\": 1}},"
               "  {\"constraint\": {\"start_date\": \"2026-09-01\"},"
               "   \"prices\": {\"input_mtok\": 2}},"
               "  {\"constraint\": {\"start_time\": \"16:30:00Z\", \"end_time\": \"00:30:00Z\"},"
               "   \"prices\": {\"input_mtok\": 0.5}}]},"
               " {\"id\": \"c\", \"prices\": [{\"prices\": {\"input_mtok\": 1}},"
               "  {\"constraint\": {\"moon\": \"full\"}, \"prices\": {\"input_mtok\": 2}}]},"
               " {\"id\": \"w\", \"prices\": {\"input_mtok\": 7}}]}]"),
        0);
    ck_assert_uint_eq(report.represented, 2);
    ck_assert_uint_eq(report.left_out_by[IMPORT_CONDITION], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_SAME_NAME], 1);
    struct usage u = usage_from_totals(1001, 0, 0, 0, 1000, 0);
    ck_assert_str_eq(charge("p/m", u, SERVICE_STANDARD, NULL), "0.017002");
    u = usage_from_totals(5001, 0, 0, 0, 1000, 0);
    ck_assert_str_eq(charge("p/m", u, SERVICE_STANDARD, NULL), "0.031002");
    u = usage_from_totals(1000000, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("p/w", u, SERVICE_STANDARD, NULL), "1");
    ck_assert_str_eq(charge("p/w", u, SERVICE_STANDARD, "2026-08-31T12:00:00Z"), "1");
    ck_assert_str_eq(charge("p/w", u, SERVICE_STANDARD, "2026-09-01T12:00:00Z"), "2");
    ck_assert_str_eq(charge("p/w", u, SERVICE_STANDARD, "2026-09-01T00:29:00Z"), "0.5");
    ck_assert_str_eq(charge("p/w", u, SERVICE_STANDARD, "2026-09-01T00:30:00Z"), "2");
}
END_TEST

/* What a list says of the standard service is no price of another: reasoning is output there. */
START_TEST(reasoning_of_a_service_costs_what_its_output_costs)
{
    struct usage u = usage_from_totals(0, 0, 0, 0, 2000000, 1000000);
    ck_assert_int_eq(import(IMPORT_LITELLM,
                            "{\"g\": {\"input_cost_per_token\": 3e-07,"
                            " \"output_cost_per_token\": 4e-06,"
                            " \"output_cost_per_reasoning_token\": 4e-06,"
                            " \"output_cost_per_token_batches\": 2e-06,"
                            " \"output_cost_per_token_flex\": 2e-06,"
                            " \"input_cost_per_token_priority\": 5e-07},"
                            " \"own\": {\"output_cost_per_token\": 4e-06,"
                            " \"output_cost_per_reasoning_token\": 6e-06,"
                            " \"output_cost_per_token_priority\": 8e-06,"
                            " \"output_cost_per_token_batches\": 2e-06,"
                            " \"output_cost_per_reasoning_token_batches\": 3e-06}}"),
                     0);
    ck_assert_str_eq(charge("g", u, SERVICE_STANDARD, NULL), "8");
    ck_assert_str_eq(charge("g", u, SERVICE_BATCH, NULL), "4");
    ck_assert_str_eq(charge("g", u, SERVICE_FLEX, NULL), "4");
    ck_assert_str_eq(charge("g", u, SERVICE_PRIORITY, NULL), "8");
    ck_assert_str_eq(charge("own", u, SERVICE_BATCH, NULL), "5");
    ck_assert_str_eq(charge("own", u, SERVICE_PRIORITY, NULL), "16");
    /* Where reasoning has a price apart from output, that is a doubt, and said. */
    ck_assert_uint_eq(report.assumed_by[IMPORT_REASONING], 1);
    ck_assert_ptr_nonnull(finding("own", "priority reasoning"));
    ck_assert_ptr_null(finding("g", "batch reasoning"));
    ck_assert_uint_eq(report.represented, 2);
}
END_TEST

START_TEST(what_a_service_leaves_open_is_said)
{
    ck_assert_int_eq(import(IMPORT_LITELLM, "{\"a\": {\"input_cost_per_token\": 2e-06,"
                                            " \"input_cost_per_token_above_200k_tokens\": 4e-06,"
                                            " \"cache_read_input_token_cost\": 2e-07,"
                                            " \"input_cost_per_token_batches\": 1e-06}}"),
                     0);
    ck_assert_uint_eq(report.assumed_by[IMPORT_KEPT_STANDARD], 1);
    ck_assert_uint_eq(report.assumed_by[IMPORT_ANY_LENGTH], 1);
    ck_assert_ptr_nonnull(finding("a", "batch cached_input"));
    ck_assert_ptr_nonnull(finding("a", "batch input"));
    ck_assert_uint_eq(report.represented, 1);
}
END_TEST

START_TEST(genai_variants_become_services)
{
    ck_assert_int_eq(
        import(IMPORT_GENAI,
               "[{\"id\": \"p\", \"name\": \"P\", \"models\": [{\"id\": \"m\","
               " \"price_variants\": ["
               "  {\"when\": {\"processing\": \"batch\"}, \"prices\": {\"input_mtok\": 2,"
               "   \"output_mtok\": 8, \"web_searches_kcount\": 10}},"
               "  {\"prices\": {\"input_mtok\": {\"base\": 8, \"tiers\": [{\"start\": 1000,"
               "   \"price\": 9}]}}, \"when\": {\"service_tier\": \"priority\"}}],"
               " \"prices\": {\"input_mtok\": 4, \"cache_read_mtok\": 1, \"output_mtok\": 16,"
               "  \"output_reasoning_mtok\": 16, \"web_searches_kcount\": 10}}]}]"),
        0);
    ck_assert_uint_eq(report.represented, 1);
    struct usage u = usage_from_totals(2000000, 1000000, 0, 0, 2000000, 1000000);
    ck_assert_str_eq(charge("p/m", u, SERVICE_STANDARD, NULL), "37");
    /* Key by key: the price of cache hits is the standard one. */
    ck_assert_str_eq(charge("p/m", u, SERVICE_BATCH, NULL), "19");
    ck_assert_str_eq(charge("p/m", u, SERVICE_PRIORITY, NULL), "42");
    u = usage_from_totals(1000, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("p/m", u, SERVICE_PRIORITY, NULL), "0.008");
    ck_assert_str_eq(charge("p/m", u, SERVICE_FLEX, NULL), "0.004");
}
END_TEST

/* A speed or a route is a plan of its own; two conditions at once have no form. */
START_TEST(genai_variants_without_a_form_are_named)
{
    ck_assert_int_eq(
        import(IMPORT_GENAI,
               "[{\"id\": \"p\", \"models\": [{\"id\": \"m\", \"prices\": {\"input_mtok\": 4},"
               " \"price_variants\": ["
               "  {\"when\": {\"speed\": \"fast\"}, \"prices\": {\"input_mtok\": 9}},"
               "  {\"when\": {\"processing\": \"batch\", \"inference_geo\": \"us\"},"
               "   \"prices\": {\"input_mtok\": 3}},"
               "  {\"when\": {\"processing\": \"overnight\"}, \"prices\": {\"input_mtok\": 1}},"
               "  {\"when\": {\"processing\": \"flex\"}, \"prices\": {\"input_mtok\": 2,"
               "   \"web_searches_kcount\": 5}}]},"
               " {\"id\": \"w\", \"prices\": [{\"prices\": {\"input_mtok\": 4}}, {\"constraint\":"
               "  {\"start_date\": \"2026-09-01\"}, \"prices\": {\"input_mtok\": 6}}],"
               "  \"price_variants\": [{\"when\": {\"processing\": \"batch\"},"
               "  \"prices\": {\"input_mtok\": 2}}]}]}]"),
        0);
    ck_assert_uint_eq(report.represented, 1);
    ck_assert_uint_eq(report.partly, 1);
    ck_assert_uint_eq(report.variants, 2);
    ck_assert_ptr_nonnull(finding("p/m", "price_variants processing=batch inference_geo=us"));
    ck_assert_ptr_nonnull(finding("p/m", "web_searches_kcount"));
    struct usage u = usage_from_totals(1000000, 0, 0, 0, 0, 0);
    ck_assert_str_eq(charge("p/m (fast)", u, SERVICE_STANDARD, NULL), "9");
    ck_assert_str_eq(charge("p/m (overnight)", u, SERVICE_STANDARD, NULL), "1");
    ck_assert_str_eq(charge("p/m", u, SERVICE_FLEX, NULL), "2");
    ck_assert_str_eq(charge("p/m", u, SERVICE_BATCH, NULL), "4");
}
END_TEST

START_TEST(unknown_keys_that_may_hold_prices_count)
{
    static const struct {
        enum import_form form;
        const char *text, *entry, *field;
    } cases[] = {
        {IMPORT_LITELLM,
         "{\"a\": {\"input_cost_per_token\": 1e-06, \"batch_rates\": {\"in\": 5e-07}}}", "a",
         "batch_rates"},
        {IMPORT_LITELLM, "{\"a\": {\"input_cost_per_token\": 1e-06, \"night\": \"0.5\"}}", "a",
         "night"},
        {IMPORT_GENAI,
         "[{\"id\": \"p\", \"models\": [{\"id\": \"a\", \"prices\": {\"input_mtok\": 1},"
         " \"committed\": [{\"input_mtok\": 0.5}]}]}]",
         "p/a", "committed"},
        {IMPORT_GENAI,
         "[{\"id\": \"p\", \"rebate\": 0.1, \"models\": [{\"id\": \"a\","
         " \"prices\": {\"input_mtok\": 1}}]}]",
         "p/a", "rebate"},
        {IMPORT_OPENROUTER,
         "{\"data\": [{\"id\": \"a\", \"pricing\": {\"prompt\": \"1e-6\"},"
         " \"batch_pricing\": {\"prompt\": \"5e-7\"}}]}",
         "a", "batch_pricing"},
        {IMPORT_OPENROUTER,
         "{\"data\": [{\"id\": \"a\", \"pricing\": {\"prompt\": \"1e-6\","
         " \"discount\": 0.2}}]}",
         "a", "discount"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(import(cases[i].form, cases[i].text), 0);
        ck_assert_msg(report.partly_by[IMPORT_UNKNOWN_KEY] == 1, "%s", cases[i].text);
        ck_assert_msg(finding(cases[i].entry, cases[i].field) != NULL, "%s", cases[i].text);
    }
    /* Texts, switches and limits are no prices. */
    ck_assert_int_eq(import(IMPORT_LITELLM,
                            "{\"a\": {\"input_cost_per_token\": 1e-06, \"new\": true,"
                            " \"max_things\": 5, \"endpoints\": [\"/v1/x\"]}}"),
                     0);
    ck_assert_uint_eq(report.represented, 1);
}
END_TEST

START_TEST(openrouter_overrides_and_routers)
{
    ck_assert_int_eq(
        import(IMPORT_OPENROUTER,
               "{\"data\": [{\"id\": \"a/b\", \"pricing\": {\"prompt\": \"0.000001\","
               " \"completion\": \"0.0000006000000000000001\", \"request\": \"0.001\","
               " \"image\": \"0.002\", \"audio\": \"0.000003\","
               " \"overrides\": [{\"prompt\": \"0.000002\", \"image\": \"0.004\","
               " \"audio\": \"0.000005\", \"min_prompt_tokens\": 1000}]}},"
               " {\"id\": \"auto\", \"pricing\": {\"prompt\": \"-1\", \"completion\": \"-1\"}},"
               " {\"pricing\": {\"prompt\": \"0\"}, \"id\": \"free\"},"
               " {\"id\": \"\", \"pricing\": {\"prompt\": \"0\"}},"
               " {\"id\": \"none\", \"pricing\": null}]}"),
        0);
    ck_assert_uint_eq(report.read, 5);
    ck_assert_uint_eq(report.represented, 1);
    ck_assert_uint_eq(report.partly, 1);
    ck_assert_uint_eq(report.snapped, 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_NEGATIVE], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_NAME], 1);
    ck_assert_uint_eq(report.left_out_by[IMPORT_NO_PRICE], 1);
    ck_assert_int_eq((int)finding("a/b", "image")->reason, IMPORT_UNIT_VARIES);
    ck_assert_str_eq(finding("a/b", "completion")->detail, "0.0000006000000000000001 is 0.0000006");
    struct usage sound = {.tokens = {[USAGE_UNCACHED_INPUT] = 900, [USAGE_AUDIO_INPUT] = 100}};
    ck_assert_str_eq(charge("a/b", sound, SERVICE_STANDARD, NULL), "0.0033");
    sound.tokens[USAGE_UNCACHED_INPUT] = 800;
    ck_assert_str_eq(charge("a/b", sound, SERVICE_STANDARD, NULL), "0.0021");
    struct usage u = usage_from_totals(999, 0, 0, 0, 10, 0);
    ck_assert_str_eq(charge("a/b", u, SERVICE_STANDARD, NULL), "0.002005");
    u = usage_from_totals(1000, 0, 0, 0, 10, 0);
    ck_assert_str_eq(charge("a/b", u, SERVICE_STANDARD, NULL), "0.003006");
}
END_TEST

START_TEST(other_files_are_refused_with_their_place)
{
    ck_assert_int_eq(import(IMPORT_LITELLM, "[]"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--genai-prices"));
    ck_assert_int_eq(import(IMPORT_LITELLM, "{\"data\": [1]}"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--openrouter"));
    ck_assert_int_eq(import(IMPORT_GENAI, "{}"), ERR_INPUT);
    ck_assert_int_eq(import(IMPORT_GENAI, "[\n {\"id\": \"x\"}]"), ERR_INPUT);
    ck_assert_int_eq((int)err.line, 2);
    ck_assert_int_eq(import(IMPORT_OPENROUTER, "{\"models\": []}"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "\"data\""));
    ck_assert_int_eq(import(IMPORT_OPENROUTER, "{\"data\": [{\"name\": \"x\"}]}"), ERR_INPUT);
    ck_assert_int_eq(import(IMPORT_OPENROUTER, "{\"data\": []}"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "no entry"));
}
END_TEST

/* Every beginning of a list is refused, whatever it cuts through. */
START_TEST(cut_lists_are_refused)
{
    static const char *const lists[] = {
        "{\"a\": {\"input_cost_per_token\": 1e-06, \"tiered_pricing\": [{\"range\": [0, 5]}],"
        " \"off_peak_pricing\": {\"hours_utc\": \"10:00-12:00\", \"input_cost_per_token\": 1,"
        " \"windows\": [{\"weekdays\": [1], \"hours_utc\": [\"10:00-12:00\"]}]},"
        " \"provider_specific_entry\": {\"us\": 2},"
        " \"search_context_cost_per_query\": {\"search_context_size_low\": 1}}}",
        "[{\"id\": \"p\", \"models\": [{\"id\": \"m\", \"prices\": [{\"prices\": {\"input_mtok\":"
        " {\"base\": 1, \"tiers\": [{\"start\": 1, \"price\": 2}]}}}, {\"constraint\":"
        " {\"start_date\": \"2026-01-01\"}, \"prices\": {\"input_mtok\": 2}}],"
        " \"price_variants\": [{\"when\": {\"speed\": \"a\"}, \"prices\": {\"input_mtok\": 2},"
        " \"constraint\": {\"start_date\": \"2026-01-01\"}}]}]}]",
        "{\"data\": [{\"id\": \"a\", \"pricing\": {\"prompt\": \"1e-6\", \"overrides\":"
        " [{\"min_prompt_tokens\": 5, \"prompt\": \"2e-6\"}, {\"utc_start\": 5, \"utc_end\": 9,"
        " \"utc_days\": [\"monday\"], \"prompt\": \"2e-6\"}]}}]}",
    };
    for (int form = 0; form < 3; form++) {
        size_t length = strlen(lists[form]);
        for (size_t cut = 0; cut < length; cut++) {
            char *exact = mem_copy_text(lists[form], cut);
            ck_assert_int_eq(import((enum import_form)form, exact), ERR_INPUT);
            free(exact);
        }
        ck_assert_int_eq(import((enum import_form)form, lists[form]), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("import");
    TCase *t = tcase_create("import");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, numbers_keep_their_digits_but_for_artefacts);
    tcase_add_test(t, rounding_is_half_to_even_at_the_limit);
    tcase_add_test(t, litellm_tiers_and_services);
    tcase_add_test(t, litellm_lists_and_what_has_no_form);
    tcase_add_test(t, genai_tiers_of_each_class_and_windows);
    tcase_add_test(t, reasoning_of_a_service_costs_what_its_output_costs);
    tcase_add_test(t, what_a_service_leaves_open_is_said);
    tcase_add_test(t, genai_variants_become_services);
    tcase_add_test(t, genai_variants_without_a_form_are_named);
    tcase_add_test(t, unknown_keys_that_may_hold_prices_count);
    tcase_add_test(t, openrouter_overrides_and_routers);
    tcase_add_test(t, other_files_are_refused_with_their_place);
    tcase_add_test(t, cut_lists_are_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
