/* What to try where an exchange failed. */
#include "bench/refusal/advice.h"
#include "testing.h"

#define BASE "http://h:8000"
#define V1 BASE "/v1"
#define PATH "/chat/completions"

/* What is not said: chat, no key, model m. */
static const struct {
    struct advice_case c;
    const char *advice; /* a part of it; NULL: none is given */
} cases[] = {
    /* the address */
    {{.http_status = 404, .message = "Not Found", .base = BASE}, "try --url " BASE "/v1"},
    {{.http_status = 404, .message = "Not Found", .base = BASE "/?a=1"},
     "try --url " BASE "/v1?a=1"},
    {{.http_status = 404,
      .message = "a web page: \"404\"",
      .content_type = "text/html",
      .base = BASE},
     "often ends in /v1"},
    {{.http_status = 405, .message = "Method Not Allowed", .base = BASE "/api"},
     "try --url " BASE "/api/v1"},
    {{.http_status = 404, .message = "Not Found", .base = V1}, PATH " is added for --api chat"},
    {{.http_status = 404, .message = "Not Found", .base = BASE "/v1beta/openai"}, "--api chat"},
    {{.http_status = 404,
      .message = "Resource not found",
      .base = "https://x.openai.azure.com/openai/deployments/d"},
     "?api-version="},
    {{.http_status = 404,
      .message = "Resource not found",
      .base = "https://x.openai.azure.com/openai/deployments/d?api-version=2024-10-21"},
     "is added for --api chat"},
    {{.http_status = 200,
      .failure = FAILURE_MALFORMED,
      .message = "a web page: \"Welcome\"",
      .content_type = "text/html",
      .base = BASE},
     "try --url " BASE "/v1"},
    {{.http_status = 200,
      .failure = FAILURE_MALFORMED,
      .message = "a web page: \"Sign in\"",
      .content_type = "text/html",
      .base = V1},
     "a page for people"},
    {{.http_status = 307,
      .message = "HTTP status 307 to http://h/: give that as --url",
      .base = V1},
     NULL},
    {{.http_status = 200, .failure = FAILURE_EMPTY, .message = "no token", .base = V1}, NULL},
    /* the model */
    {{.http_status = 404, .message = "The model `m` does not exist.", .base = V1},
     "GET " V1 "/models lists them"},
    {{.http_status = 404,
      .message = "The model `m` does not exist.",
      .base = V1,
      .served = "a, b and 4 more"},
     "serves a, b and 4 more: give one as --model"},
    {{.http_status = 400, .message = "Invalid model name passed in model=m", .base = V1},
     "--model"},
    {{.http_status = 404, .message = "model: m", .base = V1}, "--model"},
    {{.http_status = 400, .message = "m is not a valid model ID", .base = V1}, "--model"},
    {{.http_status = 400, .message = "This model's context length is 4096 tokens", .base = V1},
     NULL},
    /* the key */
    {{.http_status = 401, .message = "no", .base = V1},
     "no key was sent: put it into OPENAI_API_KEY"},
    {{.http_status = 401, .message = "no", .base = V1, .key_from = "LAB_KEY"},
     "the key comes from LAB_KEY"},
    {{.http_status = 403, .message = "no", .base = V1, .key_from = "k.txt"},
     "the key comes from k.txt: may it"},
    {{.http_status = 403,
      .message = "a web page: \"Just a moment...\"",
      .content_type = "text/html",
      .base = V1,
      .key_from = "k.txt"},
     "Cloudflare"},
    {{.http_status = 400,
      .message = "API key not valid. Please pass a valid one.",
      .base = V1,
      .key_from = "LAB_KEY"},
     "the key comes from LAB_KEY"},
    {{.http_status = 200, .failure = FAILURE_EMPTY, .message = "Not authenticated", .base = V1},
     "no key was sent"},
    /* https and http */
    {{.http_status = 400, .message = "The plain HTTP request was sent to HTTPS port", .base = V1},
     "try --url https://h:8000/v1"},
    {{.http_status = 400, .message = "Client sent an HTTP request to an HTTPS server.", .base = V1},
     "try --url https://h:8000/v1"},
    {{.failure = FAILURE_TLS,
      .message = "error:0A00010B:SSL routines::wrong version number",
      .base = "https://h:8000/v1"},
     "try --url " V1},
    {{.failure = FAILURE_TLS,
      .message = "SSL certificate problem: self-signed certificate",
      .base = "https://h/v1"},
     "--cacert FILE"},
    {{.failure = FAILURE_RESET, .message = "Empty reply from server", .base = V1},
     "try --url https://h:8000/v1"},
    {{.failure = FAILURE_RESET, .message = "reset", .base = V1, .some_completed = true}, NULL},
    {{.failure = FAILURE_HTTP, .message = "HTTP/0.9", .base = V1, .http2 = true}, "--http2"},
    /* nothing there */
    {{.failure = FAILURE_DNS, .message = "Could not resolve host: h", .base = V1}, "host's name"},
    {{.failure = FAILURE_CONNECT, .message = "Connection refused", .base = V1}, "host and port"},
    {{.failure = FAILURE_CONNECT,
      .message = "Connection refused",
      .base = V1,
      .proxy = "https_proxy"},
     "https_proxy is set, but"},
    {{.failure = FAILURE_TIMEOUT_CONNECT, .base = V1}, "--timeout-connect"},
    {{.failure = FAILURE_TIMEOUT_FIRST_TOKEN, .base = V1}, "--timeout-first"},
    {{.failure = FAILURE_CLIENT, .message = "Too many open files", .base = V1}, NULL},
    {{.http_status = 503, .message = "no upstream", .base = V1}, "is the server itself up"},
    {{.http_status = 503, .message = "no upstream", .base = V1, .some_completed = true}, NULL},
    {{.http_status = 500, .message = "oops", .base = V1}, NULL},
    {{.http_status = 429, .message = "slow down", .base = V1}, "--retry N"},
    {{.http_status = 429, .message = "slow down", .base = V1, .retries = true}, NULL},
    /* members of the body */
    {{.http_status = 422, .message = "Extra inputs are not permitted (stream_options)", .base = V1},
     "--body '{\"stream_options\": null}'"},
    {{.http_status = 400,
      .message = "Unsupported parameter: 'max_tokens'",
      .base = V1,
      .output_key = "max_tokens",
      .other_output_key = "max_completion_tokens"},
     "--output-key max_completion_tokens"},
    {{.http_status = 400,
      .message = "Unrecognized request argument supplied: ignore_eos",
      .base = V1,
      .body = "{\"top_k\": 3, \"ignore_eos\": true}"},
     "leave ignore_eos out of --body"},
    {{.http_status = 400, .message = "Unsupported value: 'stream'", .base = V1}, "--no-stream"},
    {{.http_status = 400, .message = "Streaming is not supported by this model", .base = V1},
     "--no-stream"},
    {{.http_status = 400, .message = "messages: too long", .base = V1, .body = "{\"a\": 1}"}, NULL},
};

