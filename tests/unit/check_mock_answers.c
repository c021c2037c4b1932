#include "mock_fixture.h"
#include "sim/mock/api/schema.h"

#define TOOLS                                                                                   \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":" \
    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":"   \
    "\"integer\",\"minimum\":2,\"maximum\":5},\"unit\":{\"enum\":[\"c\",\"f\"]}},\"required\":" \
    "[\"city\"]}}},{\"type\":\"function\",\"function\":{\"name\":\"get_time\"}}]"

static cJSON *made(const char *schema, uint64_t seed)
{
    cJSON *json = cJSON_Parse(schema);
    ck_assert_msg(json != NULL, "%s", schema);
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    schema_example(json, seed, 0, &b);
    cJSON *value = cJSON_Parse(b.data);
    ck_assert_msg(value != NULL, "%s gave %s", schema, b.data);
    buffer_free(&b);
    cJSON_Delete(json);
    return value;
}

START_TEST(schemas_are_satisfied)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        cJSON *v =
            made("{\"type\":\"object\",\"properties\":{"
                 "\"i\":{\"type\":\"integer\",\"minimum\":3,\"exclusiveMaximum\":6},"
                 "\"n\":{\"type\":\"number\",\"minimum\":-1,\"maximum\":1},"
                 "\"m\":{\"type\":\"integer\",\"minimum\":10,\"multipleOf\":7},"
                 "\"s\":{\"type\":\"string\",\"minLength\":20,\"maxLength\":30},"
                 "\"t\":{\"type\":\"string\",\"maxLength\":3},"
                 "\"e\":{\"enum\":[\"x\",\"y\"]},\"c\":{\"const\":42},"
                 "\"d\":{\"type\":\"string\",\"format\":\"date\"},"
                 "\"o\":{\"type\":[\"null\",\"boolean\"]},"
                 "\"l\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/p\"},\"minItems\":2},"
                 "\"a\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}},"
                 "\"$defs\":{\"p\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":"
                 "\"boolean\"}}}}}",
                 seed);
        double i = number_at(v, "i"), n = number_at(v, "n"), m = number_at(v, "m");
        ck_assert(i >= 3 && i <= 5 && i == floor(i));
        ck_assert(n >= -1 && n <= 1);
        ck_assert(m >= 10 && fmod(m, 7) == 0);
        ck_assert_uint_ge(strlen(text_at(v, "s")), 20);
        ck_assert_uint_le(strlen(text_at(v, "t")), 3);
        ck_assert(strcmp(text_at(v, "e"), "x") == 0 || strcmp(text_at(v, "e"), "y") == 0);
        ck_assert_double_eq(number_at(v, "c"), 42);
        ck_assert_uint_eq(strlen(text_at(v, "d")), 10);
        ck_assert(cJSON_IsBool(at(v, "o")));
        ck_assert_int_eq(cJSON_GetArraySize(at(v, "l")), 2);
        ck_assert(cJSON_IsBool(at(v, "l.1.x")));
        ck_assert(cJSON_IsNumber(at(v, "a")));
        cJSON_Delete(v);
    }
}
END_TEST

START_TEST(hostile_schemas_end)
{
    cJSON_Delete(made("{\"$ref\":\"#\"}", 1));
    cJSON_Delete(made("{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"$ref\":"
                      "\"#\"},\"c\":{\"$ref\":\"#\"}}}",
                      1));
    cJSON_Delete(
        made("{\"type\":\"array\",\"minItems\":1e9,\"items\":{\"type\":\"array\",\"minItems\":"
             "1e9,\"items\":{\"type\":\"array\",\"minItems\":1e9}}}",
             1));
    cJSON_Delete(made("{\"type\":\"string\",\"minLength\":1e12}", 1));
    cJSON_Delete(made("{\"type\":\"integer\",\"minimum\":5,\"maximum\":1}", 1));
    cJSON_Delete(made("{\"type\":\"number\",\"multipleOf\":0}", 1));
    cJSON_Delete(made("{\"type\":3,\"enum\":[]}", 1));
}
END_TEST

