/* --columns and --keys: any CSV, any JSON Lines, and sellers' usage objects. */
#include "testing_trace.h"

/* A numbered id is made in the row that was got: it is valid until the next call. */
static struct request row_of(const struct workload *w, size_t i)
{
    static struct request r;
    workload_get(w, i, &r);
    return r;
}

static const char gateway[] = "when;not here,Model,\"in, all\",out,state,uid,usd\n"
                              "2026-01-02 00:00:00,gpt,100,20,200,u1,0.00125\n"
                              "2026-01-02 00:00:02.5,\"a \"\"b\"\"\",50,0,429,,\n";

START_TEST(columns_by_name_and_by_number)
{
    struct trace_options o = {
        .columns =
            "timestamp=1,model=Model,input=3,output=out,status=state,label.user=uid,cost=usd"};
    struct workload w;
    struct trace_report report = testing_read(gateway, &o, &w);
    ck_assert_str_eq(report.format, "csv");
    ck_assert_uint_eq(w.count, 2);
    struct request a = row_of(&w, 0), b = row_of(&w, 1);
    ck_assert_int_eq(a.timestamp_ns, 0);
    ck_assert_int_eq(b.timestamp_ns, 2500 * NS_PER_MS);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1767312000) * NS_PER_S);
    ck_assert_str_eq(a.model, "gpt");
    ck_assert_uint_eq(a.input_tokens, 100);
    ck_assert_str_eq(a.labels, "{\"user\": \"u1\"}");
    ck_assert(a.has_cost && a.cost == MONEY_USD / 800);
    ck_assert_int_eq(b.status, REQUEST_FAILED);
    ck_assert(!b.has_cost && !b.labels);
    workload_free(&w);
}
END_TEST

START_TEST(columns_by_number_need_no_header)
{
    struct trace_options o = {.columns = "timestamp_ms=1,input=2,output=3"};
    struct workload w;
    testing_read("0,10,1\n1500.5,20,2.0\n", &o, &w);
    ck_assert_uint_eq(w.count, 2);
    ck_assert_int_eq(w.timestamp_ns[1], 1500500000);
    ck_assert_uint_eq(w.output_tokens[1], 2);
    workload_free(&w);
    testing_read("t,in,out\n0,10,1\n", &o, &w);
    ck_assert_uint_eq(w.count, 1);
    workload_free(&w);
}
END_TEST

START_TEST(our_own_csv_needs_no_columns)
{
    static const char lines[] =
        "{\"timestamp\": 0.5, \"input_length\": 10, \"output_length\": 5, \"session_id\": \"s\", "
        "\"request_id\": \"a\", \"model\": \"m\", \"class\": \"c,d\", \"service\": \"batch\", "
        "\"priority\": 3, \"usage\": {\"cached_input\": 4, \"cache_write\": 1, \"cache_write_1h\": "
        "2, "
        "\"reasoning\": 3, \"tools\": {}, \"units\": {}}, \"status\": \"failed\", \"attempts\": 2, "
        "\"cost_usd\": \"0.125\"}\n";
    struct workload w, again;
    testing_read(lines, NULL, &w);
    char *csv = testing_write(&w, TRACE_CSV);
    testing_read(csv, NULL, &again);
    char *back = testing_write(&again, TRACE_CANONICAL);
    ck_assert_str_eq(back, lines);
    free(back);
    free(csv);
    workload_free(&w);
    workload_free(&again);
}
END_TEST

