#include "mock_fixture.h"
#include "sim/mock/fault.h"

static int parse(const char *text, struct fault *f, struct error *err)
{
    *err = (struct error){0};
    return fault_parse(f, text_of(text), err);
}

START_TEST(effects_are_read)
{
    struct fault f;
    struct error err;
    ck_assert_int_eq(parse("stall-after=3:250,crlf,tokens-per-chunk=4,drip=16:5", &f, &err), 0);
    ck_assert_uint_eq(f.stall_after, 3);
    ck_assert_int_eq(f.stall_ns, 250 * NS_PER_MS);
    ck_assert(f.crlf);
    ck_assert_uint_eq(f.tokens_per_chunk, 4);
    ck_assert_uint_eq(f.drip_bytes, 16);
    ck_assert_int_eq(f.drip_ns, 5 * NS_PER_MS);
    ck_assert_uint_eq(f.reset_after, FAULT_NEVER);
    ck_assert_str_eq(f.text, "stall-after=3:250,crlf,tokens-per-chunk=4,drip=16:5");
}
END_TEST

START_TEST(wrong_effects_say_what_is_right)
{
    const struct {
        const char *text, *hint;
    } cases[] = {{"", "characters"},         {"rest", "did you mean \"reset\""},
                 {"status=99", "200"},       {"reset=1", "no value"},
                 {"stall-after=3", "N:MS"},  {"reset-after=1:2", "=N"},
                 {"stall=x", "=MS"},         {"crlf,", NULL},
                 {"crlf,,buffer", "unknown"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault f;
        struct error err;
        int bad = parse(cases[i].text, &f, &err);
        ck_assert_int_eq(bad, cases[i].hint ? ERR_INPUT : 0);
        ck_assert_msg(!cases[i].hint || strstr(err.message, cases[i].hint), "%s", err.message);
    }
    struct fault_rules rules = {0};
    const char *const wrong[] = {"reset@", "reset@5", "reset@120%", "reset@9-3s", "reset@#x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = {0};
        ck_assert_int_eq(fault_rule_add(&rules, wrong[i], &err), ERR_INPUT);
    }
    ck_assert_uint_eq(rules.count, 0);
}
END_TEST

static unsigned count_at_rate(uint64_t seed, unsigned char *hits, unsigned n)
{
    struct fault_rules rules = {0};
    ck_assert_int_eq(fault_rule_add(&rules, "reset@10%", NULL), 0);
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) {
        struct fault f;
        hits[i] = fault_rules_choose(&rules, seed, i + 1, 0, &f);
        count += hits[i];
        ck_assert_int_eq(f.reset, hits[i]);
    }
    return count;
}

START_TEST(rates_are_seeded)
{
    enum { N = 20000 };
    static unsigned char a[N], b[N], c[N];
    unsigned count = count_at_rate(7, a, N);
    count_at_rate(7, b, N);
    count_at_rate(8, c, N);
    ck_assert_uint_gt(count, 1830); /* 2000 ± 4 standard deviations */
    ck_assert_uint_lt(count, 2170);
    ck_assert_mem_eq(a, b, N);
    ck_assert_mem_ne(a, c, N);
}
END_TEST

START_TEST(rules_apply_in_order_by_time_and_number)
{
    struct fault_rules rules = {0};
    struct fault f;
    ck_assert_int_eq(fault_rule_add(&rules, "status=500@#3-4", NULL), 0);
    ck_assert_int_eq(fault_rule_add(&rules, "status=501@10-20.5s", NULL), 0);
    ck_assert(!fault_rules_choose(&rules, 1, 2, 0, &f));
    ck_assert(fault_rules_choose(&rules, 1, 3, 0, &f));
    ck_assert_int_eq(f.status, 500);
    ck_assert(fault_rules_choose(&rules, 1, 4, 15 * NS_PER_S, &f));
    ck_assert_int_eq(f.status, 500);
    ck_assert(fault_rules_choose(&rules, 1, 5, 20 * NS_PER_S, &f));
    ck_assert_int_eq(f.status, 501);
    ck_assert(!fault_rules_choose(&rules, 1, 5, 20500 * NS_PER_MS, &f));
}
END_TEST

