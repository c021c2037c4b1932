#include "mock_fixture.h"

START_TEST(documents_are_ranked)
{
    static const char *const paths[] = {"/v1/rerank", "/rerank", "/v2/rerank"};
    start();
    cJSON *json =
        ask(paths[_i],
            "{\"model\":\"m\",\"query\":\"a b\",\"documents\":[\"one two\",{\"text\":"
            "\"three\"},\"four five six\",\"seven\"],\"top_n\":3,\"return_documents\":true}",
            200);
    static const char *const texts[] = {"one two", "three", "four five six", "seven"};
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "results")), 3);
    double last = 1;
    for (const cJSON *r = at(json, "results")->child; r; r = r->next) {
        double score = number_at(r, "relevance_score");
        ck_assert(score >= 0 && score <= last);
        last = score;
        ck_assert_str_eq(text_at(r, "document.text"), texts[(int)number_at(r, "index")]);
    }
    ck_assert_double_eq(number_at(json, "usage.total_tokens"), 7 + 2 + 7);
    ck_assert_double_eq(number_at(json, "meta.tokens.input_tokens"), 7 + 2 + 7);
    ck_assert_double_eq(number_at(json, "meta.billed_units.search_units"), 1);
    cJSON_Delete(json);
    cJSON_Delete(ask(paths[_i], "{\"model\":\"m\",\"query\":\"a\",\"documents\":[]}", 400));
    cJSON_Delete(ask(paths[_i], "{\"model\":\"m\",\"documents\":[\"x\"]}", 400));
    cJSON_Delete(ask(paths[_i], "{\"model\":\"m\",\"query\":\"a\",\"documents\":[7]}", 400));
}
END_TEST

START_TEST(long_documents_are_more_searches)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    buffer_add_text(&body, "{\"model\":\"m\",\"query\":\"q\",\"documents\":[\"");
    for (int i = 0; i < 600; i++)
        buffer_add_text(&body, "w "); /* two pieces of 500 */
    buffer_add_text(&body, "\"");
    for (int i = 0; i < 99; i++)
        buffer_add_text(&body, ",\"d\"");
    buffer_add_text(&body, "]}");
    start();
    cJSON *json = ask("/v1/rerank", body.data, 200);
    ck_assert_double_eq(number_at(json, "meta.billed_units.search_units"), 2);
    ck_assert_int_eq(cJSON_GetArraySize(at(json, "results")), 100);
    cJSON_Delete(json);
    buffer_free(&body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock rerank");
    TCase *t = tcase_create("rerank");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, documents_are_ranked, 0, 3);
    tcase_add_test(t, long_documents_are_more_searches);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
