#include "bench/wire/openai.h"
#include "tests/unit/testing.h"

#include <string.h>

static struct chunk parse(const char *json)
{
    struct chunk c;
    ck_assert_msg(openai_read_answer(text_of(json), &c) == 0, "%s", json);
    return c;
}

#define DELTA(members) "{\"choices\":[{\"index\":0,\"delta\":{" members "}}]}"

static const struct {
    const char *json;
    unsigned tokens;
} deltas[] = {
    {"{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}", 0},
    {"{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}", 0},
    {"{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}", 0},
    {"{\"choices\":[{\"delta\":{}}]}", 0},
    {"{\"choices\":[{\"delta\":null}]}", 0},
    {"{\"choices\":[]}", 0},
    {"{\"choices\":null}", 0},
    {"{\"choices\":[{\"delta\":{\"content\":\" a\"}}]}", CHUNK_CONTENT},
    {"{\"choices\":[{\"delta\":{\"content\":\"\\n\"}}]}", CHUNK_CONTENT},
    {"{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}", CHUNK_REASONING},
    {"{\"choices\":[{\"delta\":{\"reasoning\":\"hm\",\"content\":\"\"}}]}", CHUNK_REASONING},
    {"{\"choices\":[{\"delta\":{\"reasoning\":\"hm\",\"content\":\"x\"}}]}",
     CHUNK_REASONING | CHUNK_CONTENT},
    {"{\"choices\":[{\"delta\":{\"refusal\":\"no\"}}]}", CHUNK_REFUSAL},
    {"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":"
     "\"f\",\"arguments\":\"\"}}]}}]}",
     CHUNK_TOOL},
    {"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\"}}]}}]}",
     CHUNK_TOOL},
    {"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\"}}]}}]"
     "}",
     0},
    {"{\"choices\":[{\"text\":\"word\",\"logprobs\":null}]}", CHUNK_CONTENT},
    {"{\"choices\":[{\"text\":\"\"}]}", 0},
    {"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"whole\"}}]}", CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"text\",\"text\":\"a\"}]"), CHUNK_CONTENT},
    {DELTA("\"content\":[\"a\",{\"type\":\"output_text\",\"text\":\"b\"}]"), CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"text\",\"text\":\"\"}]"), 0},
    {DELTA("\"content\":[]"), 0},
    {DELTA("\"content\":{\"type\":\"text\",\"text\":\"a\"}"), CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"novel_kind\",\"text\":\"a\"}]"), CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]}"
           "]"),
     CHUNK_REASONING},
    {DELTA("\"content\":[{\"thinking\":\"hm\",\"type\":\"thinking\",\"signature\":\"xx\"}]"),
     CHUNK_REASONING},
    {DELTA("\"content\":[{\"text\":\"hm\",\"type\":\"reasoning\"},{\"type\":\"text\",\"text\":"
           "\"a\"}]"),
     CHUNK_REASONING | CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]"), CHUNK_REFUSAL},
    {DELTA("\"content\":[{\"type\":\"redacted_thinking\",\"data\":\"xx\"}]"), 0},
    {DELTA("\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}}]"),
     CHUNK_CONTENT},
    {DELTA("\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}]"),
     CHUNK_TOOL},
    {DELTA("\"content\":7"), 0},
    {DELTA("\"reasoning_text\":\"hm\""), CHUNK_REASONING},
    {DELTA("\"thinking\":\"hm\""), CHUNK_REASONING},
    {DELTA("\"thinking\":{\"content\":\"hm\"}"), CHUNK_REASONING},
    {DELTA("\"thought\":\"hm\""), CHUNK_REASONING},
    {DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"hm\"}]"), CHUNK_REASONING},
    {DELTA("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\"}]"),
     CHUNK_REASONING},
    {DELTA("\"reasoning_details\":[{\"text\":\"hm\"}]"), CHUNK_REASONING},
    {DELTA("\"reasoning_details\":[{\"type\":\"reasoning.summary\",\"summary\":\"hm\"}]"),
     CHUNK_REASONING | CHUNK_SUMMARY},
    {DELTA("\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"xx\"}]"), 0},
    {DELTA("\"reasoning_details\":[]"), 0},
    {DELTA("\"reasoning_opaque\":\"xx\",\"thinking_signature\":\"xx\",\"reasoning_tokens\":3"), 0},
    {DELTA("\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]"), CHUNK_TOOL},
    {DELTA("\"tool_calls\":{\"function\":{\"arguments\":\"{\"}}"), CHUNK_TOOL},
    {DELTA("\"tool_calls\":[{\"name\":\"f\"}]"), CHUNK_TOOL},
    {DELTA("\"tool_calls\":[{\"type\":\"custom\",\"custom\":{\"input\":\"x\"}}]"), CHUNK_TOOL},
    {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\"}]"), 0},
    {DELTA("\"tool_calls\":null"), 0},
    {DELTA("\"function_call\":{\"arguments\":\"{\"}"), CHUNK_TOOL},
    {DELTA("\"audio\":{\"id\":\"x\",\"transcript\":\"a\"}"), CHUNK_CONTENT},
    {DELTA("\"audio\":{\"data\":\"UklG\"}"), CHUNK_CONTENT},
    {DELTA("\"audio\":{\"id\":\"x\",\"expires_at\":7,\"data\":\"\"}"), 0},
    {DELTA("\"images\":[{\"image_url\":{\"url\":\"data:\"}}]"), CHUNK_CONTENT},
    {"{\"choices\":[{\"delta\":\"a\"}]}", CHUNK_CONTENT},
    {"{\"choices\":{\"delta\":{\"content\":\"a\"}}}", CHUNK_CONTENT},
    {"{\"choices\":[7,null]}", 0},
    {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{"
     "\"type\":\"text\",\"text\":\"a\"}]}}]}",
     CHUNK_REASONING | CHUNK_CONTENT},
    {"{\"choices\":[{\"delta\":{}},{\"index\":1,\"delta\":{\"content\":\"x\"}}]}", CHUNK_CONTENT},
};

