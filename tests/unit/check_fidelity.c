/* The one sentence on whether figures can be trusted, and the verdict of a run of several parts. */
#include "testing.h"

#include "core/runs/summary/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *command;
    struct fidelity f;
    uint64_t completed;
    double steady_s;
    const char *words;
} said[] = {
    {"bench", {0}, 9, NAN, ""},
    {"bench", {.kind = FIDELITY_CLIENT, .known = true}, 0, NAN, ""}, /* nothing to be trusted */
    {"bench",
     {.kind = FIDELITY_CLIENT, .known = true, .lag_p99_ms = 0.21, .cpu_peak = 0.034, .counts = {4}},
     9,
     1.5,
     "✓ The numbers can be trusted: send lag p99 0.21 ms, client CPU 3 %, no reconnects, steady "
     "from 1.5 s on"},
    {"bench",
     {.kind = FIDELITY_CLIENT,
      .known = true,
      .cpu_peak = NAN,
      .steal = 0.02,
      .throttled_s = 0.5,
      .counts = {.connects = 7, .hidden_resends = 1, .stale_connections = 2, .http1_answers = 9}},
     9,
     0,
     "✓ The numbers can be trusted, 3 reconnects, 1 hidden resends stopped, 2 stale connections "
     "opened anew, 2 % of the CPU was taken by other machines, throttled for 0.5 s"},
    {"bench",
     {.kind = FIDELITY_CLIENT, .known = true, .lag_p99_ms = NAN, .counts = {1, .http2_answers = 9}},
     9,
     NAN,
     "✓ The numbers can be trusted, 1 connection"},
    {"bench",
     {.kind = FIDELITY_PARTS, .known = true, .lag_p99_ms = 1, .cpu_peak = 0.5},
     9,
     NAN,
     "✓ The numbers can be trusted: send lag p99 1 ms, client CPU 50 %"},
    {"bench",
     {.kind = FIDELITY_CLIENT, .known = true, .client_limited = true, .reason = "it slept"},
     0,
     NAN,
     "✗ The client was the limit: it slept."},
    {"bench",
     {.kind = FIDELITY_CLIENT, .known = true, .client_limited = true},
     9,
     NAN,
     "✗ The client was the limit."},
    {"sim",
     {.kind = FIDELITY_MODEL,
      .known = true,
      .engine = {.steps = 9,
                 .prompt_tokens = 800,
                 .replicas_most = 4,
                 .starts = 5,
                 .stops = 3,
                 .replica_hours = 1.2345,
                 .cold_s = 600}},
     9,
     NAN,
     "A model's times, not a measurement (docs/engine.md): 0.0 % of the prompt tokens from the "
     "prefix cache, 0 preemptions; autoscaled: 1.23 replica-hours, at most 4 ready at once, 5 "
     "started (600 s cold), 3 stopped"},
    {"sim", {0}, 9, NAN, "A model's times, not a measurement (docs/engine.md)"},
    {"sim",
     {.kind = FIDELITY_MODEL, .known = true, .engine = {1, 9, 1234, 800, 200, 5}},
     9,
     NAN,
     "A model's times, not a measurement (docs/engine.md): 25.0 % of the prompt tokens from the "
     "prefix cache, 1,234 preemptions"},
    {"sim",
     {.kind = FIDELITY_MODEL,
      .known = true,
      .engine = {1, 9, 0, 800, 200, 5, .drafts = 100, .draft_tokens = 300, .accepted_tokens = 150,
                 .kv_transfers = 1200, .kv_transfer_ms = 1.5}},
     9,
     NAN,
     "A model's times, not a measurement (docs/engine.md): 25.0 % of the prompt tokens from the "
     "prefix cache, 0 preemptions; speculative decoding: 50.0 % of the drafts accepted, 2.50 "
     "tokens "
     "a step; 1,200 KV caches sent from prefill to decode, 1.50 ms each"},
};

START_TEST(one_sentence_says_whether_figures_can_be_trusted)
{
    struct summary *s = calloc(1, sizeof *s);
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    s->command = said[_i].command;
    s->fidelity = said[_i].f;
    s->accounting.completed = said[_i].completed;
    s->steady_from_s = said[_i].steady_s;
    s->peak_in_flight = 4;
    fidelity_add_verdict(s, &text);
    ck_assert_str_eq(text.length ? text.data : "", said[_i].words);
    buffer_free(&text);
    free(s);
}
END_TEST

