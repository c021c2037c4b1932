/* Tables as spreadsheets, data frames and web pages save them. */
#include "testing_trace.h"

#include "core/utf16.h"
#include "workloads/trace/value/instant.h"
#include "workloads/trace/value/number.h"

#define COLUMNS "timestamp=time,input=in,output=out"
#define AT_TEN INT64_C(1772359200) /* 2026-03-01 10:00:00 UTC */

/* One request, 1,234 tokens in and 5 out, at ten. */
static void check_one_row(const char *bytes, size_t length, const char *columns)
{
    struct workload w;
    struct error err = {0};
    struct trace_options o = {.columns = columns};
    int status = testing_read_bytes(bytes, length, &o, &w, NULL, &err);
    ck_assert_msg(status == 0, "%ld:%ld: %s in\n%s", err.line, err.column, err.message, bytes);
    ck_assert_uint_eq(w.count, 1);
    ck_assert_msg(w.input_tokens[0] == 1234, "%u in\n%s", w.input_tokens[0], bytes);
    ck_assert_msg(w.output_tokens[0] == 5, "%u in\n%s", w.output_tokens[0], bytes);
    ck_assert_int_eq(w.start_unix_ns, AT_TEN * NS_PER_S);
    workload_free(&w);
}

START_TEST(any_separator_is_found)
{
    static const char *const tables[] = {
        "time,in,out\n2026-03-01 10:00:00,1234,5\n",
        "time;in;out\r\n2026-03-01 10:00:00;1234;5\r\n",
        "\xEF\xBB\xBFtime;in;out\n2026-03-01 10:00:00;1.234;5\n",
        "time\tin\tout\n2026-03-01 10:00:00\t1234\t5\n",
        "time|in|out\n2026-03-01 10:00:00|1234|5\n",
        "sep=;\ntime;in;out\n2026-03-01 10:00:00;1234;5\n",
        "\"sep=\t\"\r\ntime\tin\tout\r\n2026-03-01 10:00:00\t1234\t5\r\n",
        "\"a, b, c\";time;in;out\nx;2026-03-01 10:00:00;1234;5\n",
        "time,in,out,\"a;b;c;d\"\n2026-03-01 10:00:00,1234,5,x\n",
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        check_one_row(tables[i], strlen(tables[i]), COLUMNS);
}
END_TEST

START_TEST(utf16_is_read_in_both_orders)
{
    static const char table[] = "time,in,out,who\n2026-03-01 10:00:00,1234,5,\xC3\xBC\n";
    struct buffer wide;
    for (int big = 0; big < 2; big++) {
        buffer_init(&wide, BUFFER_UNBOUNDED);
        buffer_add(&wide, big ? "\xFE\xFF" : "\xFF\xFE", 2);
        for (const unsigned char *p = (const unsigned char *)table; *p; p++) {
            unsigned unit = *p == 0xC3 ? 0xFC : *p;
            if (*p == 0xBC)
                continue;
            char pair[2] = {(char)(big ? unit >> 8 : unit), (char)(big ? unit : unit >> 8)};
            buffer_add(&wide, pair, 2);
        }
        check_one_row(wide.data, wide.length, COLUMNS ",label.who=who");
        buffer_free(&wide);
    }
}
END_TEST

START_TEST(utf16_in_pieces_is_utf16_at_once)
{
    static const char wide[] = "a\0\x3D\xD8\x00\xDE\x3D\xD8z\0\x00\xDC";
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    ck_assert_int_eq(utf16_to_utf8(wide, 4, false, &out), 2);
    ck_assert_int_eq(utf16_to_utf8(wide + 2, 10, false, &out), 10);
    ck_assert_str_eq(out.data, "a\xF0\x9F\x98\x80\xEF\xBF\xBDz\xEF\xBF\xBD");
    buffer_free(&out);
}
END_TEST

START_TEST(quoted_fields_hold_line_ends)
{
    static const char table[] = "time,prompt,in,out\n"
                                "2026-03-01 10:00:00,\"say \"\"hi\"\"\n\n,then;\",10,5\n"
                                "2026-03-01 10:00:01,\"\",11,5\n"
                                "2026-03-01 10:00:02,\"a\r\nb\",12,\"5\n\"\n";
    struct workload w;
    struct trace_options o = {.columns = COLUMNS};
    struct error err = {0};
    ck_assert_int_eq(testing_read_bytes(table, strlen(table) - 13, &o, &w, NULL, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "in all of the file"), "%s", err.message);
    ck_assert(err.line == 6 && err.column == 21);
    struct trace_report report = testing_read(table, &o, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert_uint_eq(report.lines, 8);
    ck_assert(w.input_tokens[0] == 10 && w.input_tokens[2] == 12 && w.output_tokens[2] == 5);
    workload_free(&w);
    testing_refused_bytes("time,prompt,in,out\n2026-03-01,\"a\nb\",x,5\n", 41, &o, 3, 4,
                          "found \"x\"");
    testing_refused_bytes("time,prompt,in,out\n2026-03-01,\"a\nb\"c,1,5\n", 42, &o, 3, 3,
                          "closing");
}
END_TEST

START_TEST(numbers_are_read_as_they_are_written)
{
    static const struct {
        const char *text;
        bool comma;
        int64_t count; /* -1: none */
    } cases[] = {
        {"1234", false, 1234},
        {"1,234", false, 1234},
        {"1,234,567", false, 1234567},
        {"1234.0", false, 1234},
        {"1.234e3", false, 1234},
        {"1,234.00", false, 1234},
        {"1'234", false, 1234},
        {"1 234", false, 1234},
        {"1\xC2\xA0"
         "234",
         false, 1234},
        {"1_234", false, 1234},
        {"1\xE2\x80\xAF"
         "234",
         true, 1234},
        {"1.234", true, 1234},
        {"1.234.567", true, 1234567},
        {"1234,0", true, 1234},
        {"12,34", false, -1},
        {"1,2345", false, -1},
        {"1234,567", false, -1},
        {"1.5", false, -1},
        {"1.234", false, -1},
        {"1,234", true, -1},
        {"-5", false, -1},
        {"", false, -1},
        {"1,", false, -1},
        {",123", false, -1},
        {"12a", false, -1},
        {"1e400", false, -1},
        {"0", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t got = 0;
        bool good = number_count(text_of(cases[i].text), cases[i].comma, &got);
        ck_assert_msg(good == (cases[i].count >= 0), "\"%s\"", cases[i].text);
        if (good)
            ck_assert_msg((int64_t)got == cases[i].count, "\"%s\"", cases[i].text);
    }
}
END_TEST

START_TEST(dollars_are_read_as_they_are_written)
{
    static const struct {
        const char *text, *plain;
        bool comma;
    } good[] = {
        {"$0.00123", "0.00123", false},   {"0.00123 USD", "0.00123", false},
        {"US$ 1,234.5", "1234.5", false}, {"1.2e-05", "0.000012", false},
        {"0,0012", "0.0012", true},       {"1.234,50", "1234.5", true},
    };
    static const char *const bad[] = {"\xE2\x82\xAC"
                                      "1.20",
                                      "1.20 EUR", "$", "abc", "$1.2.3"};
    money a, b;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(number_dollars(text_of(good[i].text), good[i].comma, &a), "%s", good[i].text);
        ck_assert_int_eq(money_parse(good[i].plain, strlen(good[i].plain), MONEY_PER_ONE, &b),
                         MONEY_OK);
        ck_assert_msg(a == b, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!number_dollars(text_of(bad[i]), false, &a), "%s", bad[i]);
}
END_TEST

START_TEST(instants_are_read_in_every_certain_form)
{
    static const char *const ten[] = {
        "2026-03-01 10:00:00",
        "2026-03-01T10:00:00Z",
        "2026-03-01T10:00",
        "2026-03-01 10:00:00 UTC",
        "2026-03-01 10:00:00.000000 UTC",
        "2026-03-01 10:00:00 +0000",
        "2026-03-01 12:00:00 +02",
        "2026-03-01 10:00:00,000",
        "2026/03/01 10:00",
        "20260301T100000Z",
        "Sun, 01 Mar 2026 10:00:00 GMT",
        "Sun, 1 Mar 2026 05:00:00 -0500",
        "Sun Mar  1 10:00:00 2026",
        "Sun Mar  1 10:00:00 UTC 2026",
        "01/Mar/2026:10:00:00 +0000",
        "1 March 2026, 10:00",
        "March 1, 2026 10:00:00 AM",
        "Mar 1, 2026 at 10:00 am",
        "1.3.2026 10:00",
        "01-Mar-2026 10:00:00",
    };
    static const char *const none[] = {
        "2026-02-30 10:00:00",
        "2026-03-01 24:00:00",
        "2026-03-01 10:00:00 CET",
        "13/13/2026 10:00",
        "2026-03-01 13:00:00 PM",
        "yesterday",
        "2026-03",
        "2026-03-01 10:00:00 +2500",
        "",
    };
    struct instant_rules rules = {0};
    int64_t ns;
    for (size_t i = 0; i < sizeof ten / sizeof *ten; i++) {
        ck_assert_msg(instant_parse(text_of(ten[i]), &rules, &ns) == INSTANT_GOOD, "%s", ten[i]);
        ck_assert_msg(ns == AT_TEN * NS_PER_S, "%s", ten[i]);
    }
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(instant_parse(text_of(none[i]), &rules, &ns) == INSTANT_NONE, "%s", none[i]);
}
END_TEST

START_TEST(months_are_asked_for_and_not_guessed)
{
    struct instant_rules rules = {0};
    int64_t ns, day = 86400 * NS_PER_S;
    struct text text = text_of("3/1/2026, 10:00:00.000 AM");
    ck_assert_int_eq(instant_parse(text, &rules, &ns), INSTANT_AMBIGUOUS);
    rules.order = DATES_MONTH_FIRST;
    ck_assert_int_eq(instant_parse(text, &rules, &ns), INSTANT_GOOD);
    ck_assert_int_eq(ns, AT_TEN * NS_PER_S);
    rules.order = DATES_DAY_FIRST;
    ck_assert_int_eq(instant_parse(text, &rules, &ns), INSTANT_GOOD);
    ck_assert_int_eq(ns, AT_TEN * NS_PER_S - 57 * day);
    rules.order = DATES_NOT_SAID;
    ck_assert_int_eq(instant_parse(text_of("3/13/2026 10:00"), &rules, &ns), INSTANT_GOOD);
    ck_assert_int_eq(ns, AT_TEN * NS_PER_S + 12 * day);
    struct trace_options o = {.columns = COLUMNS};
    static const char table[] = "time,in,out\n3/1/2026 10:00,1,1\n";
    testing_refused_bytes(table, strlen(table), &o, 2, 1, "--dates");
}
END_TEST

START_TEST(times_without_a_zone_are_of_the_one_that_is_named)
{
    struct workload w;
    struct trace_options o = {.columns = COLUMNS, .timezone = "+02:00"};
    static const char *const same[] = {"time,in,out\n2026-03-01 12:00:00,1234,5\n",
                                       "time,in,out\n2026-03-01T10:00:00Z,1234,5\n"};
    for (size_t i = 0; i < 2; i++) {
        testing_read(same[i], &o, &w);
        ck_assert_int_eq(w.start_unix_ns, AT_TEN * NS_PER_S);
        workload_free(&w);
    }
    struct error err = {0};
    o.timezone = "Europe/Berlin";
    ck_assert_int_eq(testing_read_bytes(same[0], strlen(same[0]), &o, &w, NULL, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "fixed offset"), "%s", err.message);
}
END_TEST

START_TEST(rows_that_are_no_calls_are_counted)
{
    static const char table[] = "time,kind,in,out,status\n"
                                "2026-03-01 10:00:00,chain,,,ok\n"
                                "2026-03-01 10:00:00,llm,1000,100,ok\n"
                                "2026-03-01 10:00:00,tool,nan,nan,ok\n"
                                "2026-03-01 10:00:01,llm,nan,,error\n";
    struct workload w;
    struct trace_options o = {.columns = COLUMNS ",status=status"};
    struct trace_report report = testing_read(table, &o, &w);
    ck_assert_uint_eq(w.count, 2);
    ck_assert_uint_eq(testing_note(&report, "no_counts"), 2);
    ck_assert_uint_eq(w.input_tokens[1], 0);
    workload_free(&w);
    testing_refused_bytes("time,in,out\n2026-03-01,,\n", 25, &o, 0, 0, "column \"status\"");
    o.columns = COLUMNS;
    testing_refused_bytes("time,in,out\n2026-03-01,,\n", 25, &o, 0, 0, "taken for no calls");
    testing_refused_bytes("time,in,out\n2026-03-01,1,\n", 26, &o, 2, 1, "output token count");
}
END_TEST

START_TEST(an_unknown_table_is_answered_with_a_mapping)
{
    static const struct {
        const char *table, *mapping;
    } cases[] = {
        {"Start Time;Prompt Tokens;Completion Tokens;Model\n1;2;3;m\n",
         "--columns 'timestamp=Start Time,input=Prompt Tokens,output=Completion Tokens,"
         "model=Model'"},
        {"created_at\tmodel\tinput_tokens\toutput_tokens\tspend\n",
         "--columns timestamp=created_at,input=input_tokens,output=output_tokens,model=model,"
         "cost_usd=spend"},
        {"{\"ts\": 1, \"req\": {\"model\": \"m\"}, \"usage\": {\"prompt_tokens\": 1}}\n",
         "--keys timestamp=ts,model=req.model,usage=usage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        testing_refused(cases[i].table, 1, 0, cases[i].mapping);
}
END_TEST

START_TEST(json_documents_are_read_element_by_element)
{
    static const char *const documents[] = {
        "[{\"t\": 0, \"i\": 1, \"o\": 2}, {\"t\": 1, \"i\": 3, \"o\": 4}]",
        "[\n  {\"t\": 0,\n \"i\": 1, \"o\": 2},\n  {\"t\": 1, \"i\": 3, \"o\": 4, \"x\": "
        "\"]}\\\"\"}\n]\n",
        "{\"object\": \"list\", \"errors\": [{\"t\": 9}], \"data\": [{\"t\": 0, \"i\": 1, \"o\": "
        "2},\n"
        "{\"t\": 1, \"i\": 3, \"o\": 4}], \"more\": [{}]}",
        "{\n\"t\": 0, \"i\": 1, \"o\": 2}\n{\"t\": 1,\n\"i\": 3, \"o\": 4\n}\n",
    };
    struct trace_options o = {.keys = "timestamp=t,input=i,output=o"};
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct workload w;
        testing_read(documents[i], &o, &w);
        ck_assert_uint_eq(w.count, 2);
        ck_assert(w.input_tokens[0] == 1 && w.output_tokens[0] == 2);
        ck_assert(w.input_tokens[1] == 3 && w.output_tokens[1] == 4);
        ck_assert_int_eq(w.timestamp_ns[1], NS_PER_S);
        workload_free(&w);
    }
}
END_TEST

START_TEST(a_document_that_is_cut_gives_its_rows_up_to_there)
{
    static const char whole[] =
        "{\"data\": [{\"t\": 0, \"i\": 1, \"o\": 2}, {\"t\": 1, \"i\": 3, \"o\": 4}]}";
    struct trace_options o = {.keys = "timestamp=t,input=i,output=o"};
    size_t first = (size_t)(strchr(whole, '}') - whole) + 1;
    for (size_t length = first; length < strlen(whole); length++) {
        struct workload w;
        struct error err = {0};
        struct trace_report report;
        ck_assert_int_eq(testing_read_bytes(whole, length, &o, &w, &report, &err), 0);
        ck_assert_uint_eq(w.count, length < strlen(whole) - 2 ? 1 : 2);
        ck_assert_uint_eq(testing_note(&report, "cut_short"), 1);
        workload_free(&w);
    }
}
END_TEST

START_TEST(a_fault_in_a_document_is_told_at_its_line)
{
    struct trace_options o = {.keys = "timestamp=t,input=i,output=o"};
    static const char text[] =
        "[{\"t\": 0, \"i\": 1, \"o\": 2},\n{\"t\": 1,\n \"i\": \"x\", \"o\": 4}]";
    testing_refused_bytes(text, strlen(text), &o, 3, 7, "found \"\"x\"\"");
    static const char rows[] = "[{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1},\n"
                               "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": -1}]";
    testing_refused(rows, 2, 54, "found -1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_tables");
    TCase *t = tcase_create("tables");
    tcase_add_test(t, any_separator_is_found);
    tcase_add_test(t, utf16_is_read_in_both_orders);
    tcase_add_test(t, utf16_in_pieces_is_utf16_at_once);
    tcase_add_test(t, quoted_fields_hold_line_ends);
    tcase_add_test(t, numbers_are_read_as_they_are_written);
    tcase_add_test(t, dollars_are_read_as_they_are_written);
    tcase_add_test(t, instants_are_read_in_every_certain_form);
    tcase_add_test(t, months_are_asked_for_and_not_guessed);
    tcase_add_test(t, times_without_a_zone_are_of_the_one_that_is_named);
    tcase_add_test(t, rows_that_are_no_calls_are_counted);
    tcase_add_test(t, an_unknown_table_is_answered_with_a_mapping);
    tcase_add_test(t, json_documents_are_read_element_by_element);
    tcase_add_test(t, a_document_that_is_cut_gives_its_rows_up_to_there);
    tcase_add_test(t, a_fault_in_a_document_is_told_at_its_line);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
