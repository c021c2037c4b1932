/* Speculative decoding: what is accepted, how long a step takes, and that jumps change nothing. */
#include "engine_fixture.h"

#include <math.h>
#include <stdlib.h>

static struct speculative_config drafting(uint32_t drafts, double first, double decay)
{
    struct speculative_config c;
    speculative_config_init(&c);
    c.num_speculative_tokens = c.rate_count = drafts;
    for (uint32_t i = 0; i < drafts; i++)
        c.rates[i] = i ? c.rates[i - 1] * decay : first;
    return c;
}

/* The ring holds every number as often as its rate says, and what it says of many steps is what
 * single ones add up to. */
START_TEST(the_ring_accepts_as_the_rates_say)
{
    struct speculative_config c = drafting(4, 0.8, 0.7);
    struct acceptance *a = acceptance_create(&c, 3);
    uint32_t with[5] = {0};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < DRAFT_DRAWS; i++) {
        uint64_t tokens = acceptance_tokens(a, i, 1);
        ck_assert_uint_ge(tokens, 1);
        ck_assert_uint_le(tokens, 5);
        for (uint64_t k = 1; k < tokens; k++)
            with[k]++;
        ck_assert_uint_eq(acceptance_tokens(a, 0, i), sum);
        sum += tokens;
    }
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol((double)with[i + 1] / DRAFT_DRAWS, c.rates[i], 0.5 / DRAFT_DRAWS);
    ck_assert_double_eq_tol((double)sum / DRAFT_DRAWS, speculative_length(&c), 4.0 / DRAFT_DRAWS);
    acceptance_free(a);
}
END_TEST

START_TEST(steps_are_the_fewest_that_give_the_tokens)
{
    struct speculative_config c = drafting(3, 0.7, 0.6);
    struct acceptance *a = acceptance_create(&c, 4);
    struct random r;
    random_init(&r, 5, RANDOM_TEST, 0);
    for (int i = 0; i < 2000; i++) {
        uint64_t draw = random_below(&r, DRAFT_DRAWS), tokens = random_below(&r, 40000);
        uint64_t steps = acceptance_steps(a, draw, tokens);
        ck_assert_uint_ge(acceptance_tokens(a, draw, steps), tokens);
        if (steps > 0)
            ck_assert_uint_lt(acceptance_tokens(a, draw, steps - 1), tokens);
    }
    acceptance_free(a);
}
END_TEST

START_TEST(a_length_is_accepted_with_the_least_variance)
{
    struct speculative_config c;
    struct error err = {0};
    const char *text = "{\"method\": \"eagle3\", \"model\": \"x\", \"num_speculative_tokens\": 4, "
                       "\"rejection_sample_method\": \"synthetic\", "
                       "\"synthetic_acceptance_length\": 3.25}";
    ck_assert_int_eq(speculative_config_parse("--speculative-config", text, &c, &err), 0);
    ck_assert_int_eq(speculative_config_check(&c, 40, &err), 0);
    ck_assert_double_eq(c.rates[0], 1);
    ck_assert_double_eq(c.rates[1], 1);
    ck_assert_double_eq(c.rates[2], 0.25);
    ck_assert_double_eq(c.rates[3], 0);
    ck_assert_double_eq(speculative_length(&c), 3.25);
    ck_assert_double_eq(c.draft_cost, 1 / 40.0);                 /* a head of one layer */
    ck_assert_int_eq(speculative_config_check(&c, 40, &err), 0); /* again: nothing changes */
    ck_assert_double_eq(speculative_length(&c), 3.25);
}
END_TEST

