/* Rows that sum up many requests, logs with measured times, own prompts in any table or log. */
#include "testing_trace.h"

#include <stdlib.h>

START_TEST(rows_may_stand_for_many_requests)
{
    static const char table[] =
        "day,calls,in,out\n2026-11-01,1,5,5\n2026-11-02,12,\"3,000,000,000\","
        "50\n2026-11-04,0,0,0\n";
    struct trace_options by_day = {.columns = "timestamp=day,requests=calls,input=in,output=out"};
    struct workload w;
    struct trace_report report = testing_read(table, &by_day, &w);
    ck_assert_uint_eq(w.count, 2);
    ck_assert(w.requests[0] == 1 && w.requests[1] == 12);
    ck_assert_uint_eq(w.input_tokens[1], 3000000000u);
    ck_assert_int_eq(w.bucket_ns[1], INT64_C(86400) * NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "no_requests"), 1);
    ck_assert_uint_eq(testing_note(&report, "bucket_length_from_the_times"), 2);
    workload_free(&w);

    static const char ended[] = "{\"from\": \"2026-11-01T00:00:00Z\", \"to\": "
                                "\"2026-11-01T06:00:00Z\", \"n\": 3, \"in\": 7, \"out\": 1}";
    struct trace_options keys = {.keys = "timestamp=from,ended=to,requests=n,input=in,output=out"};
    testing_read(ended, &keys, &w);
    ck_assert_int_eq(w.bucket_ns[0], INT64_C(21600) * NS_PER_S);
    workload_free(&w);
    struct trace_options uncounted = {.keys =
                                          "timestamp=from,ended=to,requests=?,input=in,output=out"};
    testing_read(ended, &uncounted, &w);
    ck_assert_uint_eq(w.requests[0], REQUESTS_UNKNOWN);
    workload_free(&w);
    static const char odd[] = "{\"t\": \"2026-11-01T00:07:00Z\", \"n\": 3, \"in\": 7, \"out\": 1}";
    struct trace_options open = {.keys = "timestamp=t,requests=n,input=in,output=out"};
    testing_refused_bytes(odd, strlen(odd), &open, 0, 0, "expected ended=");
}
END_TEST

START_TEST(months_are_no_shorter_than_they_are)
{
    static const char table[] = "month,n,in,out\n2026-02-01,9,5,5\n2026-03-01,12,50,50\n";
    struct trace_options by = {.columns = "timestamp=month,requests=n,input=in,output=out"};
    struct workload w;
    testing_read(table, &by, &w);
    ck_assert_int_eq(w.bucket_ns[1], INT64_C(31) * 86400 * NS_PER_S);
    workload_free(&w);
}
END_TEST