START_TEST(each_failure_gets_what_is_to_be_tried)
{
    struct advice_case c = cases[_i].c;
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    c.api = "chat";
    c.path = PATH;
    c.model = "m";
    bool advised = advice_add(&c, &out);
    ck_assert_msg(advised == (cases[_i].advice != NULL), "%d %s: %s", c.http_status, c.message,
                  out.length ? out.data : "nothing");
    if (advised)
        ck_assert_msg(strstr(out.data, cases[_i].advice) != NULL, "%s", out.data);
    else
        ck_assert_uint_eq(out.length, 0);
    buffer_free(&out);
}
END_TEST

static const struct {
    struct advice_case c;
    const char *what;
} told[] = {
    {{.http_status = 404, .content_type = "text/plain; charset=utf-8", .message = "no page"},
     "POST " V1 PATH ": HTTP status 404 (text/plain): no page"},
    {{.http_status = 503, .message = "HTTP status 503 with an empty body"},
     "POST " V1 PATH ": HTTP status 503 with an empty body"},
    {{.http_status = 500, .content_type = "text/\x1b[31m", .message = "oops"},
     "POST " V1 PATH ": HTTP status 500 (text/): oops"},
    {{.failure = FAILURE_CONNECT, .message = "Connection refused"},
     "POST " V1 PATH ": connect: Connection refused"},
    {{.failure = FAILURE_TIMEOUT_GAP}, "POST " V1 PATH ": timeout_gap"},
};

START_TEST(what_came_names_the_address_the_status_and_the_type)
{
    struct advice_case c = told[_i].c;
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    c.url = V1 PATH;
    advice_add_what(&c, &out);
    ck_assert_str_eq(out.data, told[_i].what);
    buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advice");
    TCase *t = tcase_create("advice");
    tcase_add_loop_test(t, each_failure_gets_what_is_to_be_tried, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_loop_test(t, what_came_names_the_address_the_status_and_the_type, 0,
                        (int)(sizeof told / sizeof *told));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
