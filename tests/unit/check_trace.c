#include "testing_trace.h"

#include "workloads/trace/trace_sink.h"

#include <sys/stat.h>

/* One line with every key that the canonical form knows, as our writer puts it. */
static const char full[] =
    "{\"start\": \"2026-11-01T00:00:00Z\"}\n"
    "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 5, \"request_id\": \"r5\"}\n"
    "{\"timestamp\": 1.5, \"after\": [\"r5\", \"r8\"], \"delay\": 1200.000001, \"input_length\": "
    "6758, \"output_length\": 500, \"hash_ids\": [0, 18446744073709551615], \"block_size\": 512, "
    "\"session_id\": \"s\\\"1\", \"request_id\": \"r7\", \"model\": \"m\", \"class\": \"rag\", "
    "\"service\": \"flex\", \"priority\": -2, \"labels\": {\"user\": \"u1\",\"team\":\"x\"}, "
    "\"messages\": [{\"role\":\"user\"}], \"body\": {\"a\": [1,2]}, \"usage\": {\"cached_input\": "
    "512, \"cache_write\": 16, \"cache_write_1h\": 8, \"reasoning\": 64, \"tools\": "
    "{\"web_search\": 2}, \"units\": {\"audio_second\": 10.5}}, \"status\": \"failed\", "
    "\"attempts\": 2, \"cost_usd\": \"0.0123\", \"mine\": {\"b\":[]}, \"other\": 1e5}\n"
    "{\"after\": [\"r5\"], \"input_length\": 0, \"output_length\": 0, \"request_id\": \"r8\"}\n";

START_TEST(the_canonical_form_converts_to_itself)
{
    struct workload w;
    struct trace_report report = testing_read(full, NULL, &w);
    ck_assert_str_eq(report.format, "canonical");
    ck_assert_uint_eq(report.rows, 3);
    char *again = testing_write(&w, TRACE_CANONICAL);
    ck_assert_str_eq(again, full);
    free(again);
    workload_free(&w);
}
END_TEST

START_TEST(every_canonical_key_reaches_the_row)
{
    struct workload w;
    struct request r;
    testing_read(full, NULL, &w);
    ck_assert(w.has_start);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1793491200) * NS_PER_S);
    workload_get(&w, 1, &r);
    ck_assert_int_eq(r.timestamp_ns, 1500000);
    ck_assert_int_eq(r.delay_ns, 1200000001);
    ck_assert_uint_eq(r.after_count, 2);
    ck_assert_uint_eq(r.after[0], 0);
    ck_assert_uint_eq(r.after[1], 2);
    ck_assert_str_eq(r.session_id, "s\"1");
    ck_assert_int_eq(r.service, SERVICE_FLEX);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHED_INPUT], 512);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 6758 - 512 - 16 - 8);
    ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], 500 - 64);
    ck_assert_uint_eq(r.usage.extra_count, 2);
    ck_assert_int_eq(r.usage.extras[1].count_micro, 10500000);
    ck_assert_int_eq(r.status, REQUEST_FAILED);
    ck_assert_uint_eq(r.attempts, 2);
    workload_get(&w, 2, &r);
    ck_assert_int_eq(r.timestamp_ns, TIME_NEVER);
    workload_free(&w);
}
END_TEST

START_TEST(other_spellings_of_the_canonical_form_are_read)
{
    struct workload w;
    struct request r;
    /* Any order, no blanks, nulls for absent keys, made ids in "after", a byte-order mark, CRLF. */
    testing_read("\xEF\xBB\xBF{\"output_length\":2,\"input_length\":1,\"model\":null,"
                 "\"timestamp\":5,\"cost_usd\":0.5}\r\n\r\n"
                 "{\"input_length\":1,\"output_length\":2,\"after\":[\"r3\",\"r1\"]}\r\n"
                 "{\"input_length\":1,\"output_length\":2,\"timestamp\":3}",
                 NULL, &w);
    ck_assert_uint_eq(w.count, 3);
    workload_get(&w, 0, &r);
    ck_assert(!r.model && r.has_cost && r.cost == MONEY_USD / 2);
    workload_get(&w, 1, &r);
    ck_assert_uint_eq(r.after[0], 2);
    ck_assert_uint_eq(r.after[1], 0);
    workload_free(&w);
}
END_TEST

