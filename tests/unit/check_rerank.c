#include "bench/prompt/prompt.h"
#include "bench/wire/api.h"
#include "tests/unit/testing_workload.h"

#include <cjson/cJSON.h>
#include <string.h>

static const struct {
    const char *json;
    size_t results;
    bool has_usage;
    uint64_t tokens;
    int64_t searches;
} answers[] = {
    /* Jina: the total alone */
    {"{\"model\":\"m\",\"object\":\"list\",\"usage\":{\"total_tokens\":815},\"results\":[{"
     "\"index\":"
     "0,\"relevance_score\":0.9,\"document\":{\"text\":\"x\"}},{\"index\":1,\"relevance_score\":"
     "0.1}]}",
     2, true, 815, 0},
    /* Cohere: tokens, or searches alone */
    {"{\"id\":\"i\",\"results\":[{\"index\":3,\"relevance_score\":0.99}],\"meta\":{\"api_version\":"
     "{\"version\":\"2\"},\"billed_units\":{\"search_units\":1},\"tokens\":{\"input_tokens\":120,"
     "\"output_tokens\":0}}}",
     1, true, 120, 1},
    {"{\"results\":[{\"index\":3,\"relevance_score\":0.99}],\"meta\":{\"billed_units\":{"
     "\"search_units\":1}}}",
     1, false, 0, 1},
    /* vLLM, with a null of its own; Voyage calls its results data */
    {"{\"id\":\"r\",\"usage\":{\"prompt_tokens\":56,\"total_tokens\":56},\"meta\":null,\"results\":"
     "[{\"index\":0,\"document\":{\"text\":\"x\",\"multi_modal\":null},\"relevance_score\":1}]}",
     1, true, 56, 0},
    {"{\"object\":\"list\",\"data\":[{\"relevance_score\":0.4,\"index\":0}],\"usage\":{"
     "\"total_tokens\":26}}",
     1, true, 26, 0},
    {"{\"results\":[]}", 0, false, 0, 0},
};

START_TEST(answers_tell_results_and_tokens)
{
    struct chunk c;
    ck_assert_int_eq(api_rerank.read_answer(text_of(answers[_i].json), &c), 0);
    ck_assert_uint_eq(c.results, answers[_i].results);
    ck_assert_int_eq(c.has_usage, answers[_i].has_usage);
    ck_assert_uint_eq(c.usage.tokens[USAGE_UNCACHED_INPUT], answers[_i].tokens);
    ck_assert_uint_eq(usage_output(&c.usage), 0);
    ck_assert_int_eq(c.unit.count_micro, answers[_i].searches * 1000000);
    ck_assert_int_eq(c.unit.name != NULL, answers[_i].searches > 0);
    ck_assert(!c.is_error);
}
END_TEST

START_TEST(errors_have_their_words)
{
    struct chunk c;
    ck_assert_int_eq(api_rerank.read_answer(text_of("{\"message\":\"no such model\"}"), &c), 0);
    ck_assert(text_equal(c.error_message, "no such model"));
    ck_assert_int_eq(api_rerank.read_answer(text_of("{\"error\":{\"message\":\"busy\"}}"), &c), 0);
    ck_assert(c.is_error && text_equal(c.error_message, "busy"));
    ck_assert_int_eq(api_rerank.read_answer(text_of("{\"results\":["), &c), -1);
}
END_TEST

static uint32_t words_of(const cJSON *text)
{
    uint32_t words = 0;
    for (const char *at = cJSON_GetStringValue(text); at && *at; at++)
        words += *at != ' ' && (at[1] == ' ' || at[1] == '\0');
    return words;
}

/* Query and documents have all words between them, in equal parts. */
static void check_split(const cJSON *json, uint32_t length, uint32_t documents)
{
    const cJSON *list = cJSON_GetObjectItem(json, "documents");
    uint32_t query = length / 2 < 8 ? length / 2 : 8, rest = length - query;
    uint32_t words = 0, least = UINT32_MAX, most = 0;
    ck_assert_uint_eq(words_of(cJSON_GetObjectItem(json, "query")), query);
    ck_assert_uint_eq((uint32_t)cJSON_GetArraySize(list), documents < rest ? documents : rest);
    for (const cJSON *d = list->child; d; d = d->next) {
        words += words_of(d);
        least = words_of(d) < least ? words_of(d) : least;
        most = words_of(d) > most ? words_of(d) : most;
    }
    ck_assert_uint_eq(words, rest);
    ck_assert_uint_le(most - least, 1);
}

START_TEST(a_prompt_is_cut_into_documents)
{
    static const uint32_t lengths[] = {1, 2, 5, 20, 1000}, documents[] = {1, 3, 10, 64};
    uint32_t length = lengths[_i / 4], wanted = documents[_i % 4];
    struct error err = {0};
    struct workload w;
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = length, .output_tokens = 9});
    struct prompt_config config = {.api = &api_rerank, .extra_body = "{\"top_n\": 3}", .salt = 5};
    struct prompt_maker *m = prompt_maker_create(&config, &w, &err);
    prompt_maker_set_documents(m, wanted);
    struct buffer body;
    struct due due = {0};
    buffer_init(&body, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_maker_build(m, &w, &due, "m", &body), 0);
    cJSON *json = cJSON_ParseWithLength(body.data, body.length);
    ck_assert_ptr_nonnull(json);
    check_split(json, length, wanted);
    ck_assert_int_eq(cJSON_GetObjectItem(json, "top_n")->valueint, 3);
    ck_assert_ptr_null(cJSON_GetObjectItem(json, "max_tokens"));
    ck_assert_ptr_null(cJSON_GetObjectItem(json, "stream"));
    cJSON_Delete(json);
    buffer_free(&body);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rerank");
    TCase *t = tcase_create("rerank");
    tcase_add_loop_test(t, answers_tell_results_and_tokens, 0,
                        (int)(sizeof answers / sizeof *answers));
    tcase_add_test(t, errors_have_their_words);
    tcase_add_loop_test(t, a_prompt_is_cut_into_documents, 0, 20);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
