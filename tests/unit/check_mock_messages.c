/* Anthropic's face of the mock. */
#include "mock_fixture.h"

#define MESSAGES "/v1/messages"
#define COUNT "/v1/messages/count_tokens"
#define VERSION "anthropic-version: 2023-06-01\r\n"
#define SAY(rest) \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]" rest "}"
#define WEATHER                                                                           \
    "{\"name\":\"get_weather\",\"description\":\"of a city\",\"input_schema\":{\"type\":" \
    "\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":"       \
    "\"integer\",\"minimum\":2,\"maximum\":5}},\"required\":[\"city\"]}}"
#define TOOLS                                                                                      \
    ",\"max_tokens\":60,\"tools\":[" WEATHER ",{\"name\":\"get_time\",\"input_schema\":{\"type\":" \
    "\"object\"}},{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]"

static cJSON *say(const char *path, const char *headers, const char *body, int status)
{
    raw_post(&client, path, headers, body);
    ck_assert(raw_read_answer(&client));
    ck_assert_msg(client.status == status, "%d: %s", client.status, client.body.data);
    cJSON *json = cJSON_Parse(client.body.data);
    ck_assert_ptr_nonnull(json);
    return json;
}

START_TEST(an_answer_has_blocks_a_reason_and_a_usage)
{
    start();
    cJSON *json = say(MESSAGES, VERSION, SAY(",\"max_tokens\":5"), 200);
    ck_assert_str_eq(text_at(json, "type"), "message");
    ck_assert_str_eq(text_at(json, "role"), "assistant");
    ck_assert_str_eq(text_at(json, "content.0.type"), "text");
    ck_assert_str_eq(text_at(json, "stop_reason"), "max_tokens");
    ck_assert(cJSON_IsNull(at(json, "stop_sequence")));
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), 10);
    ck_assert_double_eq(number_at(json, "usage.output_tokens"), 5);
    ck_assert_int_eq(strncmp(text_at(json, "id"), "msg_", 4), 0);
    ck_assert_ptr_nonnull(strstr(client.head.data, "\r\nrequest-id: "));
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_stream_has_its_events_in_order)
{
    static const char *const order[] = {
        "event: message_start\ndata: {\"type\":\"message_start\"",
        "\"input_tokens\":10",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0",
        "event: ping\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
        "{\"type\":\"text_delta\"",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}",
        "event: message_delta\n",
        "\"stop_reason\":\"max_tokens\"",
        "\"output_tokens\":4",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    };
    start();
    raw_post(&client, MESSAGES, VERSION, SAY(",\"max_tokens\":4,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    const char *seen = client.body.data;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        seen = strstr(seen, order[i]);
        ck_assert_msg(seen != NULL, "%s is not behind what is before it:\n%s", order[i],
                      client.body.data);
    }
    ck_assert_uint_eq(raw_count(&client, "\"text_delta\""), 4);
    ck_assert_uint_eq(raw_count(&client, "[DONE]"), 0);
}
END_TEST

START_TEST(thinking_comes_first_with_a_signature_and_inside_the_output)
{
    config.reasoning_tokens = 6;
    start();
    static const char *const thinks =
        SAY(",\"max_tokens\":1100,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}");
    cJSON *json = say(MESSAGES, VERSION, thinks, 200);
    ck_assert_str_eq(text_at(json, "content.0.type"), "thinking");
    ck_assert_uint_gt(strlen(text_at(json, "content.0.signature")), 0);
    ck_assert_str_eq(text_at(json, "content.1.type"), "text");
    ck_assert_double_eq(number_at(json, "usage.output_tokens"), 1100);
    ck_assert_double_eq(number_at(json, "usage.output_tokens_details.thinking_tokens"), 6);
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION, SAY(",\"max_tokens\":9"), 200); /* unasked, none */
    ck_assert_str_eq(text_at(json, "content.0.type"), "text");
    cJSON_Delete(json);
    raw_post(&client, MESSAGES, VERSION,
             SAY(",\"max_tokens\":9,\"stream\":true,\"thinking\":{\"type\":\"adaptive\"}"));
    ck_assert(raw_read_answer(&client));
    ck_assert_uint_eq(raw_count(&client, "\"thinking_delta\""), 6);
    ck_assert_uint_eq(raw_count(&client, "\"signature_delta\""), 1);
    ck_assert_uint_eq(raw_count(&client, "\"text_delta\""), 3);
    raw_post(&client, MESSAGES, VERSION,
             SAY(",\"max_tokens\":9,\"stream\":true,\"thinking\":{\"type\":\"adaptive\","
                 "\"display\":\"omitted\"}"));
    ck_assert(raw_read_answer(&client));
    ck_assert_uint_eq(raw_count(&client, "\"thinking_delta\""), 0);
    ck_assert_uint_eq(raw_count(&client, "\"signature_delta\""), 1);
}
END_TEST