static const struct {
    const char *text, *words;
} wrong[] = {
    {"{\"num_speculative_tokens\": 3}", "how many drafts are accepted"},
    {"{\"num_speculative_tokens\": 3, \"synthetic_acceptance_rates\": [0.8, 0.6]}",
     "2 acceptance rates for 3 drafts"},
    {"{\"num_speculative_tokens\": 2, \"synthetic_acceptance_rates\": [0.6, 0.8]}",
     "may not grow (0.6, then 0.8)"},
    {"{\"num_speculative_tokens\": 2, \"synthetic_acceptance_length\": 3.5}", "at most 3 tokens"},
    {"{\"num_speculative_tokens\": 1, \"synthetic_acceptance_length\": 1.5, "
     "\"synthetic_acceptance_rates\": [0.5]}",
     "not both"},
    {"{\"num_speculative_tokens\": 2, \"synthetic_acceptance_length\": 2, \"method\": "
     "\"draft_model\"}",
     "what does a pass of the draft model take"},
    {"{\"synthetic_acceptance_length\": 2}", "give num_speculative_tokens"},
    {"{\"num_speculative_tokens\": 2, \"acceptance\": 2}", "unknown key \"acceptance\""},
    {"{\"num_speculative_tokens\": 2, \"synthetic_acceptance_rates\": [1.2, 1]}", "1.2"},
    {"3 tokens", "--speculative-config"},
};

START_TEST(mistakes_are_named)
{
    struct speculative_config c;
    struct error err = {0};
    int status = speculative_config_parse("--speculative-config", wrong[_i].text, &c, &err);
    if (status == 0)
        status = speculative_config_check(&c, 32, &err);
    ck_assert_int_eq(status, ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].words) || strstr(err.file, wrong[_i].words),
                  "%s: %s", err.file, err.message);
}
END_TEST

/* Two drafts, both always right: a step computes three rows, and gives three tokens. */
START_TEST(a_step_takes_its_rows_and_its_drafts)
{
    struct engine_config config = small_config();
    config.layers = 10;
    config.speculative = drafting(2, 1, 1);
    config.speculative.draft_ms = 0.25;
    config.speculative.draft_cost = 0.1;
    jobs[0] = plain_job(0, 100, 7, 0);
    struct engine_state state = run_jobs(&config, jobs, 1, 16, &one);
    double prefill = 10 + 0.01 * 100 + 4.021e-6 * 100 * 50 + 1.1 + 0.003,
           single = 10 + 0.01 + 1.103;
    double first_ms = prefill + 0.25 + 0.1 * prefill + 0.25 + 0.1 * single;
    double ms = first_ms;
    for (int step = 0; step < 2; step++) {
        double kv = 138.1e-6 * (100 + 3 * step + 3);
        double verify = 10 + 0.01 * 3 + 0.4 + 0.006 + 1.1 + 0.003 * 3 + kv;
        double draft = 10 + 0.01 + 0.4 + 0.006 + 1.1 + 0.003 + 138.1e-6 * (100 + 3 * step + 1);
        ms += verify + 0.25 + 0.1 * verify + 0.25 + 0.1 * draft;
    }
    ck_assert_double_eq_tol((double)one.fates[0].first_ns / 1e6, first_ms, 2e-6);
    ck_assert_double_eq_tol((double)one.fates[0].done_ns / 1e6, ms, 2e-6);
    ck_assert_uint_eq(state.steps, 3);
    ck_assert_uint_eq(state.drafts, 2);
    ck_assert_uint_eq(state.draft_tokens, 4);
    ck_assert_uint_eq(state.accepted_tokens, 4);
    ck_assert_uint_eq(state.output_tokens, 7);
}
END_TEST

/* One pass drafts all of them: as many drafts, and the time of one. */
START_TEST(parallel_drafting_takes_one_pass)
{
    struct engine_config config = small_config();
    config.speculative = drafting(4, 1, 1);
    config.speculative.draft_cost = 0;
    config.speculative.draft_ms = 1;
    jobs[0] = plain_job(0, 100, 21, 0);
    run_jobs(&config, jobs, 1, 16, &one);
    config.speculative.parallel_drafting = true;
    run_jobs(&config, jobs, 1, 16, &two);
    ck_assert_int_eq(one.fates[0].done_ns - two.fates[0].done_ns, 5 * 3 * NS_PER_MS);
}
END_TEST