START_TEST(only_token_text_is_a_token)
{
    struct chunk c = parse(deltas[_i].json);
    ck_assert_msg(c.tokens == deltas[_i].tokens, "%s gave %u", deltas[_i].json, c.tokens);
    ck_assert(!c.is_error && !c.has_usage);
}
END_TEST

static bool is(struct text t, const char *expected)
{
    return text_equal(t, expected);
}

/* Texts keep their order; what stands there under two names is one. */
START_TEST(texts_of_parts_are_all_lent)
{
    struct chunk c = parse(DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[\"x\",\"y\"]},"
                                 "{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"b\"}]"));
    ck_assert(is(c.reasoning, "x") && is(c.content, "a"));
    ck_assert_uint_eq(c.more_count, 2);
    ck_assert(is(c.more[0], "y") && is(c.more[1], "b"));
    c = parse(
        DELTA("\"reasoning\":\"hm\",\"reasoning_content\":\"hm\",\"thinking_blocks\":[{\"type\":"
              "\"thinking\",\"thinking\":\"hm\"}]"));
    ck_assert(is(c.reasoning, "hm"));
    ck_assert_uint_eq(c.more_count, 0);
    c = parse(DELTA("\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]"));
    ck_assert(is(c.tool, "f") && c.more_count == 1 && is(c.more[0], "{}"));
}
END_TEST

/* Deeper than anything that a server sends: no token, no failure. */
START_TEST(parts_in_parts_end_somewhere)
{
    char json[1024] = "{\"choices\":[{\"delta\":{\"content\":";
    for (int i = 0; i < 60; i++)
        strcat(json, "[");
    strcat(json, "\"a\"");
    for (int i = 0; i < 60; i++)
        strcat(json, "]");
    strcat(json, "}}]}");
    ck_assert_uint_eq(parse(json).tokens, 0);
}
END_TEST

START_TEST(log_probabilities_are_counted)
{
    struct chunk c =
        parse("{\"choices\":[{\"delta\":{\"content\":\"ab\"},\"logprobs\":{\"content\":[{"
              "\"token\":\"a\"},{\"token\":\"b\"}],\"refusal\":null}}]}");
    ck_assert_uint_eq(c.logprobs, 2);
    c = parse("{\"choices\":[{\"text\":\"abc\",\"logprobs\":{\"tokens\":[\"a\",\"b\",\"c\"],"
              "\"token_logprobs\":[-1,-2,-3]}}]}");
    ck_assert_uint_eq(c.logprobs, 3);
    ck_assert_uint_eq(parse("{\"choices\":[{\"logprobs\":null}]}").logprobs, 0);
}
END_TEST

