/* The mock's images: their tokens, and the prefixes that they make different. */
#include "bench/prompt/picture.h"
#include "mock_fixture.h"
#include "sim/mock/api/images.h"

#define MESSAGES "/v1/messages"

/* The examples of OpenAI's guide "Images and vision", and what follows from its rule. */
static const struct {
    double width, height;
    uint32_t tokens;
} known[] = {
    {1024, 1024, 765}, {2048, 4096, 1105}, {512, 512, 255},    {1, 1, 255},
    {513, 512, 425},   {768, 768, 765},    {4096, 8192, 1105}, {16384, 16, 765},
};

START_TEST(tokens_follow_the_rule_of_tiles)
{
    ck_assert_uint_eq(image_tokens(known[_i].width, known[_i].height), known[_i].tokens);
}
END_TEST

/* A chat body with a picture of 1024 × 768 of this seed: {..."url": "data:..."<detail>}. */
static void make_body(uint64_t seed, const char *detail, struct buffer *out)
{
    buffer_clear(out);
    buffer_add_text(
        out, "{\"model\":\"m\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":["
             "{\"type\":\"text\",\"text\":\"one two three\"},{\"type\":\"image_url\",\"image_url\":"
             "{\"url\":\"data:image/png;base64,");
    picture_add_base64(1024, 768, seed, out);
    buffer_add_format(out, "\"%s}}]}]}", detail);
}

static cJSON *ask_picture(uint64_t seed, const char *detail)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    make_body(seed, detail, &body);
    cJSON *json = ask(CHAT, body.data, 200);
    buffer_free(&body);
    return json;
}

static void check_prompt(cJSON *json, double tokens)
{
    ck_assert_double_eq(number_at(json, "usage.prompt_tokens"), tokens);
    cJSON_Delete(json);
}

START_TEST(an_image_adds_its_tokens_to_the_prompt)
{
    start();
    check_prompt(ask(CHAT, ASK(""), 200), 10);
    check_prompt(ask_picture(1, ""), 10 + 765);
    check_prompt(ask_picture(1, ",\"detail\":\"high\""), 10 + 765);
    check_prompt(ask_picture(1, ",\"detail\":\"low\""), 10 + 85);
}
END_TEST

START_TEST(an_image_behind_a_url_counts_as_one_of_usual_size)
{
    start();
    check_prompt(ask(CHAT,
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                     "\"image_url\",\"image_url\":{\"url\":\"https://example.com/a.png\"}}]}]}",
                     200),
                 7 + 765);
    cJSON *json = ask(CHAT,
                      "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                      "\"image_url\"}]}]}",
                      400);
    ck_assert_str_eq(text_at(json, "error.param"), "messages[0].content");
    cJSON_Delete(json);
}
END_TEST

/* As a client of any API. */
static cJSON *post(const char *path, const char *body, int status)
{
    raw_post(&client, path, "anthropic-version: 2023-06-01\r\n", body);
    ck_assert(raw_read_answer(&client));
    ck_assert_msg(client.status == status, "%d: %s", client.status, client.body.data);
    cJSON *json = cJSON_Parse(client.body.data);
    ck_assert_ptr_nonnull(json);
    return json;
}

/* A prompt of three words and what is to be said of a picture of 512 × 512 of its own. */
static cJSON *ask_around(const char *path, const char *before, const char *after)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_add_text(&body, before);
    picture_add_base64(512, 512, 3, &body);
    buffer_add_text(&body, after);
    cJSON *json = post(path, body.data, 200);
    buffer_free(&body);
    return json;
}

#define RESPONSES_BODY(rest)                                                               \
    "{\"model\":\"m\",\"max_output_tokens\":2,\"input\":[{\"role\":\"user\",\"content\":[" \
    "{\"type\":\"input_text\",\"text\":\"one two three\"},{\"type\":\"input_image\"," rest \
    "\"image_url\":\"data:image/png;base64,"
#define MESSAGES_BODY                                                                            \
    "{\"model\":\"m\",\"max_tokens\":2,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":" \
    "\"text\",\"text\":\"one two three\"},{\"type\":\"image\",\"source\":"

START_TEST(usage_tells_images_where_the_api_has_a_place)
{
    start();
    cJSON *chat = ask_picture(1, ""), *text = ask(CHAT, ASK(""), 200);
    ck_assert_double_eq(number_at(chat, "usage.prompt_tokens_details.image_tokens"), 765);
    ck_assert_ptr_null(at(text, "usage.prompt_tokens_details.image_tokens"));
    cJSON *response = ask_around("/v1/responses", RESPONSES_BODY(""), "\"}]}]}");
    ck_assert_double_eq(number_at(response, "usage.input_tokens"), 10 + 255);
    ck_assert_double_eq(number_at(response, "usage.input_tokens_details.image_tokens"), 255);
    cJSON_Delete(chat);
    cJSON_Delete(text);
    cJSON_Delete(response);
}
END_TEST