START_TEST(mooncake_lines_are_recognised_with_their_block_size)
{
    struct workload w;
    struct request r;
    struct trace_report report = testing_read(
        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 1]}\n",
        NULL, &w);
    ck_assert_str_eq(report.format, "mooncake");
    workload_get(&w, 0, &r);
    ck_assert_uint_eq(r.block_size, 512);
    workload_free(&w);
    struct trace_options options = {.block_size = 16};
    testing_read("{\"timestamp\": 0, \"input_length\": 6, \"output_length\": 5, \"hash_ids\": [0]}",
                 &options, &w);
    ck_assert_uint_eq(w.block_size, 16);
    workload_free(&w);
}
END_TEST

static const char *const mooncakes[] = {"tests/data/mooncake.jsonl",
                                        "mooncake/conversation_trace_first4000.jsonl"};

START_TEST(a_mooncake_file_is_written_as_it_was)
{
    char path[512];
    struct workload w;
    testing_data(mooncakes[_i], path);
    char *text;
    size_t length;
    workload_init(&w);
    ck_assert_int_eq(trace_read(path, NULL, &w, NULL, NULL), 0);
    ck_assert_int_eq(file_read_all(path, 1 << 24, &text, &length, NULL), 0);
    char *again = testing_write(&w, TRACE_MOONCAKE);
    ck_assert_str_eq(again, text);
    free(again);
    free(text);
    workload_free(&w);
}
END_TEST

START_TEST(azure_times_become_offsets_from_the_first_row)
{
    struct workload w;
    struct trace_report report =
        testing_read("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                     "2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8\r\n"
                     "2023-11-16 18:18:04,110,27",
                     NULL, &w);
    ck_assert_str_eq(report.format, "azure");
    ck_assert_uint_eq(w.count, 3);
    ck_assert_int_eq(w.timestamp_ns[0], 0);
    ck_assert_int_eq(w.timestamp_ns[1], 52 * NS_PER_MS);
    ck_assert_int_eq(w.timestamp_ns[2], INT64_C(60020040000));
    ck_assert_uint_eq(w.input_tokens[2], 110);
    ck_assert_uint_eq(w.output_tokens[2], 27);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1700158623979960000));
    workload_free(&w);
}
END_TEST

/* Hand-written from the published description of the 2024 files: no sample is at hand. */
START_TEST(azure_2024_times_have_a_zone_and_may_lack_the_fraction)
{
    struct workload w;
    testing_read("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                 "2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,2399,6\n"
                 "2024-05-10 00:00:01.000001+00:00,76,15\n",
                 NULL, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert_int_eq(w.timestamp_ns[1], 990070000);
    ck_assert_int_eq(w.timestamp_ns[2], 990071000);
    workload_free(&w);
}
END_TEST

START_TEST(an_earlier_row_moves_the_origin_and_is_counted)
{
    struct workload w;
    struct trace_report report = testing_read("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                                              "2023-11-16 18:17:03,1,1\n2023-11-16 18:17:01,2,2\n",
                                              NULL, &w);
    ck_assert_uint_eq(testing_note(&report, "time_went_back"), 1);
    ck_assert_int_eq(w.timestamp_ns[0], 2 * NS_PER_S);
    ck_assert_int_eq(w.timestamp_ns[1], 0);
    ck_assert_uint_eq(w.input_tokens[1], 2);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1700158621) * NS_PER_S);
    workload_free(&w);
}
END_TEST

START_TEST(length_only_files_stand_at_zero)
{
    struct workload w;
    struct trace_report report = testing_read(
        "TIMESTAMP,ContextTokens,GeneratedTokens\nXXX,107,15\nXXX,396,513\n\n", NULL, &w);
    ck_assert_str_eq(report.format, "lengths");
    ck_assert_uint_eq(w.count, 2);
    ck_assert_int_eq(w.timestamp_ns[1], 0);
    ck_assert(!w.has_start);
    ck_assert_uint_eq(testing_note(&report, "blank_line"), 1);
    ck_assert_uint_eq(trace_report_skipped(&report), 1);
    workload_free(&w);
    testing_refused("TIMESTAMP,ContextTokens,GeneratedTokens\nXXX,1,1\n2023-11-16 18:17:03,1,1\n",
                    3, 1, "expected one or the other");
}
END_TEST

