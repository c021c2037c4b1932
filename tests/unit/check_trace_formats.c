/* Every recorded form that is read: files of our own in tests/data/, recorded ones where there are
 * some, and lines made by hand from the documented form. */
#include "testing_trace.h"

/* A numbered id is made in the row that was got: it is valid until the next call. */
static struct request row_of(const struct workload *w, size_t i)
{
    static struct request r;
    workload_get(w, i, &r);
    return r;
}

/* Whatever was read goes through the canonical form unchanged. */
static void survives_the_canonical_form(const struct workload *w)
{
    struct workload again;
    char *first = testing_write(w, TRACE_CANONICAL);
    testing_read(first, NULL, &again);
    char *second = testing_write(&again, TRACE_CANONICAL);
    ck_assert_str_eq(first, second);
    ck_assert_uint_eq(again.count, w->count);
    free(first);
    free(second);
    workload_free(&again);
}

static const struct {
    const char *file;
    int64_t third_s;
    uint32_t third_input;
} first_burstgpts[] = {{"tests/data/burstgpt_1.csv", 135, 442},
                       {"burstgpt/burstgpt_1_slice400.csv", 118, 417}};

START_TEST(burstgpt_v1)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(first_burstgpts[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "burstgpt");
    struct request r = row_of(&w, 2);
    ck_assert_int_eq(r.timestamp_ns, first_burstgpts[_i].third_s * NS_PER_S);
    ck_assert_str_eq(r.model, "GPT-4");
    ck_assert_str_eq(r.class_name, "Conversation log");
    ck_assert_uint_eq(r.input_tokens, first_burstgpts[_i].third_input);
    ck_assert_ptr_null(r.session_id);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file, *session, *extra;
    size_t count, without_session, failed;
    int64_t first_s; /* of the day that it began */
} third_burstgpts[] = {
    {"tests/data/burstgpt_3.csv", "00000000-0000-4000-8000-000000000000", "\"elapsed_s\": 3", 12, 2,
     1, 95},
    {"burstgpt/burstgpt_3_first116.csv", "1722ac82-0a46-4bf0-aa08-89794e7a2b3f",
     "\"elapsed_s\": 43", 116, 6, 1, 110},
};

START_TEST(burstgpt_v3_keeps_the_time_of_day_and_the_sessions)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(third_burstgpts[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "burstgpt v3");
    ck_assert_uint_eq(w.count, third_burstgpts[_i].count);
    struct request r = row_of(&w, 0);
    ck_assert_int_eq(r.timestamp_ns, third_burstgpts[_i].first_s * NS_PER_S);
    ck_assert_str_eq(r.session_id, third_burstgpts[_i].session);
    ck_assert(text_equal(r.extra, third_burstgpts[_i].extra));
    size_t without_session = 0, failed = 0;
    for (size_t i = 0; i < w.count; i++) {
        without_session += !row_of(&w, i).session_id;
        failed += row_of(&w, i).status == REQUEST_FAILED;
    }
    ck_assert_uint_eq(without_session, third_burstgpts[_i].without_session);
    ck_assert_uint_eq(failed, third_burstgpts[_i].failed);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file, *session, *extra;
    size_t first_week;
    int64_t last_s, next_s; /* around the restart of the clock */
} fortnights[] = {
    {"tests/data/ragpulse.jsonl", "0000-own", "\"components\": {\"sys_prompt\": [1, 2, 10]", 360,
     604790, 604840},
    {"ragpulse/0_trace.jsonl", "1757476916095-afhwfadnh5ew",
     "\"components\": {\"sys_prompt\": [8302, 14332, 15199]", 3800, 604453, 604800},
};

START_TEST(ragpulse_weeks_follow_each_other)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(fortnights[_i].file, &w, &report);
    size_t next = fortnights[_i].first_week;
    ck_assert_int_eq(w.timestamp_ns[next - 1], fortnights[_i].last_s * NS_PER_S);
    ck_assert_int_eq(w.timestamp_ns[next], fortnights[_i].next_s * NS_PER_S);
    struct request r = row_of(&w, 0);
    ck_assert_str_eq(r.session_id, fortnights[_i].session);
    ck_assert_uint_eq(r.hash_count, 0);
    ck_assert(text_starts(r.extra, fortnights[_i].extra));
    workload_free(&w);
}
END_TEST

