#include "engine_fixture.h"

#include "sim/engine/policy.h"

/* Under every scheduling policy. */
START_TEST(jumps_change_nothing)
{
    struct engine_config config = small_config();
    config.policy = (uint32_t)_i;
    uint64_t preemptions = 0, cached = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        config.jitter_cv = seed % 2 ? 0.2 : 0;
        config.request_overhead_ms = seed % 3 ? 8 : 0;
        config.replicas = 1 + (uint32_t)(seed % 3);
        config.router = (enum engine_router)(seed % 3);
        config.generated = seed % 4 < 2;
        struct engine_state state = compare(config, seed, seed % 4 == 0 ? 16 : 64, seed >= 6);
        preemptions += state.preemptions;
        cached += state.cached_tokens;
    }
    ck_assert_uint_gt(preemptions, 100);
    ck_assert_uint_gt(cached, 10000);
}
END_TEST

/* One place, and three that wait for it: 0 runs, of the others the urgent one is next. */
START_TEST(the_urgent_overtake_those_that_wait)
{
    struct engine_config config = small_config();
    config.max_num_seqs = 1;
    jobs[0] = plain_job(0, 50, 40, 5);
    jobs[1] = plain_job(1, 50, 40, 0);
    jobs[2] = plain_job(2, 50, 40, 0);
    jobs[3] = plain_job(3, 50, 40, -1);
    run_jobs(&config, jobs, 4, 16, &one);
    for (int i = 1; i < 4; i++)
        ck_assert_int_lt(one.fates[i - 1].done_ns, one.fates[i].first_ns);
    config.policy = 1;
    ck_assert_str_eq(policy_name(config.policy), "priority");
    run_jobs(&config, jobs, 4, 16, &one);
    ck_assert_int_lt(one.fates[0].done_ns, one.fates[3].first_ns); /* who runs, runs on */
    ck_assert_int_lt(one.fates[3].done_ns, one.fates[1].first_ns);
    ck_assert_int_lt(one.fates[1].done_ns, one.fates[2].first_ns);
}
END_TEST

/* Two grow until the memory holds one: the less urgent gives way although it came first. Nobody
 * passes by it as it waits at the head. */
START_TEST(the_least_urgent_gives_way)
{
    struct engine_config config = small_config();
    config.kv_blocks = 101;
    config.prefix_cache = false;
    jobs[0] = plain_job(0, 600, 400, 1);
    jobs[1] = plain_job(1, 600, 400, 0);
    jobs[2] = plain_job(2, 600, 40, 2);
    struct engine_state state = run_jobs(&config, jobs, 3, 16, &one);
    ck_assert_uint_gt(state.preemptions, 0);
    ck_assert_int_lt(one.fates[0].done_ns, one.fates[1].done_ns);
    config.policy = 1;
    state = run_jobs(&config, jobs, 3, 16, &one);
    ck_assert_uint_gt(state.preemptions, 0);
    ck_assert_int_lt(one.fates[1].done_ns, one.fates[0].done_ns);
    ck_assert_int_lt(one.fates[1].done_ns, one.fates[2].first_ns);
    ck_assert_uint_eq(one.fates[0].tokens, 400);
}
END_TEST

START_TEST(odd_block_sizes_change_nothing)
{
    struct engine_config config = small_config();
    for (uint32_t size = 5; size < 120; size += 23)
        compare(config, size, size, true);
    config.block_size = 1;
    config.kv_blocks = 3200;
    compare(config, 3, 32, false);
}
END_TEST

