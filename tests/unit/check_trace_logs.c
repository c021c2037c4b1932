/* Logs of agents and gateways: forms found by their names, rows that repeat, rows that are no
 * calls. */
#include "testing_trace.h"

#include "core/file.h"
#include "workloads/trace/trace_fields.h"
#include "workloads/trace/trace_form.h"

#include <stdlib.h>

#define AGENT(id, kind, usage)                                                                  \
    "{\"type\": \"assistant\", \"sessionId\": \"s\", \"uuid\": \"u-" kind "\", "                \
    "\"timestamp\": \"2026-11-02T09:00:0" id ".250Z\", \"cwd\": \"/a\", \"message\": {\"id\": " \
    "\"msg_" id "\", \"model\": \"m-1\", \"content\": [{\"type\": \"" kind "\"}], "             \
    "\"usage\": " usage "}}\n"
#define USAGE(out)                                                                              \
    "{\"input_tokens\": 7, \"cache_creation_input_tokens\": 100, \"cache_read_input_tokens\": " \
    "900, \"output_tokens\": " out "}"

START_TEST(a_call_that_is_told_once_per_content_block_is_one)
{
    static const char log[] =
        "{\"type\": \"summary\", \"summary\": \"work\", \"leafUuid\": \"x\"}\n"
        "{\"type\": \"user\", \"sessionId\": \"s\", \"uuid\": \"u0\", \"timestamp\": "
        "\"2026-11-02T09:00:00Z\", \"message\": {\"role\": \"user\", \"content\": \"hi\"}}\n" AGENT(
            "1", "thinking", USAGE("3")) AGENT("1", "text", USAGE("3"))
            AGENT("1", "tool_use", USAGE("41")) AGENT("2", "text", USAGE("5"));
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    ck_assert_str_eq(report.format, "claude-code");
    ck_assert_uint_eq(w.count, 2);
    ck_assert(w.input_tokens[0] == 1007 && w.output_tokens[0] == 41 && w.output_tokens[1] == 5);
    ck_assert(w.usage[0].cached_input == 900 && w.usage[0].cache_write == 100);
    ck_assert_int_eq(w.timestamp_ns[1], NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "repeated"), 2);
    ck_assert_uint_eq(testing_note(&report, "user") + testing_note(&report, "summary"), 2);
    struct request r;
    workload_get(&w, 0, &r);
    ck_assert_str_eq(r.model, "m-1");
    ck_assert_str_eq(r.session_id, "s");
    workload_free(&w);
}
END_TEST

#define COUNT(second, total, last)                                                              \
    "{\"timestamp\": \"2026-11-02T09:00:0" second "Z\", \"type\": \"event_msg\", \"payload\": " \
    "{\"type\": \"token_count\", \"info\": {\"total_token_usage\": {\"input_tokens\": " total   \
    "}, \"last_token_usage\": {\"input_tokens\": " last ", \"output_tokens\": 6}}}}\n"

START_TEST(a_count_that_did_not_move_is_no_call)
{
    static const char log[] =
        "{\"timestamp\": \"2026-11-02T09:00:00Z\", \"type\": \"session_meta\", \"payload\": "
        "{\"id\": \"c1\"}}\n"
        "{\"timestamp\": \"2026-11-02T09:00:00Z\", \"type\": \"turn_context\", \"payload\": "
        "{\"model\": \"big\"}}\n"
        "{\"timestamp\": \"2026-11-02T09:00:01Z\", \"type\": \"event_msg\", \"payload\": "
        "{\"type\": "
        "\"token_count\", \"info\": null}}\n" COUNT("2", "50", "50") COUNT("3", "50", "50")
            COUNT("4", "90", "40") "{\"timestamp\": \"2026-11-02T09:00:05Z\", \"ty";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    struct request r;
    ck_assert_str_eq(report.format, "codex");
    ck_assert_uint_eq(w.count, 2);
    ck_assert(w.input_tokens[0] == 50 && w.input_tokens[1] == 40);
    ck_assert_int_eq(w.timestamp_ns[1], 2 * NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "repeated"), 1);
    ck_assert_uint_eq(testing_note(&report, "cut_short"), 1);
    workload_get(&w, 1, &r);
    ck_assert_str_eq(r.model, "big");
    ck_assert_str_eq(r.session_id, "c1");
    workload_free(&w);
}
END_TEST