START_TEST(a_small_step_back_is_no_new_week)
{
    struct workload w;
    struct trace_report report =
        testing_read("{\"timestamp\": \"400000\", \"input_length\": 1, \"output_length\": 1, "
                     "\"hash_ids\": {}, \"session_id\": \"a\"}\n"
                     "{\"timestamp\": \"300000\", \"input_length\": 1, \"output_length\": 1, "
                     "\"hash_ids\": {}, \"session_id\": \"a\"}\n",
                     NULL, &w);
    ck_assert_uint_eq(testing_note(&report, "clock_restarted"), 0);
    ck_assert_uint_eq(testing_note(&report, "time_went_back"), 1);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file;
    size_t count, second, codex; /* rows: the second of Claude's session, Codex's first */
    uint64_t claude, codex_sum;  /* bills in millionths of a cent, divided by 100 */
    uint64_t reasoning;
    int64_t delay_ms, apart_ms; /* of Claude's second round */
    const char *start;
} tracelabs[] = {
    /* Claude: 1020 x 500 + 98000 x 50 + 5000 x 625 + 1050 x 2500; Codex: 6040, 12960 and 420 */
    {"tests/data/tracelab.jsonl", 5, 1, 3, 11160000, 2464000, 120, 125, 5375,
     "2026-04-07T07:59:58.125Z"},
    /* Claude at $5, 0.50, 6.25 and 25 per million: $0.5795915; Codex at 2.50, 0.25 and 15:
       $0.0893795 */
    {"tracelab/round_trace.jsonl", 19, 1, 10, 57959150, 8937950,
     199 + 11 + 15 + 26 + 96 + 69 + 41 + 124, 49, 11545, "2026-03-21T10:05:59.328Z"},
};