START_TEST(one_request_takes_what_the_formula_says)
{
    struct engine_config config = small_config();
    config.request_overhead_ms = 8;
    jobs[0] = (struct job){.cancel_ns = TIME_NEVER, .input = 100, .output = 3};
    run_jobs(&config, jobs, 1, 0, &one);
    /* compute bound: c0 + c1·100, attention over 100·100/2, head for one sequence */
    double first_ms = 8 + 10 + 0.01 * 100 + 4.021e-6 * 100 * 50 + 1.1 + 0.003;
    double decode_ms = 10 + 0.01 + 0.4 + 0.006 + 1.1 + 0.003;
    double last_ms = first_ms + 2 * decode_ms + 138.1e-6 * (101 + 102);
    ck_assert_double_eq_tol((double)one.fates[0].first_ns / 1e6, first_ms, 2e-6);
    ck_assert_double_eq_tol((double)one.fates[0].done_ns / 1e6, last_ms, 2e-6);
}
END_TEST

START_TEST(all_reduce_is_added)
{
    struct engine_config config = small_config();
    config.tensor_parallel = 4;
    config.layers = 10;
    config.hidden = 1000;
    config.steps.ar_latency = 0.01;
    config.steps.ar_bandwidth = 20;
    jobs[0] = (struct job){.cancel_ns = TIME_NEVER, .input = 100, .output = 1};
    run_jobs(&config, jobs, 1, 0, &one);
    double reduce_ms = 2 * 10 * (2 * 3 * 0.01 + 2 * 3 / 4.0 * 100 * 1000 * 2 / 20e9 * 1e3);
    double first_ms = 10 + 0.01 * 100 + 4.021e-6 * 100 * 50 + 1.1 + 0.003 + reduce_ms;
    ck_assert_double_eq_tol((double)one.fates[0].first_ns / 1e6, first_ms, 2e-6);
}
END_TEST

START_TEST(long_prompts_come_in_chunks)
{
    struct engine_config config = small_config();
    jobs[0] = (struct job){.cancel_ns = TIME_NEVER, .input = 600, .output = 1};
    struct engine_state state = run_jobs(&config, jobs, 1, 0, &one);
    ck_assert_uint_eq(state.steps, 3); /* 256 + 256 + 88 */
}
END_TEST

START_TEST(a_second_turn_hits_the_prefix)
{
    struct engine_config config = small_config();
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = (struct job){.at_ns = (int64_t)i * NS_PER_S,
                               .cancel_ns = TIME_NEVER,
                               .input = 64,
                               .output = 2,
                               .id_count = 4,
                               .ids = {1, 2, 3, 4}};
    }
    jobs[1].input = 80;
    jobs[1].ids[4] = 5;
    jobs[1].id_count = 5;
    run_jobs(&config, jobs, 3, 16, &one);
    ck_assert_uint_eq(one.fates[0].cached, 0);
    ck_assert_uint_eq(one.fates[1].cached, 64);
    ck_assert_uint_eq(one.fates[2].cached, 48); /* a full hit computes its last block */
    config.prefix_cache = false;
    run_jobs(&config, jobs, 3, 16, &one);
    ck_assert_uint_eq(one.fates[1].cached, 0);
}
END_TEST

/* Ids that say what the turn after it consists of, of which its own prompt and answer are a part.
 */
static struct job turn(int64_t at_s, uint32_t input, uint32_t output, uint32_t named,
                       uint32_t block_size)
{
    struct job j = {.at_ns = at_s * NS_PER_S,
                    .cancel_ns = TIME_NEVER,
                    .input = input,
                    .output = output,
                    .named = named};
    j.id_count = ((named ? named : input) + block_size - 1) / block_size;
    for (size_t b = 0; b < j.id_count; b++)
        j.ids[b] = 1 + b;
    return j;
}