/* %s is the count of one call, 7 that of the one before. */
START_TEST(a_count_that_is_null_is_unknown_and_not_zero)
{
    static const struct {
        const char *form, *log;
    } logs[] = {
        {"claude-code", "{\"type\": \"assistant\", \"isSidechain\": false, \"uuid\": \"u\", "
                        "\"sessionId\": \"s\", \"timestamp\": "
                        "\"2026-11-02T09:00:00Z\", \"requestId\": \"r%d\", \"message\": {\"id\": "
                        "\"m%d\", \"model\": \"m\", \"usage\": {\"input_tokens\": 4, "
                        "\"cache_read_input_tokens\": 9, \"output_tokens\": %s}}}\n"},
        {"claude-code", "{\"type\": \"assistant\", \"isSidechain\": false, \"uuid\": \"u\", "
                        "\"sessionId\": \"s\", \"timestamp\": "
                        "\"2026-11-02T09:00:00Z\", \"requestId\": \"r%d\", \"message\": {\"id\": "
                        "\"m%d\", \"model\": \"m\", \"usage\": {\"output_tokens\": 4, "
                        "\"cache_read_input_tokens\": 9, \"input_tokens\": %s}}}\n"},
        {"copilot",
         "{\"session_id\": \"s%d\", \"turns\": [{\"llm_calls\": [{\"message_id\": \"m%d\", "
         "\"timestamp\": \"2026-11-02T09:00:00Z\", \"model\": \"A\", \"tokens\": "
         "{\"prompt\": 9, \"completion\": %s, \"cached\": 3}}]}]}\n"},
        {"otel", "{\"attributes\": {\"event.name\": \"gemini_cli.api_response\", "
                 "\"event.timestamp\": \"2026-11-02T09:00:%02d.%dZ\", \"output_token_count\": 3, "
                 "\"input_token_count\": %s}}\n"},
        {"litellm", "{\"request_id\": \"r%d-%d\", \"call_type\": \"acompletion\", \"startTime\": "
                    "\"2026-11-02T09:00:00Z\", \"spend\": 0.5, \"status\": \"success\", "
                    "\"prompt_tokens\": 20, \"completion_tokens\": %s, \"metadata\": {}}\n"},
        {"usage-report", "{\"start_time\": 176204160%d, \"end_time\": 176212800%d, \"results\": "
                         "[{\"input_tokens\": 1000, \"output_tokens\": %s, "
                         "\"input_cached_tokens\": 8, \"num_model_requests\": 1}]}\n"},
        {"usage-report", "{\"start_time\": 176204160%d, \"end_time\": 176212800%d, \"results\": "
                         "[{\"input_tokens\": 1000, \"output_tokens\": 5, "
                         "\"input_cached_tokens\": %s, \"num_model_requests\": 1}]}\n"},
    };
    for (size_t i = 0; i < COUNT_OF(logs); i++) {
        struct buffer text;
        struct workload w;
        buffer_init(&text, BUFFER_UNBOUNDED);
        for (int row = 0; row < 3; row++)
            buffer_add_format(&text, logs[i].log, row, row, row == 1 ? "null" : "7");
        struct trace_report report = testing_read(text.data, NULL, &w);
        ck_assert_str_eq(report.format, logs[i].form);
        ck_assert_msg(w.count == 2, "%s: %zu rows", logs[i].form, w.count);
        ck_assert_uint_eq(testing_note(&report, "unknown_tokens"), 1);
        ck_assert(w.output_tokens[0] == w.output_tokens[1] && w.output_tokens[0] > 0);
        workload_free(&w);
        buffer_free(&text);
    }
}
END_TEST

START_TEST(rows_can_be_chosen_and_joined)
{
    struct trace_options o = {
        .columns = "timestamp=t,input=i,output=o,where=kind:llm|embed,skip=who:test,unique=id"};
    static const char table[] = "t,kind,who,id,i,o\n"
                                "0,llm,a,x,10,1\n"
                                "1,chain,a,y,11,1\n"
                                "2,llm,test,z,12,what\n"
                                "3,llm,a,x,10,4\n"
                                "4,llm,a,x,10,2\n"
                                "5,embed,b,,13,0\n"
                                "6,embed,b,,13,0\n";
    struct workload w;
    struct trace_report report = testing_read(table, &o, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert(w.output_tokens[0] == 4 && w.timestamp_ns[0] == 0);
    ck_assert(w.input_tokens[1] == 13 && w.timestamp_ns[2] == 6 * NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "filtered"), 2);
    ck_assert_uint_eq(testing_note(&report, "repeated"), 2);
    workload_free(&w);
    o.columns = "timestamp=t,input=i,output=o,where=kind";
    struct error err = {0};
    ck_assert_int_eq(testing_read_bytes(table, strlen(table), &o, &w, NULL, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "where=SOURCE:VALUE"), "%s", err.message);
}
END_TEST

