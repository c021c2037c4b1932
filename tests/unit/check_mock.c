#include "mock_fixture.h"

START_TEST(whole_answer_has_openai_shape_and_length)
{
    start();
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":5"), 200);
    ck_assert_str_eq(text_at(json, "object"), "chat.completion");
    ck_assert_str_eq(text_at(json, "model"), "m");
    ck_assert_str_eq(text_at(json, "choices.0.message.role"), "assistant");
    ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "length");
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 10); /* 3 words + 7 */
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 5);
    ck_assert_double_eq(number_at(json, "usage.total_tokens"), 15);
    const char *content = text_at(json, "choices.0.message.content");
    int spaces = 0;
    for (const char *p = content; *p; p++)
        spaces += *p == ' ';
    ck_assert_int_eq(spaces, 4);
    cJSON_Delete(json);
}
END_TEST

START_TEST(stream_has_role_tokens_finish_usage_done)
{
    start();
    raw_post(&client, CHAT, "x-request-id: abc-1\r\n",
             ASK(",\"max_completion_tokens\":4,\"stream\":true,"
                 "\"stream_options\":{\"include_usage\":true}"));
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 200);
    ck_assert(!client.cut);
    ck_assert_int_eq(strncmp(raw_header(&client, "x-request-id"), "abc-1\r\n", 7), 0);
    ck_assert_ptr_nonnull(strstr(client.head.data, "text/event-stream"));
    char *event = strtok(client.body.data, "\n");
    for (int i = 0; i < 8; i++, event = strtok(NULL, "\n")) {
        ck_assert_ptr_nonnull(event);
        ck_assert_int_eq(strncmp(event, "data: ", 6), 0);
        if (i == 7) {
            ck_assert_str_eq(event, "data: [DONE]");
            break;
        }
        cJSON *json = cJSON_Parse(event + 6);
        ck_assert_str_eq(text_at(json, "object"), "chat.completion.chunk");
        if (i == 0)
            ck_assert_str_eq(text_at(json, "choices.0.delta.role"), "assistant");
        else if (i < 5)
            ck_assert_uint_gt(strlen(text_at(json, "choices.0.delta.content")), 0);
        else if (i == 5)
            ck_assert_str_eq(text_at(json, "choices.0.finish_reason"), "length");
        else
            ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 4);
        ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices")), i < 6);
        ck_assert(i == 6 || cJSON_IsNull(at(json, "usage")));
        cJSON_Delete(json);
    }
    ck_assert_ptr_null(strtok(NULL, "\n"));
}
END_TEST

START_TEST(usage_comes_only_on_request)
{
    start();
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":2,\"stream\":true"));
    ck_assert(raw_read_answer(&client));
    ck_assert(!raw_has(&client, "usage"));
    ck_assert_uint_eq(raw_count(&client, "\"content\":"), 3);
    ck_assert(raw_has(&client, "data: [DONE]\n\n"));
}
END_TEST

START_TEST(tokens_per_word_and_template_are_counted)
{
    config.tokens_per_word = 1.5;
    config.template_tokens = 20;
    start();
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":300"), 200);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), 25); /* 20 + round(4.5) */
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 300);
    int words = 1;
    for (const char *p = text_at(json, "choices.0.message.content"); *p; p++)
        words += *p == ' ';
    ck_assert_int_eq(words, 200);
    cJSON_Delete(json);
}
END_TEST

START_TEST(tokens_leave_when_they_are_due)
{
    config.engine = engine_config_constant(30, 5);
    start();
    for (int try = 1; try <= TESTING_TRIES; try++) {
        struct mock_report r;
        int64_t start_ns = clock_now_ns();
        raw_post(&client, CHAT, "", ASK(",\"max_tokens\":11,\"stream\":true"));
        ck_assert(raw_read_answer(&client));
        double took_ms = (double)(clock_now_ns() - start_ns) / 1e6;
        ck_assert_double_ge(took_ms, 80);
        mock_report(mock, &r);
        ck_assert_double_ge(r.lateness_p50_ms, 0);
        if (testing_void(try, r.lateness_p50_ms > 5 ? "the mock was late" : NULL))
            continue;
        ck_assert_double_lt(took_ms, 1000);
        break;
    }
    mock_stop(mock);
    struct mock_report all;
    mock_report(mock, &all);
    ck_assert_uint_eq(all.chunks, 11 * all.completed);
}
END_TEST

START_TEST(hold_keeps_everything_inside_its_window)
{
    config.hold_from_ns = 100 * NS_PER_MS;
    config.hold_to_ns = 400 * NS_PER_MS;
    config.engine = engine_config_constant(1, 200);
    start();
    int64_t start_ns = clock_now_ns();
    raw_post(&client, CHAT, "", ASK(",\"max_tokens\":2,\"stream\":true"));
    ck_assert(raw_read_answer(&client)); /* its second token is due at 201 ms */
    ck_assert_int_ge(clock_now_ns() - start_ns, 400 * NS_PER_MS);
    ck_assert_uint_eq(raw_count(&client, "\"content\":"), 3);
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 200)); /* and on it goes */
}
END_TEST

