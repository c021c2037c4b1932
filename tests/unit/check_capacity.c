/* Capacity: against Erlang-C on an engine that is M/M/c, and what it says of the limit. */
#include "core/random.h"
#include "core/stats/erlang.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleet.h"
#include "tests/unit/testing_workload.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define MEAN_TOKENS 100 /* of 10 ms: a service of one second */

static struct engine_config servers(uint32_t count)
{
    struct engine_config c = engine_config_constant(10, 10);
    c.max_num_seqs = count;
    return c;
}

/* Steps of 10 ms over blocks that nobody shares, and `s1` more for each sequence in them. */
static struct engine_config batching(uint64_t kv_blocks, double s1)
{
    struct engine_config e;
    struct error err = {0};
    engine_config_init(&e);
    e.max_num_seqs = 512;
    e.max_num_batched_tokens = 2048;
    e.prefix_cache = false;
    e.kv_blocks = kv_blocks;
    e.steps.w0 = 10;
    e.steps.s1 = s1;
    ck_assert_int_eq(engine_config_check(&e, &err), 0);
    return e;
}

static void exponential_answers(struct workload *w, uint64_t seed, size_t count)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 1);
    workload_init(w);
    for (size_t i = 0; i < count; i++)
        workload_add_plain(w, 0, 1, 1 + (uint32_t)gsl_ran_exponential(random_gsl(&r), MEAN_TOKENS));
}

/* The intervals are as wide as so many requests make them; what limits shows with fewer. */
#define REQUESTS 4000
#define FEW 1500

static struct capacity find(uint64_t requests, const struct engine_config *engine,
                            const struct workload *const *w, size_t workloads,
                            const char *objective, double goodput)
{
    struct slo_list slos = {0};
    struct capacity c;
    struct error err = {0};
    ck_assert_int_eq(slo_parse(objective, &slos, &err), 0);
    struct capacity_options o = {.engine = engine,
                                 .workloads = w,
                                 .workload_count = workloads,
                                 .slos = &slos,
                                 .goodput = goodput,
                                 .seed = 42,
                                 .seeds = 6,
                                 .requests = requests};
    ck_assert_msg(capacity_find(&o, &c, &err) == 0, "%s", err.message);
    return c;
}

/* The rate at which P(wait ≤ limit) = goodput, of M/M/c with a service of mean_s. */
static double erlang_rate(unsigned count, double mean_s, double limit_s, double goodput)
{
    double low = 0, high = count;
    for (int i = 0; i < 60; i++) {
        double load = (low + high) / 2;
        *(erlang_wait_quantile(count, load, mean_s, goodput) <= limit_s ? &low : &high) = load;
    }
    return low / mean_s;
}

static void agrees(uint32_t count, const char *objective, double limit_s, double goodput)
{
    struct workload w[6];
    const struct workload *list[6];
    double tokens = 0, rows = 0;
    for (size_t i = 0; i < 6; i++) {
        exponential_answers(&w[i], i, REQUESTS);
        list[i] = &w[i];
        for (size_t k = 0; k < w[i].count; k++, rows++)
            tokens += w[i].output_tokens[k];
    }
    struct engine_config engine = servers(count);
    struct capacity c = find(REQUESTS, &engine, list, 6, objective, goodput);
    double theory = erlang_rate(count, tokens / rows * 0.01, limit_s - 0.01, goodput);
    printf("M/M/%u: %.3f (%.3f to %.3f), Erlang-C %.3f, beside it %.3f\n", count, c.rate_rps,
           c.low_rps, c.high_rps, theory, c.theory.rate_rps);
    ck_assert_double_le(c.low_rps, theory);
    ck_assert_double_ge(c.high_rps, theory);
    ck_assert_double_lt(c.high_rps - c.low_rps, 0.1 * theory);
    ck_assert_double_eq_tol(c.theory.rate_rps, theory, 0.02 * theory);
    ck_assert_int_eq(c.limit, CAPACITY_SEQS);
    ck_assert_double_eq_tol(c.theory.littles_load, c.theory.measured_load,
                            0.02 * c.theory.measured_load);
    for (size_t i = 0; i < 6; i++)
        workload_free(&w[i]);
}

START_TEST(many_servers_agree_with_erlang_c)
{
    agrees(10, "ttft=500", 0.5, 0.95);
    if (!testing_few())
        agrees(32, "ttft=300", 0.3, 0.9);
}
END_TEST

