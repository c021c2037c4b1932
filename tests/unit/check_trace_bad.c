/* Malformed traces: each gets its clear error with a place, or its documented handling. */
#include "testing_trace.h"

#include "core/memory.h"

#define AZURE "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define GOOD "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1}\n"

START_TEST(csv_lines)
{
    testing_refused(AZURE "2023-11-16 18:17:03,-3,1\n", 2, 21,
                    "expected a token count from 0 to 100000000, found \"-3\"");
    testing_refused(AZURE "2023-11-16 18:17:03,4294967296,1\n", 2, 21, "4294967296");
    testing_refused(AZURE "2023-11-16 18:17:03,1,1.5\n", 2, 23, "\"1.5\"");
    testing_refused(AZURE "2023-11-16 18:17:03,1,\n", 2, 23, "found \"\"");
    testing_refused(AZURE "2023-11-16 18:17:03,1\n", 2, 22, "cut short");
    testing_refused(AZURE "2023-11-16 18:17:03,1,1\n2023-11-16 18:1", 3, 0, "cut short");
    testing_refused(AZURE "2023-13-16 18:17:03,1,1\n", 2, 1, "expected an instant");
    testing_refused(AZURE "2023-11-16 18:17:03.,1,1\n", 2, 1, "expected an instant");
    testing_refused(AZURE "2023-11-16 18:17:03,1,1\n2023-11-16 18:17:6,1,1\n", 3, 1,
                    "expected an instant");
    testing_refused(AZURE "\"2023-11-16 18:17:03,1,1\n", 2, 1, "not closed");
    testing_refused(AZURE "\"2023-11-16 18:17:03\"x,1,1\n", 2, 22, "expected ','");
    testing_refused(AZURE, 1, 0, "holds no request");
    testing_refused("", 0, 0, "is empty");
    testing_refused("\n\n", 0, 0, "is empty");
    testing_refused("when,in,out\n1,2,3\n", 1, 0, "--columns");
}
END_TEST

START_TEST(missing_columns)
{
    struct trace_options azure = {.format = "azure"}, burst = {.format = "burstgpt"};
    static const char header[] = "TIMESTAMP,ContextTokens\n2023-11-16 18:17:03,1\n";
    testing_refused_bytes(header, sizeof header - 1, &azure, 1, 1, "column \"GeneratedTokens\"");
    static const char other[] = "Timestamp,Request tokens\n1,2\n";
    testing_refused_bytes(other, sizeof other - 1, &burst, 1, 1, "column \"Response tokens\"");
    struct trace_options unknown = {.format = "azur"};
    struct workload w;
    struct error err = {0};
    ck_assert_int_eq(testing_read_bytes(header, sizeof header - 1, &unknown, &w, NULL, &err),
                     ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "expected one of azure, "));
}
END_TEST

START_TEST(canonical_values)
{
    testing_refused(GOOD "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1}", 2, 15,
                    "expected a time from 0");
    testing_refused("{\"timestamp\": 1e400, \"input_length\": 1, \"output_length\": 1}", 1, 15,
                    "expected a time from 0");
    testing_refused("{\"timestamp\": 9223372036855, \"input_length\": 1, \"output_length\": 1}", 1,
                    15, "292 years");
    testing_refused("{\"timestamp\": 0, \"input_length\": -5, \"output_length\": 1}", 1, 34,
                    "expected a whole number from 0 to 4294967295, found -5");
    testing_refused("{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 4294967296}", 1, 54,
                    "4294967296");
    testing_refused("{\"timestamp\": 0, \"input_length\": 1}", 1, 0,
                    "expected the key \"output_length\"");
    testing_refused(GOOD "{\"timestamp\": 0, \"input_length\": 1}", 2, 0,
                    "expected the key \"output_length\"");
    testing_refused(GOOD "{\"input_length\": 1, \"output_length\": 1}", 2, 0,
                    "expected the key \"timestamp\" or \"after\"");
    testing_refused(GOOD "{\"timestamp\": 0, \"timestamp\": 0, \"input_length\": 1}", 2, 18,
                    "stands twice");
    testing_refused(GOOD "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"usage\": "
                         "{\"cached_input\": 2}}",
                    2, 0, "2 tokens cached or written, but the input length is 1");
    testing_refused(GOOD "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"usage\": "
                         "{\"cached_inptu\": 2}}",
                    2, 67, "unknown key \"cached_inptu\" in usage; did you mean");
    testing_refused(GOOD
                    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"service\": "
                    "7}",
                    2, 68, "expected a string");
    testing_refused(GOOD
                    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"cost_usd\": "
                    "\"1e400\"}",
                    2, 69, "expected dollars");
    testing_refused(GOOD
                    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"session_id\": "
                    "\"a\\u0000b\"}",
                    2, 0, "zero byte");
    testing_refused("{\"start\": \"yesterday\"}\n" GOOD, 1, 11, "expected an instant");
    testing_refused("{\"start\": \"2026-11-01T00:00:00Z\", \"sped\": 1}\n" GOOD, 1, 35,
                    "unknown key \"sped\"");
    testing_refused(GOOD
                    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": "
                    "[1], \"block_size\": 0}",
                    2, 0, "expected a whole number from 1");
    testing_refused(
        "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1], "
        "\"block_size\": 16}\n{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, "
        "\"hash_ids\": [1], \"block_size\": 32}",
        2, 0, "block size 32 after rows with 16");
}
END_TEST

