/* Copies of traces without names: what goes, what becomes a number, what stays. */
#include "testing_trace.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "workloads/transform/anonymise.h"

static const char trace[] =
    "{\"start\": \"2026-03-04T05:06:07.500Z\"}\n"
    "{\"timestamp\": 0, \"input_length\": 900, \"output_length\": 10, \"hash_ids\": [77, 99], "
    "\"block_size\": 512, \"session_id\": \"sess-zeta\", \"request_id\": \"req-alpha\", "
    "\"model\": \"acme-secret-7b\", \"class\": \"payroll\", "
    "\"labels\": {\"user\": \"jane@example.org\", \"team\": \"north\"}, "
    "\"messages\": [{\"role\": \"user\", \"content\": \"my salary\"}], \"note\": \"confidential\", "
    "\"usage\": {\"cached_input\": 512}, \"cost_usd\": \"0.25\"}\n"
    "{\"timestamp\": 1700.25, \"after\": [\"req-alpha\"], \"delay\": 1250.5, \"input_length\": "
    "950, "
    "\"output_length\": 20, \"hash_ids\": [77, 88], \"session_id\": \"sess-zeta\", "
    "\"request_id\": \"req-beta\", \"model\": \"acme-secret-7b\", "
    "\"labels\": {\"user\": \"jane@example.org\"}, \"body\": {\"stop\": [\"salary\"]}}\n"
    "{\"timestamp\": 2000, \"input_length\": 950, \"output_length\": 20, \"session_id\": "
    "\"sess-aa\", \"request_id\": \"req-0\", \"model\": \"other-model\", "
    "\"labels\": {\"user\": \"joe\", \"team\": \"north\"}}\n";

static char *copied(const char *text, const struct anonymise_options *how,
                    struct anonymise_left *left)
{
    struct workload w, copy;
    struct error err = {0};
    struct buffer out;
    testing_read(text, NULL, &w);
    workload_init(&copy);
    ck_assert_msg(workload_anonymise(&w, how, &copy, left, &err) == 0, "%s", err.message);
    buffer_init(&out, BUFFER_UNBOUNDED);
    trace_put_header(&copy, TRACE_CANONICAL, &out);
    for (size_t i = 0; i < copy.count; i++)
        trace_put_row(&copy, i, TRACE_CANONICAL, &out);
    workload_free(&w);
    workload_free(&copy);
    return buffer_take(&out);
}

START_TEST(nothing_that_was_written_by_people_is_left)
{
    static const char *const words[] = {"zeta", "-aa", "req-",  "acme", "other", "payroll",
                                        "jane", "joe", "north", "sal",  "note",  "confidential"};
    struct anonymise_options how = {0};
    struct anonymise_left left;
    char *text = copied(trace, &how, &left);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        ck_assert_msg(!strstr(text, words[i]), "\"%s\" in %s", words[i], text);
    free(text);
    anonymise_left_free(&left);
}
END_TEST

START_TEST(lengths_times_usage_and_sharing_stay)
{
    struct anonymise_options how = {0};
    struct anonymise_left left;
    char *text = copied(trace, &how, &left);
    ck_assert_str_eq(
        text,
        "{\"start\": \"2026-03-04T05:06:07.500Z\"}\n"
        "{\"timestamp\": 0, \"input_length\": 900, \"output_length\": 10, \"hash_ids\": [0, 1], "
        "\"block_size\": 512, \"session_id\": \"s1\", \"request_id\": \"r1\", \"model\": "
        "\"model-1\", \"class\": \"class-1\", \"labels\": {\"user\": \"1\", \"team\": \"1\"}, "
        "\"usage\": {\"cached_input\": 512, \"cache_write\": 0, \"cache_write_1h\": 0, "
        "\"reasoning\": 0, \"tools\": {}, \"units\": {}}, \"cost_usd\": \"0.25\"}\n"
        "{\"timestamp\": 1700.25, \"after\": [\"r1\"], \"delay\": 1250.5, \"input_length\": 950, "
        "\"output_length\": 20, \"hash_ids\": [0, 2], \"block_size\": 512, \"session_id\": \"s1\", "
        "\"request_id\": \"r2\", \"model\": \"model-1\", \"labels\": {\"user\": \"1\"}}\n"
        "{\"timestamp\": 2000, \"input_length\": 950, \"output_length\": 20, \"session_id\": "
        "\"s2\", \"request_id\": \"r3\", \"model\": \"model-2\", "
        "\"labels\": {\"user\": \"2\", \"team\": \"1\"}}\n");
    ck_assert_uint_eq(left.unique_lengths, 1);
    ck_assert_uint_eq(left.models, 2);
    ck_assert_uint_eq(left.rare_models, 2);
    ck_assert_uint_eq(left.sessions, 2);
    ck_assert_uint_eq(left.unique_sessions, 2);
    ck_assert(left.has_start && left.has_costs);
    ck_assert_uint_eq(left.label_names.count, 2);
    ck_assert_str_eq(names_text(&left.label_names, 1), "team");
    free(text);
    anonymise_left_free(&left);
}
END_TEST

START_TEST(a_copy_of_a_copy_is_the_copy)
{
    struct anonymise_options how = {0};
    struct anonymise_left left;
    char *once = copied(trace, &how, &left);
    anonymise_left_free(&left);
    char *twice = copied(once, &how, &left);
    anonymise_left_free(&left);
    ck_assert_str_eq(once, twice);
    free(once);
    free(twice);
}
END_TEST

START_TEST(names_that_are_kept_stay_alone)
{
    struct anonymise_options how = {.keep_models = true, .keep_labels = true};
    struct anonymise_left left;
    char *text = copied(trace, &how, &left);
    static const char *const kept[] = {"acme-secret-7b", "payroll", "jane@example.org", "north"};
    static const char *const gone[] = {"zeta", "req-", "salary", "confidential"};
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        ck_assert_ptr_nonnull(strstr(text, kept[i]));
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        ck_assert_ptr_null(strstr(text, gone[i]));
    free(text);
    anonymise_left_free(&left);
}
END_TEST

START_TEST(rounded_times_are_whole_by_the_clock)
{
    struct anonymise_options how = {.round_ns = NS_PER_S};
    struct anonymise_left left;
    struct workload w, copy;
    struct error err = {0};
    testing_read(trace, NULL, &w);
    workload_init(&copy);
    ck_assert_int_eq(workload_anonymise(&w, &how, &copy, &left, &err), 0);
    ck_assert_int_eq(copy.start_unix_ns % NS_PER_S, 0);
    ck_assert_int_eq(w.start_unix_ns - copy.start_unix_ns, NS_PER_S / 2);
    ck_assert_int_eq(copy.timestamp_ns[0], 0);
    ck_assert_int_eq(copy.timestamp_ns[1], 2 * NS_PER_S); /* 7.5 + 1.70025 s is in second 9 */
    ck_assert_int_eq(copy.timestamp_ns[2], 2 * NS_PER_S);
    ck_assert_int_eq(copy.delay_ns[1], NS_PER_S);
    anonymise_left_free(&left);
    workload_free(&w);
    workload_free(&copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("anonymise");
    TCase *t = tcase_create("anonymise");
    tcase_add_test(t, nothing_that_was_written_by_people_is_left);
    tcase_add_test(t, lengths_times_usage_and_sharing_stay);
    tcase_add_test(t, a_copy_of_a_copy_is_the_copy);
    tcase_add_test(t, names_that_are_kept_stay_alone);
    tcase_add_test(t, rounded_times_are_whole_by_the_clock);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