START_TEST(goodput_falls_with_the_rate)
{
    struct workload w = testing_rows(1000, 0, 1, MEAN_TOKENS);
    const struct workload *list[] = {&w};
    struct engine_config engine = servers(8);
    struct capacity c = find(FEW, &engine, list, 1, "ttft=500", 0.95);
    ck_assert(c.attainable && !c.unbounded);
    ck_assert_uint_eq(c.curve_count, CAPACITY_CURVE);
    for (size_t i = 1; i < c.curve_count; i++) {
        ck_assert_double_gt(c.curve[i].load, c.curve[i - 1].load);
        ck_assert_double_le(c.curve[i].goodput, c.curve[i - 1].goodput + 1e-3);
    }
    ck_assert_double_lt(c.rate_rps, 8);
    ck_assert_double_gt(c.rate_rps, 5);
    workload_free(&w);
}
END_TEST

/* Eight places of one second: 8 requests a second, whatever the time between tokens. */
START_TEST(objectives_without_a_queue_end_where_it_grows)
{
    struct workload w;
    exponential_answers(&w, 7, REQUESTS);
    const struct workload *list[] = {&w};
    struct engine_config engine = servers(8);
    double tokens = 0;
    for (size_t i = 0; i < w.count; i++)
        tokens += w.output_tokens[i] / (double)REQUESTS;
    struct capacity c = find(REQUESTS, &engine, list, 1, "tpot=50", 0.99);
    double most = 8 / (tokens * 0.01);
    printf("eight places: %.3f (%.3f to %.3f) of %.3f\n", c.rate_rps, c.low_rps, c.high_rps, most);
    ck_assert(c.attainable && !c.unbounded && c.by_queue);
    ck_assert_double_ge(c.rate_rps, 0.95 * most);
    ck_assert_double_le(c.rate_rps, 1.01 * most);
    ck_assert_double_le(c.low_rps, c.rate_rps);
    ck_assert_double_ge(c.high_rps, c.rate_rps);
    ck_assert_double_ge(c.knee.served, 0.98);
    const struct load_point *last = &c.curve[c.curve_count - 1];
    ck_assert_double_eq_tol(last->goodput, 1, 1e-9);
    ck_assert(last->sustained == SUSTAINED_NO);
    ck_assert_double_lt(last->served, 0.85);
    workload_free(&w);
}
END_TEST

/* A step of n sequences takes 10 + n ms, so that n / (10 + n) tokens come in a millisecond, 1,000
 * a second at most: 6.25 answers of 160. First tokens stay early for long beyond. */
START_TEST(steps_that_grow_are_a_queue)
{
    struct engine_config e = batching(1000000, 1);
    struct workload w;
    const struct workload *list[] = {&w};
    e.max_num_seqs = 4096;
    e.max_num_batched_tokens = 8192;
    w = testing_rows(1000, 0, 16, 160);
    struct capacity c = find(REQUESTS, &e, list, 1, "ttft=20000", 0.95);
    printf("growing steps: %.3f of 6.25\n", c.rate_rps);
    ck_assert(!c.unbounded);
    ck_assert_double_ge(c.rate_rps, 0.93 * 6.25);
    ck_assert_double_le(c.rate_rps, 1.06 * 6.25);
    workload_free(&w);
}
END_TEST

/* Few requests a seed, so that the seeds differ. */
START_TEST(the_rate_meets_its_own_target)
{
    struct workload w;
    exponential_answers(&w, 3, 10000);
    const struct workload *list[] = {&w};
    struct engine_config engine = servers(3);
    struct slo_list slos = {0};
    struct error err = {0};
    ck_assert_int_eq(slo_parse("ttft=2000", &slos, &err), 0);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct capacity c;
        double pooled = 0;
        struct capacity_options o = {.engine = &engine,
                                     .workloads = list,
                                     .workload_count = 1,
                                     .slos = &slos,
                                     .goodput = 0.97,
                                     .seed = 100 * seed,
                                     .seeds = 5,
                                     .requests = 600};
        ck_assert_int_eq(capacity_find(&o, &c, &err), 0);
        for (size_t i = 0; i < 5; i++)
            pooled += c.seed_goodput[i] / 5;
        ck_assert_double_eq_tol(pooled, c.knee.goodput, 1e-9);
        ck_assert_double_ge(c.knee.goodput, 0.97);
        ck_assert_double_lt(c.low_rps, c.rate_rps);
        ck_assert_double_gt(c.high_rps, c.rate_rps);
        for (size_t i = 0; i < c.curve_count; i++)
            if (c.curve[i].load > 1.04 * c.rate_rps)
                ck_assert_double_lt(c.curve[i].goodput, 0.97);
    }
    workload_free(&w);
}
END_TEST

