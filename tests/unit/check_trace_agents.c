/* Logs of agents and gateways that are read in C: each is made here of calls that are drawn, with
 * rows between them that are none and rows that repeat; what is read has their number and sums. Cut
 * at any byte, a log gives its requests up to there. */
#include "testing_trace.h"

#include "core/buffer.h"

#include <stdlib.h>

#define CALLS 12

struct call {
    unsigned input, cached, output, reasoning;
    bool user, repeats;
};

/* Counts that the test keeps on its own. */
struct sums {
    size_t calls;
    uint64_t input, cached, output, reasoning;
};

static unsigned draw(uint32_t *state, unsigned most)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % (most + 1);
}

static struct call draw_call(uint32_t *state, struct sums *s)
{
    struct call c = {.input = 100 + draw(state, 9000), .output = 1 + draw(state, 500)};
    c.cached = draw(state, c.input);
    c.reasoning = draw(state, c.output);
    c.user = draw(state, 3) == 0;
    c.repeats = draw(state, 2) == 0;
    s->calls++;
    s->input += c.input;
    s->cached += c.cached;
    s->output += c.output;
    s->reasoning += c.reasoning;
    return c;
}

/* ---- the forms ---- */

static void put_claude(struct buffer *b, const struct call *c, int i)
{
    if (c->user)
        buffer_add_format(
            b,
            "{\"type\": \"user\", \"sessionId\": \"s\", \"uuid\": \"u%d\", \"message\": "
            "{\"role\": \"user\", \"content\": \"go on\"}}\n",
            i);
    for (int line = c->repeats ? 0 : 1; line < 2; line++)
        buffer_add_format(
            b,
            "{\"parentUuid\": null, \"isSidechain\": false, \"type\": \"assistant\", "
            "\"sessionId\": "
            "\"s\", \"uuid\": \"a%d-%d\", \"timestamp\": \"2026-11-02T09:%02d:%02dZ\", "
            "\"requestId\": "
            "\"req%d\", \"message\": {\"id\": \"msg%d\", \"model\": \"m\", \"content\": [], "
            "\"usage\": "
            "{\"input_tokens\": %u, \"cache_read_input_tokens\": %u, \"output_tokens\": %u}}}\n",
            i, line, i, line, i, i, c->input - c->cached, c->cached, line ? c->output : 1);
}

static void put_codex(struct buffer *b, const struct call *c, int i)
{
    static struct call total;
    if (i == 0)
        total = (struct call){0};
    if (i == 0 || i == CALLS / 2) /* a total that begins anew */
        total = (struct call){0};
    if (i == 0)
        buffer_add_text(b, "{\"timestamp\": \"2026-11-02T08:59:59Z\", \"type\": \"session_meta\", "
                           "\"payload\": {\"id\": \"c\", \"cwd\": \"/w\"}}\n");
    total.input += c->input;
    total.output += c->output;
    for (int line = c->repeats ? 0 : 1; line < 2; line++)
        buffer_add_format(
            b,
            "{\"timestamp\": \"2026-11-02T09:%02d:%02dZ\", \"type\": \"event_msg\", \"payload\": "
            "{\"type\": \"token_count\", \"info\": {\"total_token_usage\": {\"input_tokens\": %u, "
            "\"output_tokens\": %u, \"total_tokens\": %u}, \"last_token_usage\": "
            "{\"input_tokens\": "
            "%u, \"cached_input_tokens\": %u, \"output_tokens\": %u, \"reasoning_output_tokens\": "
            "%u}}}}\n",
            i, line, total.input, total.output, total.input + total.output, c->input, c->cached,
            c->output, c->reasoning);
}

