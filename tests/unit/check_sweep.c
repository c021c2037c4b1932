/* Sweeps and the search for the highest rate, over runs whose outcome is written down: what is
 * concluded where the client was the limit, and how requests are counted. */
#include "cli/bench/find_max.h"
#include "cli/bench/sweep_show.h"
#include "core/file.h"
#include "core/runs/record/run_dir.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS 400

/* An endpoint that holds up to one rate, asked by a client that keeps up to another. */
struct world {
    double capacity_rps, client_rps;
    int stalls; /* so many runs are spoiled, whatever the rate */
    size_t runs;
};

static char directory[64];

static void write_to(const char *path, const char *name, const struct buffer *text)
{
    char *file = run_dir_file(path, name);
    ck_assert_int_eq(file_write_atomic(file, text->data, text->length, NULL), 0);
    free(file);
}

static void write_requests(const char *path, double rate)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (int i = 0; i < REQUESTS; i++) {
        long long at = llround(i / rate * 1e9);
        buffer_add_format(&text,
                          "{\"request_id\": \"r%d\", \"attempt\": 1, \"final\": true, "
                          "\"scheduled_ns\": %lld, \"ready_ns\": %lld, \"sent_ns\": %lld, "
                          "\"first_token_ns\": %lld, \"last_token_ns\": %lld, \"done_ns\": %lld, "
                          "\"status\": \"completed\", \"asked\": {\"input\": 9, \"output\": 9}, "
                          "\"streamed\": true, \"chunks\": 9}\n",
                          i, at, at, at, at + 1000000, at + 2000000, at + 2000000);
    }
    write_to(path, "requests.jsonl", &text);
    buffer_free(&text);
}

static int run(void *context, const struct sweep *s, double value, const char *path,
               struct error *err)
{
    struct world *w = context;
    bool limited = value > w->client_rps || w->stalls-- > 0;
    struct buffer text;
    (void)s;
    buffer_init(&text, BUFFER_UNBOUNDED);
    w->runs++;
    ck_assert_int_eq(file_make_directories(path, err), 0);
    write_requests(path, value);
    buffer_add_format(
        &text,
        "{\"schema_version\": 1, \"command\": \"bench\", \"load\": \"open\", \"warmup_s\": 0, "
        "\"warmup_method\": \"none\", \"window_s\": 1, \"all\": {\"duration_s\": 1}, "
        "\"accounting\": {\"scheduled\": 400, "
        "\"completed\": 390, \"failed\": 1, \"cancelled\": 7, \"unsent\": 2}, "
        "\"request_throughput_rps\": %g, \"output_throughput_tps\": 1, \"goodput_fraction\": %g, "
        "\"ttft_scheduled_ms\": {\"p50\": 1, \"p99\": 1}, \"tpot_ms\": {\"p50\": 1, \"p99\": 1}, "
        "\"e2e_scheduled_ms\": {\"mean\": 2, \"p50\": 2, \"p99\": 2}, "
        "\"fidelity\": {\"client_limited\": %s, \"reason\": %s}}",
        fmin(value, w->capacity_rps), value <= w->capacity_rps ? 1.0 : 0.5,
        limited ? "true" : "false", limited ? "\"send lag p99 is 48 ms\"" : "null");
    write_to(path, "summary.json", &text);
    buffer_free(&text);
    return 0;
}

/* What a person read, and the file that was written. */
struct seen {
    char *text, *json;
};

static struct slo_list slos = {.count = 1};

static struct seen carry_out(struct world *w, const char *values, int expect)
{
    struct seen seen = {0};
    size_t length;
    struct terminal t = {.human = open_memstream(&seen.text, &length)};
    struct error err = {0};
    snprintf(directory, sizeof directory, "/tmp/check_sweep.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct sweep s = {.terminal = &t,
                      .command = "bench",
                      .directory = directory,
                      .force = true,
                      .values = {.text = "find-max", .is_rate = true},
                      .slos = &slos,
                      .goodput = 0.99,
                      .run = run,
                      .context = w};
    struct find_max f = {.sweep = &s, .start_rps = 4, .requests = REQUESTS};
    if (values)
        ck_assert_int_eq(sweep_parse(values, &s.values, &err), 0);
    int status = values ? sweep_run(&s, &err) : find_max_run(&f, &err);
    ck_assert_msg(status == expect, "%s", err.message);
    fclose(t.human);
    char *file = run_dir_file(directory, values ? "sweep.json" : "find-max.json");
    ck_assert_int_eq(file_read_all(file, 1 << 20, &seen.json, &length, &err), 0);
    free(file);
    return seen;
}