START_TEST(tools_are_used_as_the_choice_says)
{
    start();
    cJSON *json = say(MESSAGES, VERSION, SAY(TOOLS), 200);
    ck_assert_str_eq(text_at(json, "stop_reason"), "tool_use");
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "content")), 2); /* none of the server's own */
    ck_assert_str_eq(text_at(json, "content.0.type"), "tool_use");
    ck_assert_str_eq(text_at(json, "content.0.name"), "get_weather");
    ck_assert_int_eq(strncmp(text_at(json, "content.0.id"), "toolu_", 6), 0);
    double days = number_at(json, "content.0.input.days");
    ck_assert(days >= 2 && days <= 5);
    ck_assert(cJSON_IsObject(at(json, "content.1.input")));
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION,
               SAY(TOOLS ",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}"),
               200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "content")), 1);
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION,
               SAY(TOOLS ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"get_time\"}"), 200);
    ck_assert_str_eq(text_at(json, "content.0.name"), "get_time");
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION, SAY(TOOLS ",\"tool_choice\":{\"type\":\"none\"}"), 200);
    ck_assert_str_eq(text_at(json, "content.0.type"), "text");
    cJSON_Delete(json);
    json =
        say(MESSAGES, VERSION,
            "{\"model\":\"m\",\"max_tokens\":4,\"tools\":[" WEATHER
            "],\"messages\":[{\"role\":\"user\",\"content\":\"go\"},{\"role\":\"assistant\","
            "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"get_weather\",\"input\":"
            "{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
            "\"t\",\"content\":\"rain\"}]}]}",
            200);
    ck_assert_str_eq(text_at(json, "content.0.type"), "text"); /* or it would never end */
    cJSON_Delete(json);
    raw_post(&client, MESSAGES, VERSION, SAY(TOOLS ",\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    ck_assert_uint_eq(raw_count(&client, "\"type\":\"tool_use\""), 2);
    ck_assert_uint_eq(raw_count(&client, "event: content_block_stop"), 2);
    ck_assert_uint_gt(raw_count(&client, "\"input_json_delta\""), 2);
}
END_TEST

START_TEST(a_stop_sequence_is_named)
{
    start();
    cJSON *json = say(MESSAGES, VERSION, SAY(",\"max_tokens\":20"), 200);
    char word[32], body[256];
    ck_assert_int_eq(sscanf(text_at(json, "content.0.text"), "%*s %*s %*s %31s", word), 1);
    cJSON_Delete(json);
    snprintf(body, sizeof body, SAY(",\"max_tokens\":20,\"stop_sequences\":[\"nowhere\",\"%s\"]"),
             word);
    json = say(MESSAGES, VERSION, body, 200);
    ck_assert_str_eq(text_at(json, "stop_reason"), "stop_sequence");
    ck_assert_str_eq(text_at(json, "stop_sequence"), word);
    ck_assert_ptr_null(strstr(text_at(json, "content.0.text"), word));
    cJSON_Delete(json);
}
END_TEST

/* ---- the cache ---- */

