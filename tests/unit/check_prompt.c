#include "bench/prompt/prompt.h"
#include "core/json/json_scan.h"
#include "sim/mock/api/mock_api.h"
#include "tests/unit/testing_workload.h"

#include <cjson/cJSON.h>
#include <string.h>

static struct workload one(struct request r)
{
    struct workload w;
    workload_init(&w);
    testing_add(&w, r);
    return w;
}

static struct prompt_maker *make(const struct workload *w, uint64_t salt, const char *extra)
{
    struct prompt_config c = {&api_chat, true, extra, NULL, salt};
    struct error err = {0};
    struct prompt_maker *m = prompt_maker_create(&c, w, &err);
    ck_assert_msg(m != NULL, "%s", err.message);
    return m;
}

/* The body of one row, as a tree; the caller deletes it. */
static cJSON *build(const struct prompt_maker *m, const struct workload *w, uint32_t row,
                    uint32_t repeat)
{
    struct due due = {.row = row, .repeat = repeat, .ordinal = repeat * w->count + row};
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_maker_build(m, w, &due, "m", &b), 0);
    cJSON *tree = cJSON_ParseWithLength(b.data, b.length);
    ck_assert_msg(tree != NULL, "not JSON: %s", b.data);
    buffer_free(&b);
    return tree;
}

static const char *content(const cJSON *body)
{
    const cJSON *messages = cJSON_GetObjectItem(body, "messages");
    return cJSON_GetObjectItem(cJSON_GetArrayItem(messages, 0), "content")->valuestring;
}

static size_t words(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == ' ';
    return n;
}

START_TEST(prompts_have_the_asked_length)
{
    static const uint32_t lengths[] = {28, 29, 100, 1000, 4808, 100000};
    struct workload w = one((struct request){.input_tokens = lengths[_i], .output_tokens = 17});
    struct prompt_maker *m = make(&w, 1, NULL);
    prompt_maker_set_scale(m,
                           &(struct prompt_scale){.tokens_per_word = 1.3, .template_tokens = 27});
    cJSON *body = build(m, &w, 0, 0);
    double got = 27 + 1.3 * (double)words(content(body));
    ck_assert_double_le(got - lengths[_i], 0.66);
    ck_assert_double_ge(got - lengths[_i], -0.66);
    ck_assert_int_eq(cJSON_GetObjectItem(body, "max_tokens")->valueint, 17);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(body, "stream")));
    ck_assert_str_eq(cJSON_GetObjectItem(body, "model")->valuestring, "m");
    cJSON_Delete(body);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

/* The number of characters that two texts share at their start. */
static size_t shared(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

START_TEST(equal_blocks_give_equal_text)
{
    static const uint64_t a[] = {11, 12, 13}, b[] = {11, 12, 99};
    struct request r = {.input_tokens = 1500,
                        .output_tokens = 1,
                        .hash_ids = a,
                        .hash_count = 3,
                        .block_size = 512};
    struct workload w = one(r);
    r.hash_ids = b;
    testing_add(&w, r);
    struct prompt_maker *m = make(&w, 5, NULL);
    prompt_maker_set_scale(m,
                           &(struct prompt_scale){.tokens_per_word = 1.3, .template_tokens = 27});
    cJSON *x = build(m, &w, 0, 0), *y = build(m, &w, 1, 0), *z = build(m, &w, 0, 1);
    char *part = strndup(content(x), shared(content(x), content(y)));
    /* two blocks of 512 tokens are 788 words; the third has other words from its start */
    ck_assert_uint_ge(words(part), 788);
    ck_assert_uint_le(words(part), 791);
    ck_assert_uint_lt(shared(content(x), content(z)), 60);
    free(part);
    cJSON_Delete(x);
    cJSON_Delete(y);
    cJSON_Delete(z);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

START_TEST(prompts_without_blocks_share_nothing)
{
    struct request r = {.input_tokens = 200, .output_tokens = 1};
    struct workload w = one(r);
    testing_add(&w, r);
    struct prompt_maker *m = make(&w, 5, NULL), *other = make(&w, 6, NULL),
                        *same = make(&w, 5, NULL);
    cJSON *x = build(m, &w, 0, 0), *y = build(m, &w, 1, 0), *z = build(other, &w, 0, 0),
          *again = build(same, &w, 0, 0);
    ck_assert_uint_lt(shared(content(x), content(y)), 40);
    ck_assert_uint_lt(shared(content(x), content(z)), 40);
    ck_assert_str_eq(content(x), content(again));
    cJSON_Delete(x);
    cJSON_Delete(y);
    cJSON_Delete(z);
    cJSON_Delete(again);
    prompt_maker_free(m);
    prompt_maker_free(other);
    prompt_maker_free(same);
    workload_free(&w);
}
END_TEST

START_TEST(the_requests_own_messages_and_body_win)
{
    struct request r = {.input_tokens = 200,
                        .output_tokens = 9,
                        .messages = text_of("[{\"role\":\"user\",\"content\":\"mine\"}]"),
                        .body = text_of(" { \"max_completion_tokens\": 3, \"temperature\": 0 } ")};
    struct workload w = one(r);
    struct prompt_maker *m = make(&w, 5, " {\"ignore_eos\": true} ");
    cJSON *x = build(m, &w, 0, 0);
    ck_assert_str_eq(content(x), "mine");
    ck_assert(!cJSON_HasObjectItem(x, "max_tokens"));
    ck_assert_int_eq(cJSON_GetObjectItem(x, "max_completion_tokens")->valueint, 3);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(x, "ignore_eos")));
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(x, "stream")));
    cJSON_Delete(x);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