/* A stream of six tokens with a fault; what arrived is in client.body. */
static bool stream(const char *fault)
{
    char header[256];
    snprintf(header, sizeof header, "x-farebox-fault: %s\r\n", fault);
    raw_post(&client, CHAT, header,
             ASK(",\"max_tokens\":6,\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    return raw_read_answer(&client);
}

static unsigned tokens(void)
{
    return raw_count(&client, "\"delta\":{\"content\":");
}

START_TEST(status_is_any)
{
    start();
    ck_assert(stream("status=503"));
    ck_assert_int_eq(client.status, 503);
    ck_assert(raw_has(&client, "\"type\": \"server_error\""));
    ck_assert(stream("status=418"));
    ck_assert_int_eq(client.status, 418);
    ck_assert(stream("nonsense"));
    ck_assert_int_eq(client.status, 400);
    ck_assert(raw_has(&client, "x-farebox-fault"));
}
END_TEST

START_TEST(reset_before_headers)
{
    start();
    ck_assert(!stream("reset"));
    ck_assert(client.reset);
    ck_assert_uint_eq(client.head.length, 0);
}
END_TEST

START_TEST(reset_after_chunks)
{
    start();
    ck_assert(stream("reset-after=3"));
    ck_assert(client.cut && client.reset);
    ck_assert_uint_eq(tokens(), 3);
}
END_TEST

START_TEST(truncated_body_closes)
{
    start();
    ck_assert(stream("truncate-after=2"));
    ck_assert(client.cut && client.ended && !client.reset);
    ck_assert_uint_eq(tokens(), 2);
}
END_TEST

START_TEST(stall_holds_and_goes_on)
{
    start();
    int64_t start_ns = clock_now_ns();
    ck_assert(stream("stall-after=2:150"));
    ck_assert_int_ge(clock_now_ns() - start_ns, 150 * NS_PER_MS);
    ck_assert_uint_eq(tokens(), 6);
    ck_assert(raw_has(&client, "[DONE]"));
    start_ns = clock_now_ns();
    ck_assert(stream("stall=100"));
    ck_assert_int_ge(clock_now_ns() - start_ns, 100 * NS_PER_MS);
    ck_assert_uint_eq(tokens(), 6);
    start_ns = clock_now_ns();
    ck_assert(stream("stall=100,status=500"));
    ck_assert_int_ge(clock_now_ns() - start_ns, 100 * NS_PER_MS);
    ck_assert_int_eq(client.status, 500);
}
END_TEST

START_TEST(drip_delivers_everything_slowly)
{
    start();
    int64_t start_ns = clock_now_ns();
    ck_assert(stream("drip=64:1"));
    ck_assert_int_ge(clock_now_ns() - start_ns, 20 * NS_PER_MS);
    ck_assert_uint_eq(tokens(), 6);
    ck_assert(!client.cut && raw_has(&client, "[DONE]"));
}
END_TEST

START_TEST(frames_are_misshapen_as_asked)
{
    static const struct {
        const char *fault, *has, *lacks;
        unsigned tokens;
    } cases[] = {
        {"no-done", "finish_reason\":\"length\"", "[DONE]", 6},
        {"no-finish", "choices", "finish_reason\":\"length\"", 6},
        {"malformed-after=1", "data: {\"choices\": [{\"delta\": \n\n", NULL, 6},
        {"error-after=4", "data: {\"error\":", "[DONE]", 4},
        {"duplicate-after=0", "[DONE]", NULL, 7},
        {"crlf", "data: [DONE]\r\n\r\n", "}\n\n", 6},
        {"tokens-per-chunk=4", "[DONE]", NULL, 2},
        {"utf8-after=2", "\xc3\x28", NULL, 7},
        {"ping-after=2", ": ping\n\n", NULL, 6},
        {"huge-after=5:100000", "xxxxxxxxxx\n\n", NULL, 6},
        {"buffer", "[DONE]", NULL, 6},
    };
    start();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(stream(cases[i].fault));
        ck_assert_msg(!client.cut && client.status == 200, "%s", cases[i].fault);
        unsigned found = tokens();
        ck_assert_msg(raw_has(&client, cases[i].has), "%s: %s", cases[i].fault, client.body.data);
        ck_assert_msg(!cases[i].lacks || !raw_has(&client, cases[i].lacks), "%s", cases[i].fault);
        ck_assert_msg(found == cases[i].tokens, "%s: %u in %s", cases[i].fault, found,
                      client.body.data);
    }
}
END_TEST

START_TEST(whole_bodies_break_too)
{
    start();
    raw_post(&client, CHAT, "x-farebox-fault: malformed-after=0\r\n", ASK(",\"max_tokens\":6"));
    ck_assert(raw_read_answer(&client));
    ck_assert(!client.cut);
    ck_assert_ptr_null(cJSON_Parse(client.body.data));
    raw_post(&client, CHAT, "x-farebox-fault: truncate-after=0\r\n", ASK(",\"max_tokens\":6"));
    ck_assert(raw_read_answer(&client));
    ck_assert(client.cut);
}
END_TEST

START_TEST(rules_reach_the_wire)
{
    ck_assert_int_eq(fault_rule_add(&config.faults, "status=502@#2", NULL), 0);
    start();
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 200));
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 502));
    cJSON_Delete(ask(CHAT, ASK(",\"max_tokens\":1"), 200));
    mock_stop(mock);
    struct mock_report r;
    mock_report(mock, &r);
    ck_assert_uint_eq(r.completed, 2);
    ck_assert_uint_eq(r.refused, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mock fault");
    TCase *unit = tcase_create("rules");
    tcase_add_test(unit, effects_are_read);
    tcase_add_test(unit, wrong_effects_say_what_is_right);
    tcase_add_test(unit, rates_are_seeded);
    tcase_add_test(unit, rules_apply_in_order_by_time_and_number);
    suite_add_tcase(suite, unit);
    TCase *wire = tcase_create("wire");
    tcase_add_checked_fixture(wire, set_up, tear_down);
    tcase_add_test(wire, status_is_any);
    tcase_add_test(wire, reset_before_headers);
    tcase_add_test(wire, reset_after_chunks);
    tcase_add_test(wire, truncated_body_closes);
    tcase_add_test(wire, stall_holds_and_goes_on);
    tcase_add_test(wire, drip_delivers_everything_slowly);
    tcase_add_test(wire, frames_are_misshapen_as_asked);
    tcase_add_test(wire, whole_bodies_break_too);
    tcase_add_test(wire, rules_reach_the_wire);
    suite_add_tcase(suite, wire);
    return testing_run(suite);
}