static void expect_usage(const cJSON *json, double input, double read, double minutes, double hour)
{
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), input);
    ck_assert_double_eq(number_at(json, "usage.cache_read_input_tokens"), read);
    ck_assert_double_eq(number_at(json, "usage.cache_creation_input_tokens"), minutes + hour);
    ck_assert_double_eq(number_at(json, "usage.cache_creation.ephemeral_5m_input_tokens"), minutes);
    ck_assert_double_eq(number_at(json, "usage.cache_creation.ephemeral_1h_input_tokens"), hour);
}

#define SYSTEM(ttl)                                                              \
    "{\"model\":\"m\",\"max_tokens\":2,\"system\":[{\"type\":\"text\",\"text\":" \
    "\"a b c d e f g h i j\",\"cache_control\":{\"type\":\"ephemeral\"" ttl "}}],\"messages\":["
#define USER(text, mark) \
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"" mark "}]}"
#define MARK ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}"

START_TEST(marked_prefixes_are_written_and_then_read)
{
    start(); /* 7 tokens of template belong to the first block */
    static const struct {
        const char *body;
        double input, read, minutes, hour;
    } asked[] = {
        {SYSTEM(",\"ttl\":\"1h\"") USER("one two", MARK) "]}", 0, 0, 2, 17},
        {SYSTEM(",\"ttl\":\"1h\"") USER("one two", MARK) "]}", 0, 19, 0, 0},
        {SYSTEM(",\"ttl\":\"1h\"") USER("one two", "") "," USER("three", MARK) "]}", 0, 19, 1, 0},
        {SYSTEM(",\"ttl\":\"1h\"") USER("other words", "") "]}", 2, 17, 0, 0},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        cJSON *json = say(MESSAGES, VERSION, asked[i].body, 200);
        expect_usage(json, asked[i].input, asked[i].read, asked[i].minutes, asked[i].hour);
        cJSON_Delete(json);
    }
    cJSON *json = say(MESSAGES, VERSION, /* without a mark nothing is read */
                      "{\"model\":\"m\",\"max_tokens\":2,\"system\":\"a b c d e f g h i j\","
                      "\"messages\":[" USER("one two", "") "]}",
                      200);
    expect_usage(json, 19, 0, 0, 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(a_body_can_be_marked_as_a_whole_and_tools_too)
{
    start();
    static const char *const body =
        SAY(",\"max_tokens\":2,\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}");
    cJSON *json = say(MESSAGES, VERSION, body, 200);
    expect_usage(json, 0, 0, 0, 10);
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION, body, 200);
    expect_usage(json, 0, 10, 0, 0);
    cJSON_Delete(json);
    static const char *const tools =
        SAY(",\"max_tokens\":2,\"tool_choice\":{\"type\":\"none\"},\"tools\":[{\"name\":\"f\","
            "\"description\":\"a b c\",\"input_schema\":{},\"cache_control\":{\"type\":"
            "\"ephemeral\"}}]");
    json = say(MESSAGES, VERSION, tools, 200);
    double all = number_at(json, "usage.cache_creation_input_tokens");
    ck_assert_double_gt(all, 7);
    expect_usage(json, 3, 0, all, 0);
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION, tools, 200);
    expect_usage(json, 3, all, 0, 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(streams_tell_the_cache_at_their_start_and_the_log_has_the_classes)
{
    char path[] = "/tmp/farebox-truth-XXXXXX";
    close(mkstemp(path));
    config.log_path = path;
    start();
    static const char *const body =
        "{\"stream\":true,\"model\":\"m\",\"max_tokens\":2,\"messages\":[" USER(
            "one two", MARK) "," USER("three", "") "]}";
    for (int i = 0; i < 2; i++) {
        raw_post(&client, MESSAGES, VERSION, body);
        ck_assert(raw_read_answer(&client));
        ck_assert_uint_eq(raw_count(&client, i ? "\"cache_read_input_tokens\":9"
                                               : "\"ephemeral_5m_input_tokens\":9"),
                          2);
    }
    mock_stop(mock);
    FILE *f = fopen(path, "r");
    char line[4096];
    static const char *const classes[] = {"usage.cache_write", "usage.cached_input"};
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        cJSON *json = cJSON_Parse(line);
        ck_assert_double_eq(number_at(json, classes[i]), 9);
        ck_assert_double_eq(number_at(json, "usage.uncached_input"), 1);
        ck_assert_double_eq(number_at(json, "usage.output"), 2);
        cJSON_Delete(json);
    }
    fclose(f);
    unlink(path);
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *headers, *body;
    int status;
    const char *type, *words;
} refusals[] = {
    {"", SAY(",\"max_tokens\":5"), 400, "invalid_request_error",
     "anthropic-version: header is required"},
    {VERSION, SAY(""), 400, "invalid_request_error", "max_tokens: Field required"},
    {VERSION, SAY(",\"max_tokens\":0"), 400, "invalid_request_error", "max_tokens"},
    {VERSION, SAY(",\"max_tokens\":5,\"n\":2"), 400, "invalid_request_error", "'n'"},
    {VERSION, "{\"model\":\"m\",\"max_tokens\":5}", 400, "invalid_request_error",
     "messages: Field required"},
    {VERSION, "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[]}", 400, "invalid_request_error",
     "at least one message"},
    {VERSION,
     "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", 400,
     "invalid_request_error", "messages.0.role: Input should be"},
    {VERSION,
     "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{"
     "\"type\":\"text\"}]}]}",
     400, "invalid_request_error", "messages.0.content.0.text: Field required"},
    {VERSION, SAY(",\"max_tokens\":5,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":9}"), 400,
     "invalid_request_error", "budget_tokens: Input should be greater"},
    {VERSION,
     SAY(",\"max_tokens\":1024,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}"), 400,
     "invalid_request_error", "must be greater than"},
    {VERSION, SAY(",\"max_tokens\":5,\"tools\":[{\"name\":\"f\"}]"), 400, "invalid_request_error",
     "tools.0.input_schema: Field required"},
    {VERSION, SAY(",\"max_tokens\":5,\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"2h\"}"),
     400, "invalid_request_error", "'5m' or '1h'"},
    {VERSION,
     SYSTEM("") USER("a", ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}") "]}", 400,
     "invalid_request_error", "must not come after"},
    {VERSION,
     SYSTEM("") USER("a", MARK) "," USER("a", MARK) "," USER("a", MARK) "," USER("a", MARK) "]}",
     400, "invalid_request_error", "A maximum of 4 blocks"},
    {VERSION "x-farebox-fault: status=529\r\n", SAY(""), 529, "overloaded_error", "Overloaded"},
    {VERSION "x-farebox-fault: status=500\r\n", SAY(""), 500, "api_error", ""},
    {VERSION "x-farebox-fault: status=429\r\n", SAY(""), 429, "rate_limit_error", ""},
    {VERSION "x-farebox-fault: status=413\r\n", SAY(""), 413, "request_too_large", ""},
};