START_TEST(bad_columns_are_named)
{
    static const struct {
        const char *columns, *words;
    } bad[] = {
        {"input=3,outptu=4", "unknown field \"outptu\"; did you mean \"output\"?"},
        {"input", "expected FIELD=SOURCE"},
        {"input=,output=1", "expected FIELD=SOURCE"},
        {"input=3,output=Modle", "column \"Modle\"; did you mean \"Model\"?"},
        {"input=3,output=99", "cut short"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct trace_options o = {.columns = bad[i].columns};
        struct workload w;
        struct error err = {0};
        ck_assert_int_eq(testing_read_bytes(gateway, sizeof gateway - 1, &o, &w, NULL, &err),
                         ERR_INPUT);
        ck_assert_msg(strstr(err.message, bad[i].words) != NULL, "%s: %s", bad[i].columns,
                      err.message);
        workload_free(&w);
    }
    struct trace_options o = {.columns = "input=3,output=4,timestamp=2"};
    testing_refused_bytes(gateway, sizeof gateway - 1, &o, 2, 21, "an instant or a time from 0");
}
END_TEST

START_TEST(keys_follow_paths)
{
    static const char lines[] =
        "{\"t\": 1767312000.5, \"gen_ai.usage.input\": 12, \"usage\": {\"out\": [0, 7]}, \"user\": "
        "{\"id\": \"J\\u00fcrgen\"}, \"model\": null}\n"
        "{\"t\": 1767312001, \"gen_ai.usage.input\": 5, \"usage\": {\"out\": [0, 8]}, \"model\": "
        "\"m\"}\n";
    struct trace_options o = {.keys = "timestamp=t,input=gen_ai.usage.input,output=usage.out.1,"
                                      "label.user=user.id,model=model"};
    struct workload w;
    struct trace_report report = testing_read(lines, &o, &w);
    ck_assert_str_eq(report.format, "jsonl");
    struct request a = row_of(&w, 0), b = row_of(&w, 1);
    ck_assert_uint_eq(a.input_tokens, 12);
    ck_assert_uint_eq(a.output_tokens, 7);
    ck_assert_str_eq(a.labels, "{\"user\": \"J\xC3\xBCrgen\"}");
    ck_assert_ptr_null(a.model);
    ck_assert_str_eq(b.model, "m");
    ck_assert_int_eq(b.timestamp_ns, 500 * NS_PER_MS);
    workload_free(&w);
    o.keys = "input=gen_ai.usage.input,output=usage.out.1,model=mdl";
    testing_refused_bytes(lines, sizeof lines - 1, &o, 0, 0, "no line has the key \"mdl\"");
    o.keys = "input=t,output=usage.out.1";
    testing_refused_bytes(lines, sizeof lines - 1, &o, 1, 7, "expected a token count");
    o.keys = "input=usage,output=usage.out.1";
    testing_refused_bytes(lines, sizeof lines - 1, &o, 1, 56, "expected a number or a text");
    o.keys = "output=usage.out.1";
    testing_refused_bytes(lines, sizeof lines - 1, &o, 1, 0, "expected an input token count");
}
END_TEST

START_TEST(whole_usage_objects_are_understood)
{
    static const char lines[] =
        "{\"response\": {\"usage\": {\"input_tokens\": 100, \"cache_read_input_tokens\": 900, "
        "\"cache_creation_input_tokens\": 50, \"cache_creation\": {\"ephemeral_5m_input_tokens\": "
        "20, "
        "\"ephemeral_1h_input_tokens\": 30}, \"output_tokens\": 40, \"server_tool_use\": "
        "{\"web_search_requests\": 2}}}, \"status\": 200}\n"
        "{\"response\": null, \"status\": 503}\n";
    struct trace_options o = {.keys = "usage=response.usage,status=status"};
    struct workload w;
    testing_read(lines, &o, &w);
    struct request a = row_of(&w, 0), b = row_of(&w, 1);
    ck_assert_uint_eq(a.input_tokens, 1050);
    ck_assert_uint_eq(a.usage.tokens[USAGE_UNCACHED_INPUT], 100);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHED_INPUT], 900);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHE_WRITE], 20);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHE_WRITE_1H], 30);
    ck_assert_uint_eq(a.usage.extra_count, 1);
    ck_assert_str_eq(a.usage.extras[0].name, "web_search");
    ck_assert_int_eq(a.usage.extras[0].count_micro, 2000000);
    ck_assert_int_eq(b.status, REQUEST_FAILED);
    ck_assert_uint_eq(b.input_tokens, 0);
    workload_free(&w);
}
END_TEST