START_TEST(images_of_an_earlier_response_are_in_the_next_ones_prompt)
{
    static const struct {
        const char *body;
        int tokens;
    } bodies[] = {{RESPONSES_BODY(""), 255}, {RESPONSES_BODY("\"detail\":\"low\","), 85}};
    start();
    for (int i = 0; i < 2; i++) {
        cJSON *first = ask_around("/v1/responses", bodies[i].body, "\"}]}]}");
        char next[300];
        snprintf(next, sizeof next,
                 "{\"model\":\"m\",\"previous_response_id\":\"%s\",\"input\":\"four\"}",
                 text_at(first, "id"));
        cJSON *second = ask("/v1/responses", next, 200);
        ck_assert_double_eq(number_at(second, "usage.input_tokens"), 10 + bodies[i].tokens + 2 + 1);
        ck_assert_double_eq(number_at(second, "usage.input_tokens_details.image_tokens"),
                            bodies[i].tokens);
        cJSON_Delete(first);
        cJSON_Delete(second);
    }
}
END_TEST

START_TEST(blocks_of_images_are_input_of_anthropics)
{
    start();
    cJSON *bytes = ask_around(
        MESSAGES, MESSAGES_BODY "{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"",
        "\"}}]}]}");
    ck_assert_double_eq(number_at(bytes, "usage.input_tokens"), 10 + 255);
    cJSON *url =
        post(MESSAGES,
             MESSAGES_BODY "{\"type\":\"url\",\"url\":\"https://example.com/a.png\"}}]}]}", 200);
    ck_assert_double_eq(number_at(url, "usage.input_tokens"), 10 + 765);
    cJSON *none = post(MESSAGES, MESSAGES_BODY "{\"type\":\"base64\"}}]}]}", 400);
    ck_assert_str_eq(text_at(none, "error.message"), "messages.0.content.1.source: Field required");
    cJSON_Delete(bytes);
    cJSON_Delete(url);
    cJSON_Delete(none);
}
END_TEST

/* The same picture again is a prefix; another one of the same size is none. */
START_TEST(pictures_are_cached_by_what_they_show)
{
    struct error err = {0};
    ck_assert_int_eq(engine_config_load("a100-llama-3-8b-tp1", &config.engine, &err), 0);
    config.engine.prefix_cache = true;
    start();
    cJSON_Delete(ask_picture(1, ""));
    cJSON *other = ask_picture(2, ""), *same = ask_picture(1, "");
    ck_assert_double_eq(number_at(other, "usage.prompt_tokens_details.cached_tokens"), 0);
    double cached = number_at(same, "usage.prompt_tokens_details.cached_tokens");
    ck_assert_double_gt(cached, 700);
    ck_assert_double_eq(number_at(same, "usage.prompt_tokens_details.image_tokens"), 765);
    ck_assert_double_eq(
        number_at(same, "usage.prompt_tokens_details.cached_tokens_details.image_tokens"),
        cached - 10); /* the text comes first */
    cJSON_Delete(other);
    cJSON_Delete(same);
}
END_TEST

START_TEST(a_seed_makes_a_picture_and_another_seed_another)
{
    struct buffer a, b, c;
    buffer_init(&a, BUFFER_UNBOUNDED);
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_init(&c, 100);
    picture_add(640, 480, 7, &a);
    picture_add(640, 480, 7, &b);
    ck_assert_uint_eq(a.length, b.length);
    ck_assert_int_eq(memcmp(a.data, b.data, a.length), 0);
    buffer_clear(&b);
    picture_add(640, 480, 8, &b);
    ck_assert(a.length != b.length || memcmp(a.data, b.data, a.length) != 0);
    ck_assert_uint_lt(a.length, 500);
    ck_assert_int_eq(picture_add_base64(640, 480, 7, &c), -1);
    ck_assert_uint_eq(c.length, 0);
    buffer_free(&a);
    buffer_free(&b);
    buffer_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock_images");
    TCase *t = tcase_create("mock_images");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, tokens_follow_the_rule_of_tiles, 0, (int)(sizeof known / sizeof *known));
    tcase_add_test(t, an_image_adds_its_tokens_to_the_prompt);
    tcase_add_test(t, an_image_behind_a_url_counts_as_one_of_usual_size);
    tcase_add_test(t, usage_tells_images_where_the_api_has_a_place);
    tcase_add_test(t, images_of_an_earlier_response_are_in_the_next_ones_prompt);
    tcase_add_test(t, blocks_of_images_are_input_of_anthropics);
    tcase_add_test(t, pictures_are_cached_by_what_they_show);
    tcase_add_test(t, a_seed_makes_a_picture_and_another_seed_another);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