START_TEST(errors_have_anthropics_form)
{
    start();
    cJSON *json = say(MESSAGES, refusals[_i].headers, refusals[_i].body, refusals[_i].status);
    ck_assert_str_eq(text_at(json, "type"), "error");
    ck_assert_str_eq(text_at(json, "error.type"), refusals[_i].type);
    ck_assert_msg(strstr(text_at(json, "error.message"), refusals[_i].words) != NULL,
                  "%s is not in %s", refusals[_i].words, text_at(json, "error.message"));
    ck_assert_int_eq(strncmp(text_at(json, "request_id"), "req_", 4), 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(keys_come_by_x_api_key_or_as_a_bearer)
{
    int fd;
    char path[] = "/tmp/farebox-keys-XXXXXX";
    fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "sk-ant-1 rpm=2\n", 15), 15);
    close(fd);
    config.api_key_file = path;
    start();
    cJSON *json = say(MESSAGES, VERSION, SAY(",\"max_tokens\":1"), 401);
    ck_assert_str_eq(text_at(json, "error.type"), "authentication_error");
    cJSON_Delete(json);
    cJSON_Delete(say(MESSAGES, VERSION "x-api-key: sk-no\r\n", SAY(",\"max_tokens\":1"), 401));
    cJSON_Delete(say(MESSAGES, VERSION "x-api-key: sk-ant-1\r\n", SAY(",\"max_tokens\":1"), 200));
    ck_assert_ptr_nonnull(
        strstr(client.head.data, "\r\nanthropic-ratelimit-requests-limit: 2\r\n"));
    ck_assert_ptr_nonnull(
        strstr(client.head.data, "\r\nanthropic-ratelimit-requests-remaining: 1\r\n"));
    static const char name[] = "\r\nanthropic-ratelimit-requests-reset: ";
    const char *reset = strstr(client.head.data, name);
    int year = 0;
    char zone = 0;
    ck_assert_ptr_nonnull(reset);
    ck_assert_int_eq(sscanf(reset + sizeof name - 1, "%d-%*d-%*dT%*d:%*d:%*[0-9.]%c", &year, &zone),
                     2);
    ck_assert(year > 2000 && zone == 'Z');
    ck_assert_ptr_null(strstr(client.head.data, "x-ratelimit"));
    cJSON_Delete(
        say(MESSAGES, VERSION "Authorization: Bearer sk-ant-1\r\n", SAY(",\"max_tokens\":1"), 200));
    json = say(MESSAGES, VERSION "x-api-key: sk-ant-1\r\n", SAY(",\"max_tokens\":1"), 429);
    ck_assert_str_eq(text_at(json, "error.type"), "rate_limit_error");
    ck_assert_ptr_nonnull(strstr(client.head.data, "\r\nretry-after: "));
    cJSON_Delete(json);
    unlink(path);
}
END_TEST

