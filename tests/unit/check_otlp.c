/* Spans of OpenTelemetry: whose endpoint it is, what an attempt's span says, payloads and ids. */
#include "cli/report/export/export_otlp.h"
#include "cli/report/export/otlp_span.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/names.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <unistd.h>

/* The names are those of the conventions; a host that only ends alike is another's. */
static const struct {
    const char *endpoint, *api, *operation, *provider, *address;
    uint32_t port;
} endpoints[] = {
    {"https://api.openai.com/v1", "chat", "chat", "openai", "api.openai.com", 443},
    {"https://x.openai.azure.com/openai/v1", "responses", "chat", "azure.ai.openai",
     "x.openai.azure.com", 443},
    {"https://europe-west4-aiplatform.googleapis.com/v1", "chat", "chat", "gcp.vertex_ai",
     "europe-west4-aiplatform.googleapis.com", 443},
    {"https://api.x.ai/v1", "chat", "chat", "x_ai", "api.x.ai", 443},
    {"https://relax.ai/v1", "completions", "text_completion", "openai", "relax.ai", 443},
    {"http://127.0.0.1:8000/v1", "messages", "chat", "anthropic", "127.0.0.1", 8000},
    {"http://(hidden)@gpu:8000/v1", "embeddings", "embeddings", "openai", "gpu", 8000},
    {"http://[::1]:8000", "rerank", "rerank", "cohere", "[::1]", 8000},
    {"rtx4090", "chat", "chat", "openai", NULL, 0},
};

START_TEST(an_endpoint_has_the_provider_of_its_host_or_its_format)
{
    struct otlp_endpoint e;
    otlp_endpoint_read(endpoints[_i].endpoint, endpoints[_i].api, false, &e);
    ck_assert_str_eq(e.operation, endpoints[_i].operation);
    ck_assert_str_eq(e.provider, endpoints[_i].provider);
    ck_assert_uint_eq(e.port, endpoints[_i].port);
    if (endpoints[_i].address)
        ck_assert_str_eq(e.address, endpoints[_i].address);
    else
        ck_assert_ptr_null(e.address);
    otlp_endpoint_free(&e);
}
END_TEST

static struct record attempt_of(const char *id, int64_t sent_ns)
{
    struct record r;
    record_init(&r);
    r.request_id = id;
    r.attempt = 1;
    r.final = true;
    r.scheduled_ns = r.ready_ns = r.sent_ns = sent_ns;
    r.done_ns = sent_ns + NS_PER_MS;
    return r;
}

/* What never came is in no attribute, event or time. */
START_TEST(an_attempt_that_never_was_sent_out_has_a_span_of_its_due_time)
{
    struct record r = attempt_of("r1", 7);
    r.sent_ns = r.ready_ns = r.done_ns = TIME_NEVER;
    r.status = RECORD_FAILED;
    r.failure = FAILURE_CLIENT;
    ck_assert_int_eq(otlp_from_ns(&r), 7);
    ck_assert_int_eq(otlp_to_ns(&r), 7);
    ck_assert_str_eq(otlp_failure(&r), "client");
    r.last_token_ns = 3; /* a clock that went back ends no span before its start */
    ck_assert_int_eq(otlp_to_ns(&r), 7);
}
END_TEST

/* Every span's id, as its 16 digits stand in the file. */
static size_t different_ids(const char *text, size_t *spans)
{
    static const char mark[] = "\"spanId\": \"";
    struct names ids;
    names_init(&ids);
    *spans = 0;
    for (const char *at = text; (at = strstr(at, mark)); at += sizeof mark - 1) {
        names_add(&ids, (struct text){at + sizeof mark - 1, 16});
        ++*spans;
    }
    size_t count = ids.count;
    names_free(&ids);
    return count;
}

/* No two of 30,000 attempts, sessions and retried requests share an id, and no line is too long. */
START_TEST(ids_never_meet_and_payloads_stay_small)
{
    enum { REQUESTS = 10000 };
    char path[] = "/tmp/check_otlp.XXXXXX", id[16], session[16];
    struct error err = {0};
    char *text;
    size_t length, spans, longest = 0;
    close(mkstemp(path));
    struct otlp *o = otlp_open(path, &err);
    ck_assert_ptr_nonnull(o);
    struct run_json said;
    run_json_read("/no/run", &said, NULL);
    ck_assert(!otlp_begin(o, "/no/run", &said, TIME_NEVER));
    for (int i = 0; i < REQUESTS; i++) {
        snprintf(id, sizeof id, "r%d", i);
        snprintf(session, sizeof session, "s%d", i / 2);
        struct record first = attempt_of(id, i), again = attempt_of(id, i + 5);
        first.session_id = again.session_id = session;
        first.final = false;
        again.attempt = 2;
        ck_assert_int_eq(otlp_add(o, &first, &err), 0);
        ck_assert_int_eq(otlp_add(o, &again, &err), 0);
    }
    ck_assert_int_eq(otlp_close(o, otlp_end(o, &err), &err), 0);
    ck_assert_int_eq(file_read_all(path, (size_t)1 << 30, &text, &length, &err), 0);
    ck_assert_uint_eq(different_ids(text, &spans), 2 * REQUESTS + REQUESTS + REQUESTS / 2);
    ck_assert_uint_eq(spans, 2 * REQUESTS + REQUESTS + REQUESTS / 2);
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        longest = (size_t)(end - line) > longest ? (size_t)(end - line) : longest;
    ck_assert_uint_lt(longest, OTLP_MOST_BYTES);
    ck_assert_uint_gt(longest, OTLP_MOST_BYTES / 2);
    free(text);
    unlink(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_made_is_an_error)
{
    struct error err = {0};
    ck_assert_ptr_null(otlp_open("/no/folder/x.jsonl", &err));
    ck_assert_int_eq(err.code, ERR_SYSTEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp");
    TCase *t = tcase_create("otlp");
    tcase_add_loop_test(t, an_endpoint_has_the_provider_of_its_host_or_its_format, 0,
                        COUNT_OF(endpoints));
    tcase_add_test(t, an_attempt_that_never_was_sent_out_has_a_span_of_its_due_time);
    tcase_add_test(t, ids_never_meet_and_payloads_stay_small);
    tcase_add_test(t, a_file_that_cannot_be_made_is_an_error);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