static void put_span(struct buffer *b, const struct call *c, int i, const char *span,
                     const char *parent)
{
    buffer_add_format(
        b,
        "{\"traceId\": \"t%d\", \"spanId\": \"%s%d\", \"parentSpanId\": \"%s%d\", \"name\": "
        "\"chat\", "
        "\"startTimeUnixNano\": \"17900000%02d000000000\", \"endTimeUnixNano\": "
        "\"17900000%02d500000000\", \"attributes\": [{\"key\": \"gen_ai.operation.name\", "
        "\"value\": "
        "{\"stringValue\": \"chat\"}}, {\"key\": \"gen_ai.usage.input_tokens\", \"value\": "
        "{\"intValue\": \"%u\"}}, {\"key\": \"gen_ai.usage.cache_read.input_tokens\", \"value\": "
        "{\"intValue\": %u}}, {\"key\": \"gen_ai.usage.output_tokens\", \"value\": {\"intValue\": "
        "\"%u\"}}, {\"key\": \"gen_ai.usage.reasoning.output_tokens\", \"value\": {\"intValue\": "
        "\"%u\"}}]}",
        i / 4, span, i, parent, i, i, i, c->input, c->cached, c->output, c->reasoning);
}

/* A span of a tool, one around the call where that repeats, and the call. */
static void put_otel(struct buffer *b, const struct call *c, int i)
{
    buffer_add_format(
        b,
        "{\"resourceSpans\": [{\"resource\": {\"attributes\": []}, \"scopeSpans\": "
        "[{\"spans\": [{\"traceId\": \"t%d\", \"spanId\": \"x%d\", \"name\": \"run\", "
        "\"attributes\": [{\"key\": \"gen_ai.operation.name\", \"value\": "
        "{\"stringValue\": \"execute_tool\"}}]}, ",
        i / 4, i);
    if (c->repeats) {
        put_span(b, c, i, "o", "x");
        buffer_add_text(b, ", ");
    }
    put_span(b, c, i, "s", "o");
    buffer_add_text(b, "]}]}]}\n");
}

static void put_copilot(struct buffer *b, const struct call *c, int i)
{
    buffer_add_format(
        b,
        "{\"session_id\": \"s%d\", \"date\": \"2026-11-02\", \"turns\": [{\"turn_id\": \"t\", "
        "\"llm_calls\": [{\"message_id\": \"m%d\", \"timestamp\": \"2026-11-02T09:%02d:00Z\", "
        "\"duration_ms\": 900.5, \"initiator_type\": \"%s\", \"model\": \"Model A\", \"result\": "
        "\"Success\", \"tokens\": {\"total\": %u, \"prompt\": %u, \"completion\": %u, \"cached\": "
        "%u}}], \"tool_batches\": [{\"duration_ms\": 1}]}]}\n",
        i, i, i, c->user ? "user" : "agent", c->input + c->output, c->input, c->output, c->cached);
}

static void put_gemini(struct buffer *b, const struct call *c, int i)
{
    if (i == 0)
        buffer_add_text(b, "{\n\"sessionId\": \"g\",\n\"projectHash\": \"p\",\n\"messages\": [\n");
    if (c->user)
        buffer_add_format(b, "{\"id\": \"u%d\", \"type\": \"user\", \"content\": \"x\"},\n", i);
    buffer_add_format(b,
                      "{\"id\": \"a%d\", \"timestamp\": \"2026-11-02T09:%02d:00Z\", \"type\": "
                      "\"gemini\", \"model\": \"m\", \"tokens\": {\"input\": %u, \"output\": %u, "
                      "\"cached\": %u, \"thoughts\": %u, \"tool\": 0, \"total\": %u}}%s",
                      i, i, c->input, c->output - c->reasoning, c->cached, c->reasoning,
                      c->input + c->output, i + 1 < CALLS ? ",\n" : "\n]\n}\n");
}

