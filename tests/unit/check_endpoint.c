/* The address that is asked, by --url and the API's path. */
#include "bench/client/endpoint.h"
#include "testing.h"

#define CHAT "/chat/completions"

static const struct {
    const char *url, *path, *asked;
} cases[] = {
    {"http://h:8000/v1", CHAT, "http://h:8000/v1/chat/completions"},
    {"http://h:8000/v1/", CHAT, "http://h:8000/v1/chat/completions"},
    {"http://h", "/models", "http://h/models"},
    {"http://h/", CHAT, "http://h/chat/completions"},
    {"http://[::1]:8000/v1", CHAT, "http://[::1]:8000/v1/chat/completions"},
    {"https://h/openai/deployments/d?api-version=2024-10-21", CHAT,
     "https://h/openai/deployments/d/chat/completions?api-version=2024-10-21"},
    {"https://h/v1/?a=1#top", "/models", "https://h/v1/models?a=1"},
    {"https://h/v1#top", CHAT, "https://h/v1/chat/completions"},
    /* the whole address was given */
    {"http://h/v1/chat/completions", CHAT, "http://h/v1/chat/completions"},
    {"http://h/v1/chat/completions/", CHAT, "http://h/v1/chat/completions/"},
    {"http://h/v1/chat/completions?v=2", CHAT, "http://h/v1/chat/completions?v=2"},
    {"http://h/v1/chat/completions", "/models", "http://h/v1/models"},
    {"http://h/v1/chat/completions/?v=2", "/models", "http://h/v1/models?v=2"},
    {"http://h/v1/completions", CHAT, "http://h/v1/chat/completions"},
    {"http://h/v1/chat/completions", "/completions", "http://h/v1/completions"},
    {"https://h/deployments/embeddings", "/embeddings",
     "https://h/deployments/embeddings/embeddings"},
    {"https://h/deployments/e/embeddings", "/embeddings", "https://h/deployments/e/embeddings"},
    {"http://h/v1/?to=/chat/completions", CHAT,
     "http://h/v1/chat/completions?to=/chat/completions"},
};

START_TEST(the_path_goes_behind_the_base_and_before_the_query)
{
    struct endpoint_config c = {.url = cases[_i].url};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    endpoint_add_url(&c, cases[_i].path, &out);
    ck_assert_str_eq(out.data, cases[_i].asked);
    buffer_free(&out);
}
END_TEST

START_TEST(the_path_names_the_api)
{
    static const char *const named[][2] = {
        {"http://h/v1/messages", "messages"},
        {"http://h/v1/responses/?v=2", "responses"},
        {"http://h/v1/embeddings#top", "embeddings"},
        {"http://h/v1/completions", "completions"},
        {"http://h/v1/chat/completions", "chat"},
        {"http://h/v1", NULL},
        {"http://h/v1?to=/messages", NULL},
        {"https://h/deployments/embeddings", NULL},
        {"mock:constant", NULL},
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const struct bench_api *api = endpoint_api_of(named[i][0]);
        if (named[i][1])
            ck_assert_str_eq(api ? api->name : "none", named[i][1]);
        else
            ck_assert_ptr_null(api);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *t = tcase_create("endpoint");
    tcase_add_loop_test(t, the_path_goes_behind_the_base_and_before_the_query, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, the_path_names_the_api);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