/* Nothing is ever right: as many steps as without drafts. */
START_TEST(wrong_drafts_cost_and_give_nothing)
{
    struct engine_config config = small_config();
    jobs[0] = plain_job(0, 100, 40, 0);
    struct engine_state plain = run_jobs(&config, jobs, 1, 16, &one);
    config.speculative = drafting(3, 0, 0);
    struct engine_state state = run_jobs(&config, jobs, 1, 16, &two);
    ck_assert_uint_eq(state.steps, plain.steps);
    ck_assert_int_gt(two.fates[0].done_ns, one.fates[0].done_ns);
    ck_assert_uint_eq(state.accepted_tokens, 0);
}
END_TEST

/* Jumps, single steps and token by token are the same run: crowded, with preemption, shared
 * prefixes, answers, cancellations, jitter, several replicas. */
START_TEST(jumps_change_nothing_where_steps_draft)
{
    static const uint32_t drafts[] = {1, 3, 7, 15};
    struct engine_config config = small_config();
    uint64_t preemptions = 0, cached = 0, accepted = 0;
    config.policy = (uint32_t)_i;
    for (uint64_t seed = 0; seed < 12; seed++) {
        config.speculative = drafting(drafts[seed % 4], 0.9 - 0.05 * (double)(seed % 5), 0.75);
        config.speculative.parallel_drafting = seed % 5 == 1;
        config.jitter_cv = seed % 2 ? 0.2 : 0;
        config.request_overhead_ms = seed % 3 ? 8 : 0;
        config.replicas = 1 + (uint32_t)(seed % 3);
        config.router = (enum engine_router)(seed % 3);
        config.generated = seed % 4 < 2;
        config.block_size = seed == 7 ? 5 : 16;
        config.kv_blocks = seed == 7 ? 620 : 200;
        struct engine_state state = compare(config, seed, seed % 4 == 0 ? 16 : 64, seed >= 6);
        preemptions += state.preemptions;
        cached += state.cached_tokens;
        accepted += state.accepted_tokens;
    }
    ck_assert_uint_gt(preemptions, 100);
    ck_assert_uint_gt(cached, 10000);
    ck_assert_uint_gt(accepted, 10000);
}
END_TEST

/* The tokens of the single answers, and the mean of all. */
START_TEST(an_engine_gives_the_tokens_that_the_rates_say)
{
    struct engine_config config = small_config();
    config.kv_blocks = 20000;
    config.speculative = drafting(3, 0.75, 0.7);
    for (size_t i = 0; i < 100; i++)
        jobs[i] = plain_job((int64_t)i * NS_PER_MS, 50, 401, 0);
    struct engine_state state = run_jobs(&config, jobs, 100, 16, &one);
    double length = 1 + (double)state.accepted_tokens / (double)state.drafts;
    ck_assert_double_eq_tol(length / (1 + 0.75 + 0.525 + 0.3675), 1, 0.02);
    ck_assert_uint_eq(state.draft_tokens, 3 * state.drafts);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(one.fates[i].tokens, 401);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("speculative");
    TCase *tests = tcase_create("speculative");
    tcase_add_test(tests, the_ring_accepts_as_the_rates_say);
    tcase_add_test(tests, steps_are_the_fewest_that_give_the_tokens);
    tcase_add_test(tests, a_length_is_accepted_with_the_least_variance);
    tcase_add_loop_test(tests, mistakes_are_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, a_step_takes_its_rows_and_its_drafts);
    tcase_add_test(tests, parallel_drafting_takes_one_pass);
    tcase_add_test(tests, wrong_drafts_cost_and_give_nothing);
    tcase_add_loop_test(tests, jumps_change_nothing_where_steps_draft, 0, 2);
    tcase_add_test(tests, an_engine_gives_the_tokens_that_the_rates_say);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