/* 40 + 30 tokens, the last of which is never computed on: four full blocks, whole or of a unit. */
START_TEST(a_later_turn_hits_the_answer)
{
    struct engine_config config = small_config();
    jobs[0] = turn(0, 40, 30, 90, 16);
    jobs[1] = turn(2, 90, 2, 0, 16);
    jobs[2] = turn(4, 90, 2, 0, 16); /* another conversation from the middle of the answer on */
    jobs[2].ids[3] = 99;
    jobs[3] = turn(6, 40, 30, 90, 16); /* the same again: no more than its own prompt */
    run_jobs(&config, jobs, 4, 16, &one);
    ck_assert_uint_eq(one.fates[0].cached, 0);
    ck_assert_uint_eq(one.fates[1].cached, 64);
    ck_assert_uint_eq(one.fates[2].cached, 48);
    ck_assert_uint_eq(one.fates[3].cached, 32);
    jobs[0] = turn(0, 70, 100, 200, 64);
    jobs[1] = turn(4, 200, 2, 0, 64);
    run_jobs(&config, jobs, 2, 64, &one);
    ck_assert_uint_eq(one.fates[1].cached, 160); /* of the third unit two blocks */
    jobs[0].named = 0;
    jobs[0].id_count = 2;
    jobs[0].ids[1] = 98;
    run_jobs(&config, jobs, 2, 64, &one);
    ck_assert_uint_eq(one.fates[1].cached, 64);
}
END_TEST

/* What a cancelled request has made by then stays as well: at 11.7 ms a step some 80 tokens. */
START_TEST(a_cut_answer_is_hit_as_far_as_it_came)
{
    struct engine_config config = small_config();
    jobs[0] = turn(0, 40, 400, 600, 16);
    jobs[0].cancel_ns = NS_PER_S;
    jobs[1] = turn(2, 600, 2, 0, 16);
    run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_uint_ge(one.fates[1].cached, 96);
    ck_assert_uint_le(one.fates[1].cached, 144);
}
END_TEST

/* Of a prompt and answer of 512 tokens the end goes first where another needs 200 of 39 blocks'
 * 624 tokens. */
START_TEST(the_end_of_an_answer_is_forgotten_first)
{
    struct engine_config config = small_config();
    config.kv_blocks = 40;
    jobs[0] = turn(0, 256, 257, 600, 16);
    jobs[1] = plain_job(10 * NS_PER_S, 200, 1, 0);
    jobs[2] = turn(12, 600, 1, 0, 16);
    run_jobs(&config, jobs, 3, 16, &one);
    ck_assert_uint_eq(one.fates[2].cached, 624 - 208);
}
END_TEST

/* Two grow until the memory is full at 800 tokens each. The first ends soon after; the other then
 * finds its prompt, and its answer so far where that has names. */
START_TEST(who_gave_way_finds_its_answer_again)
{
    struct engine_config config = small_config();
    config.kv_blocks = 101;
    jobs[0] = plain_job(0, 600, 210, 0);
    jobs[1] = turn(0, 600, 400, 1010, 16);
    struct engine_state state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_uint_eq(state.preemptions, 1);
    int64_t done_ns = one.fates[1].done_ns;
    jobs[1].named = 0;
    jobs[1].id_count = 38;
    state = run_jobs(&config, jobs, 2, 16, &one);
    ck_assert_uint_eq(state.preemptions, 1);
    ck_assert_int_gt(one.fates[1].done_ns, done_ns);
}
END_TEST

/* Its 32 blocks are one unit, of which all but the last count as hit: held whole, they must not
 * keep the request out. */
START_TEST(a_full_hit_fits_a_full_memory)
{
    struct engine_config config = small_config();
    config.kv_blocks = 33;
    jobs[0] = jobs[1] = turn(0, 512, 1, 0, 512);
    jobs[1].at_ns = 2 * NS_PER_S;
    run_jobs(&config, jobs, 2, 512, &one);
    ck_assert_int_gt(one.fates[1].done_ns, jobs[1].at_ns);
}
END_TEST

START_TEST(the_cache_forgets_the_least_recently_used)
{
    struct engine_config config = small_config();
    config.kv_blocks = 41;
    for (size_t i = 0; i < 4; i++) { /* a, b, a, then c which needs b's blocks, then both again */
        jobs[i] = (struct job){.at_ns = (int64_t)i * NS_PER_S,
                               .cancel_ns = TIME_NEVER,
                               .input = 256,
                               .output = 1,
                               .id_count = 16};
        for (uint64_t b = 0; b < 16; b++)
            jobs[i].ids[b] = b + (i == 1 ? 100 : i == 3 ? 200 : 0);
    }
    jobs[4] = jobs[0];
    jobs[4].at_ns = 4 * NS_PER_S;
    jobs[5] = jobs[1];
    jobs[5].at_ns = 5 * NS_PER_S;
    run_jobs(&config, jobs, 6, 16, &one);
    ck_assert_uint_eq(one.fates[2].cached, 240);
    ck_assert_uint_eq(one.fates[4].cached, 240);
    ck_assert_uint_lt(one.fates[5].cached, 240);
}
END_TEST

