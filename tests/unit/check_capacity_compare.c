/* Several engines beside each other, and which of several limits binds. */
#include "sim/plan/capacity_compare.h"
#include "sim/plan/capacity_limit.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <stdlib.h>

/* Plans for 10 requests a second that sustain `rate` each; a price of 0 cents = none. */
static struct capacity_plan *plan(struct capacity_comparison *c, double rate, int cents,
                                  uint32_t gpus)
{
    static const struct slo_list slos = {{{METRIC_TTFT, 500}, {METRIC_TPOT, 50}}, 2};
    static struct engine_config engine;
    struct capacity_plan *p = &((struct capacity_plan *)(uintptr_t)c->plans)[c->count++];
    struct error err = {0};
    *p = (struct capacity_plan){.engine = &engine,
                                .slos = &slos,
                                .gpus = gpus,
                                .has_price = cents > 0,
                                .gpu_hour = cents * (MONEY_USD / 100)};
    p->capacity = (struct capacity){
        .attainable = rate > 0, .rate_rps = rate, .low_rps = rate, .high_rps = rate};
    ck_assert_int_eq(capacity_plan_months(p, 10, 0, &err), 0);
    return p;
}

static void begin(struct capacity_comparison *c)
{
    *c = (struct capacity_comparison){.plans = calloc(CAPACITY_ENGINES, sizeof *c->plans)};
    ck_assert_ptr_nonnull(c->plans);
}

static void end(struct capacity_comparison *c)
{
    free((void *)(uintptr_t)c->plans);
}

static void has_order(const struct capacity_comparison *c, const size_t *order)
{
    for (size_t i = 0; i < c->count; i++)
        ck_assert_uint_eq(c->order[i], order[i]);
}

START_TEST(whoever_costs_less_comes_first)
{
    struct capacity_comparison c;
    begin(&c);
    plan(&c, 5, 400, 4);   /* 2 × 4 × 4.00 = 32.00 an hour */
    plan(&c, 0, 100, 1);   /* serves nothing */
    plan(&c, 2.5, 100, 2); /* 4 × 2 × 1.00 = 8.00 */
    plan(&c, 3, 250, 1);   /* 4 × 1 × 2.50 = 10.00, less where the last replica is full */
    capacity_compare(&c);
    has_order(&c, (const size_t[]){2, 3, 0, 1});
    ck_assert_uint_eq(c.cheapest, 1);
    ck_assert_double_eq_tol(c.costs[2].request, 8.0 / 36000, 1e-12);
    ck_assert_double_eq_tol(c.costs[3].full_request, 2.5 / (3 * 3600), 1e-12);
    ck_assert_double_nan(c.costs[1].request);
    ck_assert_uint_eq(capacity_cheapest_in(&c, 0), 2);
    end(&c);
}
END_TEST

START_TEST(ties_are_told_and_keep_their_order)
{
    struct capacity_comparison c;
    begin(&c);
    plan(&c, 5, 300, 1);  /* 2 × 3.00 */
    plan(&c, 10, 200, 3); /* 1 × 3 × 2.00 */
    plan(&c, 10, 700, 1);
    capacity_compare(&c);
    has_order(&c, (const size_t[]){0, 1, 2});
    ck_assert_uint_eq(c.cheapest, 2);
    end(&c);
}
END_TEST

START_TEST(without_a_price_nobody_is_the_cheapest)
{
    struct capacity_comparison c;
    begin(&c);
    plan(&c, 0, 0, 1);
    plan(&c, 5, 0, 4);
    plan(&c, 5, 0, 1);
    capacity_compare(&c);
    has_order(&c, (const size_t[]){1, 2, 0});
    ck_assert_uint_eq(c.cheapest, 0);
    ck_assert_uint_eq(capacity_cheapest_in(&c, 0), SIZE_MAX);
    end(&c);
}
END_TEST

START_TEST(without_a_demand_full_replicas_are_compared)
{
    struct capacity_comparison c;
    begin(&c);
    plan(&c, 4, 100, 2)->month_count = 0; /* 0.5 USD for each request a second */
    plan(&c, 3, 140, 1)->month_count = 0; /* 0.47, though it takes one more for 10 a second */
    capacity_compare(&c);
    has_order(&c, (const size_t[]){1, 0});
    ck_assert_uint_eq(c.cheapest, 1);
    end(&c);
}
END_TEST

START_TEST(errors_are_those_of_what_binds)
{
    struct capacity_comparison c;
    struct engine_config a = {.error_tpot = 0.3, .error_ttft = 0.6},
                         b = {.error_tpot = 0.4, .error_ttft = 0};
    begin(&c);
    plan(&c, 4, 100, 2)->engine = &a;
    plan(&c, 3, 140, 1)->engine = &b;
    c.costs[0].objective = 1; /* TPOT */
    ck_assert_double_eq_tol(capacity_error_between(&c, 0, 1), 0.5, 1e-12);
    c.costs[0].objective = 0;
    ck_assert_double_nan(capacity_error_between(&c, 0, 1));
    end(&c);
}
END_TEST

START_TEST(the_highest_lift_names_the_limit)
{
    static const struct {
        double prefill, decode, memory, seqs;
        enum capacity_limit seen, binds;
    } rows[] = {
        {1.8, 0.3, 0, 0, CAPACITY_DECODE, CAPACITY_PREFILL},    /* clearly */
        {0.4, 0.45, 0, 0, CAPACITY_PREFILL, CAPACITY_PREFILL},  /* too close to tell */
        {0.6, 0.1, 0.02, 0, CAPACITY_MEMORY, CAPACITY_PREFILL}, /* held, but to no effect */
        {0, 1.1, 0.9, 0, CAPACITY_DECODE, CAPACITY_MEMORY},     /* faster steps free it, too */
        {0, 1.1, 0.6, 0.9, CAPACITY_PREFILL, CAPACITY_SEQS},
        {0, 1.1, 0.6, 0.9, CAPACITY_MEMORY, CAPACITY_MEMORY},
        {0, 0, 0, 0, CAPACITY_SEQS, CAPACITY_SEQS}, /* nothing helps alone */
        {0.03, 0.05, 0.04, 0, CAPACITY_MEMORY, CAPACITY_DECODE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double lifts[CAPACITY_LIMITS] = {[CAPACITY_PREFILL] = rows[i].prefill,
                                         [CAPACITY_DECODE] = rows[i].decode,
                                         [CAPACITY_MEMORY] = rows[i].memory,
                                         [CAPACITY_SEQS] = rows[i].seqs};
        ck_assert_msg(capacity_choose_limit(lifts, rows[i].seen) == rows[i].binds, "row %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capacity_compare");
    TCase *tests = tcase_create("capacity_compare");
    tcase_add_test(tests, whoever_costs_less_comes_first);
    tcase_add_test(tests, ties_are_told_and_keep_their_order);
    tcase_add_test(tests, without_a_price_nobody_is_the_cheapest);
    tcase_add_test(tests, without_a_demand_full_replicas_are_compared);
    tcase_add_test(tests, errors_are_those_of_what_binds);
    tcase_add_test(tests, the_highest_lift_names_the_limit);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
