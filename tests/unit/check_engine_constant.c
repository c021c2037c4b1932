#include "sim/engine/engine.h"
#include "tests/unit/testing.h"

#include <string.h>

struct heard {
    char text[4096];
    size_t length;
    int64_t times[16];
    size_t time_count;
    struct engine *engine;
};

static void hear_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    struct heard *h = context;
    h->length += (size_t)snprintf(h->text + h->length, sizeof h->text - h->length, "%d:t%d+%d@%d ",
                                  (int)tag, (int)first, (int)count, (int)(at_ns / NS_PER_MS));
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct heard *h = context;
    ck_assert_uint_eq(cached, 0);
    h->length += (size_t)snprintf(h->text + h->length, sizeof h->text - h->length, "%d:end@%d ",
                                  (int)tag, (int)(at_ns / NS_PER_MS));
    h->time_count = engine_token_times(h->engine, h->times, 16);
}

static void run(struct engine *e, struct heard *h)
{
    struct engine_sink sink = {.context = h, .on_tokens = hear_tokens, .on_done = hear_done};
    h->engine = e;
    for (int64_t due; (due = engine_next_ns(e)) != TIME_NEVER;)
        engine_advance(e, due, &sink);
}

static void submit(struct engine *e, int64_t at_ms, uint64_t tag, uint32_t tokens)
{
    struct engine_request r = {.tag = tag, .input_tokens = 10, .output_tokens = tokens};
    ck_assert_int_eq(engine_submit(e, at_ms * NS_PER_MS, &r), ENGINE_ACCEPTED);
}

START_TEST(tokens_come_in_time_order)
{
    struct engine_config config = engine_config_constant(100, 10);
    config.per_token = true;
    struct engine *e = engine_create(&config, 1, NULL);
    struct heard h = {0};
    submit(e, 0, 1, 3);
    submit(e, 5, 2, 2);
    submit(e, 5, 3, 0);
    run(e, &h);
    ck_assert_str_eq(h.text, "1:t0+1@100 2:t0+1@105 3:end@105 1:t1+1@110 2:t1+1@115 2:end@115 "
                             "1:t2+1@120 1:end@120 ");
    engine_free(e);
}
END_TEST

START_TEST(without_per_token_only_first_and_end_are_told)
{
    struct engine_config config = engine_config_constant(100, 10);
    struct engine *e = engine_create(&config, 1, NULL);
    struct heard h = {0};
    submit(e, 0, 7, 4);
    run(e, &h);
    ck_assert_str_eq(h.text, "7:t0+1@100 7:end@130 ");
    ck_assert_uint_eq(h.time_count, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(h.times[i], (100 + 10 * i) * NS_PER_MS);
    engine_free(e);
}
END_TEST

START_TEST(a_limit_makes_requests_wait_in_order)
{
    struct engine_config config = engine_config_constant(100, 10);
    config.max_num_seqs = 1;
    struct engine *e = engine_create(&config, 1, NULL);
    struct heard h = {0};
    submit(e, 0, 1, 1);
    submit(e, 1, 2, 1);
    submit(e, 2, 3, 1);
    submit(e, 3, 4, 1);
    struct engine_state state;
    engine_state(e, &state);
    ck_assert_uint_eq(state.running, 1);
    ck_assert_uint_eq(state.waiting, 3);
    engine_cancel(e, 4 * NS_PER_MS, 3);
    engine_cancel(e, 4 * NS_PER_MS, 99);
    run(e, &h);
    ck_assert_str_eq(h.text, "1:t0+1@100 1:end@100 2:t0+1@200 2:end@200 4:t0+1@300 4:end@300 ");
    engine_free(e);
}
END_TEST

START_TEST(cancelling_a_running_request_frees_its_place)
{
    struct engine_config config = engine_config_constant(100, 10);
    config.max_num_seqs = 1;
    struct engine *e = engine_create(&config, 1, NULL);
    struct heard h = {0};
    submit(e, 0, 1, 5);
    submit(e, 0, 2, 1);
    engine_cancel(e, 50 * NS_PER_MS, 1);
    run(e, &h);
    ck_assert_str_eq(h.text, "2:t0+1@150 2:end@150 ");
    engine_free(e);
}
END_TEST

START_TEST(many_streams_stay_in_time_order)
{
    struct engine_config config = engine_config_constant(3, 1);
    config.per_token = true;
    struct engine *e = engine_create(&config, 1, NULL);
    int64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        struct engine_request r = {.tag = (uint64_t)i, .output_tokens = (uint32_t)(i % 7) + 1};
        engine_submit(e, (i * 7919) % 1000 + i * 1000, &r);
    }
    struct engine_sink silent = {0};
    for (int64_t due; (due = engine_next_ns(e)) != TIME_NEVER; last = due) {
        ck_assert_int_ge(due, last);
        engine_advance(e, due, &silent);
    }
    struct engine_state state;
    engine_state(e, &state);
    ck_assert_uint_eq(state.running, 0);
    ck_assert_uint_eq(state.output_tokens, 142 * 28 + 1 + 2 + 3 + 4 + 5 + 6);
    engine_free(e);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_constant");
    TCase *tests = tcase_create("constant");
    tcase_add_test(tests, tokens_come_in_time_order);
    tcase_add_test(tests, without_per_token_only_first_and_end_are_told);
    tcase_add_test(tests, a_limit_makes_requests_wait_in_order);
    tcase_add_test(tests, cancelling_a_running_request_frees_its_place);
    tcase_add_test(tests, many_streams_stay_in_time_order);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