/* prompt, cached, written, written 1 h, output text, reasoning */
static const struct {
    const char *usage;
    uint64_t tokens[USAGE_CLASSES];
} usages[] = {
    {"{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}", {10, 0, 0, 0, 5, 0}},
    {"{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,"
     "\"prompt_tokens_details\":{\"cached_tokens\":64,\"audio_tokens\":0},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20}}",
     {36, 64, 0, 0, 30, 20}},
    {"{\"prompt_tokens\":100,\"completion_tokens\":50,\"prompt_tokens_details\":null}",
     {100, 0, 0, 0, 50, 0}},
    /* reasoning beside the completion: the total says so, or it is larger than the whole */
    {"{\"prompt_tokens\":10,\"completion_tokens\":50,\"total_tokens\":80,"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20}}",
     {10, 0, 0, 0, 50, 20}},
    {"{\"prompt_tokens\":10,\"completion_tokens\":5,"
     "\"completion_tokens_details\":{\"reasoning_tokens\":20}}",
     {10, 0, 0, 0, 5, 20}},
    /* Anthropic: input excludes what was read from or written to the cache */
    {"{\"input_tokens\":7,\"cache_read_input_tokens\":1000,\"cache_creation_input_tokens\":200,"
     "\"output_tokens\":9}",
     {7, 1000, 200, 0, 9, 0}},
    {"{\"input_tokens\":7,\"cache_read_input_tokens\":0,\"cache_creation_input_tokens\":300,"
     "\"cache_creation\":{\"ephemeral_5m_input_tokens\":100,\"ephemeral_1h_input_tokens\":200},"
     "\"output_tokens\":9}",
     {7, 0, 100, 200, 9, 0}},
    {"{\"prompt_tokens\":100,\"prompt_cache_hit_tokens\":60,\"prompt_cache_miss_tokens\":40,"
     "\"completion_tokens\":1}",
     {40, 60, 0, 0, 1, 0}},
    {"{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":30},\"output_tokens\":8,"
     "\"output_tokens_details\":{\"reasoning_tokens\":3}}",
     {70, 30, 0, 0, 5, 3}},
    {"{\"prompt_tokens\":10,\"completion_tokens\":null,\"total_tokens\":10}", {10, 0, 0, 0, 0, 0}},
};

START_TEST(usage_becomes_disjoint)
{
    char json[1024];
    snprintf(json, sizeof json, "{\"choices\":[],\"usage\": %s}", usages[_i].usage);
    struct chunk c = parse(json);
    ck_assert(c.has_usage);
    ck_assert_uint_eq(c.tokens, 0);
    for (int i = 0; i < USAGE_CLASSES; i++)
        ck_assert_msg(c.usage.tokens[i] == usages[_i].tokens[i], "%s: %s = %llu", usages[_i].usage,
                      usage_class_name((enum usage_class)i), (unsigned long long)c.usage.tokens[i]);
    ck_assert_uint_eq(c.raw_usage.length, strlen(usages[_i].usage));
    ck_assert(memcmp(c.raw_usage.at, usages[_i].usage, c.raw_usage.length) == 0);
}
END_TEST

START_TEST(usage_null_is_none_and_cost_is_exact)
{
    ck_assert(!parse("{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}").has_usage);
    struct chunk c = parse("{\"usage\":{\"prompt_tokens\":1,\"cost\":0.000123}}");
    char text[MONEY_TEXT_SIZE];
    ck_assert(c.report.has_cost);
    money_format(c.report.cost, text);
    ck_assert_str_eq(text, "0.000123");
}
END_TEST

/* Where a payload holds its usage, each of 137 tokens in and 24 out. */
static const char *const places[] = {
    "{\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":137,\"completion_tokens\":24}}]}",
    "{\"usageMetadata\":{\"promptTokenCount\":137,\"candidatesTokenCount\":24}}",
    "{\"usage_metadata\":{\"input_tokens\":137,\"output_tokens\":24}}",
    "{\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":137,\"completion_tokens\":24}}}",
    "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":137,"
    "\"output_tokens\":24}}}",
    "{\"type\":\"message-end\",\"delta\":{\"usage\":{\"tokens\":{\"input_tokens\":137,"
    "\"output_tokens\":24}}}}",
    "{\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":137,\"outputTokenCount\":24}}",
    "{\"meta\":{\"api_version\":{},\"billed_units\":{\"input_tokens\":137,\"output_tokens\":24}}}",
    "{\"usage\":{\"prompt_tokens\":137},\"x_groq\":{\"usage\":{\"completion_tokens\":24}}}",
    "{\"response\":{\"usage\":{\"input_tokens\":137,\"output_tokens\":24}},\"usage\":null}",
};