START_TEST(every_form_is_whole)
{
    struct trace_form f;
    size_t count = 0;
    for (; trace_form_at(count, &f); count++) {
        struct trace_mappings map;
        struct error err = {0};
        ck_assert_msg(f.about[0] && f.export[0] && /* a public page, or one of ours */
                          (strncmp(f.source, "http", 4) == 0 || file_exists(f.source)),
                      "%s", f.name);
        ck_assert_msg(trace_mappings_parse(f.fields, "form", &map, &err) == 0, "%s: %s", f.name,
                      err.message);
        ck_assert_msg(f.has_count > 1 && (trace_mapping_of(&map, FIELD_TIMESTAMP) ||
                                          strcmp(f.name, "llmperf") == 0), /* which writes none */
                      "%s", f.name);
        trace_mappings_free(&map);
        trace_form_free(&f);
    }
    ck_assert_uint_ge(count, 15);
}
END_TEST

START_TEST(gateways_logs_are_known_by_their_names)
{
    static const struct {
        const char *text, *form;
        uint32_t input, output;
    } logs[] = {
        {"[{\"request_id\": \"a\", \"call_type\": \"acompletion\", \"spend\": 0.25, \"startTime\": "
         "\"2026-11-02T09:00:00Z\", \"endTime\": \"2026-11-02T09:00:02Z\", \"model\": \"m\", "
         "\"prompt_tokens\": 20, \"completion_tokens\": 4, \"status\": \"success\"}]",
         "litellm", 20, 4},
        {"{\"data\": [{\"id\": \"o\", \"traceId\": \"t\", \"type\": \"SPAN\", \"startTime\": "
         "\"2026-11-02T09:00:00Z\", \"usageDetails\": {}}, {\"id\": \"p\", \"traceId\": \"t\", "
         "\"type\": \"GENERATION\", \"startTime\": \"2026-11-02T09:00:00Z\", \"usageDetails\": "
         "{\"input_tokens\": 30, \"output_tokens\": 5}}]}",
         "langfuse", 30, 5},
        {"request_id,call_type,startTime,prompt_tokens,completion_tokens,cache_hit\n"
         "a,acompletion,2026-11-02 09:00:00,41,6,False\nb,acompletion,2026-11-02 "
         "09:00:00,1,6,True\n",
         "litellm-table", 41, 6},
        {"id,traceId,startTime,model,usageDetails\n"
         "a,t,2026-11-02T09:00:00Z,m,\"{\"\"input\"\": 30, \"\"input_cached_tokens\"\": 12, "
         "\"\"output\"\": 7}\"\n",
         "langfuse-table", 42, 7},
        {"{\"id\": \"o\", \"trace_id\": \"t\", \"type\": \"GENERATION\", \"start_time\": "
         "\"2026-11-02 09:00:00.5\", \"usage_details\": \"{\\\"input\\\": 43, \\\"output\\\": "
         "8}\"}\n",
         "langfuse-export", 43, 8},
        {"{\"data\": {\"id\": \"g\", \"created_at\": \"2026-11-02T09:00:00Z\", "
         "\"native_tokens_prompt\": 44, \"native_tokens_completion\": 9, "
         "\"native_tokens_cached\": 40, \"total_cost\": 0.01}}\n",
         "openrouter-generation", 44, 9},
        {"[{\"start_time\": 5.5, \"end_time\": 6.5, \"request\": \"{}\", \"response\": \"\", "
         "\"info\": {\"input_tokens\": 45, \"output_tokens\": 10}, \"error\": null}]",
         "inference-perf", 45, 10},
        {"[{\"scheduled_time\": 5.4, \"start_time\": 5.5, \"end_time\": 6.5, \"session_id\": "
         "\"s\", "
         "\"request_data\": \"{}\", \"info\": {\"request_metrics\": {\"text\": {\"input_tokens\": "
         "45}}, "
         "\"response_metrics\": {\"output_tokens\": 10}, \"input_tokens\": 45}, \"error\": null}]",
         "inference-perf-nested", 45, 10},
        {"[{\"TimeGenerated\": \"2026-11-02T09:00:00.5Z\", \"ModelName\": \"m\", "
         "\"DeploymentName\": "
         "\"d\", \"Region\": \"East US\", \"PromptTokens\": 45, \"CompletionTokens\": 10, "
         "\"TotalTokens\": 55, \"SequenceNumber\": 0, \"CorrelationId\": \"c\"}]",
         "azure-llm-log", 45, 10},
        {"\"TimeGenerated [UTC]\",CorrelationId,ModelName,DeploymentName,Region,PromptTokens,"
         "CompletionTokens,SequenceNumber\n"
         "2026-11-02T09:00:00Z,c,m,d,East US,45,10,0\n2026-11-02T09:00:00Z,c,m,d,East US,0,0,1\n",
         "azure-llm-log-table", 45, 10},
        {"[{\"error_code\": null, \"end_to_end_latency_s\": 1.5, \"number_input_tokens\": 46, "
         "\"number_output_tokens\": 11}]",
         "llmperf", 46, 11},
        {"{\"schemaType\": \"ModelInvocationLog\", \"timestamp\": \"2026-11-02T09:00:00Z\", "
         "\"requestId\": \"r\", \"modelId\": \"m\", \"input\": {\"inputTokenCount\": 7, "
         "\"cacheReadInputTokenCount\": 40}, \"output\": {\"outputTokenCount\": 12}}\n",
         "bedrock", 47, 12},
        {"{\"result\": [{\"id\": \"1\", \"created_at\": \"2026-11-02T09:00:00Z\", \"provider\": "
         "\"openai\", \"model\": \"m\", \"tokens_in\": 48, \"tokens_out\": 13, \"cached\": false, "
         "\"success\": true}]}",
         "cloudflare", 48, 13},
        {"TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15 00:00:00.1,2,49,14\n",
         "azure-multimodal", 49, 14},
        {"generation_id,created_at,tokens_prompt,tokens_completion,cost_total,cancelled\n"
         "g,2026-11-02 09:00:00,40,6,0.001,false\n",
         "openrouter", 40, 6},
    };
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct workload w;
        struct trace_report report = testing_read(logs[i].text, NULL, &w);
        ck_assert_str_eq(report.format, logs[i].form);
        ck_assert_uint_eq(w.count, 1);
        ck_assert(w.input_tokens[0] == logs[i].input && w.output_tokens[0] == logs[i].output);
        workload_free(&w);
    }
}
END_TEST

