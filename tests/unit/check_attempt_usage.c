/* What an answer's usage objects make of its record. */
#include "bench/answer/attempt.h"
#include "tests/unit/testing.h"

#include <string.h>

#define KEY "sk-proj-Q7mZx2Lw9Rr4Tz"
#define DONE "data: [DONE]\n\n"
#define USAGE(json) "data: {\"choices\":[],\"usage\":" json "}\n\n"
#define WORD(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STOP "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"

static const struct attempt_config streaming = {
    .api = &api_chat, .stream = true, .max_event = 4096, .max_body = 4096};

static void begin(struct attempt *a, const struct attempt_config *c, const char *stream)
{
    struct arrival when = {200, 210, 1};
    attempt_init(a);
    attempt_begin(a, c, 100);
    attempt_answer(a, 200, "text/event-stream");
    attempt_feed(a, &when, stream, strlen(stream));
    attempt_end(a, FAILURE_NONE, NULL);
}

/* Three words, then these events; asked for 90 tokens in. */
static struct record record_of_usage(struct attempt *a, const char *events)
{
    static char stream[2048];
    struct record r;
    snprintf(stream, sizeof stream, "%s%s%s", WORD("a") WORD("b") WORD("c") STOP, events, DONE);
    begin(a, &streaming, stream);
    record_init(&r);
    r.asked_input = 90;
    r.asked_output = 12;
    attempt_fill(a, &r);
    ck_assert_int_eq(r.status, RECORD_COMPLETED);
    return r;
}

static const struct {
    const char *events;
    enum usage_source from;
    uint64_t uncached, cached, output, reasoning;
    uint32_t odd;
    const char *cost;
} usage_events[] = {
    {"", USAGE_ESTIMATED, 90, 0, 3, 0, 0, NULL},
    {"data: "
     "{\"choices\":[{\"delta\":{\"usage\":{\"prompt_tokens\":137,\"completion_tokens\":24}}}]}\n\n",
     USAGE_SERVER, 137, 0, 24, 0, 0, NULL},
    {USAGE("{\"input_token_count\":137,\"generated_token_count\":24}"), USAGE_SERVER, 137, 0, 24, 0,
     0, NULL},
    {"data: {\"choices\":[],\"cost\":0.0012}\n\n", USAGE_ESTIMATED, 90, 0, 3, 0, 0, "0.0012"},
    {"data: {\"choices\":[],\"cost\":{\"total\":\"0.25\",\"currency\":\"EUR\"}}\n\n",
     USAGE_ESTIMATED, 90, 0, 3, 0, 0, NULL},
    {"data: {\"choices\":[],\"estimated_cost\":\"$0.25\",\"usage\":{\"prompt_tokens\":137,"
     "\"completion_tokens\":24}}\n\n",
     USAGE_SERVER, 137, 0, 24, 0, 0, "0.25"},
    {"data: {\"choices\":[{\"delta\":{\"provider_metadata\":{\"maker\":{\"cost\":9},\"gateway\":{"
     "\"routing\":{\"cost\":8},\"cost\":\"0.0045405\"}}}}]}\n\n",
     USAGE_ESTIMATED, 90, 0, 3, 0, 0, "0.0045405"},
    {USAGE("{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}"), USAGE_ESTIMATED, 90,
     0, 3, 0, ODDITY(USAGE_ZERO), NULL},
    {USAGE("{}"), USAGE_ESTIMATED, 90, 0, 3, 0, ODDITY(USAGE_UNKNOWN), NULL},
    {USAGE("{\"prompt_fog_tokens\":9,\"fog_tokens\":4}"), USAGE_ESTIMATED, 90, 0, 3, 0,
     ODDITY(USAGE_KEY) | ODDITY(USAGE_UNKNOWN), NULL},
    {USAGE("{\"prompt_tokens\":88,\"completion_tokens\":0}"), USAGE_ESTIMATED, 88, 0, 3, 0,
     ODDITY(USAGE_ZERO), NULL},
    {USAGE("{\"prompt_tokens\":0,\"completion_tokens\":5}"), USAGE_ESTIMATED, 90, 0, 5, 0,
     ODDITY(USAGE_ZERO), NULL},
    {USAGE("{\"total_tokens\":95}"), USAGE_ESTIMATED, 90, 0, 3, 0, ODDITY(USAGE_UNKNOWN), NULL},
    {USAGE("{\"prompt_tokens\":30,\"completion_tokens\":4,\"total_tokens\":7034,"
           "\"cache_read_input_tokens\":7000}"),
     USAGE_SERVER, 30, 7000, 4, 0, ODDITY(USAGE_CACHED), NULL},
    {USAGE("{\"prompt_tokens\":40,\"completion_tokens\":60,\"total_tokens\":350}"), USAGE_SERVER,
     40, 0, 60, 250, ODDITY(USAGE_TOTAL), NULL},
    {"data: {\"choices\":[{\"delta\":{},\"usage\":{\"prompt_tokens\":91,\"completion_tokens\":7,"
     "\"cached_tokens\":64}}]}\n\n",
     USAGE_SERVER, 27, 64, 7, 0, 0, NULL},
    {USAGE("{\"prompt_tokens\":88.0,\"completion_tokens\":3.5}"), USAGE_SERVER, 88, 0, 4, 0,
     ODDITY(USAGE_NUMBER), NULL},
    {USAGE("{\"prompt_tokens\":\"88\",\"completion_tokens\":-1}"), USAGE_ESTIMATED, 88, 0, 3, 0,
     ODDITY(USAGE_NUMBER) | ODDITY(USAGE_UNKNOWN), NULL},
    {USAGE("{\"prompt_tokens\":88,\"completion_tokens\":3,\"cost\":{\"total_cost\":0.0041}}"),
     USAGE_SERVER, 88, 0, 3, 0, 0, "0.0041"},
    /* with each chunk, and a last one that forgot */
    {USAGE("{\"prompt_tokens\":88,\"completion_tokens\":1}")
         USAGE("{\"prompt_tokens\":88,\"completion_tokens\":3,\"cost\":\"0.5\"}")
             USAGE("{\"prompt_tokens\":88,\"completion_tokens\":2}"),
     USAGE_SERVER, 88, 0, 3, 0, ODDITY(USAGE_BACK), "0.5"},
};

