#include "sim/engine/policy.h"
#include "sim/engine/preset.h"
#include "tests/unit/testing.h"

#include <string.h>

static int parse(const char *text, struct engine_config *config, struct error *err)
{
    *err = (struct error){0};
    return engine_config_parse("dir/mine.json", text, strlen(text), config, err);
}

START_TEST(keys_land_where_they_belong)
{
    struct engine_config c;
    struct error err;
    ck_assert_int_eq(parse("{\"kind\":\"steps\",\"w0\":2.5,\"kappa\":13.1,\"kv_blocks\":100,"
                           "\"router\":\"prefix-aware\",\"prefix_cache\":false,\"replicas\":3}",
                           &c, &err),
                     0);
    ck_assert_str_eq(c.name, "mine");
    ck_assert_double_eq(c.steps.w0, 2.5);
    ck_assert_double_eq(c.steps.kappa, 13.1);
    ck_assert_double_eq(c.steps.k, 1);
    ck_assert_uint_eq(c.kv_blocks, 100);
    ck_assert_uint_eq(c.replicas, 3);
    ck_assert_uint_eq(c.block_size, 16);
    ck_assert_int_eq(c.router, ROUTER_PREFIX_AWARE);
    ck_assert(!c.prefix_cache);
}
END_TEST

START_TEST(mistakes_are_named_with_their_place)
{
    struct engine_config c;
    struct error err;
    ck_assert_int_eq(parse("{\"kind\":\"steps\",\n \"kv_block\":100}", &c, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "did you mean \"kv_blocks\"?") != NULL);
    ck_assert_int_eq(err.line, 2);
    ck_assert_int_eq(parse("{\"kind\":\"step\"}", &c, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "\"steps\"") != NULL);
    ck_assert_int_eq(parse("{\"w0\":-1}", &c, &err), ERR_INPUT);
    ck_assert_int_eq(parse("{\"w0\":1,\"w0\":1}", &c, &err), ERR_INPUT);
    ck_assert_int_eq(parse("{\"w0\":1}", &c, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "kv_blocks") != NULL);
    ck_assert_int_eq(parse("{\"kv_blocks\":10}", &c, &err), ERR_INPUT);
    ck_assert_int_eq(parse("{\"kv_blocks\":10,\"w0\":1,\"max_num_seqs\":100,"
                           "\"max_num_batched_tokens\":64}",
                           &c, &err),
                     ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(engine_config_load("no/such/file.json", &c, &err), ERR_INPUT);
    err = (struct error){0};
    ck_assert_int_eq(engine_config_load("h100-llama-2-70b-tp9", &c, &err), ERR_INPUT);
    ck_assert(strstr(err.message, "did you mean \"h100-llama-2-70b-tp") != NULL);
}
END_TEST

START_TEST(blocks_follow_from_the_memory)
{
    struct engine_config c;
    struct error err;
    ck_assert_int_eq(parse("{\"w0\":1,\"memory_bytes\":80e9,\"weight_bytes\":13.5e9,"
                           "\"kv_bytes_per_token\":524288}",
                           &c, &err),
                     0);
    ck_assert_int_eq(engine_config_check(&c, &err), 0);
    ck_assert_uint_eq(c.kv_blocks, 6735);
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    struct engine_config a, b;
    struct error err;
    struct buffer text;
    struct json_writer w;
    ck_assert_int_eq(parse("{\"kv_blocks\":77,\"w0\":1.25,\"source\":\"a \\\"b\\\"\",\"k\":1.1,"
                           "\"router\":\"least-loaded\",\"jitter_cv\":0.05,"
                           "\"scheduling\":\"priority\",\"speculative_config\":{\"method\":"
                           "\"mtp\",\"num_speculative_tokens\":2,\"draft_ms\":0.5,"
                           "\"synthetic_acceptance_rates\":[0.8,0.5]}}",
                           &a, &err),
                     0);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    engine_config_write(&a, &w);
    ck_assert_int_eq(engine_config_parse("mine.json", text.data, text.length, &b, &err), 0);
    ck_assert_str_eq(b.source, "a \"b\"");
    ck_assert_double_eq(b.steps.k, 1.1);
    ck_assert_double_eq(b.jitter_cv, 0.05);
    ck_assert_uint_eq(b.kv_blocks, 77);
    ck_assert_int_eq(b.router, ROUTER_LEAST_LOADED);
    ck_assert_ptr_eq(policy_at(b.policy), &policy_priority);
    ck_assert_uint_eq(b.speculative.num_speculative_tokens, 2);
    ck_assert_str_eq(b.speculative.method, "mtp");
    ck_assert_double_eq(b.speculative.rates[1], 0.5);
    ck_assert_double_eq(b.speculative.draft_ms, 0.5);
    buffer_free(&text);
}
END_TEST

START_TEST(bundled_presets_load)
{
    static const char *const names[] = {"rtx4090-llama-3.1-8b-tp1", "h100-llama-2-70b-tp8",
                                        "rtxpro6000-qwen3-32b-tp2", "constant-200ms-20ms"};
    struct engine_config c;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct error err = {0};
        ck_assert_msg(engine_config_load(names[i], &c, &err) == 0, "%s", err.message);
        ck_assert_str_eq(c.name, names[i]);
        ck_assert(c.source[0] != '\0');
    }
    ck_assert_double_eq(c.ttft_ms, 200);
    ck_assert_int_eq(c.kind, ENGINE_CONSTANT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preset");
    TCase *tests = tcase_create("preset");
    tcase_add_test(tests, keys_land_where_they_belong);
    tcase_add_test(tests, mistakes_are_named_with_their_place);
    tcase_add_test(tests, blocks_follow_from_the_memory);
    tcase_add_test(tests, what_is_written_reads_back);
    tcase_add_test(tests, bundled_presets_load);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
