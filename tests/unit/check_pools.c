/* Separate pools: what a KV cache's way takes, what each side computes, and that jumps change
 * nothing. */
#include "engine_fixture.h"

#include <stdlib.h>

/* 10,000 bytes a token at 1 GB/s: 10 µs a token, and 2 ms. */
static struct engine_config pooled(uint32_t prefill, uint32_t decode)
{
    struct engine_config c = small_config();
    c.replicas = prefill + decode;
    c.prefill_replicas = prefill;
    c.kv_bytes_per_token = 10000;
    c.kv_transfer_bandwidth = 1;
    c.kv_transfer_latency_ms = 2;
    c.request_overhead_ms = 8;
    return c;
}

/* The prompt as ever, its way, and a step that computes its last token like any decode's. */
START_TEST(a_request_goes_from_pool_to_pool)
{
    struct engine_config config = pooled(1, 1);
    config.steps.p0 = 7;
    jobs[0] = plain_job(0, 100, 3, 0);
    struct engine_state state = run_jobs(&config, jobs, 1, 16, &one);
    double prefill_ms = 10 + 0.01 * 100 + 4.021e-6 * 100 * 50 + 1.1 + 0.003 + 7;
    double decode_ms = 10 + 0.01 + 0.4 + 0.006 + 1.1 + 0.003;
    double first_ms = 8 + prefill_ms + 1 + 2 + decode_ms + 138.1e-6 * 100;
    double last_ms = first_ms + 2 * decode_ms + 138.1e-6 * (101 + 102);
    ck_assert_double_eq_tol((double)one.fates[0].first_ns / 1e6, first_ms, 3e-6);
    ck_assert_double_eq_tol((double)one.fates[0].done_ns / 1e6, last_ms, 3e-6);
    ck_assert_uint_eq(one.fates[0].tokens, 3);
    ck_assert_uint_eq(state.kv_transfers, 1);
    ck_assert_uint_eq(state.kv_transfer_tokens, 100);
    ck_assert_int_eq(state.kv_transfer_ns, 3 * NS_PER_MS);
    ck_assert_int_eq(state.kv_transfer_wait_ns, 0);
    ck_assert_uint_eq(state.prompt_tokens, 100);
    ck_assert_uint_eq(state.output_tokens, 3);
}
END_TEST

/* Two prompts of one step: the second waits until the first is through, not for its latency. */
START_TEST(a_link_carries_one_after_the_other)
{
    struct engine_config config = pooled(1, 2);
    jobs[0] = plain_job(0, 100, 2, 0);
    jobs[1] = plain_job(0, 120, 2, 0);
    struct engine_state state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_int_eq(state.kv_transfer_wait_ns, NS_PER_MS);
    ck_assert_int_eq(state.kv_transfer_ns, (1000 + 2000 + 1000 + 1200 + 2000) * NS_PER_US);
    config = pooled(2, 2);
    state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_int_eq(state.kv_transfer_wait_ns, 0);
}
END_TEST

/* A prompt never stands in the way of a decode: all gaps of a long answer are alike, however long
 * the prompts that come. */
START_TEST(prompts_hold_no_decode_up)
{
    struct engine_config config = pooled(1, 1);
    jobs[0] = plain_job(0, 50, 60, 0);
    jobs[1] = plain_job(300 * NS_PER_MS, 2000, 0, 0);
    run_jobs(&config, jobs, 2, 16, &one);
    int64_t apart_ns = one.fates[0].done_ns - one.fates[0].first_ns;
    ck_assert_int_gt(one.fates[1].done_ns, jobs[1].at_ns);
    jobs[1].at_ns = 60 * NS_PER_S;
    run_jobs(&config, jobs, 2, 16, &two);
    ck_assert_int_eq(two.fates[0].done_ns - two.fates[0].first_ns, apart_ns);
    config = small_config();
    jobs[1].at_ns = 300 * NS_PER_MS;
    run_jobs(&config, jobs, 2, 16, &three);
    ck_assert_int_gt(three.fates[0].done_ns - three.fates[0].first_ns, apart_ns + 50 * NS_PER_MS);
}
END_TEST