START_TEST(whatever_the_usage_says_the_answer_completes)
{
    struct attempt a;
    struct record r = record_of_usage(&a, usage_events[_i].events);
    char cost[MONEY_TEXT_SIZE] = "";
    ck_assert_int_eq(r.usage_from, usage_events[_i].from);
    ck_assert_uint_eq(r.usage.tokens[USAGE_UNCACHED_INPUT], usage_events[_i].uncached);
    ck_assert_uint_eq(r.usage.tokens[USAGE_CACHED_INPUT], usage_events[_i].cached);
    ck_assert_uint_eq(r.usage.tokens[USAGE_OUTPUT], usage_events[_i].output);
    ck_assert_uint_eq(r.usage.tokens[USAGE_REASONING], usage_events[_i].reasoning);
    ck_assert_uint_eq(r.odd, usage_events[_i].odd);
    if (r.has_cost)
        money_format(r.cost, cost);
    ck_assert_str_eq(cost, usage_events[_i].cost ? usage_events[_i].cost : "");
    attempt_free(&a);
}
END_TEST

START_TEST(unknown_keys_of_usage_are_kept_by_name_but_no_secret)
{
    struct secrets secrets = {0};
    struct attempt_config c = streaming;
    struct attempt a;
    struct record r;
    secrets_add(&secrets, KEY);
    c.secrets = &secrets;
    begin(&a, &c,
          WORD("a") STOP USAGE("{\"prompt_tokens\":9,\"ether_tokens\":1}")
              USAGE("{\"prompt_tokens\":9,\"ether_tokens\":2,\"" KEY "_tokens\":3}") DONE);
    ck_assert_uint_eq(a.unknown_keys.count, 1);
    ck_assert_str_eq(a.unknown_keys.name[0], "ether_tokens");
    record_init(&r);
    attempt_fill(&a, &r);
    ck_assert(r.odd & ODDITY(USAGE_KEY));
    attempt_begin(&a, &c, 500);
    ck_assert_uint_eq(a.unknown_keys.count, 0);
    attempt_free(&a);
    secrets_free(&secrets);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attempt_usage");
    TCase *t = tcase_create("attempt_usage");
    tcase_add_loop_test(t, whatever_the_usage_says_the_answer_completes, 0,
                        (int)(sizeof usage_events / sizeof *usage_events));
    tcase_add_test(t, unknown_keys_of_usage_are_kept_by_name_but_no_secret);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
