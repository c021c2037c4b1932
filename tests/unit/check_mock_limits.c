#include "mock_fixture.h"
#include "sim/mock/keys.h"
#include "sim/mock/limiter.h"
#include "sim/mock/plan_limits.h"

static struct limiter limiter;
static struct limit_answer answer;

START_TEST(requests_refill_evenly_over_the_minute)
{
    limiter_init(&limiter, &(struct limit_rules){.rpm = 3}, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(limiter_take(&limiter, 0, 10, &answer), LIMIT_NONE);
    ck_assert_uint_eq(answer.remaining_requests, 0);
    ck_assert_int_eq(answer.reset_requests_ns, 60 * NS_PER_S);
    ck_assert_int_eq(limiter_take(&limiter, 0, 10, &answer), LIMIT_RPM);
    ck_assert_int_eq(answer.retry_after_ns, 20 * NS_PER_S);
    ck_assert_int_eq(limiter_take(&limiter, 20 * NS_PER_S - 1, 10, &answer), LIMIT_RPM);
    ck_assert_int_eq(answer.retry_after_ns, 1);
    ck_assert_int_eq(limiter_take(&limiter, 20 * NS_PER_S, 10, &answer), LIMIT_NONE);
    ck_assert_int_eq(limiter_take(&limiter, 20 * NS_PER_S, 10, &answer), LIMIT_RPM);
}
END_TEST

START_TEST(idle_time_fills_no_more_than_the_limit)
{
    limiter_init(&limiter, &(struct limit_rules){.rpm = 2}, 0);
    int64_t later_ns = 3600 * NS_PER_S;
    ck_assert_int_eq(limiter_take(&limiter, later_ns, 1, &answer), LIMIT_NONE);
    ck_assert_int_eq(limiter_take(&limiter, later_ns, 1, &answer), LIMIT_NONE);
    ck_assert_int_eq(limiter_take(&limiter, later_ns, 1, &answer), LIMIT_RPM);
}
END_TEST

START_TEST(tokens_are_taken_whole_or_not_at_all)
{
    limiter_init(&limiter, &(struct limit_rules){.rpm = 100, .tpm = 600}, 0);
    ck_assert_int_eq(limiter_take(&limiter, 0, 500, &answer), LIMIT_NONE);
    ck_assert_uint_eq(answer.remaining_tokens, 100);
    ck_assert_int_eq(limiter_take(&limiter, 0, 200, &answer), LIMIT_TPM);
    ck_assert_int_eq(answer.retry_after_ns, 10 * NS_PER_S);
    ck_assert(!answer.too_large);
    ck_assert_uint_eq(answer.remaining_requests, 99); /* the refused one took nothing */
    ck_assert_int_eq(limiter_take(&limiter, 0, 601, &answer), LIMIT_TPM);
    ck_assert(answer.too_large);
    ck_assert_int_eq(limiter_take(&limiter, 10 * NS_PER_S, 200, &answer), LIMIT_NONE);
}
END_TEST

START_TEST(day_and_concurrency_are_limits_of_their_own)
{
    limiter_init(&limiter, &(struct limit_rules){.rpd = 2, .concurrency = 1}, 0);
    ck_assert_int_eq(limiter_take(&limiter, 0, 1, &answer), LIMIT_NONE);
    ck_assert_int_eq(limiter_take(&limiter, 0, 1, &answer), LIMIT_CONCURRENCY);
    limiter_release(&limiter);
    ck_assert_int_eq(limiter_take(&limiter, 0, 1, &answer), LIMIT_NONE);
    limiter_release(&limiter);
    ck_assert_int_eq(limiter_take(&limiter, 0, 1, &answer), LIMIT_RPD);
    ck_assert_int_eq(answer.retry_after_ns, 43200 * NS_PER_S);
}
END_TEST

START_TEST(no_rules_limit_nothing_and_say_nothing)
{
    limiter_init(&limiter, &(struct limit_rules){0}, 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(limiter_take(&limiter, 0, UINT32_MAX, &answer), LIMIT_NONE);
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    limiter_add_headers(&answer, &b);
    ck_assert_uint_eq(b.length, 0);
    buffer_free(&b);
}
END_TEST

START_TEST(durations_read_as_openai_writes_them)
{
    const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "0ms"},
                 {1, "1ms"},
                 {12 * NS_PER_MS, "12ms"},
                 {NS_PER_S, "1s"},
                 {7660 * NS_PER_MS, "7.66s"},
                 {360 * NS_PER_S, "6m0s"},
                 {3661 * NS_PER_S, "1h1m1s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[LIMIT_DURATION_SIZE];
        limit_format_duration(cases[i].ns, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(plans_supply_the_limits_that_are_not_given)
{
    static const char book[] = "{\"book\": \"b\", \"currency\": \"USD\", \"plans\": [{\"name\": "
                               "\"p\", \"per_request\": \"0\", "
                               "\"limits\": {\"rpm\": 30, \"tpm\": 5000, \"concurrency\": 10}}]}";
    struct plan_book plans = {0};
    struct error err = {0};
    ck_assert_msg(plan_book_parse("book", book, strlen(book), &plans, &err) == 0, "%s",
                  err.message);
    struct limit_rules rules = {.tpm = 7};
    ck_assert_uint_eq(limit_rules_from_plan(&plans.plans[0], &rules), 0);
    ck_assert_uint_eq(rules.rpm, 30);
    ck_assert_uint_eq(rules.tpm, 7);
    ck_assert_uint_eq(rules.rpd, 0);
    ck_assert_uint_eq(rules.concurrency, 10);
    plan_book_free(&plans);
}
END_TEST

START_TEST(wrong_key_files_are_told_by_place)
{
    const struct {
        const char *text;
        long line, column;
    } cases[] = {
        {"a\nb rpm=x\n", 2, 3}, {"# none\n\n", 0, 0}, {"a\na\n", 2, 1}, {"a rpm=1 tmp=3\n", 1, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[64];
        int fd = testing_text_file(cases[i].text, path);
        struct keys keys;
        struct error err = {0};
        ck_assert_int_eq(keys_load(&keys, path, &(struct limit_rules){0}, 0, &err), ERR_INPUT);
        ck_assert_int_eq(err.line, cases[i].line);
        ck_assert_int_eq(err.column, cases[i].column);
        keys_free(&keys);
        close(fd);
    }
}
END_TEST

START_TEST(keys_are_asked_for_and_have_their_own_limits)
{
    char path[64];
    int fd = testing_text_file("# test keys\nsk-one\nsk-two rpm=1\n", path);
    config.api_key_file = path;
    config.limits.rpm = 50;
    start();
    close(fd);
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 401));
    raw_post(&client, CHAT, "Authorization: Bearer nope\r\n", ASK(""));
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 401);
    ck_assert(raw_has(&client, "invalid_api_key"));
    raw_post(&client, CHAT, "Authorization: Bearer sk-one\r\n", ASK(",\"max_tokens\":1"));
    ck_assert(raw_read_answer(&client));
    ck_assert_int_eq(client.status, 200);
    ck_assert_int_eq(strncmp(raw_header(&client, "x-ratelimit-limit-requests"), "50\r", 3), 0);
    ck_assert_int_eq(strncmp(raw_header(&client, "x-ratelimit-remaining-requests"), "49\r", 3), 0);
    for (int i = 0; i < 2; i++) {
        raw_post(&client, CHAT, "Authorization: Bearer sk-two\r\n", ASK(",\"max_tokens\":1"));
        ck_assert(raw_read_answer(&client));
        ck_assert_int_eq(client.status, i == 0 ? 200 : 429);
    }
    ck_assert(raw_has(&client, "\"code\": \"rate_limit_exceeded\""));
    int wait_s = atoi(raw_header(&client, "\r\nretry-after"));
    ck_assert_int_ge(wait_s, 55);
    ck_assert_int_le(wait_s, 60);
}
END_TEST

START_TEST(a_slot_is_free_again_when_its_client_leaves)
{
    config.limits.concurrency = 1;
    config.engine = engine_config_constant(60000, 1);
    start();
    struct raw_client other;
    raw_connect(&other, mock_port(mock));
    raw_post(&other, CHAT, "", ASK(",\"stream\":true"));
    ck_assert(raw_read_head(&other));
    ck_assert_int_eq(other.status, 200);
    cJSON_Delete(ask(CHAT, ASK(""), 429));
    raw_close(&other);
    int64_t deadline_ns = clock_now_ns() + RAW_DEADLINE_NS;
    do {
        raw_post(&client, CHAT, "", ASK(",\"stream\":true"));
        ck_assert(raw_read_head(&client));
        if (client.status == 429) { /* its leaving has not been seen yet */
            raw_take(&client, &client.body,
                     strtoul(raw_header(&client, "\r\nContent-Length"), NULL, 10), deadline_ns);
        }
    } while (client.status == 429 && clock_now_ns() < deadline_ns);
    ck_assert_int_eq(client.status, 200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock limits");
    TCase *unit = tcase_create("limiter");
    tcase_add_test(unit, requests_refill_evenly_over_the_minute);
    tcase_add_test(unit, idle_time_fills_no_more_than_the_limit);
    tcase_add_test(unit, tokens_are_taken_whole_or_not_at_all);
    tcase_add_test(unit, day_and_concurrency_are_limits_of_their_own);
    tcase_add_test(unit, no_rules_limit_nothing_and_say_nothing);
    tcase_add_test(unit, durations_read_as_openai_writes_them);
    tcase_add_test(unit, plans_supply_the_limits_that_are_not_given);
    tcase_add_test(unit, wrong_key_files_are_told_by_place);
    suite_add_tcase(suite, unit);
    TCase *wire = tcase_create("endpoint");
    tcase_add_checked_fixture(wire, set_up, tear_down);
    tcase_add_test(wire, keys_are_asked_for_and_have_their_own_limits);
    tcase_add_test(wire, a_slot_is_free_again_when_its_client_leaves);
    suite_add_tcase(suite, wire);
    return testing_run(suite);
}