START_TEST(cut_lines)
{
    static const char whole[] = "{\"timestamp\": 10, \"input_length\": 1, \"output_length\": 22, "
                                "\"hash_ids\": [1, 2], \"session_id\": \"s\"}";
    struct trace_options o = {.format = "canonical"};
    for (size_t length = 1; length < sizeof whole - 1; length++)
        testing_refused_bytes(whole, length, &o, 1, 0, "");
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    testing_refused("\xFF\xFE{", 0, 0, "empty");
    testing_refused(GOOD "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"model\": "
                         "\"a\xC3(\"}",
                    2, 68, "not UTF-8");
    testing_refused(GOOD "\x80\x81\n", 2, 1, "found byte 0x80");
    static const char in_json[] = GOOD "{\"timestamp\": \0 0}";
    testing_refused_bytes(in_json, sizeof in_json - 1, NULL, 2, 15, "found byte 0x00");
    static const char in_csv[] = AZURE "2023-11-16 18:17:03,1\0,1\n";
    testing_refused_bytes(in_csv, sizeof in_csv - 1, NULL, 2, 21, "found \"1\\x00\"");
    struct trace_options o = {.columns = "input=1,output=2,model=3"};
    static const char bad_name[] = "1,1,a\x80\n", zero_name[] = "1,1,a\0b\n";
    testing_refused_bytes(bad_name, sizeof bad_name - 1, &o, 1, 5, "expected UTF-8 text");
    testing_refused_bytes(zero_name, sizeof zero_name - 1, &o, 1, 5, "without zero bytes");
}
END_TEST

START_TEST(long_lines_are_read_up_to_the_cap)
{
    const size_t size = (size_t)10 << 20;
    static const char head[] =
        "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"x\": \"",
                      tail[] = "\"}\n" GOOD;
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_text(&b, head);
    buffer_reserve(&b, size);
    memset(b.data + b.length, 'a', size);
    b.length += size;
    buffer_add_text(&b, tail);
    struct workload w;
    struct request r;
    ck_assert_int_eq(testing_read_bytes(b.data, b.length, NULL, &w, NULL, NULL), 0);
    ck_assert_uint_eq(w.count, 2);
    workload_get(&w, 0, &r);
    ck_assert_uint_eq(r.extra.length, size + 7);
    workload_free(&w);
    struct trace_options o = {.max_line = 1 << 20};
    testing_refused_bytes(b.data, b.length, &o, 1, 0, "longer than 1048576 bytes");
    /* A model's name has a tighter cap. */
    buffer_clear(&b);
    buffer_add_text(&b,
                    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"model\": \"");
    for (int i = 0; i < 5000; i++)
        buffer_add_byte(&b, 'm');
    buffer_add_text(&b, "\"}");
    testing_refused_bytes(b.data, b.length, NULL, 1, 66, "longer than 4096 bytes");
    buffer_free(&b);
}
END_TEST