static void put_litellm(struct buffer *b, const struct call *c, int i)
{
    buffer_add_format(
        b,
        "%s{\"request_id\": \"r%d\", \"call_type\": \"%s\", \"startTime\": "
        "\"2026-11-02T09:%02d:00Z\", \"spend\": 0.5, \"prompt_tokens\": %u, \"completion_tokens\": "
        "%u, \"metadata\": \"{\\\"usage_object\\\": {\\\"prompt_tokens\\\": %u, "
        "\\\"completion_tokens\\\": %u, \\\"prompt_tokens_details\\\": {\\\"cached_tokens\\\": "
        "%u}, "
        "\\\"completion_tokens_details\\\": {\\\"reasoning_tokens\\\": %u}}}\"}%s",
        i ? "" : "[", i, c->user ? "aresponses" : "acompletion", i, c->input, c->output, c->input,
        c->output, c->cached, c->reasoning, i + 1 < CALLS ? ", " : "]");
}

static void put_results(struct buffer *b, const struct call *c, int i)
{
    if (c->repeats)
        buffer_add_format(
            b,
            "{\"id\": \"e%d\", \"custom_id\": \"e%d\", \"response\": null, \"error\": "
            "{\"code\": \"batch_expired\"}}\n",
            i, i);
    buffer_add_format(
        b,
        "{\"id\": \"b%d\", \"custom_id\": \"q%d\", \"response\": {\"status_code\": 200, \"body\": "
        "{\"id\": \"x%d\", \"created\": %d, \"model\": \"m\", \"usage\": {\"prompt_tokens\": %u, "
        "\"completion_tokens\": %u, \"prompt_tokens_details\": {\"cached_tokens\": %u}, "
        "\"completion_tokens_details\": {\"reasoning_tokens\": %u}}}}, \"error\": null}\n",
        i, i, i, 1790000000 + i, c->input, c->output, c->cached, c->reasoning);
}

static void put_guidellm(struct buffer *b, const struct call *c, int i)
{
    buffer_add_format(b,
                      "%s{\"request_id\": \"r%d\", \"request_start_time\": 17900000%02d.5, "
                      "\"request_end_time\": 17900000%02d.9, \"prompt_tokens\": %u, "
                      "\"output_tokens\": %u}%s",
                      i ? "" : "{\"benchmarks\": [{\"requests\": {\"successful\": [", i, i, i,
                      c->input, c->output, i + 1 < CALLS ? ", " : "], \"errored\": []}}]}\n");
}

static const struct {
    const char *name;
    void (*put)(struct buffer *b, const struct call *c, int i);
    bool tells_cached, tells_reasoning;
} logs[] = {
    {"claude-code", put_claude, true, false},
    {"codex", put_codex, true, true},
    {"otel", put_otel, true, true},
    {"copilot", put_copilot, true, false},
    {"gemini-cli", put_gemini, true, true},
    {"litellm", put_litellm, true, true},
    {"batch-results", put_results, true, true},
    {"guidellm", put_guidellm, false, false},
};
#define LOGS (int)(sizeof logs / sizeof *logs)

static struct buffer make_log(int which, struct sums *s)
{
    struct buffer b;
    uint32_t state = 7 + (uint32_t)which;
    *s = (struct sums){0};
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (int i = 0; i < CALLS; i++) {
        struct call c = draw_call(&state, s);
        logs[which].put(&b, &c, i);
    }
    return b;
}

static struct sums sum_up(const struct workload *w)
{
    struct sums s = {.calls = w->count};
    for (size_t i = 0; i < w->count; i++) {
        struct usage u = workload_usage(w, i);
        s.input += usage_input(&u);
        s.output += usage_output(&u);
        s.cached += u.tokens[USAGE_CACHED_INPUT];
        s.reasoning += u.tokens[USAGE_REASONING];
    }
    return s;
}

START_TEST(a_log_has_as_many_calls_and_tokens_as_were_made)
{
    struct sums made, read;
    struct buffer b = make_log(_i, &made);
    struct workload w;
    struct trace_report report = testing_read(b.data, NULL, &w);
    read = sum_up(&w);
    ck_assert_str_eq(report.format, logs[_i].name);
    ck_assert_uint_eq(read.calls, made.calls);
    ck_assert_uint_eq(read.input, made.input);
    ck_assert_uint_eq(read.output, made.output);
    if (logs[_i].tells_cached)
        ck_assert_uint_eq(read.cached, made.cached);
    if (logs[_i].tells_reasoning)
        ck_assert_uint_eq(read.reasoning, made.reasoning);
    ck_assert(w.has_start);
    workload_free(&w);
    buffer_free(&b);
}
END_TEST

