/* The mock's several choices, logprobs and echoes. */
#include "mock_fixture.h"
#include "sim/mock/api/ask.h"

#define COMPLETIONS "/v1/completions"
#define PROMPT(prompt, rest) "{\"model\":\"m\",\"prompt\":" prompt ",\"max_tokens\":4" rest "}"

/* What a stream told: the text of each choice, and its usage. */
struct told {
    char text[ASK_MAX_CHOICES][400];
    int tokens[ASK_MAX_CHOICES], finishes[ASK_MAX_CHOICES];
    int logprobs, last_finish, usages;
    int before_second; /* tokens of choice 0 before the first of choice 1 */
    double output_tokens;
};

static void take_choice(struct told *t, const cJSON *choice)
{
    int i = (int)number_at(choice, "index");
    const char *text = cJSON_GetStringValue(at(choice, "text"));
    if (!text)
        text = cJSON_GetStringValue(at(choice, "delta.content"));
    ck_assert_int_lt(i, ASK_MAX_CHOICES);
    if (text && text[0]) {
        if (i == 1 && t->tokens[1] == 0)
            t->before_second = t->tokens[0];
        strncat(t->text[i], text, sizeof t->text[i] - strlen(t->text[i]) - 1);
        t->tokens[i]++;
    }
    t->logprobs += cJSON_GetArraySize(at(choice, "logprobs.content")) +
                   cJSON_GetArraySize(at(choice, "logprobs.tokens"));
    if (cJSON_IsString(at(choice, "finish_reason"))) {
        t->finishes[i]++;
        t->last_finish = i;
    }
}

static struct told stream_of(const char *path, const char *body)
{
    struct told t = {0};
    raw_post(&client, path, "", body);
    ck_assert(raw_read_answer(&client));
    ck_assert_msg(client.status == 200, "%s", client.body.data);
    for (char *at_event = client.body.data; (at_event = strstr(at_event, "data: {"));) {
        char *end = strstr(at_event, "\n\n");
        cJSON *json = cJSON_ParseWithLength(at_event + 6, (size_t)(end - at_event - 6));
        ck_assert_ptr_nonnull(json);
        for (const cJSON *c = at(json, "choices")->child; c; c = c->next)
            take_choice(&t, c);
        if (cJSON_IsObject(at(json, "usage"))) {
            t.usages++;
            t.output_tokens = number_at(json, "usage.completion_tokens");
        }
        cJSON_Delete(json);
        at_event = end;
    }
    return t;
}

START_TEST(each_choice_is_an_answer_of_its_own)
{
    start();
    cJSON *one = ask(CHAT, ASK(",\"max_tokens\":5"), 200);
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":5,\"n\":3"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices")), 3);
    ck_assert_str_eq(text_at(json, "choices.0.message.content"),
                     text_at(one, "choices.0.message.content"));
    ck_assert_str_ne(text_at(json, "choices.0.message.content"),
                     text_at(json, "choices.1.message.content"));
    ck_assert_double_eq(number_at(json, "choices.2.index"), 2);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 15);
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"),
                        number_at(one, "usage.prompt_tokens"));
    cJSON_Delete(one);
    cJSON_Delete(json);
}
END_TEST

START_TEST(choices_stream_side_by_side_and_say_what_whole_ones_say)
{
    start();
    cJSON *whole = ask(CHAT, ASK(",\"max_tokens\":5,\"n\":4"), 200);
    struct told t = stream_of(CHAT, ASK(",\"max_tokens\":5,\"n\":4,\"stream\":true,"
                                        "\"stream_options\":{\"include_usage\":true}"));
    for (int k = 0; k < 4; k++) {
        char path[48];
        snprintf(path, sizeof path, "choices.%d.message.content", k);
        ck_assert_str_eq(t.text[k], text_at(whole, path));
        ck_assert_int_eq(t.tokens[k], 5);
        ck_assert_int_eq(t.finishes[k], 1);
    }
    ck_assert_int_eq(t.last_finish, 3);
    ck_assert_int_eq(t.usages, 1);
    ck_assert_double_eq(t.output_tokens, 20);
    cJSON_Delete(whole);
}
END_TEST