START_TEST(dependencies)
{
#define AFTER(id, parents)                                                                        \
    "{\"after\": [" parents "], \"input_length\": 1, \"output_length\": 1, \"request_id\": \"" id \
    "\"}\n"
#define ROOT(id) \
    "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"request_id\": \"" id "\"}\n"
    testing_refused(ROOT("a") AFTER("b", "\"a\", \"zz\""), 2, 17,
                    "\"after\" names \"zz\"; no request of this trace has that id");
    testing_refused(ROOT("a") AFTER("b", "\"b\""), 2, 12, "waits for itself");
    testing_refused(ROOT("a") AFTER("b", "\"d\"") AFTER("c", "\"b\"") AFTER("d", "\"c\""), 2, 12,
                    "request \"b\" waits for itself through \"after\"");
    testing_refused(ROOT("a") ROOT("b") ROOT("a"), 3, 0, "request id \"a\" was used before");
    testing_refused(ROOT("a") GOOD, 2, 0, "an id for all requests or for none");
    testing_refused(GOOD ROOT("a"), 2, 0, "an id for all requests or for none");
    testing_refused(GOOD "{\"after\": [\"r3\"], \"input_length\": 1, \"output_length\": 1}", 2, 12,
                    "\"r3\"");
    testing_refused(GOOD "{\"after\": [7], \"input_length\": 1, \"output_length\": 1}", 2, 12,
                    "expected a string");
}
END_TEST

START_TEST(times_that_go_back_are_kept_and_counted)
{
    struct workload w;
    struct trace_report report =
        testing_read("{\"timestamp\": 5, \"input_length\": 1, \"output_length\": 1}\n" GOOD
                     "{\"timestamp\": 4, \"input_length\": 1, \"output_length\": 1}\n",
                     NULL, &w);
    ck_assert_uint_eq(testing_note(&report, "time_went_back"), 2);
    ck_assert_uint_eq(trace_report_skipped(&report), 0);
    ck_assert_int_eq(w.timestamp_ns[0], 5 * NS_PER_MS);
    workload_free(&w);
}
END_TEST

START_TEST(every_form_refuses_a_line_without_its_keys)
{
    static const struct {
        const char *format, *line, *words;
    } cases[] = {
        {"ragpulse", "{\"input_length\": 1, \"output_length\": 1}", "\"timestamp\""},
        {"ragpulse", "{\"timestamp\": \"x\", \"input_length\": 1}", "expected a time"},
        {"bailian", "{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1}", "\"chat_id\""},
        {"weka", "{\"request_arrival_delta_s\": 1, \"input_tokens\": 1}", "\"output_tokens\""},
        {"weka", "{\"id\": \"a\", \"requests\": [{\"t\": 1, \"in\": 2}]}", "\"out\""},
        {"tracelab", "{\"input_tokens_total\": 1, \"output_tokens\": 1}", "\"timing_events\""},
        {"tracelab", "{\"output_tokens\": 1}", "\"input_tokens_total\""},
        {"servingsim", "{\"input_toks\": 1, \"output_toks\": 1}", "\"queued_ts\""},
        {"aiperf", "{\"metadata\": {}, \"metrics\": {}}", "\"request_start_ns\""},
        {"openai-batch", "{\"custom_id\": \"a\"}", "\"body\""},
        {"jsonl", "{}", "--keys"},
        {"run", "{\"attempt\": 1}\n{}\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_options o = {.format = cases[i].format};
        struct workload w;
        struct error err = {0};
        int status = testing_read_bytes(cases[i].line, strlen(cases[i].line), &o, &w, NULL, &err);
        ck_assert_msg(status == ERR_INPUT, "%s took %s", cases[i].format, cases[i].line);
        ck_assert_msg(strstr(err.message, cases[i].words) != NULL, "%s: \"%s\" lacks %s",
                      cases[i].format, err.message, cases[i].words);
    }
}
END_TEST

START_TEST(files_that_are_not_there)
{
    struct workload w;
    struct error err = {0};
    workload_init(&w);
    ck_assert_int_eq(trace_read("/nowhere/t.jsonl", NULL, &w, NULL, &err), ERR_INPUT);
    ck_assert_str_eq(err.file, "/nowhere/t.jsonl");
    err = (struct error){0};
    char folder[] = "/tmp/farebox-empty-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(trace_read(folder, NULL, &w, NULL, &err), ERR_INPUT);
    ck_assert_str_eq(err.file, folder);
    ck_assert_msg(strstr(err.message, "requests.jsonl"), "%s", err.message);
    testing_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("malformed traces");
    TCase *t = tcase_create("malformed");
    tcase_add_test(t, csv_lines);
    tcase_add_test(t, missing_columns);
    tcase_add_test(t, canonical_values);
    tcase_add_test(t, cut_lines);
    tcase_add_test(t, bytes_that_are_no_text);
    tcase_add_test(t, long_lines_are_read_up_to_the_cap);
    tcase_add_test(t, dependencies);
    tcase_add_test(t, times_that_go_back_are_kept_and_counted);
    tcase_add_test(t, every_form_refuses_a_line_without_its_keys);
    tcase_add_test(t, files_that_are_not_there);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