START_TEST(own_prompts_are_sent_as_they_are)
{
    static const char log[] =
        "[{\"id\": \"a\", \"conversations\": [{\"from\": \"human\", \"value\": \"abcdefgh\"}, "
        "{\"from\": \"gpt\", \"value\": \"abcd\"}, {\"from\": \"human\", \"value\": \"x\"}, "
        "{\"from\": \"gpt\", \"value\": \"abcdefghijkl\"}]}]";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    char *text = testing_write(&w, TRACE_CANONICAL);
    ck_assert_str_eq(report.format, "prompts");
    ck_assert_uint_eq(w.count, 2);
    ck_assert_msg(strstr(text, "\"messages\": [{\"role\": \"user\", \"content\": \"abcdefgh\"}, "
                               "{\"role\": \"assistant\", \"content\": \"abcd\"}, {\"role\": "
                               "\"user\", \"content\": \"x\"}]}\n"),
                  "%s", text);
    ck_assert_msg(strstr(text, "\"after\": [\"r1\"]"), "%s", text);
    ck_assert_uint_eq(testing_note(&report, "output_tokens_estimated"), 2);
    free(text);
    workload_free(&w);
    testing_read("{\"prompt\": \"What is it?\", \"output_tokens\": 20}\n{\"prompt\": \"b\"}\n",
                 NULL, &w);
    ck_assert(w.count == 2 && w.output_tokens[0] == 20 && w.input_tokens[0] == 4);
    workload_free(&w);
    testing_refused("{\"messages\": [{\"role\": \"owl\", \"content\": \"x\"}]}\n", 1, 1, "a role");
}
END_TEST