START_TEST(a_log_that_is_cut_anywhere_gives_its_calls_up_to_there)
{
    struct sums made;
    struct buffer b = make_log(_i, &made);
    size_t before = 0;
    for (size_t cut = 1; cut <= b.length; cut += 1 + cut % 29) {
        struct workload w;
        struct trace_report report;
        struct error err = {0};
        int status = testing_read_bytes(b.data, cut, NULL, &w, &report, &err);
        ck_assert_msg(status == 0 || before == 0, "%s at %zu: %s", logs[_i].name, cut, err.message);
        if (status == 0) {
            struct sums read = sum_up(&w);
            ck_assert_uint_ge(read.calls, before);
            ck_assert(read.calls <= made.calls && read.input <= made.input);
            ck_assert_uint_le(testing_note(&report, "cut_short"), 1);
            before = read.calls;
        }
        workload_free(&w);
    }
    ck_assert_uint_ge(before, CALLS - 1);
    buffer_free(&b);
}
END_TEST

/* ---- what is particular to one ---- */

#define ANSWER(id, more, usage)                                                              \
    "{\"type\": \"assistant\", \"sessionId\": \"s\", \"uuid\": \"u\", \"timestamp\": "       \
    "\"2026-11-02T09:00:00Z\", " more "\"message\": {\"id\": \"" id "\", \"model\": \"m\", " \
    "\"usage\": {" usage "}}}\n"

START_TEST(claude_code_tells_tiers_lifetimes_searches_and_sub_agents)
{
    static const char log[] =
        "{\"type\": \"user\", \"sessionId\": \"s\", \"uuid\": \"p\", \"message\": {\"role\": "
        "\"user\", \"content\": \"please\"}}\n" ANSWER(
            "a", "\"requestId\": \"1\", ",
            "\"input_tokens\": 5, \"cache_creation_input_tokens\": 30, \"cache_creation\": "
            "{\"ephemeral_5m_input_tokens\": 10, \"ephemeral_1h_input_tokens\": 20}, "
            "\"output_tokens\": 3, \"service_tier\": \"priority\", \"server_tool_use\": "
            "{\"web_search_requests\": 2}")
            ANSWER("b", "\"isSidechain\": true, ", "\"input_tokens\": 7, \"output_tokens\": 1")
                ANSWER("c", "\"isApiErrorMessage\": true, ", "\"input_tokens\": 0")
                    ANSWER("d", "", "\"input_tokens\": 9, \"output_tokens\": 1")
                        ANSWER("d", "", "\"input_tokens\": 9, \"output_tokens\": 4");
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    struct request r;
    ck_assert_uint_eq(w.count, 3);
    workload_get(&w, 0, &r);
    ck_assert(r.usage.tokens[USAGE_CACHE_WRITE] == 10 &&
              r.usage.tokens[USAGE_CACHE_WRITE_1H] == 20);
    ck_assert(r.service == SERVICE_PRIORITY && r.usage.extra_count == 1);
    char *text = testing_write(&w, TRACE_CANONICAL);
    ck_assert_ptr_nonnull(strstr(text, "\"initiator\": \"user\""));
    free(text);
    workload_get(&w, 1, &r);
    ck_assert_str_eq(r.class_name, "subagent");
    ck_assert_uint_eq(w.output_tokens[2], 4);
    ck_assert_uint_eq(testing_note(&report, "api_error"), 1);
    workload_free(&w);
}
END_TEST

#define OLD_COUNT(second, input)                                                                \
    "{\"timestamp\": \"2026-11-02T09:00:0" second "Z\", \"type\": \"event_msg\", \"payload\": " \
    "{\"type\": \"token_count\", \"info\": {\"total_token_usage\": {\"input_tokens\": " input   \
    ", \"output_tokens\": 10, \"total_tokens\": " input "}}}}\n"