START_TEST(files_are_written_whole_and_gzip_reads_back)
{
    char folder[] = "/tmp/farebox-trace-XXXXXX", plain[64], packed[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(plain, sizeof plain, "%s/t.jsonl", folder);
    snprintf(packed, sizeof packed, "%s/t.jsonl.gz", folder);
    struct workload w, again;
    testing_read(full, NULL, &w);
    ck_assert_int_eq(trace_write(&w, TRACE_CANONICAL, plain, NULL), 0);
    ck_assert_int_eq(trace_write(&w, TRACE_CANONICAL, packed, NULL), 0);
    workload_init(&again);
    ck_assert_int_eq(trace_read(packed, NULL, &again, NULL, NULL), 0);
    char *text = testing_write(&again, TRACE_CANONICAL);
    ck_assert_str_eq(text, full);
    ck_assert_str_eq(again.name, "t");
    free(text);
    workload_free(&again);
    struct stat about;
    ck_assert_int_eq(stat(packed, &about), 0);
    ck_assert_uint_lt((size_t)about.st_size, sizeof full);
    /* CSV cannot say "after": refused, and nothing is left behind. */
    struct error err = {0};
    ck_assert_int_eq(unlink(plain), 0);
    ck_assert_int_eq(trace_write(&w, TRACE_CSV, plain, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "jsonl"));
    /* Nor after an error of the caller's. */
    ck_assert_int_eq(unlink(packed), 0);
    struct trace_sink sink;
    struct buffer rows;
    buffer_init(&rows, BUFFER_UNBOUNDED);
    buffer_add_text(&rows, full);
    ck_assert_int_eq(trace_sink_open(&sink, packed, NULL), 0);
    ck_assert_int_eq(trace_sink_put(&sink, &rows, NULL), 0);
    ck_assert_uint_eq(rows.length, 0);
    ck_assert_int_eq(trace_sink_close(&sink, ERR_INTERRUPTED, NULL), ERR_INTERRUPTED);
    buffer_free(&rows);
    ck_assert_int_eq(rmdir(folder), 0);
    workload_free(&w);
}
END_TEST

START_TEST(csv_output_holds_the_fields_and_quotes_them)
{
    struct workload w;
    testing_read("{\"timestamp\": 1.5, \"input_length\": 1, \"output_length\": 2, \"model\": "
                 "\"a,\\\"b\", \"usage\": {\"cached_input\": 1}, \"cost_usd\": \"0.5\"}",
                 NULL, &w);
    char *text = testing_write(&w, TRACE_CSV);
    ck_assert_str_eq(strchr(text, '\n') + 1,
                     "1.5,1,2,r1,,\"a,\"\"b\",,standard,0,1,0,0,0,ok,1,0.5\n");
    free(text);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *t = tcase_create("canonical and azure");
    tcase_add_test(t, the_canonical_form_converts_to_itself);
    tcase_add_test(t, every_canonical_key_reaches_the_row);
    tcase_add_test(t, other_spellings_of_the_canonical_form_are_read);
    tcase_add_test(t, mooncake_lines_are_recognised_with_their_block_size);
    tcase_add_loop_test(t, a_mooncake_file_is_written_as_it_was, 0, 2);
    tcase_add_test(t, azure_times_become_offsets_from_the_first_row);
    tcase_add_test(t, azure_2024_times_have_a_zone_and_may_lack_the_fraction);
    tcase_add_test(t, an_earlier_row_moves_the_origin_and_is_counted);
    tcase_add_test(t, length_only_files_stand_at_zero);
    tcase_add_test(t, files_are_written_whole_and_gzip_reads_back);
    tcase_add_test(t, csv_output_holds_the_fields_and_quotes_them);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
