/* What refusals say: their words, and the member of a request that they are about. */
#include "bench/refusal/refusal_words.h"
#include "bench/refusal/refused_key.h"
#include "testing.h"

#define PATH "/chat/completions"

/* ---- words ---- */

static const struct {
    int status;
    const char *type, *body, *words;
} bodies[] = {
    {400, "application/json", "{\"error\": {\"message\": \"no\\u0020room\", \"param\": null}}",
     "no room"},
    {404, "application/json", "{\"detail\":\"Not Found\"}", "Not Found"},
    {422, "application/json",
     "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"seed\"],\"msg\":\"Extra "
     "inputs "
     "are not permitted\",\"input\":3}]}",
     "Extra inputs are not permitted (seed)"},
    {422, NULL,
     "{\"object\":\"error\",\"message\":{\"detail\":[{\"loc\":[\"body\",\"messages\",0,\"role\"],"
     "\"msg\":\"Field required\"}]}}",
     "Field required (messages.0.role)"},
    {400, "application/json",
     "{\"error\":{\"message\":\"Unsupported parameter\",\"param\":\"max_tokens\"}}",
     "Unsupported parameter (max_tokens)"},
    {400, "application/json", "{\"error\":{\"message\":\"Unknown 'seed'\",\"param\":\"seed\"}}",
     "Unknown 'seed'"},
    {404, "text/plain; charset=utf-8", "404 page not found\n", "404 page not found"},
    {503, NULL, "", "HTTP status 503 with an empty body"},
    {502, "text/html", "  ", "a web page"},
    {404, "text/html; charset=utf-8",
     "<!DOCTYPE html><html><head><TITLE lang=en>\n 404 Not Found </TITLE></head></html>",
     "a web page: \"404 Not Found\""},
    {200, NULL,
     "\n<html><style>p {}</style><body class=a><script>var x = '<p>';</script>\n<h1>Sign "
     "in</h1>\n<p>to  the  lab</body></html>",
     "a web page: \"Sign in to the lab\""},
    {500, "text/html", "<html><body>half a tag <a href=", "a web page: \"half a tag\""},
    {500, "text/html", "<title>never ends", "a web page: \"never ends\""},
    {401, "application/json", "{\"code\": 7}", "{\"code\": 7}"},
    {500, "application/json", "{\"error\": {\"message\": \"cut he",
     "{\"error\": {\"message\": \"cut he"},
};

START_TEST(a_refusal_is_told_in_its_own_words)
{
    struct refusal r = {.http_status = bodies[_i].status,
                        .content_type = bodies[_i].type,
                        .path = PATH,
                        .body = text_of(bodies[_i].body)};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    refusal_add_words(&r, &out);
    ck_assert_str_eq(out.data, bodies[_i].words);
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *location, *words;
} redirects[] = {
    {"http://h/v1/chat/completions/",
     "HTTP status 308 to http://h/v1/chat/completions/: give that as --url"},
    {"https://h/v1/chat/completions",
     "HTTP status 308 to https://h/v1/chat/completions: give --url https://h/v1"},
    {"https://h/v1/chat/completions?v=2",
     "HTTP status 308 to https://h/v1/chat/completions?v=2: give --url https://h/v1?v=2"},
    {"https://login.h/start?to=/v1/chat/completions",
     "HTTP status 308 to https://login.h/start?to=/v1/chat/completions, which is no address of "
     "this API"},
    {"", "HTTP status 308 with an empty body"},
};

START_TEST(a_redirect_says_what_to_give_as_url)
{
    struct refusal r = {
        .http_status = 308, .location = redirects[_i].location, .path = PATH, .body = text_of("")};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    refusal_add_words(&r, &out);
    ck_assert_str_eq(out.data, redirects[_i].words);
    buffer_free(&out);
}
END_TEST

/* Cut anywhere, no body makes the reader read on. */
START_TEST(words_of_every_part_of_a_body_end)
{
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (size_t n = 0; n <= strlen(bodies[i].body); n++) {
            char *part = strndup(bodies[i].body, n); /* its end is the end of its memory */
            struct refusal r = {.http_status = 500,
                                .content_type = bodies[i].type,
                                .path = PATH,
                                .body = {part, n}};
            struct buffer out;
            buffer_init(&out, BUFFER_UNBOUNDED);
            refusal_add_words(&r, &out);
            ck_assert_uint_gt(out.length, 0);
            buffer_free(&out);
            free(part);
        }
    }
}
END_TEST

/* ---- keys ---- */

static const struct {
    const char *words, *key; /* NULL: none is refused */
} refusals[] = {
    {"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
     "'max_completion_tokens' instead.",
     "max_tokens"},
    {"Unrecognized request argument supplied: stream_options", "stream_options"},
    {"Extra inputs are not permitted (stream_options)", "stream_options"},
    {"stream_options: Extra inputs are not permitted", "stream_options"},
    {"Extra inputs are not permitted (stream_options.include_usage)", "stream_options"},
    {"[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs'}]",
     "stream_options"},
    {"json: unknown field \"max_completion_tokens\"", "max_completion_tokens"},
    {"Unknown name \"stream_options\": Cannot find field.", "stream_options"},
    {"unknown field `stream_options`, expected one of `model`, `max_tokens`, `stream`",
     "stream_options"},
    {"extraneous key [stream_options] is not permitted", "stream_options"},
    {"property 'max_tokens' is unsupported, did you mean 'max_completion_tokens'?", "max_tokens"},
    {"UnsupportedParamsError: this model does not support parameters: ['stream_options']",
     "stream_options"},
    {"Unsupported value: 'stream' does not support true with this model", "stream"},
    {"this deployment does not support max_tokens in a stream", "max_tokens"},
    /* of a value, of something else, or of nothing that is ours */
    {"'max_tokens' must be at least 16", NULL},
    {"max_tokens is too large: 100000", NULL},
    {"Stream options can only be defined when `stream=True`.", NULL},
    {"Could not finish the message because max_tokens was reached", NULL},
    {"Unsupported parameter: 'temperature'", NULL},
    {"Extra inputs are not permitted", NULL},
    {"this model is not supported in a stream", NULL},
    {"unknown field \"x_max_tokens\"", NULL},
    {"", NULL},
};

START_TEST(the_refused_key_is_found_in_the_words)
{
    static const char *const keys[] = {"stream", "stream_options", "max_tokens",
                                       "max_completion_tokens", NULL};
    int i = refused_key_find(text_of(refusals[_i].words), keys);
    ck_assert_msg((i < 0) == (refusals[_i].key == NULL), "%s: %d", refusals[_i].words, i);
    if (i >= 0)
        ck_assert_msg(strcmp(keys[i], refusals[_i].key) == 0, "%s: %s", refusals[_i].words,
                      keys[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusal");
    TCase *t = tcase_create("refusal");
    tcase_add_loop_test(t, a_refusal_is_told_in_its_own_words, 0,
                        (int)(sizeof bodies / sizeof *bodies));
    tcase_add_loop_test(t, a_redirect_says_what_to_give_as_url, 0,
                        (int)(sizeof redirects / sizeof *redirects));
    tcase_add_test(t, words_of_every_part_of_a_body_end);
    tcase_add_loop_test(t, the_refused_key_is_found_in_the_words, 0,
                        (int)(sizeof refusals / sizeof *refusals));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