#define SESSION(id, more)                                                                          \
    "{\"timestamp\": \"2026-11-02T09:00:00Z\", \"type\": \"session_meta\", \"payload\": {\"id\": " \
    "\"" id "\"" more "}}\n"

START_TEST(codex_counts_what_a_total_grew_by_and_a_fork_once)
{
    struct workload w;
    struct trace_report report;
    testing_read(SESSION("a", "") OLD_COUNT("1", "50") OLD_COUNT("2", "80") OLD_COUNT("3", "20"),
                 NULL, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert(w.input_tokens[0] == 50 && w.input_tokens[1] == 30 && w.input_tokens[2] == 20);
    workload_free(&w);
    report = testing_read(SESSION("a", "") OLD_COUNT("1", "50") OLD_COUNT("2", "80")
                              SESSION("b", ", \"forked_from_id\": \"a\"") OLD_COUNT("7", "50")
                                  OLD_COUNT("7", "80") OLD_COUNT("8", "95"),
                          NULL, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert_uint_eq(w.input_tokens[2], 15);
    ck_assert_uint_eq(testing_note(&report, "repeated"), 2);
    workload_free(&w);
}
END_TEST

START_TEST(spans_alone_are_read_too)
{
    static const char *const lines[] = {
        "{\"name\": \"chat\", \"context\": {\"trace_id\": \"0x1\", \"span_id\": \"0x2\"}, "
        "\"start_time\": \"2026-11-02T09:00:00Z\", \"end_time\": \"2026-11-02T09:00:01Z\", "
        "\"attributes\": {\"gen_ai.request.model\": \"m\", \"gen_ai.usage.input_tokens\": 11, "
        "\"gen_ai.usage.output_tokens\": 3}}\n",
        "{\"traceId\": \"1\", \"spanId\": \"2\", \"startTimeUnixNano\": 1790000000000000000, "
        "\"gen_ai.response.model\": \"m\", \"gen_ai.usage.prompt_tokens\": 11, "
        "\"gen_ai.usage.completion_tokens\": 3}\n",
        "{\"data\": [{\"traceID\": \"1\", \"spans\": [{\"traceID\": \"1\", \"spanID\": \"2\", "
        "\"startTime\": 1790000000000000, \"tags\": [{\"key\": \"gen_ai.request.model\", \"type\": "
        "\"string\", \"value\": \"m\"}, {\"key\": \"gen_ai.usage.input_tokens\", \"value\": 11}, "
        "{\"key\": \"gen_ai.usage.output_tokens\", \"value\": 3}]}]}]}\n",
        "{\"attributes\": {\"event.name\": \"gemini_cli.api_response\", \"event.timestamp\": "
        "\"2026-11-02T09:00:00Z\", \"model\": \"m\", \"input_token_count\": 11, "
        "\"output_token_count\": 2, \"thoughts_token_count\": 1}}\n",
    };
    struct workload w;
    struct request r;
    struct trace_report report = testing_read(lines[_i], NULL, &w);
    ck_assert_str_eq(report.format, "otel");
    ck_assert_uint_eq(w.count, 1);
    ck_assert(w.input_tokens[0] == 11 && w.output_tokens[0] == 3 && w.has_start);
    workload_get(&w, 0, &r);
    ck_assert_str_eq(r.model, "m");
    workload_free(&w);
}
END_TEST

/* The names of 2026, and times that a span says of itself; those that contradict each other are
 * left. Nanoseconds that are no date are a clock that begins at 0. */
START_TEST(spans_say_what_is_written_and_seen_and_how_long_it_took)
{
    static const struct {
        const char *end, *first;
        int64_t end_ns, first_ns;
    } times[] = {{"900500000000", "0.25", 500 * NS_PER_MS, 250 * NS_PER_MS},
                 {"900500000000", "0.75", 500 * NS_PER_MS, 0},
                 {"899000000000", "0.25", 0, 0}};
    char line[1024];
    struct workload w;
    struct request r;
    snprintf(line, sizeof line,
             "{\"traceId\": \"1\", \"spanId\": \"2\", \"startTimeUnixNano\": \"900000000000\", "
             "\"endTimeUnixNano\": \"%s\", \"attributes\": {\"gen_ai.usage.input_tokens\": 100, "
             "\"gen_ai.usage.cache_write.input_tokens\": 30, "
             "\"gen_ai.usage.image.input_tokens\": 20, \"gen_ai.usage.output_tokens\": 3, "
             "\"error.type\": \"cancelled\", \"gen_ai.response.time_to_first_chunk\": %s}}\n",
             times[_i].end, times[_i].first);
    testing_read(line, NULL, &w);
    ck_assert_uint_eq(w.count, 1);
    workload_get(&w, 0, &r);
    ck_assert(!w.has_start && r.timestamp_ns == 900 * NS_PER_S && r.status == REQUEST_ABORTED);
    ck_assert_int_eq(r.end_ns, times[_i].end_ns);
    ck_assert_int_eq(r.first_token_ns, times[_i].first_ns);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHE_WRITE], 30);
    ck_assert_uint_eq(r.usage.tokens[USAGE_IMAGE_INPUT], 20);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], 50);
    workload_free(&w);
}
END_TEST