START_TEST(usage_that_contradicts_itself_is_resolved)
{
    static const char lines[] =
        "{\"u\": {\"prompt_tokens\": 20, \"completion_tokens\": 3, \"cached_tokens\": 5000}}\n"
        "{\"u\": {\"prompt_tokens\": 37.25, \"completion_tokens\": \"4\", \"total_tokens\": 100}}\n"
        "{\"u\": {\"promptTokenCount\": 300, \"candidatesTokenCount\": 7, \"promptTokensDetails\": "
        "[{\"modality\": \"IMAGE\", \"tokenCount\": 258}], \"ether_tokens\": 9, \"cost\": 0.25}}\n";
    struct trace_options o = {.keys = "usage=u"};
    struct workload w;
    struct trace_report report = testing_read(lines, &o, &w);
    struct request a = row_of(&w, 0), b = row_of(&w, 1), c = row_of(&w, 2);
    ck_assert_uint_eq(a.input_tokens, 5020);
    ck_assert_uint_eq(a.usage.tokens[USAGE_UNCACHED_INPUT], 20);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHED_INPUT], 5000);
    ck_assert_uint_eq(b.input_tokens, 38);
    ck_assert_uint_eq(b.output_tokens, 62);
    ck_assert_uint_eq(b.usage.tokens[USAGE_REASONING], 58);
    ck_assert_uint_eq(c.usage.tokens[USAGE_IMAGE_INPUT], 258);
    ck_assert_uint_eq(c.usage.tokens[USAGE_UNCACHED_INPUT], 42);
    ck_assert(c.has_cost && c.cost == MONEY_USD / 4);
    ck_assert_uint_eq(report.note_count, 4);
    ck_assert_str_eq(report.notes[0].what, "usage_cached");
    ck_assert_str_eq(report.notes[3].what, "usage_key");
    ck_assert_int_eq(report.notes[3].first_line, 3);
    ck_assert_uint_eq(report.unknown_usage_keys.count, 1);
    ck_assert_str_eq(report.unknown_usage_keys.name[0], "ether_tokens");
    workload_free(&w);
    static const char none[] = "{\"u\": {\"prompt_tokens\": -1, \"completion_tokens\": 3}}\n";
    testing_refused_bytes(none, sizeof none - 1, &o, 1, 1, "expected an input token count");
    static const char array[] = "{\"u\": [1]}\n";
    testing_refused_bytes(array, sizeof array - 1, &o, 1, 7, "expected a usage object");
}
END_TEST

START_TEST(fields_of_ones_own_count_before_the_usage_object)
{
    static const char lines[] =
        "{\"n\": 100, \"s\": 60, \"u\": {\"prompt_tokens\": 900, \"completion_tokens\": 3, "
        "\"cached_tokens\": 500, \"prompt_tokens_details\": {\"audio_tokens\": 300}}}\n";
    struct trace_options o = {.keys = "usage=u,input=n,audio_input=s"};
    struct workload w;
    testing_read(lines, &o, &w);
    struct request a = row_of(&w, 0);
    ck_assert_uint_eq(a.input_tokens, 100);
    ck_assert_uint_eq(usage_input(&a.usage), 100);
    ck_assert_uint_eq(a.usage.tokens[USAGE_AUDIO_INPUT], 60);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHED_INPUT], 40);
    ck_assert_uint_eq(a.output_tokens, 3);
    workload_free(&w);
    o.keys = "input=n,output=n,audio_input=s";
    testing_read(lines, &o, &w);
    a = row_of(&w, 0);
    ck_assert_uint_eq(a.usage.tokens[USAGE_AUDIO_INPUT], 60);
    ck_assert_uint_eq(a.usage.tokens[USAGE_UNCACHED_INPUT], 40);
    workload_free(&w);
}
END_TEST

START_TEST(epochs_are_told_by_their_size)
{
    static const char *const times[] = {"1767312000.25", "1767312000250", "1767312000250000",
                                        "1767312000250000000", "2026-01-02T00:00:00.25Z"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct trace_options o = {.columns = "timestamp=1,input=2,output=3"};
        char text[128];
        struct workload w;
        snprintf(text, sizeof text, "%s,1,1\n", times[i]);
        testing_read(text, &o, &w);
        ck_assert_int_eq(w.timestamp_ns[0], 0);
        ck_assert_int_eq(w.start_unix_ns, INT64_C(1767312000250000000));
        workload_free(&w);
    }
    struct trace_options o = {.columns = "timestamp=1,input=2,output=3"};
    struct workload w;
    testing_read("3.5,1,1\n", &o, &w);
    ck_assert_int_eq(w.timestamp_ns[0], 3500 * NS_PER_MS);
    ck_assert(!w.has_start);
    workload_free(&w);
}
END_TEST