START_TEST(tools_are_called_with_valid_arguments)
{
    start();
    cJSON *json = ask(CHAT, ASK(TOOLS), 200);
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "tool_calls");
    ck_assert(cJSON_IsNull(at(json, "choices.0.message.content")));
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices.0.message.tool_calls")), 2);
    ck_assert_str_eq(text_at(json, "choices.0.message.tool_calls.0.function.name"), "get_weather");
    cJSON *arguments =
        cJSON_Parse(text_at(json, "choices.0.message.tool_calls.0.function.arguments"));
    ck_assert_uint_gt(strlen(text_at(arguments, "city")), 0);
    double days = number_at(arguments, "days");
    ck_assert(days >= 2 && days <= 5);
    cJSON_Delete(arguments);
    cJSON_Delete(json);

    json = ask(CHAT, ASK(TOOLS ",\"parallel_tool_calls\":false"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices.0.message.tool_calls")), 1);
    cJSON_Delete(json);
    json = ask(CHAT, ASK(TOOLS ",\"parallel_tool_calls\":false,\"max_tokens\":90"), 200);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 90);
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "tool_calls");
    cJSON_Delete(json);
    json = ask(CHAT, ASK(TOOLS ",\"tool_choice\":\"none\",\"max_tokens\":3"), 200);
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "length");
    cJSON_Delete(json);
    json = ask(CHAT,
               ASK(TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
                         "\"get_time\"}}"),
               200);
    ck_assert_str_eq(text_at(json, "choices.0.message.tool_calls.0.function.name"), "get_time");
    arguments = cJSON_Parse(text_at(json, "choices.0.message.tool_calls.0.function.arguments"));
    ck_assert(cJSON_IsObject(arguments)); /* a function without parameters takes {} */
    ck_assert_ptr_null(arguments->child);
    cJSON_Delete(arguments);
    cJSON_Delete(json);
    json = ask(CHAT,
               "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\","
               "\"content\":\"rain\"}]" TOOLS "}",
               200);
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "stop"); /* the loop ends */
    cJSON_Delete(json);
}
END_TEST

/* Joins the arguments of the streamed call `index`. */
static void join_arguments(int index, struct buffer *name, struct buffer *arguments)
{
    char *rest = NULL;
    char *copy = strdup(client.body.data);
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cJSON *json = cJSON_Parse(line + 6);
        const cJSON *call = at(json, "choices.0.delta.tool_calls.0");
        if (call && number_at(call, "index") == index) {
            const cJSON *f = at(call, "function");
            if (at(f, "name"))
                buffer_add_text(name, text_at(f, "name"));
            buffer_add_text(arguments, text_at(f, "arguments"));
        }
        cJSON_Delete(json);
    }
    free(copy);
}

START_TEST(tools_stream_in_pieces)
{
    start();
    raw_post(&client, CHAT, "", ASK(TOOLS ",\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    struct buffer name, arguments;
    buffer_init(&name, 1000);
    buffer_init(&arguments, 10000);
    join_arguments(0, &name, &arguments);
    ck_assert_str_eq(name.data, "get_weather");
    cJSON *json = cJSON_Parse(arguments.data);
    ck_assert_uint_gt(strlen(text_at(json, "city")), 0);
    cJSON_Delete(json);
    ck_assert(raw_has(&client, "\"finish_reason\":\"tool_calls\""));
    buffer_free(&name);
    buffer_free(&arguments);
}
END_TEST

START_TEST(json_mode_gives_json)
{
    start();
    cJSON *json = ask(CHAT, ASK(",\"response_format\":{\"type\":\"json_object\"}"), 200);
    cJSON *content = cJSON_Parse(text_at(json, "choices.0.message.content"));
    ck_assert(cJSON_IsObject(content));
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "stop");
    cJSON_Delete(content);
    cJSON_Delete(json);
    json = ask(
        CHAT,
        ASK(",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\","
            "\"schema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}}}}}"),
        200);
    content = cJSON_Parse(text_at(json, "choices.0.message.content"));
    ck_assert(cJSON_IsBool(at(content, "ok")));
    cJSON_Delete(content);
    cJSON_Delete(json);
    /* The length that was asked for, in JSON that ends. */
    json =
        ask(CHAT, ASK(",\"response_format\":{\"type\":\"json_object\"},\"max_tokens\":130"), 200);
    content = cJSON_Parse(text_at(json, "choices.0.message.content"));
    ck_assert(cJSON_IsObject(content));
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "stop");
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 130);
    cJSON_Delete(content);
    cJSON_Delete(json);
    json = ask(CHAT, ASK(",\"response_format\":{\"type\":\"json_object\"},\"max_tokens\":2"), 200);
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "length");
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 2);
    cJSON_Delete(json);
}
END_TEST

START_TEST(stop_cuts_the_text_before_itself)
{
    start();
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":40"), 200);
    char word[64];
    const char *text = text_at(json, "choices.0.message.content");
    ck_assert_int_eq(sscanf(text, "%*s %*s %*s %63s", word), 1);
    char body[512];
    snprintf(body, sizeof body, ASK(",\"max_tokens\":40,\"stop\":[\"zzz\",\"%s\"]"), word);
    cJSON *stopped = ask(CHAT, body, 200);
    const char *short_text = text_at(stopped, "choices.0.message.content");
    ck_assert_str_eq(text_at(stopped, "choices.0.finish_reason"), "stop");
    ck_assert_ptr_null(strstr(short_text, word));
    ck_assert_int_eq(strncmp(short_text, text, strlen(short_text)), 0);
    ck_assert_double_le(number_at(stopped, "usage.completion_tokens"), 4);
    cJSON_Delete(json);
    cJSON_Delete(stopped);
}
END_TEST