static struct fidelity part(bool known, const char *limit, double lag_ms, double cpu)
{
    struct fidelity f = {.kind = FIDELITY_CLIENT,
                         .known = known,
                         .client_limited = limit != NULL,
                         .lag_p99_ms = lag_ms,
                         .cpu_peak = cpu};
    strcpy(f.reason, limit ? limit : "");
    return f;
}

START_TEST(a_whole_is_as_good_as_its_worst_part)
{
    struct fidelity parts[] = {part(true, NULL, NAN, 0.5), part(true, "first", 3, 0.25),
                               part(false, NULL, 2, NAN), part(true, "second", 1, 0.1)};
    struct fidelity whole = {.parts = parts, .part_count = 4};
    parts[2].insecure = true;
    fidelity_merge(&whole);
    ck_assert_int_eq(whole.kind, FIDELITY_PARTS);
    ck_assert(whole.known && whole.client_limited && whole.insecure);
    ck_assert_str_eq(whole.reason, "in 2 of 4 parts: first");
    ck_assert_double_eq(whole.lag_p99_ms, 3);
    ck_assert_double_eq(whole.cpu_peak, 0.5);
    whole = (struct fidelity){.parts = parts, .part_count = 1};
    fidelity_merge(&whole);
    ck_assert(whole.known && !whole.client_limited && !whole.insecure);
    ck_assert_str_eq(whole.reason, "");
    whole = (struct fidelity){.parts = parts + 2, .part_count = 1};
    fidelity_merge(&whole);
    ck_assert(!whole.known && !whole.client_limited);
}
END_TEST

static int read_text(const char *json, struct fidelity *f)
{
    struct json_scan scan;
    json_scan_init(&scan, "", json, strlen(json), 1);
    fidelity_read(&scan, f);
    return json_scan_end(&scan, NULL);
}

/* What another version writes: keys that are null or unknown, twice the same key, parts of parts.
 */
START_TEST(what_is_not_known_is_passed_over)
{
    struct fidelity f;
    ck_assert_int_eq(
        read_text(
            "{\"client_limited\": null, \"reason\": null, \"send_lag_p99_ms\": null, \"cpu_peak\": "
            "0.5, \"connects\": null, \"new\": {\"a\": [1]}, \"probes\": [{\"endpoint\": \"a\", "
            "\"endpoint\": \"b\", \"note\": null}], \"parts\": [{\"parts\": [{}], \"reason\": "
            "\"why\"}, null]}",
            &f),
        0);
    ck_assert(!f.known && !f.client_limited && isnan(f.lag_p99_ms));
    ck_assert_double_eq(f.cpu_peak, 0.5);
    ck_assert_str_eq(f.probes[0].endpoint, "b");
    ck_assert_uint_eq(f.part_count, 2);
    ck_assert_int_eq(f.kind, FIDELITY_PARTS);
    ck_assert_str_eq(f.parts[0].reason, "why");
    ck_assert_int_eq(f.parts[1].kind, FIDELITY_UNSAID);
    fidelity_free(&f);
    ck_assert_ptr_null(f.probes);
}
END_TEST

START_TEST(what_is_wrong_is_refused_and_leaks_nothing)
{
    struct fidelity f;
    ck_assert_int_eq(
        read_text("{\"parts\": [{\"probes\": [{\"endpoint\": \"a\", \"requests\": \"2\"}]}]}", &f),
        ERR_INPUT);
    fidelity_free(&f);
    ck_assert_int_eq(read_text("{\"cpu_by_worker\": [0.5, true]}", &f), ERR_INPUT);
    fidelity_free(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fidelity");
    TCase *test = tcase_create("fidelity");
    tcase_add_loop_test(test, one_sentence_says_whether_figures_can_be_trusted, 0,
                        sizeof said / sizeof *said);
    tcase_add_test(test, a_whole_is_as_good_as_its_worst_part);
    tcase_add_test(test, what_is_not_known_is_passed_over);
    tcase_add_test(test, what_is_wrong_is_refused_and_leaks_nothing);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