/* The keys of an object in their order, each followed by a comma. */
static void list_keys(const cJSON *body, struct buffer *out)
{
    for (const cJSON *c = body->child; c; c = c->next)
        buffer_add_format(out, "%s,", c->string);
}

#define MINE "[{\"role\":\"user\",\"content\":\"mine\"}]"

START_TEST(each_key_is_sent_once_as_its_owner_has_it)
{
    static const struct {
        const char *body, *messages, *extra, *keys;
    } cases[] = {
        {"", "", "{\"a\":1}", "model,messages,max_tokens,stream,stream_options,a,"},
        {"{\"a\":2}", "", "{\"a\":1,\"b\":1}",
         "model,messages,max_tokens,stream,stream_options,b,a,"},
        {"{\"model\":\"x\"}", "", "{\"model\":\"y\"}",
         "messages,max_tokens,stream,stream_options,model,"},
        {"{\"max_completion_tokens\":3}", "", "{\"max_tokens\":4}",
         "model,messages,stream,stream_options,max_completion_tokens,"},
        {"{\"messages\":" MINE "}", "", "{\"messages\":[]}",
         "model,max_tokens,stream,stream_options,messages,"},
        {"", MINE, "{\"messages\":[],\"a\":1}",
         "model,messages,max_tokens,stream,stream_options,a,"},
        {"", "", "{\"messages\":" MINE "}", "model,max_tokens,stream,stream_options,messages,"},
        {" { } ", "", " { } ", "model,messages,max_tokens,stream,stream_options,"},
        {"{\"stream\": true}", "", NULL, "model,messages,max_tokens,stream_options,stream,"},
        {"{\"stream\":true,\"stream_options\":{}}", "", NULL,
         "model,messages,max_tokens,stream,stream_options,"},
        {"{\"stream\":false}", "", "{\"stream\":true}", "model,messages,max_tokens,stream,"},
        {"{\"stream\":true}", "", "{\"stream\":false}",
         "model,messages,max_tokens,stream_options,stream,"},
        {"", "", "{\"stream\":true}", "model,messages,max_tokens,stream_options,stream,"},
        {"", "", "{\"stream_options\":{\"a\":1}}",
         "model,messages,max_tokens,stream,stream_options,"},
        /* null leaves out */
        {"", "", "{\"stream_options\":null,\"a\":1}", "model,messages,max_tokens,stream,a,"},
        {"", "", "{\"a\":1, \"b\" : null }", "model,messages,max_tokens,stream,stream_options,a,"},
        {"", "", "{\"stream\":null,\"model\":null}", "messages,max_tokens,"},
        {"", "", "{\"max_tokens\":null}", "model,messages,stream,stream_options,"},
        {"", "", "{\"max_completion_tokens\":null}",
         "model,messages,max_tokens,stream,stream_options,"},
        {"", "", "{\"messages\":null,\"a\":{\"b\":null}}",
         "model,messages,max_tokens,stream,stream_options,a,"},
        {"{\"b\":null,\"c\":3}", "", "{\"a\":1,\"b\":1}",
         "model,messages,max_tokens,stream,stream_options,a,c,"},
        {"{\"stream_options\":null}", "", "{\"a\":null}", "model,messages,max_tokens,stream,"},
        {"{\"stream_options\":{}}", "", "{\"stream_options\":null}",
         "model,messages,max_tokens,stream,stream_options,"},
        {"{\"max_tokens\":null}", "", "{\"max_completion_tokens\":4}",
         "model,messages,stream,stream_options,max_completion_tokens,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct workload w = one((struct request){.input_tokens = 20,
                                                 .output_tokens = 4,
                                                 .messages = text_of(cases[i].messages),
                                                 .body = text_of(cases[i].body)});
        struct prompt_maker *m = make(&w, 5, cases[i].extra);
        struct buffer keys;
        cJSON *x = build(m, &w, 0, 0);
        buffer_init(&keys, BUFFER_UNBOUNDED);
        list_keys(x, &keys);
        ck_assert_msg(strcmp(keys.data, cases[i].keys) == 0, "%zu: %s", i, keys.data);
        if (strstr(cases[i].body, "\"a\":2"))
            ck_assert_int_eq(cJSON_GetObjectItem(x, "a")->valueint, 2);
        if (strstr(cases[i].body, "\"x\""))
            ck_assert_str_eq(cJSON_GetObjectItem(x, "model")->valuestring, "x");
        if (strstr(cases[i].body, "mine") || cases[i].messages[0])
            ck_assert_str_eq(content(x), "mine");
        cJSON_Delete(x);
        buffer_free(&keys);
        prompt_maker_free(m);
        workload_free(&w);
    }
}
END_TEST