START_TEST(models_are_listed)
{
    config.model = "llama";
    start();
    raw_get(&client, "/v1/models");
    ck_assert(raw_read_answer(&client));
    cJSON *json = cJSON_Parse(client.body.data);
    ck_assert_str_eq(text_at(json, "data.0.id"), "llama");
    cJSON_Delete(json);
    json = ask(CHAT, ASK(""), 404);
    ck_assert_str_eq(text_at(json, "error.code"), "model_not_found");
    cJSON_Delete(json);
}
END_TEST

static const struct {
    const char *body, *param, *code;
} wrong[] = {
    {"{\"model\":\"m\"", "(none)", "invalid_json"},
    {"[]", "(none)", "invalid_json"},
    {"{\"messages\":[]}", "model", "missing_required_parameter"},
    {"{\"model\":\"m\"}", "messages", "missing_required_parameter"},
    {"{\"model\":\"m\",\"messages\":[]}", "messages", "empty_array"},
    {"{\"model\":7,\"messages\":[]}", "model", "invalid_type"},
    {ASK(",\"max_token\":3"), "max_token", "unknown_parameter"},
    {ASK(",\"max_tokens\":0"), "max_tokens", "integer_below_min_value"},
    {ASK(",\"max_tokens\":1.5"), "max_tokens", "invalid_type"},
    {ASK(",\"max_tokens\":2000000"), "max_tokens", "integer_above_max_value"},
    {ASK(",\"temperature\":3"), "temperature", "decimal_above_max_value"},
    {ASK(",\"stream\":\"yes\""), "stream", "invalid_type"},
    {ASK(",\"stream_options\":{}"), "stream_options", "invalid_value"},
    {ASK(",\"stop\":[\"\"]"), "stop", "invalid_value"},
    {ASK(",\"tool_choice\":\"auto\""), "tool_choice", "invalid_value"},
    {ASK(",\"tools\":[{}]"), "tools[0].function", "missing_required_parameter"},
    {ASK(",\"response_format\":{\"type\":\"xml\"}"), "response_format.type", "invalid_value"},
    {"{\"model\":\"m\",\"messages\":[{\"role\":\"pilot\",\"content\":\"x\"}]}", "messages[0].role",
     "invalid_value"},
    {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":4}]}", "messages[0].content",
     "invalid_type"},
};

START_TEST(wrong_requests_get_openai_errors)
{
    start();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cJSON *json = ask(CHAT, wrong[i].body, 400);
        ck_assert_str_eq(text_at(json, "error.type"), "invalid_request_error");
        ck_assert_str_eq(text_at(json, "error.param"), wrong[i].param);
        ck_assert_str_eq(text_at(json, "error.code"), wrong[i].code);
        ck_assert_uint_gt(strlen(text_at(json, "error.message")), 10);
        cJSON_Delete(json);
    }
    cJSON_Delete(ask("/v1/nothing", "{}", 404));
    cJSON_Delete(ask("/v1/models", "{}", 405));
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 200)); /* the connection is as good as new */
}
END_TEST

START_TEST(bad_configs_are_refused)
{
    static const char *const bad[] = {"", "localhost", "127.0.0.1:99999", ":8000", "127.0.0.1:x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};
        config.listen = bad[i];
        ck_assert_ptr_null(mock_create(&config, &err));
        ck_assert_int_eq(err.code, ERR_INPUT);
    }
    config.listen = "127.0.0.1:0";
    config.tokens_per_word = 0;
    struct error err = {0};
    ck_assert_ptr_null(mock_create(&config, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    set_up();
    start();
    char taken[64];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", mock_port(mock));
    config.listen = taken;
    struct error err2 = {0};
    ck_assert_ptr_null(mock_create(&config, &err2));
    ck_assert_int_eq(err2.code, ERR_SYSTEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock");
    TCase *tests = tcase_create("endpoint");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, whole_answer_has_openai_shape_and_length);
    tcase_add_test(tests, stream_has_role_tokens_finish_usage_done);
    tcase_add_test(tests, usage_comes_only_on_request);
    tcase_add_test(tests, tokens_per_word_and_template_are_counted);
    tcase_add_test(tests, tokens_leave_when_they_are_due);
    tcase_add_test(tests, hold_keeps_everything_inside_its_window);
    tcase_add_test(tests, models_are_listed);
    tcase_add_test(tests, wrong_requests_get_openai_errors);
    tcase_add_test(tests, bad_configs_are_refused);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