START_TEST(tracelab_rounds_hold_every_token_class)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(tracelabs[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "tracelab");
    ck_assert_uint_eq(w.count, tracelabs[_i].count);
    uint64_t claude[USAGE_CLASSES] = {0}, codex[USAGE_CLASSES] = {0};
    for (size_t i = 0; i < w.count; i++) {
        struct request r = row_of(&w, i);
        uint64_t *sum = strstr(r.labels, "\"provider\": \"claude\"") ? claude : codex;
        for (int c = 0; c < USAGE_CLASSES; c++)
            sum[c] += r.usage.tokens[c];
    }
    ck_assert_uint_eq(claude[USAGE_UNCACHED_INPUT] * 500 + claude[USAGE_CACHED_INPUT] * 50 +
                          claude[USAGE_CACHE_WRITE] * 625 + claude[USAGE_OUTPUT] * 2500,
                      tracelabs[_i].claude);
    ck_assert_uint_eq(claude[USAGE_CACHE_WRITE_1H] + claude[USAGE_REASONING], 0);
    ck_assert_uint_eq(codex[USAGE_UNCACHED_INPUT] * 250 + codex[USAGE_CACHED_INPUT] * 25 +
                          (codex[USAGE_OUTPUT] + codex[USAGE_REASONING]) * 1500,
                      tracelabs[_i].codex_sum);
    ck_assert_uint_eq(codex[USAGE_REASONING], tracelabs[_i].reasoning);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

START_TEST(tracelab_rounds_wait_for_the_round_before)
{
    struct workload w;
    testing_read_file(tracelabs[_i].file, &w, NULL);
    struct request first = row_of(&w, 0), second = row_of(&w, tracelabs[_i].second),
                   codex = row_of(&w, tracelabs[_i].codex);
    ck_assert_uint_eq(first.after_count, 0);
    ck_assert_uint_eq(second.after_count, 1);
    ck_assert_uint_eq(second.after[0], 0);
    /* From the first round's last event to the second's first, the tool's result. */
    ck_assert_int_eq(second.delay_ns, tracelabs[_i].delay_ms * NS_PER_MS);
    ck_assert_int_eq(second.timestamp_ns - first.timestamp_ns, tracelabs[_i].apart_ms * NS_PER_MS);
    /* The Codex session is the earlier one: it holds the start. */
    ck_assert_int_eq(codex.timestamp_ns, 0);
    ck_assert_uint_eq(codex.after_count, 0);
    char start[CLOCK_INSTANT_SIZE];
    clock_format_instant(w.start_unix_ns, start);
    ck_assert_str_eq(start, tracelabs[_i].start);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file, *model;
    size_t count;
    int64_t at_ms, delay_ms; /* of the second row: think time is what lies between */
    uint32_t input;
} wekas[] = {
    /* 7.5 - (0.25 + 4.5) */
    {"tests/data/weka.jsonl", "model-of-ours", 5, 7500, 2750, 7040},
    /* 17.9 - (0.126 + 6.625) */
    {"weka/semianalysisai__cc-traces-weka-no-subagents-051226_traces_head.jsonl", "claude-opus-4-7",
     761, 17900, 11149, 32722},
};

START_TEST(weka_rows_wait_for_the_turn_before)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(wekas[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "weka");
    ck_assert_uint_eq(w.count, wekas[_i].count);
    ck_assert_uint_eq(testing_note(&report, "block_hashes_only_sampled"), wekas[_i].count);
    struct request r = row_of(&w, 1);
    ck_assert_int_eq(r.timestamp_ns, wekas[_i].at_ms * NS_PER_MS);
    ck_assert_uint_eq(r.after_count, 1);
    ck_assert_uint_eq(r.after[0], 0);
    ck_assert_int_eq(r.delay_ns, wekas[_i].delay_ms * NS_PER_MS);
    ck_assert_str_eq(r.model, wekas[_i].model);
    ck_assert_uint_eq(r.input_tokens, wekas[_i].input);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

/* Hand-written from the published key list: no sample of this form is at hand. */
static const char weka_sessions[] =
    "{\"id\": \"a\", \"models\": [\"m\"], \"block_size\": 64, \"hash_id_scope\": \"local\", "
    "\"requests\": [{\"t\": 0.5, \"type\": \"s\", \"model\": \"m\", \"in\": 100, \"out\": 7, "
    "\"hash_ids\": [1, 2], \"api_time\": 2, \"think_time\": 0}, {\"type\": \"subagent\", "
    "\"agent_id\": "
    "\"x\", \"requests\": [{\"t\": 3, \"in\": 30, \"out\": 3, \"hash_ids\": [9], \"api_time\": 4}, "
    "{\"t\": 3.25, \"in\": 40, \"out\": 4, \"hash_ids\": [9], \"api_time\": 1}]}, {\"t\": 8, "
    "\"in\": "
    "150, \"out\": 9, \"hash_ids\": [1, 2, 3], \"api_time\": null}]}\n"
    "{\"id\": \"b\", \"block_size\": 64, \"hash_id_scope\": \"local\", \"requests\": [{\"t\": 0, "
    "\"in\": 10, \"out\": 1, \"hash_ids\": [1]}]}\n";

START_TEST(weka_sessions_mix_their_local_block_ids)
{
    struct workload w;
    struct trace_report report = testing_read(weka_sessions, NULL, &w);
    ck_assert_str_eq(report.format, "weka");
    ck_assert_uint_eq(w.count, 5);
    struct request a = row_of(&w, 0), last = row_of(&w, 3), b = row_of(&w, 4);
    ck_assert_uint_eq(a.block_size, 64);
    ck_assert_uint_eq(a.hash_ids[0], last.hash_ids[0]);
    ck_assert(a.hash_ids[0] != b.hash_ids[0]);
    ck_assert_str_eq(last.session_id, "a");
    ck_assert_uint_eq(b.after_count, 0);
    workload_free(&w);
}
END_TEST

START_TEST(weka_sub_agents_run_beside_each_other)
{
    struct workload w;
    testing_read(weka_sessions, NULL, &w);
    struct request one = row_of(&w, 1), two = row_of(&w, 2), last = row_of(&w, 3);
    ck_assert_str_eq(one.class_name, "subagent");
    ck_assert_uint_eq(one.after[0], 0);
    ck_assert_int_eq(one.delay_ns, 500 * NS_PER_MS);
    ck_assert_uint_eq(two.after[0], 0);
    ck_assert_ptr_null(last.class_name);
    /* The first sub-agent ended last, at 7 s. */
    ck_assert_uint_eq(last.after[0], 1);
    ck_assert_int_eq(last.delay_ns, 1000 * NS_PER_MS);
    workload_free(&w);
}
END_TEST

/* Hand-written from the published description: no sample is at hand. */
START_TEST(bailian_turns_form_sessions)
{
    static const char lines[] =
        "{\"chat_id\": 10, \"parent_chat_id\": -1, \"timestamp\": 0.25, \"input_length\": 30, "
        "\"output_length\": 5, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"chat_id\": 11, \"parent_chat_id\": -1, \"timestamp\": 0.5, \"input_length\": 3, "
        "\"output_length\": 5, \"type\": \"search\", \"turn\": 1, \"hash_ids\": [3]}\n"
        "{\"chat_id\": 12, \"parent_chat_id\": 10, \"timestamp\": 9.125, \"input_length\": 50, "
        "\"output_length\": 5, \"type\": \"text\", \"turn\": 2, \"hash_ids\": [1, 2, 4, 5]}\n"
        "{\"chat_id\": 13, \"parent_chat_id\": 7, \"timestamp\": 10, \"input_length\": 50, "
        "\"output_length\": 5, \"type\": \"text\", \"turn\": 2, \"hash_ids\": []}\n";
    struct workload w;
    struct trace_report report = testing_read(lines, NULL, &w);
    ck_assert_str_eq(report.format, "bailian");
    ck_assert_uint_eq(testing_note(&report, "parent_not_in_trace"), 1);
    struct request first = row_of(&w, 0), other = row_of(&w, 1), second = row_of(&w, 2);
    ck_assert_int_eq(second.timestamp_ns, 9125 * NS_PER_MS);
    ck_assert_uint_eq(second.block_size, 16);
    ck_assert_uint_eq(second.after_count, 1);
    ck_assert_uint_eq(second.after[0], 0);
    ck_assert_str_eq(second.session_id, first.session_id);
    ck_assert_str_ne(second.session_id, other.session_id);
    ck_assert_str_eq(other.class_name, "search");
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file;
    size_t count;
    int64_t second_ns, start_unix_ns;
    uint32_t second_input;
} servingsims[] = {
    {"tests/data/servingsim.jsonl", 120, 484698000, INT64_C(1772442000500000000), 522},
    {"../vllm-runs/RTX4090_Llama-3.1-8B.req.jsonl", 300,
     INT64_C(27537047603549) - INT64_C(27536660701067), INT64_C(1787267980082740300), 1034},
};

START_TEST(servingsim_runs_arrive_when_queued)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(servingsims[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "servingsim");
    ck_assert_uint_eq(w.count, servingsims[_i].count);
    struct request r = row_of(&w, 1);
    ck_assert_int_eq(r.timestamp_ns, servingsims[_i].second_ns);
    ck_assert_str_eq(r.request_id, "bench-1");
    ck_assert_uint_eq(r.input_tokens, servingsims[_i].second_input);
    ck_assert_int_eq(w.start_unix_ns, servingsims[_i].start_unix_ns);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file, *request, *model;
    size_t count;
    uint32_t input, output; /* input: (bytes + 3) / 4, at least, of the messages' text */
} batches[] = {
    /* "You count the coins." and "How many dimes make a dollar and a half?": 60 bytes. */
    {"tests/data/openai_batch.jsonl", "first", "model-of-ours", 3, 15, 700},
    /* "You are a helpful assistant." and "Explain quantum computing in simple terms.": 70 bytes. */
    {"openai-batch/aibrix_sample_job_input.jsonl", "request-1", "gpt-3.5-turbo-0125", 10, 18, 1000},
    /* max_completion_tokens; "You are an unhelpful assistant." and "Hello world!" */
    {"openai-batch/production-stack_batch.jsonl", "request-2", "facebook/opt-125m", 2, 11, 1000},
};

START_TEST(openai_batches_are_estimated_and_say_so)
{
    struct workload w;
    struct trace_report report;
    testing_read_file(batches[_i].file, &w, &report);
    ck_assert_str_eq(report.format, "openai-batch");
    ck_assert_uint_eq(w.count, batches[_i].count);
    ck_assert_uint_eq(testing_note(&report, "input_tokens_estimated"), batches[_i].count);
    struct request r = row_of(&w, 0);
    ck_assert_str_eq(r.request_id, batches[_i].request);
    ck_assert_str_eq(r.model, batches[_i].model);
    ck_assert_int_eq(r.service, SERVICE_BATCH);
    ck_assert_uint_eq(r.output_tokens, batches[_i].output);
    ck_assert_uint_eq(r.input_tokens, batches[_i].input);
    ck_assert(text_starts(r.body, "{\"model\": \""));
    ck_assert_int_eq(r.body.at[r.body.length - 1], '}');
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

START_TEST(a_batch_may_call_its_limit_by_either_name)
{
    struct workload w;
    testing_read_file("tests/data/openai_batch.jsonl", &w, NULL);
    ck_assert_uint_eq(w.output_tokens[1], 250); /* max_completion_tokens */
    ck_assert_uint_eq(w.output_tokens[2], 40);  /* max_tokens */
    workload_free(&w);
}
END_TEST

/* Hand-written from the documented keys: no sample is at hand. */
START_TEST(vllm_results_give_their_requests)
{
    static const char document[] =
        "{\n  \"date\": \"20261101-120000\", \"model_id\": \"m\", \"num_prompts\": 3,\n"
        "  \"request_throughput\": 1.5, \"ttfts\": [0.1, 0.2, 0.0], \"itls\": [[0.1], [], []],\n"
        "  \"input_lens\": [10, 20, 30], \"output_lens\": [1, 2, 0],\n"
        "  \"start_times\": [100.5, 100.25, 103.0], \"errors\": [\"\", \"\", \"timed out\"]\n}\n";
    struct workload w;
    struct trace_report report = testing_read(document, NULL, &w);
    ck_assert_str_eq(report.format, "vllm");
    ck_assert_uint_eq(w.count, 3);
    ck_assert_int_eq(w.timestamp_ns[0], 250 * NS_PER_MS);
    ck_assert_int_eq(w.timestamp_ns[1], 0);
    struct request r = row_of(&w, 2);
    ck_assert_int_eq(r.status, REQUEST_FAILED);
    ck_assert_str_eq(r.model, "m");
    workload_free(&w);
    report = testing_read("{\"request_throughput\": 1, \"input_lens\": [1], \"output_lens\": [2]}",
                          NULL, &w);
    ck_assert_uint_eq(testing_note(&report, "no_start_times"), 1);
    workload_free(&w);
    testing_refused("{\"request_throughput\": 1}", 0, 0, "--save-detailed");
    testing_refused("{\"request_throughput\": 1, \"input_lens\": [1, 2], \"output_lens\": [2]}", 0,
                    0, "\"output_lens\" has 1 entries, but \"input_lens\" has 2");
    testing_refused("{\"request_throughput\": 1,\n \"input_lens\": [-1]}", 2, 17,
                    "expected a whole number from 0");
}
END_TEST

/* Hand-written from the documented keys: no sample is at hand. */
START_TEST(aiperf_rows_skip_the_warm_up)
{
    static const char lines[] =
        "{\"metadata\": {\"x_request_id\": \"w\", \"request_start_ns\": 1700000000000000000, "
        "\"request_end_ns\": 1700000000500000000, \"benchmark_phase\": \"warmup\"}, \"metrics\": "
        "{}, "
        "\"error\": null}\n"
        "{\"metadata\": {\"x_request_id\": \"a\", \"conversation_id\": \"c\", \"turn_index\": 0, "
        "\"request_start_ns\": 1700000001000000000, \"request_end_ns\": 1700000003000000000, "
        "\"benchmark_phase\": \"profiling\", \"was_cancelled\": false}, \"metrics\": "
        "{\"time_to_first_token\": {\"value\": 12.3, \"unit\": \"ms\"}, \"input_sequence_length\": "
        "{\"value\": 550, \"unit\": \"tokens\"}, \"output_sequence_length\": {\"value\": 64.0, "
        "\"unit\": \"tokens\"}, \"reasoning_token_count\": {\"value\": 24, \"unit\": \"tokens\"}}, "
        "\"error\": null}\n"
        "{\"metadata\": {\"x_request_id\": \"b\", \"conversation_id\": \"c\", \"turn_index\": 1, "
        "\"request_start_ns\": 1700000003250000000, \"request_end_ns\": null, \"benchmark_phase\": "
        "\"profiling\", \"was_cancelled\": false}, \"metrics\": {}, \"error\": {\"code\": 500, "
        "\"type\": \"x\", \"message\": \"y\"}}\n";
    struct workload w;
    struct trace_report report =
        testing_read(lines, &(struct trace_options){.format = "aiperf"}, &w);
    ck_assert_uint_eq(w.count, 2);
    ck_assert_uint_eq(testing_note(&report, "warmup"), 1);
    struct request a = row_of(&w, 0), b = row_of(&w, 1);
    ck_assert_int_eq(a.timestamp_ns, 0);
    ck_assert_uint_eq(a.input_tokens, 550);
    ck_assert_uint_eq(a.output_tokens, 64);
    ck_assert_uint_eq(a.usage.tokens[USAGE_REASONING], 24);
    ck_assert_int_eq(b.status, REQUEST_FAILED);
    ck_assert_uint_eq(b.after_count, 1);
    ck_assert_int_eq(b.delay_ns, 250 * NS_PER_MS);
    ck_assert_int_eq(w.start_unix_ns, INT64_C(1700000001000000000));
    workload_free(&w);
}
END_TEST

START_TEST(a_run_reads_back_as_a_trace)
{
    static const char lines[] =
        "{\"request_id\": \"r1\", \"session_id\": \"s\", \"attempt\": 1, \"final\": false, "
        "\"scheduled_ns\": 0, \"sent_ns\": 5, \"status\": \"failed\", \"error\": \"server_error\", "
        "\"asked\": {\"input\": 10, \"output\": 4}, \"streamed\": true, \"chunks\": 0, "
        "\"connects\": 1}\n"
        "{\"request_id\": \"r1\", \"session_id\": \"s\", \"attempt\": 2, \"final\": true, "
        "\"model\": "
        "\"m\", \"class\": \"rag\", \"service\": \"flex\", \"labels\": {\"user\": \"u\"}, "
        "\"scheduled_ns\": 0, \"sent_ns\": 9, \"status\": \"completed\", \"asked\": {\"input\": "
        "10, "
        "\"output\": 4}, \"usage\": {\"uncached_input\": 7, \"cached_input\": 5, \"output\": 3, "
        "\"reasoning\": 2}, \"usage_from\": \"server\", \"streamed\": true, \"chunks\": 3, "
        "\"connects\": 0, \"cost_usd\": \"0.5\"}\n"
        "{\"request_id\": \"r2\", \"attempt\": 1, \"final\": true, \"scheduled_ns\": 1500000, "
        "\"sent_ns\": 1500000, \"status\": \"cancelled\", \"asked\": {\"input\": 20, \"output\": "
        "8}, "
        "\"streamed\": true, \"chunks\": 0, \"connects\": 0}\n"
        "{\"request_id\": \"r3\", \"attempt\": 0, \"final\": true, \"scheduled_ns\": 2000000, "
        "\"status\": \"unsent\", \"error\": \"cap\", \"asked\": {\"input\": 20, \"output\": 8}, "
        "\"streamed\": false, \"chunks\": 0, \"connects\": 0}\n";
    struct workload w;
    struct trace_report report = testing_read(lines, NULL, &w);
    ck_assert_str_eq(report.format, "run");
    ck_assert_uint_eq(w.count, 2);
    ck_assert_uint_eq(testing_note(&report, "attempt_tried_again"), 1);
    ck_assert_uint_eq(testing_note(&report, "unsent"), 1);
    struct request a = row_of(&w, 0), b = row_of(&w, 1);
    ck_assert_uint_eq(a.attempts, 2);
    ck_assert_uint_eq(a.input_tokens, 12);
    ck_assert_uint_eq(a.output_tokens, 5);
    ck_assert_uint_eq(a.usage.tokens[USAGE_CACHED_INPUT], 5);
    ck_assert_uint_eq(a.usage.tokens[USAGE_REASONING], 2);
    ck_assert_int_eq(a.service, SERVICE_FLEX);
    ck_assert_str_eq(a.labels, "{\"user\": \"u\"}");
    ck_assert(a.has_cost && a.cost == MONEY_USD / 2);
    ck_assert_int_eq(b.status, REQUEST_ABORTED);
    ck_assert_int_eq(b.timestamp_ns, 1500000);
    ck_assert_uint_eq(b.input_tokens, 20);
    ck_assert(!b.has_usage);
    survives_the_canonical_form(&w);
    workload_free(&w);
}
END_TEST

START_TEST(a_run_directory_stands_for_its_requests)
{
    static const char line[] = "{\"request_id\": \"r1\", \"attempt\": 1, \"final\": true, "
                               "\"scheduled_ns\": 0, \"status\": "
                               "\"completed\", \"asked\": {\"input\": 10, \"output\": 4}, "
                               "\"streamed\": true, \"chunks\": 3, "
                               "\"connects\": 0}\n";
    char folder[] = "/tmp/farebox-run-XXXXXX", file[64];
    struct workload w;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/requests.jsonl", folder);
    ck_assert_int_eq(file_write_atomic(file, line, sizeof line - 1, NULL), 0);
    workload_init(&w);
    ck_assert_int_eq(trace_read(folder, NULL, &w, NULL, NULL), 0);
    ck_assert_uint_eq(w.count, 1);
    ck_assert_str_eq(w.name, strrchr(folder, '/') + 1);
    workload_free(&w);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

#define AIPERF_ROW(metrics)                                                                 \
    "{\"metadata\": {\"request_start_ns\": 5}, \"metrics\": {"                              \
    "\"input_sequence_length\": {\"value\": 140}, \"output_sequence_length\": {\"value\": " \
    "70}" metrics "}, \"error\": null}\n"
#define COUNTED(key, n) ", \"usage_" key "\": {\"value\": " #n ", \"unit\": \"tokens\"}"

/* The client's tokenizer is not the one that is billed by. */
START_TEST(aiperf_rows_take_the_counts_of_the_server)
{
    struct workload w;
    struct trace_report report = testing_read(
        AIPERF_ROW("")
            AIPERF_ROW(COUNTED("prompt_tokens", 100) COUNTED("completion_tokens", 50)
                           COUNTED("prompt_cache_read_tokens", 64) COUNTED("reasoning_tokens", 20))
                AIPERF_ROW(COUNTED("prompt_tokens", 10) COUNTED("prompt_cache_read_tokens", 64)
                               COUNTED("prompt_cache_write_tokens", 6))
                    AIPERF_ROW(COUNTED("prompt_tokens", 100) COUNTED("completion_tokens", 50)
                                   COUNTED("reasoning_tokens", 20) COUNTED("total_tokens", 170)),
        NULL, &w);
    static const uint32_t input[] = {140, 100, 80, 100}, output[] = {70, 50, 70, 70};
    static const uint64_t cached[] = {0, 64, 64, 0}, thought[] = {0, 20, 0, 20};
    for (size_t i = 0; i < 4; i++) {
        struct usage u = workload_usage(&w, i);
        ck_assert_uint_eq(w.input_tokens[i], input[i]);
        ck_assert_uint_eq(w.output_tokens[i], output[i]);
        ck_assert_uint_eq(u.tokens[USAGE_CACHED_INPUT], cached[i]);
        ck_assert_uint_eq(u.tokens[USAGE_REASONING], thought[i]);
    }
    ck_assert_uint_eq(testing_note(&report, "server_counted_other_input"), 3);
    ck_assert_uint_eq(testing_note(&report, "server_counted_other_output"), 1);
    workload_free(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("trace forms");
    TCase *t = tcase_create("forms");
    tcase_add_loop_test(t, burstgpt_v1, 0, 2);
    tcase_add_loop_test(t, burstgpt_v3_keeps_the_time_of_day_and_the_sessions, 0, 2);
    tcase_add_loop_test(t, ragpulse_weeks_follow_each_other, 0, 2);
    tcase_add_test(t, a_small_step_back_is_no_new_week);
    tcase_add_loop_test(t, tracelab_rounds_hold_every_token_class, 0, 2);
    tcase_add_loop_test(t, tracelab_rounds_wait_for_the_round_before, 0, 2);
    tcase_add_loop_test(t, weka_rows_wait_for_the_turn_before, 0, 2);
    tcase_add_test(t, weka_sessions_mix_their_local_block_ids);
    tcase_add_test(t, weka_sub_agents_run_beside_each_other);
    tcase_add_test(t, bailian_turns_form_sessions);
    tcase_add_loop_test(t, servingsim_runs_arrive_when_queued, 0, 2);
    tcase_add_loop_test(t, openai_batches_are_estimated_and_say_so, 0, 3);
    tcase_add_test(t, a_batch_may_call_its_limit_by_either_name);
    tcase_add_test(t, vllm_results_give_their_requests);
    tcase_add_test(t, aiperf_rows_skip_the_warm_up);
    tcase_add_test(t, a_run_reads_back_as_a_trace);
    tcase_add_test(t, a_run_directory_stands_for_its_requests);
    tcase_add_test(t, aiperf_rows_take_the_counts_of_the_server);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return testing_run(suite());
}