START_TEST(names_what_limits)
{
    struct engine_config e = batching(100000, 0);
    struct workload w;
    const struct workload *list[] = {&w};

    w = testing_rows(1000, 0, 1800, 2); /* a prompt fills a step */
    ck_assert_int_eq(find(FEW, &e, list, 1, "ttft=200", 0.95).limit, CAPACITY_PREFILL);
    workload_free(&w);

    w = testing_rows(1000, 0, 160, 160);
    e.kv_blocks = 200; /* ten requests */
    ck_assert_int_eq(find(FEW, &e, list, 1, "ttft=500", 0.95).limit, CAPACITY_MEMORY);

    e.kv_blocks = 100000;
    e.steps.s1 = 1; /* each sequence makes every step longer */
    ck_assert_int_eq(find(FEW, &e, list, 1, "tpot=40", 0.95).limit, CAPACITY_DECODE);
    workload_free(&w);
}
END_TEST

/* Twice of what limits raises the rate; twice of what does not leaves it. */
START_TEST(twice_of_the_limit_raises_the_rate)
{
    struct engine_config e = batching(200, 0); /* blocks for ten requests */
    struct workload w = testing_rows(1000, 0, 160, 160);
    const struct workload *list[] = {&w};
    struct capacity c = find(FEW, &e, list, 1, "ttft=500", 0.95);
    ck_assert_double_ge(c.lifts[CAPACITY_MEMORY], 0.8);
    ck_assert_double_eq(c.lifts[CAPACITY_SEQS], 0);
    ck_assert_double_eq(c.lifts[CAPACITY_PREFILL], 0);
    double before = c.rate_rps;
    e.kv_blocks *= 2;
    c = find(FEW, &e, list, 1, "ttft=500", 0.95);
    ck_assert_double_ge(c.rate_rps, 1.6 * before);

    e.kv_blocks = 100000;
    e.max_num_seqs = 10;
    c = find(FEW, &e, list, 1, "ttft=500", 0.95);
    ck_assert_int_eq(c.limit, CAPACITY_SEQS);
    ck_assert_double_ge(c.lifts[CAPACITY_SEQS], 0.8);
    ck_assert_double_eq(c.lifts[CAPACITY_MEMORY], 0);
    workload_free(&w);
}
END_TEST

/* With answers of 160 tokens a batch of 30 has steps of 40 ms, and 32 have room: past the knee
 * requests wait for memory, but more of it would only make the steps longer. */
START_TEST(memory_that_would_not_help_is_not_the_limit)
{
    struct engine_config e = batching(32 * 20, 1);
    struct workload w = testing_rows(1000, 0, 160, 160);
    const struct workload *list[] = {&w};
    struct capacity c = find(FEW, &e, list, 1, "tpot=38", 0.95);
    ck_assert_int_gt(c.past_knee.held_by_memory_ns, 0);
    ck_assert_int_eq(c.limit, CAPACITY_DECODE);
    ck_assert_double_lt(c.lifts[CAPACITY_MEMORY], 0.1);
    ck_assert_double_gt(c.lifts[CAPACITY_DECODE], 0.5);
    workload_free(&w);
}
END_TEST