/* A replica that takes one sequence at a time serves choices one after the other. */
START_TEST(choices_take_places_in_the_engine)
{
    struct error err = {0};
    ck_assert_int_eq(engine_config_load("a100-llama-3-8b-tp1", &config.engine, &err), 0);
    config.engine.max_num_seqs = 1;
    start();
    struct told t = stream_of(CHAT, ASK(",\"max_tokens\":5,\"n\":2,\"stream\":true"));
    ck_assert_int_eq(t.tokens[0], 5);
    ck_assert_int_eq(t.tokens[1], 5);
    ck_assert_int_eq(t.before_second, 5);
    struct mock_report report;
    mock_stop(mock);
    mock_report(mock, &report);
    ck_assert_uint_eq(report.output_tokens, 10);
    ck_assert_uint_eq(report.prompt_tokens, 10);
}
END_TEST

START_TEST(every_prompt_of_a_list_has_its_choices)
{
    start();
    cJSON *json = ask(COMPLETIONS, PROMPT("[\"a b\",\"c\"]", ",\"n\":2,\"echo\":true"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices")), 4);
    ck_assert_int_eq(strncmp(text_at(json, "choices.1.text"), "a b ", 4), 0);
    ck_assert_int_eq(strncmp(text_at(json, "choices.2.text"), "c ", 2), 0);
    ck_assert_double_eq(number_at(json, "usage.completion_tokens"), 16);
    cJSON_Delete(json);
}
END_TEST

START_TEST(an_echo_is_the_prompt_in_a_stream_too)
{
    start();
    struct told t =
        stream_of(COMPLETIONS, PROMPT("\"say \\\"x\\\"\"", ",\"echo\":true,\"stream\":true"));
    cJSON *whole = ask(COMPLETIONS, PROMPT("\"say \\\"x\\\"\"", ",\"echo\":true"), 200);
    ck_assert_str_eq(t.text[0], text_at(whole, "choices.0.text"));
    ck_assert_int_eq(strncmp(t.text[0], "say \"x\" ", 8), 0);
    ck_assert_double_eq(number_at(whole, "usage.completion_tokens"), 4);
    cJSON_Delete(whole);
}
END_TEST

static double sum_of_probabilities(const cJSON *top)
{
    double sum = 0;
    for (const cJSON *t = top->child; t; t = t->next)
        sum += exp(cJSON_IsNumber(t) ? t->valuedouble : number_at(t, "logprob"));
    return sum;
}

START_TEST(logprobs_of_chat_spell_the_text)
{
    char text[200] = "";
    start();
    cJSON *json = ask(CHAT, ASK(",\"max_tokens\":6,\"logprobs\":true,\"top_logprobs\":3"), 200);
    const cJSON *content = at(json, "choices.0.logprobs.content");
    ck_assert_int_eq(cJSON_GetArraySize(content), 6);
    for (const cJSON *t = content->child; t; t = t->next) {
        const cJSON *top = at(t, "top_logprobs");
        strncat(text, text_at(t, "token"), sizeof text - strlen(text) - 1);
        ck_assert_int_eq(cJSON_GetArraySize(top), 3);
        ck_assert_str_eq(text_at(top, "0.token"), text_at(t, "token"));
        ck_assert_double_eq(number_at(top, "0.logprob"), number_at(t, "logprob"));
        ck_assert(number_at(top, "0.logprob") > number_at(top, "1.logprob"));
        ck_assert(number_at(top, "1.logprob") > number_at(top, "2.logprob"));
        ck_assert(sum_of_probabilities(top) <= 1);
        ck_assert_int_eq(cJSON_GetArraySize(at(t, "bytes")), (int)strlen(text_at(t, "token")));
    }
    ck_assert_str_eq(text, text_at(json, "choices.0.message.content"));
    cJSON_Delete(json);
    json = ask(CHAT, ASK(",\"max_tokens\":6,\"logprobs\":true"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices.0.logprobs.content.0.top_logprobs")), 0);
    cJSON_Delete(json);
}
END_TEST

START_TEST(logprobs_of_completions_are_lists_with_places)
{
    start();
    cJSON *json = ask(COMPLETIONS, PROMPT("\"a\"", ",\"logprobs\":2"), 200);
    const cJSON *l = at(json, "choices.0.logprobs");
    const char *text = text_at(json, "choices.0.text");
    for (int i = 0; i < 4; i++) {
        const char *token = cJSON_GetArrayItem(at(l, "tokens"), i)->valuestring;
        int offset = cJSON_GetArrayItem(at(l, "text_offset"), i)->valueint;
        const cJSON *top = cJSON_GetArrayItem(at(l, "top_logprobs"), i);
        ck_assert_int_eq(strncmp(text + offset, token, strlen(token)), 0);
        ck_assert_int_eq(cJSON_GetArraySize(top), 2);
        ck_assert_double_eq(cJSON_GetObjectItemCaseSensitive(top, token)->valuedouble,
                            cJSON_GetArrayItem(at(l, "token_logprobs"), i)->valuedouble);
        ck_assert(sum_of_probabilities(top) <= 1);
    }
    cJSON_Delete(json);
    json = ask(COMPLETIONS, PROMPT("\"a\"", ",\"logprobs\":0"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "choices.0.logprobs.tokens")), 4);
    ck_assert(cJSON_IsNull(at(json, "choices.0.logprobs.top_logprobs")));
    cJSON_Delete(json);
}
END_TEST

START_TEST(streamed_logprobs_come_with_their_tokens)
{
    start();
    struct told chat = stream_of(CHAT, ASK(",\"max_tokens\":6,\"logprobs\":true,\"stream\":true"));
    ck_assert_int_eq(chat.logprobs, 6);
    struct told text =
        stream_of(COMPLETIONS, PROMPT("\"a\"", ",\"logprobs\":1,\"n\":2,\"stream\":true"));
    ck_assert_int_eq(text.logprobs, 8);
    struct told none = stream_of(CHAT, ASK(",\"max_tokens\":6,\"stream\":true"));
    ck_assert_int_eq(none.logprobs, 0);
}
END_TEST

static const struct {
    const char *path, *body, *param;
} refused[] = {
    {CHAT, ASK(",\"n\":0"), "n"},
    {CHAT, ASK(",\"n\":17"), "n"},
    {CHAT, ASK(",\"logprobs\":3"), "logprobs"},
    {CHAT, ASK(",\"top_logprobs\":3"), "top_logprobs"},
    {CHAT, ASK(",\"logprobs\":true,\"top_logprobs\":21"), "top_logprobs"},
    {CHAT, ASK(",\"echo\":true"), "echo"},
    {COMPLETIONS, PROMPT("\"a\"", ",\"logprobs\":true"), "logprobs"},
    {COMPLETIONS, PROMPT("\"a\"", ",\"logprobs\":1,\"echo\":true"), "echo"},
    {COMPLETIONS, PROMPT("[1,2]", ",\"echo\":true"), "echo"},
    {COMPLETIONS, PROMPT("[\"a\",\"b\",\"c\"]", ",\"n\":6"), "n"},
};

START_TEST(what_does_not_go_together_is_a_clear_400)
{
    start();
    cJSON *json = ask(refused[_i].path, refused[_i].body, 400);
    ck_assert_str_eq(text_at(json, "error.param"), refused[_i].param);
    ck_assert_str_eq(text_at(json, "error.type"), "invalid_request_error");
    cJSON_Delete(json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock_choices");
    TCase *t = tcase_create("mock_choices");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_choice_is_an_answer_of_its_own);
    tcase_add_test(t, choices_stream_side_by_side_and_say_what_whole_ones_say);
    tcase_add_test(t, choices_take_places_in_the_engine);
    tcase_add_test(t, every_prompt_of_a_list_has_its_choices);
    tcase_add_test(t, an_echo_is_the_prompt_in_a_stream_too);
    tcase_add_test(t, logprobs_of_chat_spell_the_text);
    tcase_add_test(t, logprobs_of_completions_are_lists_with_places);
    tcase_add_test(t, streamed_logprobs_come_with_their_tokens);
    tcase_add_loop_test(t, what_does_not_go_together_is_a_clear_400, 0,
                        (int)(sizeof refused / sizeof *refused));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