START_TEST(an_agents_own_event_counts_once)
{
    static const char log[] =
        "{\"attributes\": {\"event.name\": \"gemini_cli.api_response\", \"event.timestamp\": "
        "\"2026-11-02T09:00:00Z\", \"input_token_count\": 11, \"output_token_count\": 3}}\n"
        "{\"attributes\": {\"event.name\": \"gen_ai.client.inference.operation.details\", "
        "\"event.timestamp\": \"2026-11-02T09:00:00Z\", \"gen_ai.usage.input_tokens\": 11, "
        "\"gen_ai.usage.output_tokens\": 3}}\n";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    ck_assert_uint_eq(w.count, 1);
    ck_assert_uint_eq(testing_note(&report, "told_again"), 1);
    workload_free(&w);
    testing_read(strchr(log, '\n') + 1, NULL, &w);
    ck_assert_uint_eq(w.count, 1);
    workload_free(&w);
}
END_TEST

START_TEST(what_a_gateway_answered_itself_is_no_call)
{
    static const char log[] =
        "{\"request_id\": \"a\", \"call_type\": \"acompletion\", \"startTime\": "
        "\"2026-11-02T09:00:00Z\", \"prompt_tokens\": 20, \"completion_tokens\": 4, \"cache_hit\": "
        "\"True\"}\n"
        "{\"request_id\": \"b\", \"call_type\": \"aresponses\", \"startTime\": "
        "\"2026-11-02T09:00:00Z\", \"prompt_tokens\": 21, \"completion_tokens\": 5, \"cache_hit\": "
        "\"False\", \"status\": \"success\", \"team_id\": \"t\", \"metadata\": "
        "{\"additional_usage_values\": {\"cache_read_input_tokens\": 16}}}\n"
        "{\"request_id\": \"c\", \"call_type\": \"acreate_batch\", \"startTime\": "
        "\"2026-11-02T09:00:00Z\", \"prompt_tokens\": 0, \"completion_tokens\": 0}\n";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    ck_assert_uint_eq(w.count, 1);
    ck_assert(w.input_tokens[0] == 21 && w.usage[0].cached_input == 16);
    ck_assert_uint_eq(testing_note(&report, "answered_by_cache"), 1);
    ck_assert_uint_eq(testing_note(&report, "no_call"), 1);
    workload_free(&w);
}
END_TEST