/* The objective that binds is the one whose loosening raises the rate. */
START_TEST(names_the_objective_that_binds)
{
    struct engine_config e = batching(100000, 1);
    struct error err = {0};
    struct workload w = testing_rows(1000, 0, 160, 160);
    const struct workload *list[] = {&w};
    struct slo_list slos = {{{METRIC_TTFT_SCHEDULED, 2000}, {METRIC_TPOT, 25}}, 2};
    double lifts[SLO_MAX];
    size_t binds;
    for (int first = 0; first < 2; first++) {
        struct capacity c;
        struct capacity_options o = {.engine = &e,
                                     .workloads = list,
                                     .workload_count = 1,
                                     .slos = &slos,
                                     .goodput = 0.95,
                                     .seed = 42,
                                     .seeds = 3,
                                     .requests = FEW};
        if (first) { /* eight places, and patience for each token */
            e.max_num_seqs = 8;
            slos.items[1].limit_ms = 1000;
        }
        ck_assert_int_eq(capacity_find(&o, &c, &err), 0);
        ck_assert_int_eq(capacity_find_objective(&o, &c, lifts, &binds, &err), 0);
        ck_assert_uint_eq(binds, first ? 0 : 1);
        ck_assert_double_eq(lifts[first ? 1 : 0], 0);
        ck_assert_double_gt(lifts[binds], 0);
    }
    workload_free(&w);
}
END_TEST

START_TEST(says_what_has_no_answer)
{
    struct workload w = testing_rows(1000, 0, 1, 10);
    const struct workload *list[] = {&w};
    struct engine_config engine = servers(8);
    ck_assert(!find(FEW, &engine, list, 1, "ttft=1", 0.95).attainable);
    engine = servers(0);
    struct slo_list none = {0};
    struct capacity c;
    struct error err = {0};
    struct capacity_options o = {.engine = &engine,
                                 .workloads = list,
                                 .workload_count = 1,
                                 .slos = &none,
                                 .goodput = 0.9,
                                 .seeds = 2,
                                 .requests = 100};
    ck_assert_int_eq(capacity_find(&o, &c, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--slo"));
    err = (struct error){0};
    ck_assert_int_eq(slo_parse("ttft=100", &none, &err), 0);
    ck_assert_int_eq(capacity_find(&o, &c, &err), 0);
    ck_assert(c.unbounded);
    workload_free(&w);
}
END_TEST

START_TEST(counts_replicas)
{
    ck_assert_uint_eq(fleet_replicas(10, 2.5, 0), 4);
    ck_assert_uint_eq(fleet_replicas(10, 2.5, 0.2), 5);
    ck_assert_uint_eq(fleet_replicas(10.1, 2.5, 0.2), 6);
    ck_assert_uint_eq(fleet_replicas(0.001, 2.5, 0.2), 1);
    ck_assert_uint_eq(fleet_replicas(1, 0, 0.2), 0);
}
END_TEST

/* Cost of the cheapest fleet for a demand minus the price by use, USD an hour. */
static double dearer(double demand, double hour, double request, double usable)
{
    return (double)fleet_replicas(demand, usable, 0) * hour - demand * 3600 * request;
}

START_TEST(fleet_overtakes_paying_by_use)
{
    const double usable = 2;
    for (int i = 1; i < 10; i++) {
        double request = 0.001, first = 0.2 * i + 0.05, hour = first * 3600 * request;
        struct fleet_overtake o = fleet_overtake(hour, request, usable);
        ck_assert(o.ever);
        ck_assert_double_gt(dearer(o.first_rps * 0.999, hour, request, usable), 0);
        ck_assert_double_le(dearer(o.first_rps, hour, request, usable), 1e-9);
        for (double d = o.always_rps; d < o.always_rps + 50; d += 0.01)
            ck_assert_double_le(dearer(d, hour, request, usable), 1e-9);
        if (o.always_rps > o.first_rps)
            ck_assert_double_gt(dearer(o.always_rps * 0.9999, hour, request, usable), 0);
    }
    ck_assert(!fleet_overtake(10, 0.001, usable).ever);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capacity");
    TCase *tests = tcase_create("capacity");
    tcase_add_test(tests, many_servers_agree_with_erlang_c);
    tcase_add_test(tests, goodput_falls_with_the_rate);
    tcase_add_test(tests, objectives_without_a_queue_end_where_it_grows);
    tcase_add_test(tests, steps_that_grow_are_a_queue);
    tcase_add_test(tests, the_rate_meets_its_own_target);
    tcase_add_test(tests, names_what_limits);
    tcase_add_test(tests, twice_of_the_limit_raises_the_rate);
    tcase_add_test(tests, memory_that_would_not_help_is_not_the_limit);
    tcase_add_test(tests, names_the_objective_that_binds);
    tcase_add_test(tests, says_what_has_no_answer);
    tcase_add_test(tests, counts_replicas);
    tcase_add_test(tests, fleet_overtakes_paying_by_use);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