static void forget(struct seen *s)
{
    char command[128];
    free(s->text);
    free(s->json);
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static void expect(const char *text, const char *words, bool there)
{
    ck_assert_msg((strstr(text, words) != NULL) == there, "%s: %s in\n%s",
                  there ? "missing" : "not expected", words, text);
}

START_TEST(a_capacity_that_the_client_saw_is_printed_plain)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "and no longer at", true);
    expect(s.text, "the client was the limit", false);
    expect(s.json, "\"rate_is\": \"measured\"", true);
    expect(s.json, "\"client_limited_at_rps\": null", true);
    forget(&s);
}
END_TEST

/* The endpoint holds far more than the client can send: what was found is a lower bound. */
START_TEST(a_capacity_beyond_the_client_is_called_a_lower_bound)
{
    struct world w = {.capacity_rps = 500, .client_rps = 20};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "holds at least at", true);
    expect(s.text, "no longer at", false);
    expect(s.text, "send lag p99 is 48 ms", true);
    expect(s.text, "✗ the client was the limit", true);
    expect(s.json, "\"rate_is\": \"at_least\"", true);
    expect(s.json, "\"fails_at_rps\": null", true);
    expect(s.json, "\"client_reason\": \"send lag p99 is 48 ms\"", true);
    const char *rate = strstr(s.json, "\"rate_rps\":");
    double found = strtod(rate + strlen("\"rate_rps\":"), NULL);
    ck_assert_double_le(found, 20);
    ck_assert_double_gt(found, 18);
    forget(&s);
}
END_TEST

START_TEST(a_client_that_was_always_the_limit_knows_no_capacity)
{
    struct world w = {.capacity_rps = 500, .client_rps = 0};
    struct seen s = carry_out(&w, NULL, ERR_WORK);
    expect(s.text, "What the endpoint can do is not known.", true);
    expect(s.text, "holds at", false);
    expect(s.json, "\"rate_is\": \"unknown\"", true);
    expect(s.json, "\"rate_rps\": null", true);
    forget(&s);
}
END_TEST

START_TEST(a_probe_that_a_stall_spoiled_is_made_once_more)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000, .stalls = 1};
    struct seen s = carry_out(&w, NULL, 0);
    expect(s.text, "and no longer at", true);
    expect(s.json, "\"rate_is\": \"measured\"", true);
    expect(s.json, "\"client_limited_at_rps\": null", true);
    expect(s.json, "\"client_limited\": true", true);
    forget(&s);
}
END_TEST

START_TEST(a_knee_under_the_clients_limit_is_a_lower_bound)
{
    struct world w = {.capacity_rps = 500, .client_rps = 20};
    struct seen s = carry_out(&w, "rate=5,10,40,80", 0);
    expect(s.text, "<- at least", true);
    expect(s.text, "<- knee", false);
    expect(s.text, "✗ At 2 of 4 points the client was the limit: send lag p99 is 48 ms.", true);
    expect(s.text, "its knee is at least 10", true);
    expect(s.json, "\"knee\": 10", true);
    expect(s.json, "\"knee_is\": \"at_least\"", true);
    forget(&s);
    w = (struct world){.capacity_rps = 12, .client_rps = 20};
    s = carry_out(&w, "rate=5,10,15,80", 0);
    expect(s.text, "10 ", true);
    expect(s.text, "<- knee", true);
    expect(s.text, "✗ the client was the limit", true);
    expect(s.json, "\"knee_is\": \"measured\"", true);
    forget(&s);
    w.client_rps = 0;
    s = carry_out(&w, "rate=5,10", 0);
    expect(s.text, "<-", false);
    expect(s.json, "\"knee_is\": \"unknown\"", true);
    forget(&s);
}
END_TEST

/* One number for each kind, in text and JSON of both. */
START_TEST(cancelled_requests_have_their_column)
{
    struct world w = {.capacity_rps = 20, .client_rps = 1000};
    for (int i = 0; i < 2; i++) {
        struct seen s = carry_out(&w, i ? "rate=5,10" : NULL, 0);
        expect(s.text, "cancelled", true);
        expect(s.text, "unsent", true);
        expect(s.json, "\"failed\": 1,", true);
        expect(s.json, "\"cancelled\": 7,", true);
        expect(s.json, "\"unsent\": 2,", true);
        forget(&s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *t = tcase_create("sweep");
    struct error err = {0};
    slos.count = 0;
    if (slo_parse("ttft=500", &slos, &err) < 0)
        return EXIT_FAILURE;
    tcase_add_test(t, a_capacity_that_the_client_saw_is_printed_plain);
    tcase_add_test(t, a_capacity_beyond_the_client_is_called_a_lower_bound);
    tcase_add_test(t, a_client_that_was_always_the_limit_knows_no_capacity);
    tcase_add_test(t, a_probe_that_a_stall_spoiled_is_made_once_more);
    tcase_add_test(t, a_knee_under_the_clients_limit_is_a_lower_bound);
    tcase_add_test(t, cancelled_requests_have_their_column);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