/* The keys of a request's body, and of a trial's, which are the same. */
static void ck_keys(const struct prompt_maker *m, const struct workload *w, const char *expected)
{
    struct buffer b, keys;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_init(&keys, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_maker_build_trial(m, "m", 8, 1, &b), 0);
    cJSON *run = build(m, w, 0, 0), *trial = cJSON_ParseWithLength(b.data, b.length);
    list_keys(run, &keys);
    ck_assert_str_eq(keys.data, expected);
    buffer_clear(&keys);
    list_keys(trial, &keys);
    ck_assert_str_eq(keys.data, expected);
    cJSON_Delete(run);
    cJSON_Delete(trial);
    buffer_free(&b);
    buffer_free(&keys);
}

START_TEST(what_an_endpoint_does_not_take_is_left_out)
{
    struct workload w = one((struct request){.input_tokens = 20, .output_tokens = 4});
    struct prompt_maker *m = make(&w, 5, "{\"a\":1}");
    ck_assert(prompt_maker_adds(m, text_of("stream_options")));
    ck_assert(prompt_maker_adds(m, text_of("max_tokens")));
    ck_assert(!prompt_maker_adds(m, text_of("max_completion_tokens")));
    ck_assert(!prompt_maker_adds(m, text_of("a")));
    prompt_maker_leave_out(m, "a"); /* is the user's */
    prompt_maker_leave_out(m, "stream_options");
    ck_keys(m, &w, "model,messages,max_tokens,stream,a,");
    prompt_maker_name_output(m, "max_completion_tokens");
    ck_keys(m, &w, "model,messages,max_completion_tokens,stream,a,");
    ck_assert(prompt_maker_adds(m, text_of("max_completion_tokens")));
    prompt_maker_leave_out(m, "max_completion_tokens");
    ck_keys(m, &w, "model,messages,stream,a,");
    prompt_maker_free(m);
    m = make(&w, 5, "{\"stream_options\":{\"x\":1}}");
    ck_assert(!prompt_maker_adds(m, text_of("stream_options"))); /* the user wants them */
    prompt_maker_free(m);
    m = make(&w, 5, NULL);
    prompt_maker_leave_out(m, "stream");
    ck_keys(m, &w, "model,messages,max_tokens,");
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

START_TEST(a_probe_asks_for_no_stream_and_brings_its_own_prompt)
{
    struct workload w = one((struct request){.input_tokens = 20, .output_tokens = 4});
    struct prompt_maker *m =
        make(&w, 5, "{\"messages\":[],\"stream\":true,\"stream_options\":{},\"a\":1}");
    struct buffer b, keys;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_init(&keys, BUFFER_UNBOUNDED);
    ck_assert_int_eq(prompt_maker_build_probe(m, "m", text_of(" what is asked"), &b), 0);
    cJSON *x = cJSON_ParseWithLength(b.data, b.length);
    list_keys(x, &keys);
    ck_assert_str_eq(keys.data, "model,messages,max_tokens,a,");
    ck_assert_str_eq(content(x), " what is asked");
    cJSON_Delete(x);
    buffer_free(&b);
    buffer_free(&keys);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

START_TEST(an_extra_body_with_a_key_twice_is_refused)
{
    struct workload w = one((struct request){.input_tokens = 20, .output_tokens = 4});
    struct prompt_config c = {&api_chat, true, "{\"a\": 1, \"b\": 2, \"a\": 3}", NULL, 1};
    struct error err = {0};
    ck_assert_ptr_null(prompt_maker_create(&c, &w, &err));
    ck_assert_str_eq(err.message, "--body: member 3 has the key of member 1");
    workload_free(&w);
}
END_TEST

/* Where it is asked for, is not 0, and neither --body nor the request brings one. */
START_TEST(priorities_are_sent_where_that_is_asked_for)
{
    static const struct {
        bool send;
        int priority, sent;
        const char *extra, *own;
    } cases[] = {
        {false, -3, 0, NULL, NULL},
        {true, -3, -3, NULL, NULL},
        {true, 0, 0, NULL, NULL},
        {true, -3, 5, "{\"priority\": 5}", NULL},
        {true, -3, 6, NULL, "{\"priority\": 6}"},
        {true, -3, -3, "{\"a\": \"priority\"}", "{\"b\": {\"priority\": 1}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request r = {.input_tokens = 20, .output_tokens = 4, .priority = cases[i].priority};
        if (cases[i].own)
            r.body = (struct text){cases[i].own, strlen(cases[i].own)};
        struct workload w = one(r);
        struct prompt_config c = {&api_chat, true, cases[i].extra, NULL, 1};
        struct prompt_maker *m = prompt_maker_create(&c, &w, NULL);
        prompt_maker_send_priority(m, cases[i].send);
        cJSON *x = build(m, &w, 0, 0);
        const cJSON *sent = cJSON_GetObjectItem(x, "priority");
        ck_assert_int_eq(sent ? sent->valueint : 0, cases[i].sent);
        ck_assert_int_eq(sent != NULL, cases[i].sent != 0);
        cJSON_Delete(x);
        prompt_maker_free(m);
        workload_free(&w);
    }
}
END_TEST

START_TEST(other_apis_have_their_keys)
{
    static const char *const keys[] = {"prompt", "input"};
    struct workload w = one((struct request){.input_tokens = 20, .output_tokens = 4});
    struct prompt_config c = {_i == 0 ? &api_completions : &api_embeddings, true, NULL, "n_predict",
                              1};
    struct error err = {0};
    struct prompt_maker *m = prompt_maker_create(&c, &w, &err);
    cJSON *x = build(m, &w, 0, 0);
    ck_assert_uint_eq(words(cJSON_GetObjectItem(x, keys[_i])->valuestring), 20);
    ck_assert_int_eq(cJSON_HasObjectItem(x, "n_predict"), _i == 0);
    ck_assert_int_eq(cJSON_HasObjectItem(x, "stream"), _i == 0);
    cJSON_Delete(x);
    prompt_maker_free(m);
    workload_free(&w);
}
END_TEST

/* Of every API that there is: a body that asks for one of its own answers, by its own path. */
START_TEST(every_api_makes_bodies_that_the_mock_takes)
{
    struct workload w = one((struct request){.input_tokens = 20, .output_tokens = 4});
    struct ask_rules rules = {.tokens = {1, 0, 16}, .default_output = 9, .max_output = 99};
    size_t count = 0;
    for (; bench_api_name(count); count++) {
        const struct bench_api *api = bench_api_find(bench_api_name(count));
        ck_assert_ptr_nonnull(api);
        ck_assert_str_eq(api->name, bench_api_name(count));
        const struct mock_api *mock = mock_api_find(api->path);
        ck_assert_msg(mock != NULL, "the mock does not answer %s", api->path);
        struct prompt_config c = {api, true, NULL, NULL, 1};
        struct error err = {0};
        struct prompt_maker *m = prompt_maker_create(&c, &w, &err);
        struct due due = {0};
        struct buffer b;
        buffer_init(&b, BUFFER_UNBOUNDED);
        ck_assert_int_eq(prompt_maker_build(m, &w, &due, "m", &b), 0);
        struct ask ask;
        struct api_error e;
        ck_assert_msg(ask_parse(&ask, mock, b.data, b.length, &rules, &e) == 0, "%s", e.message);
        ck_assert_uint_eq(ask.prompt.tokens, 20);
        ck_assert_uint_eq(ask.output_tokens, api->generates ? 4 : 0);
        ck_assert_int_eq(ask.stream, api->generates);
        ask_free(&ask);
        buffer_free(&b);
        prompt_maker_free(m);
    }
    ck_assert_uint_ge(count, 3);
    ck_assert_ptr_null(bench_api_find("speech"));
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prompt");
    TCase *t = tcase_create("prompt");
    tcase_add_loop_test(t, prompts_have_the_asked_length, 0, 6);
    tcase_add_test(t, equal_blocks_give_equal_text);
    tcase_add_test(t, prompts_without_blocks_share_nothing);
    tcase_add_test(t, the_requests_own_messages_and_body_win);
    tcase_add_test(t, each_key_is_sent_once_as_its_owner_has_it);
    tcase_add_test(t, a_probe_asks_for_no_stream_and_brings_its_own_prompt);
    tcase_add_test(t, what_an_endpoint_does_not_take_is_left_out);
    tcase_add_test(t, an_extra_body_with_a_key_twice_is_refused);
    tcase_add_test(t, priorities_are_sent_where_that_is_asked_for);
    tcase_add_loop_test(t, other_apis_have_their_keys, 0, 2);
    tcase_add_test(t, every_api_makes_bodies_that_the_mock_takes);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