START_TEST(reasoning_is_told_apart)
{
    config.reasoning_tokens = 10;
    start();
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":16"), 200);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 16);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens_details.reasoning_tokens"), 10);
    ck_assert_uint_gt(strlen(text_at(json, "choices.0.message.reasoning_content")), 10);
    cJSON_Delete(json);
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":16,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    ck_assert_uint_eq(raw_count(&client, "\"reasoning_content\":"), 10);
    ck_assert_uint_eq(raw_count(&client, "\"delta\":{\"content\":"), 6);
    json = ask(CHAT, ASK(",\"max_tokens\":5"), 200); /* the limit ends within the reasoning */
    ck_assert_double_eq(number_at(json, "usage.completion_tokens_details.reasoning_tokens"), 5);
    ck_assert(cJSON_IsNull(at(json, "choices.0.message.content")));
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "length");
    cJSON_Delete(json);
    json = ask(CHAT, ASK(",\"max_tokens\":5,\"reasoning_effort\":\"none\""), 200);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens_details.reasoning_tokens"), 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(completions_have_their_own_shape)
{
    start();
    cJSON *json =
        ask("/v1/completions", "{\"model\":\"m\",\"prompt\":\"a b\",\"max_tokens\":3}", 200);
    ck_assert_str_eq(text_at(json, "object"), "text_completion");
    ck_assert_uint_gt(strlen(text_at(json, "choices.0.text")), 4);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 9);
    cJSON_Delete(json);
    json = ask("/v1/completions", "{\"model\":\"m\",\"prompt\":[1,2,3],\"max_tokens\":3}", 200);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 10);
    cJSON_Delete(json);
    json = ask("/v1/completions", "{\"model\":\"m\",\"prompt\":[1,1e300],\"max_tokens\":3}", 200);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 9);
    cJSON_Delete(json);
    raw_post(&client, "/v1/completions", "",
             "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":3,\"stream\":true}");
    ck_assert(raw_read_answer(&client));
    ck_assert_uint_eq(raw_count(&client, "\"text\":\""), 4); /* the last one is empty */
    ck_assert(!raw_has(&client, "role"));
}
END_TEST

START_TEST(embeddings_have_the_asked_size)
{
    start();
    cJSON *json =
        ask("/v1/embeddings", "{\"model\":\"m\",\"input\":[\"a b\",\"c\"],\"dimensions\":8}", 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "data")), 2);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "data.1.embedding")), 8);
    ck_assert_double_eq(number_at(json, "data.1.index"), 1);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 10);
    cJSON_Delete(json);
    json = ask("/v1/embeddings",
               "{\"model\":\"m\",\"input\":\"a\",\"dimensions\":8,\"encoding_format\":\"base64\"}",
               200);
    ck_assert_uint_eq(strlen(text_at(json, "data.0.embedding")), 44); /* 32 bytes */
    cJSON_Delete(json);
    json = ask("/v1/embeddings", "{\"model\":\"m\",\"input\":[]}", 400);
    ck_assert_str_eq(text_at(json, "error.param"), "input");
    cJSON_Delete(json);
}
END_TEST

static double cached_of(const char *tail)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_add_text(&body, "{\"model\":\"m\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\","
                           "\"content\":\"");
    for (int i = 0; i < 100; i++)
        buffer_add_format(&body, "word%d ", i);
    buffer_add_format(&body, "%s\"}]}", tail);
    cJSON *json = ask(CHAT, body.data, 200);
    double cached = number_at(json, "usage.prompt_tokens_details.cached_tokens");
    cJSON_Delete(json);
    buffer_free(&body);
    return cached;
}

START_TEST(repeated_prefixes_are_cached_tokens)
{
    struct error err = {0};
    ck_assert_int_eq(engine_config_load("rtx4090-llama-3.1-8b-tp1", &config.engine, &err), 0);
    start();
    ck_assert_double_eq(cached_of("first end"), 0);
    /* 7 + 100 tokens are the same: six blocks of 16 */
    ck_assert_double_eq(cached_of("another end"), 96);
    ck_assert_double_eq(cached_of("first end"), 96);
}
END_TEST