START_TEST(what_can_never_fit_is_refused)
{
    struct engine_config config = small_config();
    struct engine *e = engine_create(&config, 1, NULL);
    struct engine_request r = {.tag = 1, .input_tokens = 199 * 16, .output_tokens = 1};
    ck_assert_int_eq(engine_submit(e, 0, &r), ENGINE_ACCEPTED);
    r.input_tokens++;
    ck_assert_int_eq(engine_submit(e, 0, &r), ENGINE_TOO_LONG);
    engine_free(e);
}
END_TEST

START_TEST(running_requests_never_exceed_the_limit)
{
    struct engine_config config = small_config();
    config.max_num_seqs = 3;
    config.per_token = true;
    struct engine *e = engine_create(&config, 1, NULL);
    struct engine_sink silent = {0};
    for (uint64_t i = 0; i < 20; i++) {
        struct engine_request r = {.tag = i, .input_tokens = 30, .output_tokens = 10};
        engine_submit(e, 0, &r);
    }
    uint32_t most = 0;
    for (int64_t due; (due = engine_next_ns(e)) != TIME_NEVER;) {
        struct engine_state state;
        engine_advance(e, due, &silent);
        engine_state(e, &state);
        most = state.running > most ? state.running : most;
    }
    ck_assert_uint_eq(most, 3);
    engine_free(e);
}
END_TEST

START_TEST(jitter_keeps_the_mean)
{
    struct engine_config config = small_config();
    config.kv_blocks = 2000000;
    jobs[0] = (struct job){.cancel_ns = TIME_NEVER, .input = 1, .output = 3000};
    config.steps.kappa = 0;
    run_jobs(&config, jobs, 1, 0, &one);
    config.jitter_cv = 0.1;
    run_jobs(&config, jobs, 1, 0, &two);
    double plain = (double)one.fates[0].done_ns, jittered = (double)two.fates[0].done_ns;
    ck_assert_double_ne(plain, jittered);
    ck_assert_double_eq_tol(jittered / plain, 1, 4 * 0.1 / 9.7); /* 94 segments */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_steps");
    TCase *tests = tcase_create("steps");
    int policies = 0;
    while (policy_at((uint32_t)policies))
        policies++;
    tcase_add_loop_test(tests, jumps_change_nothing, 0, policies);
    tcase_add_test(tests, the_urgent_overtake_those_that_wait);
    tcase_add_test(tests, the_least_urgent_gives_way);
    tcase_add_test(tests, odd_block_sizes_change_nothing);
    tcase_add_test(tests, one_request_takes_what_the_formula_says);
    tcase_add_test(tests, all_reduce_is_added);
    tcase_add_test(tests, long_prompts_come_in_chunks);
    tcase_add_test(tests, a_second_turn_hits_the_prefix);
    tcase_add_test(tests, a_later_turn_hits_the_answer);
    tcase_add_test(tests, a_cut_answer_is_hit_as_far_as_it_came);
    tcase_add_test(tests, the_end_of_an_answer_is_forgotten_first);
    tcase_add_test(tests, who_gave_way_finds_its_answer_again);
    tcase_add_test(tests, a_full_hit_fits_a_full_memory);
    tcase_add_test(tests, the_cache_forgets_the_least_recently_used);
    tcase_add_test(tests, what_can_never_fit_is_refused);
    tcase_add_test(tests, running_requests_never_exceed_the_limit);
    tcase_add_test(tests, jitter_keeps_the_mean);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