/* The status of one row of a CSV with a column of this name, or -1 where it is refused. */
static int status_under(const char *field, const char *column, const char *value)
{
    char options[128], text[256];
    struct workload w;
    struct request r;
    struct error why = {0};
    snprintf(options, sizeof options, "input=in,output=out,%s=%s", field, column);
    snprintf(text, sizeof text, "in,out,%s\n1,1,%s\n", column, value);
    struct trace_options o = {.columns = options};
    if (testing_read_bytes(text, strlen(text), &o, &w, NULL, &why) < 0)
        return -1;
    workload_get(&w, 0, &r);
    workload_free(&w);
    return (int)r.status;
}

START_TEST(true_means_what_the_name_says)
{
    static const struct {
        const char *column;
        int if_true, if_false;
    } cases[] = {
        {"success", REQUEST_OK, REQUEST_FAILED},
        {"is_ok", REQUEST_OK, REQUEST_FAILED},
        {"is_error", REQUEST_FAILED, REQUEST_OK},
        {"Failed", REQUEST_FAILED, REQUEST_OK},
        {"cancelled", REQUEST_ABORTED, REQUEST_OK},
        {"was_canceled", REQUEST_ABORTED, REQUEST_OK},
        {"request_aborted", REQUEST_ABORTED, REQUEST_OK},
        {"status", -1, -1},
        {"not_ok", -1, -1},
        {"streamed", -1, -1},
    };
    static const char *const yes[] = {"true", "True", "1", "yes"}, *const no[] = {"false", "0"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof yes / sizeof *yes; k++)
            ck_assert_msg(status_under("status", cases[i].column, yes[k]) == cases[i].if_true,
                          "%s=%s", cases[i].column, yes[k]);
        for (size_t k = 0; k < sizeof no / sizeof *no; k++)
            ck_assert_msg(status_under("status", cases[i].column, no[k]) == cases[i].if_false,
                          "%s=%s", cases[i].column, no[k]);
    }
}
END_TEST