START_TEST(measured_times_are_latencies_from_the_start)
{
    static const char log[] =
        "{\"a\": \"2026-11-01T00:00:00Z\", \"f\": \"2026-11-01T00:00:00.2Z\", \"b\": "
        "\"2026-11-01T00:00:02Z\", \"in\": 7, \"out\": 3, \"why\": \"stop\", \"who\": \"user\"}";
    struct trace_options instants = {
        .keys =
            "started=a,first_token=f,ended=b,input=in,output=out,finish_reason=why,initiator=who"};
    struct workload w;
    struct request r;
    testing_read(log, &instants, &w);
    workload_get(&w, 0, &r);
    ck_assert(r.first_token_ns == 200 * NS_PER_MS && r.end_ns == 2 * NS_PER_S);
    ck_assert_str_eq(r.finish_reason, "stop");
    ck_assert_int_eq(r.initiator, INITIATOR_USER);
    char *text = testing_write(&w, TRACE_CANONICAL);
    ck_assert_msg(strstr(text, "\"initiator\": \"user\", \"first_token_ms\": 200, \"end_ms\": "
                               "2000, \"finish_reason\": \"stop\""),
                  "%s", text);
    workload_free(&w);
    testing_read(text, NULL, &w);
    char *again = testing_write(&w, TRACE_CANONICAL);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
    workload_free(&w);

    /* only the end and how long it took */
    struct trace_options spans = {.columns =
                                      "ended=end,e2e_s=took,ttft_ms=ttft,input=in,output=out"};
    testing_read(
        "end,took,ttft,in,out\n2026-11-01 00:00:05,1.5,20,7,3\n2026-11-01 00:00:06,1.5,,7,3\n",
        &spans, &w);
    ck_assert_int_eq(w.timestamp_ns[1], NS_PER_S);
    ck_assert(w.end_ns[0] == 1500 * NS_PER_MS && w.first_token_ns[0] == 20 * NS_PER_MS);
    ck_assert_int_eq(w.first_token_ns[1], 0);
    workload_free(&w);
    static const char back[] = "t,e,in,out\n2026-11-01 00:00:05,2026-11-01 00:00:04,7,3\n";
    struct trace_options both = {.columns = "timestamp=t,ended=e,input=in,output=out"};
    testing_refused_bytes(back, strlen(back), &both, 2, 0, "an end that is not before the start");
    static const char alone[] = "e,in,out\n2026-11-01 00:00:04,7,3\n";
    struct trace_options end = {.columns = "ended=e,input=in,output=out"};
    testing_refused_bytes(alone, strlen(alone), &end, 2, 0, "how long it took");
}
END_TEST

START_TEST(own_prompts_come_from_any_table_or_log)
{
    static const char table[] = "time,question,out\n0,\"say \"\"hi\"\"\n twice\",9\n";
    struct trace_options columns = {.columns = "timestamp=time,prompt=question,output=out"};
    struct workload w;
    struct request r;
    struct trace_report report = testing_read(table, &columns, &w);
    workload_get(&w, 0, &r);
    ck_assert(
        text_equal(r.messages, "[{\"role\": \"user\", \"content\": \"say \\\"hi\\\"\\n twice\"}]"));
    ck_assert_uint_eq(r.input_tokens, 4); /* 15 bytes */
    ck_assert_uint_eq(testing_note(&report, "input_tokens_estimated"), 1);
    workload_free(&w);

    static const char log[] = "{\"req\": {\"messages\": [{\"role\": \"user\", \"content\": "
                              "\"four\"}]}, \"in\": 21}\n";
    struct trace_options keys = {.keys = "messages=req.messages,input=in"};
    report = testing_read(log, &keys, &w);
    workload_get(&w, 0, &r);
    ck_assert(text_equal(r.messages, "[{\"role\": \"user\", \"content\": \"four\"}]"));
    ck_assert_uint_eq(r.input_tokens, 21); /* a count that is given counts */
    ck_assert_uint_eq(testing_note(&report, "input_tokens_estimated"), 0);
    ck_assert_uint_eq(testing_note(&report, "no_output_bound"), 1);
    workload_free(&w);
    static const char bad[] = "{\"m\": \"no list\"}";
    struct trace_options wrong = {.keys = "messages=m"};
    testing_refused_bytes(bad, strlen(bad), &wrong, 1, 0, "a JSON array of messages");
}
END_TEST

#define BUCKET(results)                                                   \
    "{\"object\": \"bucket\", \"start_time\": 1793491200, \"end_time\": " \
    "1793577600, \"results\": [" results "]}"
#define RESULT(more)                                                             \
    "{\"object\": \"organization.usage.completions.result\", \"input_tokens\": " \
    "900, \"output_tokens\": 70, \"input_cached_tokens\": 300" more "}"