START_TEST(results_that_were_appended_follow_each_other)
{
    static const char log[] =
        "{\"backend\": \"sglang\", \"request_rate\": Infinity, \"duration\": 10.5, "
        "\"input_lens\": [100, 200], \"output_lens\": [2, 3], \"errors\": [\"\", \"bad\"]}\n"
        "{\"backend\": \"sglang\", \"request_rate\": 2.0, \"duration\": 1.5, \"input_lens\": [50], "
        "\"output_lens\": [4]}\n";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    ck_assert_uint_eq(w.count, 3);
    ck_assert(w.timestamp_ns[1] == 0 && w.timestamp_ns[2] == 10500 * NS_PER_MS);
    ck_assert_uint_eq(testing_note(&report, "mended"), 1);
    ck_assert_int_eq(w.status[1], REQUEST_FAILED);
    workload_free(&w);
    testing_refused("{\"backend\": \"sglang\", \"request_throughput\": 1.0}\n", 0, 0,
                    "--output-details");
}
END_TEST

START_TEST(what_is_nearly_json_is_mended)
{
    struct workload w;
    struct trace_report report = testing_read(
        "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 5, \"latency\": NaN}\n", NULL,
        &w);
    char *text = testing_write(&w, TRACE_CANONICAL);
    ck_assert_uint_eq(testing_note(&report, "mended"), 1);
    ck_assert_msg(strstr(text, "\"latency\": null"), "%s", text);
    free(text);
    workload_free(&w);
    testing_refused("{\"timestamp\": 0, \"input_length\": NaN, \"output_length\": 5}\n", 1, 34,
                    "NaN");
    /* A canonical trace is whole, or none. */
    testing_refused("{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 5}\n{\"timest", 2,
                    0, "");
}
END_TEST

START_TEST(turns_of_aiperf_wait_for_each_other)
{
    static const char log[] = "{\"session_id\": \"q\", \"turns\": [{\"text\": \"abcdefgh\", "
                              "\"timestamp\": 40}, {\"texts\": "
                              "[\"ijkl\"], \"delay\": 250}]}\n";
    struct workload w;
    struct trace_report report = testing_read(log, NULL, &w);
    ck_assert_str_eq(report.format, "prompts");
    ck_assert_uint_eq(w.count, 2);
    ck_assert(w.timestamp_ns[0] == 40 * NS_PER_MS && w.delay_ns[1] == 250 * NS_PER_MS);
    ck_assert(w.after_start[2] == 1 && w.after[0] == 0);
    workload_free(&w);
}
END_TEST

START_TEST(a_usage_may_be_given_in_parts)
{
    struct trace_options o = {
        .keys = "timestamp=t,usage.input_tokens=m.in,usage.cache_read_input_tokens=m.hit,"
                "usage.output_tokens=m.out"};
    struct workload w;
    testing_read("{\"t\": 0, \"m\": \"{\\\"in\\\": 4, \\\"hit\\\": 100, \\\"out\\\": 6}\"}\n", &o,
                 &w);
    ck_assert(w.input_tokens[0] == 104 && w.output_tokens[0] == 6);
    ck_assert_uint_eq(w.usage[0].cached_input, 100);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_agents");
    TCase *t = tcase_create("agents");
    tcase_add_loop_test(t, a_log_has_as_many_calls_and_tokens_as_were_made, 0, LOGS);
    tcase_add_loop_test(t, a_log_that_is_cut_anywhere_gives_its_calls_up_to_there, 0, LOGS);
    tcase_add_test(t, claude_code_tells_tiers_lifetimes_searches_and_sub_agents);
    tcase_add_test(t, codex_counts_what_a_total_grew_by_and_a_fork_once);
    tcase_add_loop_test(t, spans_alone_are_read_too, 0, 4);
    tcase_add_loop_test(t, spans_say_what_is_written_and_seen_and_how_long_it_took, 0, 3);
    tcase_add_test(t, an_agents_own_event_counts_once);
    tcase_add_test(t, what_a_gateway_answered_itself_is_no_call);
    tcase_add_test(t, results_that_were_appended_follow_each_other);
    tcase_add_test(t, what_is_nearly_json_is_mended);
    tcase_add_test(t, turns_of_aiperf_wait_for_each_other);
    tcase_add_test(t, a_usage_may_be_given_in_parts);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