START_TEST(later_turns_with_a_delay_alone_wait_for_the_turn_before)
{
    static const char trace[] =
        "{\"session_id\": \"s\", \"timestamp\": 0, \"input_length\": 10, \"output_length\": 4}\n"
        "{\"session_id\": \"t\", \"timestamp\": 5, \"input_length\": 11, \"output_length\": 4}\n"
        "{\"session_id\": \"s\", \"delay\": 250, \"input_length\": 20, \"output_length\": 4}\n"
        "{\"session_id\": \"s\", \"delay\": 50, \"text_input\": \"12345678\", \"output_length\": "
        "4}\n";
    struct workload w;
    testing_read(trace, NULL, &w);
    ck_assert(w.after_start[2] == 0 && w.after[0] == 0 && w.after[1] == 2);
    ck_assert(w.delay_ns[2] == 250 * NS_PER_MS && w.timestamp_ns[2] == TIME_NEVER);
    ck_assert_uint_eq(w.input_tokens[3], 2);
    workload_free(&w);
    testing_refused("{\"timestamp\": 0, \"input_length\": 5}\n", 1, 0, "\"output_length\"");
    testing_refused(
        "{\"session_id\": \"s\", \"delay\": 5, \"input_length\": 5, \"output_length\": 1}\n", 1, 0,
        "\"timestamp\" or \"after\"");
}
END_TEST

/* Writes a file below a folder. */
static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    struct error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(file_write_atomic(path, text, strlen(text), &err) == 0, "%s", err.message);
}

START_TEST(a_folder_of_logs_is_one_workload)
{
    char folder[] = "/tmp/farebox-logs-XXXXXX", deep[64], pattern[96];
    struct workload w;
    struct trace_report report;
    struct error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(deep, sizeof deep, "%s/deep", folder);
    ck_assert_int_eq(file_make_directories(deep, &err), 0);
    put(folder, "a.jsonl", AGENT("1", "text", USAGE("3")));
    put(folder, "z.json", "{\"settings\": true}\n");
    put(folder, "notes.md", "no log\n");
    put(deep, "b.jsonl", AGENT("1", "text", USAGE("3")) AGENT("4", "text", USAGE("8")));
    workload_init(&w);
    ck_assert_msg(trace_read(folder, NULL, &w, &report, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(w.count, 2);
    ck_assert_int_eq(w.timestamp_ns[1], 3 * NS_PER_S);
    ck_assert_uint_eq(testing_note(&report, "other_file"), 1);
    ck_assert_uint_eq(testing_note(&report, "repeated"), 1);
    workload_free(&w);
    snprintf(pattern, sizeof pattern, "%s/*.jsonl", deep);
    ck_assert_msg(trace_read(pattern, NULL, &w, NULL, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(w.count, 2);
    workload_free(&w);
    snprintf(pattern, sizeof pattern, "%s/*.csv", deep);
    ck_assert_int_eq(trace_read(pattern, NULL, &w, NULL, &err), ERR_INPUT);
    ck_assert_str_eq(err.message, "matches no file");
    testing_remove(folder);
}
END_TEST

START_TEST(a_fault_in_a_later_file_is_told_there)
{
    char folder[] = "/tmp/farebox-logs-XXXXXX";
    struct workload w;
    struct error err = {0};
    struct trace_options o = {.columns = "timestamp=t,input=i,output=o"};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    put(folder, "1.csv", "t,i,o\n0,1,2\n1,1,2");
    put(folder, "2.csv", "t,i,o\n2,1,2\n");
    workload_init(&w);
    ck_assert_msg(trace_read(folder, &o, &w, NULL, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(w.count, 3);
    workload_free(&w);
    put(folder, "2.csv", "t,i,o\n2,1,2\n3,x,2\n");
    ck_assert_int_eq(trace_read(folder, &o, &w, NULL, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.file, "2.csv") && err.line == 3, "%s:%ld", err.file, err.line);
    testing_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_logs");
    TCase *t = tcase_create("logs");
    tcase_add_test(t, a_call_that_is_told_once_per_content_block_is_one);
    tcase_add_test(t, a_count_that_did_not_move_is_no_call);
    tcase_add_test(t, a_count_that_is_null_is_unknown_and_not_zero);
    tcase_add_test(t, rows_can_be_chosen_and_joined);
    tcase_add_test(t, every_form_is_whole);
    tcase_add_test(t, gateways_logs_are_known_by_their_names);
    tcase_add_test(t, own_prompts_are_sent_as_they_are);
    tcase_add_test(t, a_folder_of_logs_is_one_workload);
    tcase_add_test(t, a_fault_in_a_later_file_is_told_there);
    tcase_add_test(t, later_turns_with_a_delay_alone_wait_for_the_turn_before);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