/* The prefill's replica has the prompt, not the answer; what came is lost with a preemption. */
START_TEST(a_prompt_is_hit_where_prompts_are_computed)
{
    struct engine_config config = pooled(1, 1);
    for (size_t i = 0; i < 2; i++) {
        jobs[i] = plain_job((int64_t)i * 2 * NS_PER_S, 64, 20, 0);
        jobs[i].id_count = 4;
        for (uint64_t b = 0; b < 4; b++)
            jobs[i].ids[b] = b + 1;
    }
    struct engine_state state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_uint_eq(one.fates[0].cached, 0);
    ck_assert_uint_eq(one.fates[1].cached, 48);
    ck_assert_uint_eq(state.cached_tokens, 48);
    ck_assert_uint_eq(state.kv_transfer_tokens, 128); /* whole, whatever the other side has */
}
END_TEST

START_TEST(who_gives_way_is_computed_anew_where_it_decoded)
{
    struct engine_config config = pooled(1, 1);
    config.kv_blocks = 101;
    jobs[0] = plain_job(0, 600, 400, 0);
    jobs[1] = plain_job(0, 600, 400, 0);
    struct engine_state state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_uint_gt(state.preemptions, 0);
    ck_assert_uint_eq(state.kv_transfers, 2);
    ck_assert_uint_eq(one.fates[0].tokens, 400);
    ck_assert_uint_eq(one.fates[1].tokens, 400);
}
END_TEST

/* Cancelled on its way, it arrives nowhere, and its number serves another. */
START_TEST(one_that_is_cancelled_on_its_way_is_gone)
{
    struct engine_config config = pooled(1, 1);
    config.kv_transfer_latency_ms = 500;
    jobs[0] = plain_job(0, 100, 30, 0);
    jobs[0].cancel_ns = 200 * NS_PER_MS;
    jobs[1] = plain_job(250 * NS_PER_MS, 100, 30, 0);
    struct engine_state state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_int_eq(one.fates[0].done_ns, 0);
    ck_assert_uint_eq(one.fates[0].tokens, 0);
    ck_assert_uint_eq(one.fates[1].tokens, 30);
    ck_assert_uint_eq(state.output_tokens, 30);
}
END_TEST

START_TEST(jumps_change_nothing_where_pools_are_separate)
{
    uint64_t preemptions = 0, transfers = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct engine_config config = pooled(1 + (uint32_t)seed % 2, 1 + (uint32_t)seed % 3);
        config.router = (enum engine_router)(seed % 3);
        config.jitter_cv = seed % 2 ? 0.2 : 0;
        config.policy = seed % 4 == 3;
        config.kv_transfer_bandwidth = seed % 2 ? 0.2 : 20;
        config.kv_blocks = 170;
        if (seed % 3 == 2) {
            config.speculative.num_speculative_tokens = 2;
            config.speculative.acceptance_length = 2.1;
        }
        struct engine_state state = compare(config, seed, seed % 4 == 0 ? 16 : 64, seed >= 6);
        preemptions += state.preemptions;
        transfers += state.kv_transfers;
    }
    ck_assert_uint_gt(preemptions, 20);
    ck_assert_uint_gt(transfers, 2000);
}
END_TEST

static const struct {
    uint32_t replicas;
    double bandwidth, bytes;
    const char *words;
} wrong[] = {
    {2, 50, 1e5, "prefill_replicas (2) must be fewer than replicas (2)"},
    {3, 0, 1e5, "give kv_transfer_bandwidth"},
    {3, 50, 0, "give kv_bytes_per_token"},
};

START_TEST(pools_that_cannot_be_are_refused)
{
    struct engine_config config = small_config();
    struct error err = {0};
    config.prefill_replicas = 2;
    config.replicas = wrong[_i].replicas;
    config.kv_transfer_bandwidth = wrong[_i].bandwidth;
    config.kv_bytes_per_token = wrong[_i].bytes;
    ck_assert_int_eq(engine_config_check(&config, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, wrong[_i].words));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pools");
    TCase *tests = tcase_create("pools");
    tcase_add_test(tests, a_request_goes_from_pool_to_pool);
    tcase_add_test(tests, a_link_carries_one_after_the_other);
    tcase_add_test(tests, prompts_hold_no_decode_up);
    tcase_add_test(tests, a_prompt_is_hit_where_prompts_are_computed);
    tcase_add_test(tests, who_gives_way_is_computed_anew_where_it_decoded);
    tcase_add_test(tests, one_that_is_cancelled_on_its_way_is_gone);
    tcase_add_test(tests, jumps_change_nothing_where_pools_are_separate);
    tcase_add_loop_test(tests, pools_that_cannot_be_are_refused, 0, 3);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