START_TEST(metrics_have_vllm_names)
{
    start();
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":5"), 200));
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":5,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    raw_get(&client, "/metrics");
    ck_assert(raw_read_answer(&client));
    static const char *const lines[] = {
        "\nvllm:num_requests_running{engine=\"0\",model_name=\"farebox-mock\"} 0\n",
        "\nvllm:num_requests_waiting{",
        "\nvllm:kv_cache_usage_perc{",
        "\nvllm:prompt_tokens_total{engine=\"0\",model_name=\"farebox-mock\"} 20\n",
        "\nvllm:generation_tokens_total{engine=\"0\",model_name=\"farebox-mock\"} 10\n",
        "vllm:request_success_total{engine=\"0\",model_name=\"farebox-mock\",finished_reason="
        "\"length\"} 2\n",
        "vllm:time_to_first_token_seconds_count{engine=\"0\",model_name=\"farebox-mock\"} 1\n",
        "vllm:inter_token_latency_seconds_count{engine=\"0\",model_name=\"farebox-mock\"} 4\n",
        "vllm:e2e_request_latency_seconds_bucket{engine=\"0\",model_name=\"farebox-mock\",le=\"+"
        "Inf\"} 2\n",
        "farebox:chunk_lateness_seconds_sum{",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(raw_has(&client, lines[i]), "%s not in:\n%s", lines[i], client.body.data);
    raw_get(&client, "/health");
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 200);
}
END_TEST

START_TEST(truth_log_tells_due_and_written)
{
    char path[] = "/tmp/farebox-truth-XXXXXX";
    close(mkstemp(path));
    config.log_path = path;
    config.engine = engine_config_constant(3, 1);
    start();
    raw_post(&client, CHAT, "x-request-id: r1\r\n", ASK(",\"max_tokens\":5,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    raw_post(&client, CHAT, "x-request-id: r2\r\nx-farebox-fault: reset-after=2\r\n",
             ASK(",\"max_tokens\":5,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    mock_stop(mock);
    FILE *f = fopen(path, "r");
    char line[4096];
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    cJSON *json = cJSON_Parse(line);
    ck_assert_str_eq(text_at(json, "x_request_id"), "r1");
    ck_assert_str_eq(text_at(json, "outcome"), "completed");
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "due_ns")), 5);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "written_ns")), 5);
    double read_ns = number_at(json, "read_ns");
    ck_assert_double_eq(number_at(json, "due_ns.0") - read_ns, 3e6);
    ck_assert_double_eq(number_at(json, "due_ns.4") - read_ns, 7e6);
    for (int i = 0; i < 5; i++)
        ck_assert_double_ge(cJSON_GetArrayItem(at(json, "written_ns"), i)->valuedouble,
                            cJSON_GetArrayItem(at(json, "due_ns"), i)->valuedouble);
    ck_assert_double_eq(number_at(json, "billed.completion_tokens"), 5);
    ck_assert(cJSON_IsNull(at(json, "fault")));
    cJSON_Delete(json);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    json = cJSON_Parse(line);
    ck_assert_str_eq(text_at(json, "outcome"), "reset");
    ck_assert_str_eq(text_at(json, "fault"), "reset-after=2");
    ck_assert_double_eq(number_at(json, "billed.completion_tokens"), 2);
    cJSON_Delete(json);
    ck_assert_ptr_null(fgets(line, sizeof line, f));
    fclose(f);
    unlink(path);
}
END_TEST

START_TEST(same_seed_same_words)
{
    start();
    cJSON *a = ask(CHAT, ASK(",\"max_tokens\":30"), 200);
    cJSON *b = ask(CHAT, ASK(",\"max_tokens\":30"), 200);
    ck_assert_str_eq(text_at(a, "choices.0.message.content"),
                     text_at(b, "choices.0.message.content"));
    ck_assert_str_ne(text_at(a, "id"), text_at(b, "id"));
    cJSON_Delete(a);
    cJSON_Delete(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock answers");
    TCase *unit = tcase_create("schema");
    tcase_add_test(unit, schemas_are_satisfied);
    tcase_add_test(unit, hostile_schemas_end);
    suite_add_tcase(suite, unit);
    TCase *wire = tcase_create("endpoint");
    tcase_add_checked_fixture(wire, set_up, tear_down);
    tcase_add_test(wire, tools_are_called_with_valid_arguments);
    tcase_add_test(wire, tools_stream_in_pieces);
    tcase_add_test(wire, json_mode_gives_json);
    tcase_add_test(wire, stop_cuts_the_text_before_itself);
    tcase_add_test(wire, reasoning_is_told_apart);
    tcase_add_test(wire, completions_have_their_own_shape);
    tcase_add_test(wire, embeddings_have_the_asked_size);
    tcase_add_test(wire, repeated_prefixes_are_cached_tokens);
    tcase_add_test(wire, metrics_have_vllm_names);
    tcase_add_test(wire, truth_log_tells_due_and_written);
    tcase_add_test(wire, same_seed_same_words);
    suite_add_tcase(suite, wire);
    return testing_run(suite);
}