START_TEST(words_of_gateways_and_tracers_are_known)
{
    static const struct {
        const char *value;
        int status;
    } cases[] = {
        {"STATUS_CODE_OK", REQUEST_OK},
        {"Unset", REQUEST_OK},
        {"STATUS_CODE_ERROR", REQUEST_FAILED},
        {"DEADLINE_EXCEEDED", REQUEST_FAILED},
        {"client_cancelled", REQUEST_ABORTED},
        {"client-disconnected", REQUEST_ABORTED},
        {"-1", REQUEST_FAILED},
        {"-2", REQUEST_ABORTED},
        {"-3", REQUEST_ABORTED},
        {"-4", REQUEST_FAILED},
        {"499", REQUEST_ABORTED},
        {"rate_limit_error", REQUEST_FAILED},
        {"MAX_TOKENS", REQUEST_OK},
        {"perhaps", -1},
        {"-7", -1},
        {"42", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(status_under("status", "outcome", cases[i].value) == cases[i].status, "%s",
                      cases[i].value);
}
END_TEST

START_TEST(an_error_is_its_own_text_or_nothing)
{
    ck_assert_int_eq(status_under("status", "error", ""), REQUEST_OK);
    ck_assert_int_eq(status_under("status", "error", "None"), REQUEST_OK);
    ck_assert_int_eq(status_under("status", "error_message", "broken pipe"), REQUEST_FAILED);
    ck_assert_int_eq(status_under("status", "outcome", "broken pipe"), -1);
    ck_assert_int_eq(status_under("failed", "flag", "true"), REQUEST_FAILED);
    ck_assert_int_eq(status_under("failed", "flag", "broken pipe"), REQUEST_FAILED);
    ck_assert_int_eq(status_under("failed", "flag", "no"), REQUEST_OK);
    ck_assert_int_eq(status_under("failed", "code", "200"), -1);
    ck_assert_int_eq(status_under("aborted", "flag", "1"), REQUEST_ABORTED);
    struct workload w;
    struct request r;
    struct trace_options o = {.keys = "input=in,output=out,status=error"};
    testing_read("{\"in\": 1, \"out\": 1, \"error\": null}\n"
                 "{\"in\": 1, \"out\": 1, \"error\": {\"code\": \"overloaded\"}}\n",
                 &o, &w);
    workload_get(&w, 0, &r);
    ck_assert_int_eq(r.status, REQUEST_OK);
    workload_get(&w, 1, &r);
    ck_assert_int_eq(r.status, REQUEST_FAILED);
    workload_free(&w);
    /* No row failed: the key is there all the same. */
    testing_read("{\"in\": 1, \"out\": 1, \"error\": null}\n", &o, &w);
    workload_free(&w);
}
END_TEST

static void refused_with(const char *text, const struct trace_options *o, const char *words)
{
    testing_refused_bytes(text, strlen(text), o, 2, 0, words);
}

START_TEST(one_file_has_one_clock)
{
    struct trace_options o = {.columns = "timestamp=1,input=2,output=3"};
    refused_with("1767312000,1,1\n,1,1\n", &o, "an instant or an epoch");
    refused_with("1767312000,1,1\n0,1,1\n", &o, "an instant or an epoch");
    refused_with("0,1,1\n2026-01-02T00:00:00Z,1,1\n", &o, "from the start");
    refused_with(",1,1\n5,1,1\n", &o, "no time");
}
END_TEST

/* As every command reads: the earliest row is 0, and a start moves with it. */
START_TEST(the_earliest_row_is_zero_in_every_form)
{
    static const struct {
        const char *text, *columns;
        int64_t moved_ms;
    } cases[] = {
        {"{\"timestamp\": 9000, \"input_length\": 1, \"output_length\": 1}\n"
         "{\"timestamp\": 7000, \"input_length\": 1, \"output_length\": 1}\n",
         NULL, 7000},
        {"9,1,1\n7,1,1\n", "timestamp=1,input=2,output=3", 7000},
        {"timestamp_ms,input_length,output_length\n9000,1,1\n7000,1,1\n", NULL, 7000},
        {"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
         "9,m,1,1,2,x\n7,m,1,1,2,x\n",
         NULL, 7000},
        {"{\"start\": \"2026-11-01T00:00:00Z\"}\n"
         "{\"timestamp\": 9000, \"input_length\": 1, \"output_length\": 1}\n"
         "{\"timestamp\": 7000, \"input_length\": 1, \"output_length\": 1}\n",
         NULL, 7000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_options o = {.columns = cases[i].columns, .from_first = true};
        struct workload w;
        struct trace_report report = testing_read(cases[i].text, &o, &w);
        ck_assert_int_eq(w.timestamp_ns[0], 2 * NS_PER_S);
        ck_assert_int_eq(w.timestamp_ns[1], 0);
        ck_assert_int_eq(report.moved_ns, cases[i].moved_ms * NS_PER_MS);
        if (w.has_start)
            ck_assert_int_eq(w.start_unix_ns, INT64_C(1793491207) * NS_PER_S);
        workload_free(&w);
    }
}
END_TEST

#define AT(ms) "{\"timestamp\": " ms ", \"input_length\": 1, \"output_length\": 1}\n"

START_TEST(epochs_in_milliseconds_are_the_start)
{
    struct workload w;
    testing_read(AT("1767312000750") AT("1767312000250"), NULL, &w);
    ck_assert_int_eq(w.timestamp_ns[0], 500 * NS_PER_MS);
    ck_assert_int_eq(w.timestamp_ns[1], 0);
    ck_assert(w.has_start);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1767312000250000000));
    workload_free(&w);
    testing_refused(AT("0") AT("1767312000250"), 0, 0, "some of \"timestamp\" are epochs");
    testing_refused("{\"start\": \"2026-11-01T00:00:00Z\"}\n" AT("1767312000250"), 0, 0,
                    "one or the other");
    testing_refused(AT("1767312000250000"), 1, 0, "--keys timestamp=timestamp");
    testing_refused(AT("\"2026-01-02T00:00:00Z\""), 1, 0, "--keys timestamp=timestamp");
}
END_TEST

START_TEST(seconds_in_milliseconds_are_refused)
{
    struct workload w;
    struct trace_options named = {.format = "canonical"};
    testing_refused(AT("1767312000") AT("1767312009"), 0, 0, "--keys timestamp_s=timestamp");
    testing_refused(AT("0") AT("0.25") AT("1.5"), 0, 0, "can only be in seconds");
    testing_refused("timestamp_ms,input_length,output_length\n0.5,1,1\n1.25,1,1\n", 0, 0,
                    "timestamp_s=timestamp_ms in --columns");
    struct trace_options ms = {.columns = "timestamp_ms=t,input=i,output=o"};
    static const char epoch[] = "t,i,o\n1767312000,1,1\n";
    testing_refused_bytes(epoch, strlen(epoch), &ms, 0, 0, "timestamp_s=t in --columns");
    /* A form that is named is believed, and so are a start, whole milliseconds and a slow pace. */
    testing_read(AT("0") AT("0.25"), &named, &w);
    workload_free(&w);
    testing_read("{\"start\": \"2026-11-01T00:00:00Z\"}\n" AT("1767312000"), NULL, &w);
    workload_free(&w);
    testing_read(AT("0") AT("1") AT("1"), NULL, &w);
    workload_free(&w);
    testing_read(AT("0.5") AT("17.25"), NULL, &w);
    workload_free(&w);
    testing_read(AT("5184000000") AT("5184000500"), NULL, &w);
    workload_free(&w);
}
END_TEST

START_TEST(a_row_that_stands_for_several_requests_is_refused)
{
    struct workload w;
    struct trace_options by_name = {.columns = "timestamp=day,input=in,output=out"};
    struct trace_options labelled = {.columns =
                                         "timestamp=day,input=in,output=out,label.n=Requests"};
    static const char table[] = "day,Requests,in,out\n2026-11-01,1,5,5\n2026-11-02,12,50,50\n";
    testing_refused_bytes(table, strlen(table), &by_name, 3, 12, "stands for 12 requests");
    testing_read(table, &labelled, &w);
    ck_assert_uint_eq(w.count, 2);
    workload_free(&w);
    static const char *const names[] = {"count",         "n_requests",         "num_requests",
                                        "Request Count", "num_model_requests", "api_requests"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[160];
        snprintf(text, sizeof text, "day,%s,in,out\n2026-11-01,2.0,5,5\n", names[i]);
        testing_refused_bytes(text, strlen(text), &by_name, 2, 12, "stands for 2.0 requests");
    }
    struct trace_options keys = {.keys = "input=usage.in,output=usage.out"};
    static const char line[] = "{\"usage\": {\"requests\": 3, \"in\": 1, \"out\": 1}}";
    testing_refused_bytes(line, strlen(line), &keys, 1, 0, "stands for 3 requests");
    static const char deep[] = "{\"usage\": {\"count\": 3, \"in\": 1, \"out\": 1}}";
    testing_read(deep, &keys, &w);
    workload_free(&w);
    testing_refused("{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, "
                    "\"num_requests\": 40}",
                    1, 0, "stands for 40 requests");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace fields");
    TCase *t = tcase_create("columns and keys");
    tcase_add_test(t, columns_by_name_and_by_number);
    tcase_add_test(t, columns_by_number_need_no_header);
    tcase_add_test(t, our_own_csv_needs_no_columns);
    tcase_add_test(t, bad_columns_are_named);
    tcase_add_test(t, keys_follow_paths);
    tcase_add_test(t, whole_usage_objects_are_understood);
    tcase_add_test(t, usage_that_contradicts_itself_is_resolved);
    tcase_add_test(t, fields_of_ones_own_count_before_the_usage_object);
    tcase_add_test(t, epochs_are_told_by_their_size);
    tcase_add_test(t, true_means_what_the_name_says);
    tcase_add_test(t, words_of_gateways_and_tracers_are_known);
    tcase_add_test(t, an_error_is_its_own_text_or_nothing);
    tcase_add_test(t, one_file_has_one_clock);
    tcase_add_test(t, the_earliest_row_is_zero_in_every_form);
    tcase_add_test(t, epochs_in_milliseconds_are_the_start);
    tcase_add_test(t, seconds_in_milliseconds_are_refused);
    tcase_add_test(t, a_row_that_stands_for_several_requests_is_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