START_TEST(usage_is_found_wherever_it_stands)
{
    struct chunk c = parse(places[_i]);
    ck_assert_msg(c.has_usage, "%s", places[_i]);
    ck_assert_uint_eq(usage_input(&c.usage), 137);
    ck_assert_uint_eq(usage_output(&c.usage), 24);
    ck_assert(c.raw_usage.at[0] == '{');
}
END_TEST

START_TEST(what_wraps_no_usage_has_none)
{
    ck_assert(!parse("{\"x_groq\":{\"id\":\"r\"},\"meta\":{},\"metadata\":null}").has_usage);
    ck_assert(!parse("{\"message\":{\"usage\":null},\"delta\":\"x\",\"response\":7}").has_usage);
    ck_assert(parse("{\"usage\":{}}").has_usage);
}
END_TEST

static const char *const errors[][2] = {
    {"{\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}",
     "overloaded"},
    {"{\"error\":\"plain words\"}", "plain words"},
    {"{\"object\":\"error\",\"message\":\"too long\",\"code\":400}", "too long"},
    {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}", "busy"},
    {"{\"error\":{\"code\":7}}", "{\"code\":7}"},
};

START_TEST(error_objects_are_seen)
{
    struct chunk c = parse(errors[_i][0]);
    ck_assert(c.is_error);
    ck_assert_uint_eq(c.error_message.length, strlen(errors[_i][1]));
    ck_assert(memcmp(c.error_message.at, errors[_i][1], c.error_message.length) == 0);
    ck_assert(!parse("{\"error\":null,\"choices\":[]}").is_error);
}
END_TEST

START_TEST(finish_reasons_and_counts)
{
    struct chunk c = parse("{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}");
    ck_assert(text_equal(c.finish_reason, "length"));
    ck_assert_uint_eq(parse("{\"choices\":[{\"finish_reason\":null}]}").finish_reason.length, 0);
    c = parse("{\"object\":\"list\",\"data\":[{\"embedding\":[0.1,0.2]},{\"embedding\":\"AAA=\"}],"
              "\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}");
    ck_assert_uint_eq(c.results, 2);
    ck_assert_uint_eq(c.usage.tokens[USAGE_UNCACHED_INPUT], 4);
}
END_TEST

static const char *const malformed[] = {
    "",
    "[DONE]",
    "{",
    "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]",
    "{\"choices\":[{\"delta\":{\"content\":\"a}}]}",
    "{\"choices\":[]} x",
    "{\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}",
    "<html>",
    "null",
};

START_TEST(broken_payloads_are_refused)
{
    struct chunk c;
    ck_assert_msg(openai_read_answer(text_of(malformed[_i]), &c) < 0, "%s", malformed[_i]);
}
END_TEST

/* A good payload cut anywhere is refused, and no byte beyond the cut is read. */
START_TEST(a_cut_payload_is_refused)
{
    const char *whole = "{\"id\":\"x\",\"choices\":[{\"delta\":{\"content\":\"\\u00e9\","
                        "\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]},"
                        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12}}";
    struct chunk c;
    for (size_t cut = 0; cut < strlen(whole); cut++) {
        char *part = malloc(cut + 1);
        memcpy(part, whole, cut);
        char *exact = realloc(part, cut ? cut : 1);
        ck_assert_int_lt(openai_read_answer((struct text){exact, cut}, &c), 0);
        free(exact);
    }
    parse(whole);
}
END_TEST

#define LOOP(t, test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))

int main(void)
{
    Suite *suite = suite_create("chunk");
    TCase *t = tcase_create("chunk");
    LOOP(t, only_token_text_is_a_token, deltas);
    tcase_add_test(t, texts_of_parts_are_all_lent);
    tcase_add_test(t, parts_in_parts_end_somewhere);
    tcase_add_test(t, log_probabilities_are_counted);
    LOOP(t, usage_becomes_disjoint, usages);
    tcase_add_test(t, usage_null_is_none_and_cost_is_exact);
    LOOP(t, usage_is_found_wherever_it_stands, places);
    tcase_add_test(t, what_wraps_no_usage_has_none);
    LOOP(t, error_objects_are_seen, errors);
    tcase_add_test(t, finish_reasons_and_counts);
    LOOP(t, broken_payloads_are_refused, malformed);
    tcase_add_test(t, a_cut_payload_is_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