START_TEST(a_usage_report_of_openai_is_read)
{
    static const char page[] = "{\"object\": \"page\", \"data\": [" BUCKET(RESULT(
        ", \"input_audio_tokens\": 100, \"num_model_requests\": 12, \"model\": "
        "\"m\", \"project_id\": \"p1\", \"batch\": true") ", " RESULT(", \"num_model_requests\": "
                                                                      "0")) ", " BUCKET("") "], "
                                                                                            "\"has_"
                                                                                            "more\""
                                                                                            ": "
                                                                                            "false"
                                                                                            "}";
    struct workload w;
    struct request r;
    struct trace_report report = testing_read(page, NULL, &w);
    ck_assert_str_eq(report.format, "usage-report");
    ck_assert_uint_eq(w.count, 1);
    workload_get(&w, 0, &r);
    ck_assert(r.requests == 12 && r.input_tokens == 900 && r.output_tokens == 70);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHED_INPUT], 300);
    ck_assert_uint_eq(r.usage.tokens[USAGE_AUDIO_INPUT], 100);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 500);
    ck_assert_int_eq(r.service, SERVICE_BATCH);
    ck_assert_str_eq(r.labels, "{\"project_id\": \"p1\"}");
    ck_assert_int_eq(r.bucket_ns, INT64_C(86400) * NS_PER_S);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1793491200) * NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "no_requests"), 1);
    workload_free(&w);
}
END_TEST

START_TEST(a_usage_report_of_anthropic_is_read_and_counts_no_requests)
{
    static const char page[] =
        "{\"data\": [{\"starting_at\": \"2026-11-01T00:00:00Z\", \"ending_at\": "
        "\"2026-11-01T01:00:00Z\", \"results\": [{\"uncached_input_tokens\": 50, "
        "\"cache_creation\": {\"ephemeral_1h_input_tokens\": 10, \"ephemeral_5m_input_tokens\": "
        "5}, \"cache_read_input_tokens\": 200, \"output_tokens\": 30, \"server_tool_use\": "
        "{\"web_search_requests\": 4}, \"model\": \"m\", \"service_tier\": \"priority\"}]}]}";
    struct workload w;
    struct request r;
    testing_read(page, NULL, &w);
    workload_get(&w, 0, &r);
    ck_assert_uint_eq(r.requests, REQUESTS_UNKNOWN);
    ck_assert_uint_eq(r.input_tokens, 265);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHE_WRITE_1H], 10);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHE_WRITE], 5);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHED_INPUT], 200);
    ck_assert_uint_eq(r.usage.extra_count, 1);
    ck_assert_int_eq(r.usage.extras[0].count_micro, 4000000);
    ck_assert_int_eq(r.service, SERVICE_PRIORITY);
    ck_assert_int_eq(r.bucket_ns, INT64_C(3600) * NS_PER_S);
    char *text = testing_write(&w, TRACE_CANONICAL);
    workload_free(&w);
    testing_read(text, NULL, &w);
    char *again = testing_write(&w, TRACE_CANONICAL);
    ck_assert_str_eq(text, again);
    ck_assert_uint_eq(w.requests[0], REQUESTS_UNKNOWN);
    free(text);
    free(again);
    workload_free(&w);
}
END_TEST

START_TEST(a_report_of_costs_says_what_to_export_instead)
{
    static const char page[] =
        "{\"data\": [" BUCKET("{\"object\": \"organization.costs.result\", \"amount\": {\"value\": "
                              "0.06, \"currency\": \"usd\"}, \"line_item\": null}") "]}";
    testing_refused(page, 0, 0, "expected a report of usage");
    testing_refused("{\"start_time\": 1, \"results\": [3]}", 1, 0, "expected an object of results");
    testing_refused(
        "{\"timestamp\": 0, \"input_length\": 9, \"output_length\": 1, \"requests\": 4}", 1, 0,
        "\"bucket_ms\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace sums");
    TCase *t = tcase_create("sums, measured times, prompts");
    tcase_add_test(t, rows_may_stand_for_many_requests);
    tcase_add_test(t, months_are_no_shorter_than_they_are);
    tcase_add_test(t, measured_times_are_latencies_from_the_start);
    tcase_add_test(t, own_prompts_come_from_any_table_or_log);
    tcase_add_test(t, a_usage_report_of_openai_is_read);
    tcase_add_test(t, a_usage_report_of_anthropic_is_read_and_counts_no_requests);
    tcase_add_test(t, a_report_of_costs_says_what_to_export_instead);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
