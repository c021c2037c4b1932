/* The mock's images: their tokens, and the prefixes that they make different. */
#include "bench/prompt/picture.h"
#include "mock_fixture.h"
#include "sim/mock/api/images.h"

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
    ck_assert_double_gt(number_at(same, "usage.prompt_tokens_details.cached_tokens"), 700);
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
    tcase_add_test(t, pictures_are_cached_by_what_they_show);
    tcase_add_test(t, a_seed_makes_a_picture_and_another_seed_another);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