START_TEST(an_error_in_a_stream_is_an_event)
{
    start();
    raw_post(&client, MESSAGES, VERSION "x-farebox-fault: error-after=2\r\n",
             SAY(",\"max_tokens\":9,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    ck_assert(raw_has(&client, "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": "
                               "\"api_error\""));
    ck_assert(!raw_has(&client, "message_stop"));
}
END_TEST

START_TEST(tokens_are_counted_as_they_are_billed)
{
    start();
    cJSON *json = say(COUNT, VERSION, SAY(""), 200);
    ck_assert_double_eq(number_at(json, "input_tokens"), 10);
    cJSON_Delete(json);
    static const char *const tools = SAY(",\"system\":\"be brief\",\"tools\":[" WEATHER "]");
    static const char *const asked =
        SAY(",\"max_tokens\":9,\"system\":\"be brief\",\"tools\":[" WEATHER "]");
    json = say(COUNT, VERSION, tools, 200);
    double counted = number_at(json, "input_tokens");
    cJSON_Delete(json);
    json = say(MESSAGES, VERSION, asked, 200);
    ck_assert_double_eq(number_at(json, "usage.input_tokens"), counted);
    ck_assert_double_gt(counted, 12);
    cJSON_Delete(json);
    cJSON_Delete(say(COUNT, "", SAY(""), 400));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock messages");
    TCase *t = tcase_create("messages");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_answer_has_blocks_a_reason_and_a_usage);
    tcase_add_test(t, a_stream_has_its_events_in_order);
    tcase_add_test(t, thinking_comes_first_with_a_signature_and_inside_the_output);
    tcase_add_test(t, tools_are_used_as_the_choice_says);
    tcase_add_test(t, a_stop_sequence_is_named);
    tcase_add_test(t, marked_prefixes_are_written_and_then_read);
    tcase_add_test(t, a_body_can_be_marked_as_a_whole_and_tools_too);
    tcase_add_test(t, streams_tell_the_cache_at_their_start_and_the_log_has_the_classes);
    tcase_add_loop_test(t, errors_have_anthropics_form, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    tcase_add_test(t, keys_come_by_x_api_key_or_as_a_bearer);
    tcase_add_test(t, an_error_in_a_stream_is_an_event);
    tcase_add_test(t, tokens_are_counted_as_they_are_billed);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
