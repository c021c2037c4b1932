/* Where plans overtake each other, by the worked examples and by trying every length. */
#include "testing_plans.h"

#include "core/random.h"
#include "sim/cost/bill/break_even.h"

#include <stdio.h>
#include <string.h>

static struct plan_book token_plan(const char *input, const char *cached, const char *output)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"%s\", \"cached_input\":"
             " \"%s\", \"output\": \"%s\"}}]}",
             input, cached, output);
    return testing_plans(text);
}

/* Pro at $80 for 30,000 requests, 500 output tokens, input cap 16,000; prices of 2026-08-01 from
 * OpenRouter's public model list. */
static const struct {
    const char *model, *input, *output;
    uint64_t first;
    enum break_even_kind kind;
} worked[] = {
    {"Kimi K2.6", "0.60", "3.41", 1603, BREAK_EVEN_AT},
    {"DeepSeek R1-0528", "0.50", "2.15", 3184, BREAK_EVEN_AT},
    {"DeepSeek V3.2", "0.269", "0.40", 9170, BREAK_EVEN_AT},
    {"Llama 3.3 70B", "0.13", "0.40", 18975, BREAK_EVEN_BEYOND},
    {"gpt-oss-120b", "0.037", "0.17", 69775, BREAK_EVEN_BEYOND},
};

START_TEST(worked_examples)
{
    struct plan_book book = token_plan(worked[_i].input, "0", worked[_i].output);
    struct flat_price pro = {80 * MONEY_USD, 30000};
    struct break_even_answer a = break_even_input(&book.plans[0].rates[0], &pro, 500, 16000);
    ck_assert_msg(a.value == worked[_i].first && a.kind == worked[_i].kind, "%s: %s %llu",
                  worked[_i].model, break_even_kind_name(a.kind), (unsigned long long)a.value);
    plan_book_free(&book);
}
END_TEST

static bool dearer(const struct plan *p, uint64_t input, uint64_t output,
                   const struct flat_price *flat)
{
    struct flat_price one;
    ck_assert(price_of_lengths(&(struct map_plan){.plan = p}, input, output, &one));
    return one.price * (money)flat->requests > flat->price;
}

START_TEST(answers_are_the_first_length_that_is_dearer)
{
    struct random r;
    random_init(&r, 7, RANDOM_TEST, 1);
    for (int round = 0; round < 300; round++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"plans\": [{\"name\": \"t\", \"per_request\": \"0.000%d\", \"per_mtok\":"
                 " {\"input\": \"%d.%d\", \"output\": \"%d\"}, \"tiers\": [{\"input_over\": %d,"
                 " \"per_mtok\": {\"input\": \"%d\", \"output\": \"%d\"}}]}]}",
                 (int)random_below(&r, 3), (int)random_below(&r, 3), (int)random_below(&r, 10),
                 (int)random_below(&r, 20), 100 + (int)random_below(&r, 900),
                 (int)random_below(&r, 6), (int)random_below(&r, 30));
        struct plan_book book = testing_plans(text);
        const struct plan *p = &book.plans[0];
        struct flat_price flat = {(money)(1 + random_below(&r, 40)) * MONEY_USD / 10,
                                  1 + random_below(&r, 2000)};
        uint64_t output = random_below(&r, 200), n = 0;
        while (n <= 2000 && !dearer(p, n, output, &flat))
            n++;
        struct break_even_answer a = break_even_input(&p->rates[0], &flat, output, 0);
        if (n > 2000)
            ck_assert_msg(a.kind == BREAK_EVEN_NEVER || a.value > 2000, "%s", text);
        else
            ck_assert_msg(a.kind == (n ? BREAK_EVEN_AT : BREAK_EVEN_ALWAYS) && a.value == n,
                          "%s: %llu, not %llu", text, (unsigned long long)a.value,
                          (unsigned long long)n);
        a = break_even_output(&p->rates[0], &flat, n, 0);
        if (a.kind == BREAK_EVEN_AT) {
            ck_assert(dearer(p, n, a.value, &flat));
            ck_assert(!dearer(p, n, a.value - 1, &flat));
        }
        plan_book_free(&book);
    }
}
END_TEST

START_TEST(utilisation_volume_cache_and_steps)
{
    struct plan_book book = token_plan("0.50", "0.05", "2.15");
    struct plan_book flat_book = testing_plans(
        "{\"plans\": [{\"name\": \"pro\", \"subscription\": {\"price\": \"80\", \"period\":"
        " \"month\", \"includes\": {\"requests\": 1000, \"per\": \"day\"}, \"beyond\":"
        " \"queue\"}}]}");
    const struct plan_rate *rate = &book.plans[0].rates[0];
    struct flat_price pro = {80 * MONEY_USD, 30000};
    /* at 50.8 % use (15,227 of 30,000) R1's break-even moves from 3,184 to 8,358 */
    struct flat_price half = {80 * MONEY_USD, 15227};
    ck_assert_uint_eq(break_even_input(rate, &half, 500, 16000).value, 8358);
    /* a request of 8,000 in and 500 out costs $0.005075: flat wins from 52.55 % use on */
    money mean = 5075 * (MONEY_USD / 1000000);
    struct break_even_answer a = break_even_utilisation(&pro, 10 * mean, 10);
    ck_assert_int_eq(a.kind, BREAK_EVEN_AT);
    ck_assert_uint_eq(a.value, 525452);
    /* $80 a month against $0.005075: the 526th request of a day */
    a = break_even_volume(&flat_book.plans[0], 10 * mean, 10);
    ck_assert_int_eq(a.kind, BREAK_EVEN_AT);
    ck_assert_uint_eq(a.value, 526);
    a = break_even_volume(&flat_book.plans[0], mean, 10); /* ten times cheaper: 5,255 a day */
    ck_assert_int_eq(a.kind, BREAK_EVEN_BEYOND);
    /* 8,000 in: h = (0.005075 - 0.0026667) / (8000 × 0.45e-6) = 66.9 % */
    a = break_even_cache(rate, &pro, 8000, 500);
    ck_assert_int_eq(a.kind, BREAK_EVEN_AT);
    ck_assert_uint_eq(a.value, 668982);
    ck_assert_int_eq(break_even_cache(rate, &pro, 3183, 500).kind, BREAK_EVEN_ALWAYS);
    ck_assert_int_eq(break_even_cache(rate, &pro, 8000, 2000).kind, BREAK_EVEN_NEVER);
    /* steps of 1,000, 2,000, ... in: k steps cost k × 0.001075 + 0.0005 × k(k + 1)/2, above
     * k × 0.0026667 from (k + 1)/2 > 3.18 on: the 6th */
    a = break_even_steps(rate, &pro, 1000, 1000, 500);
    ck_assert_uint_eq(a.value, 6);
    ck_assert_int_eq(break_even_steps(rate, &pro, 1000, 0, 500).kind, BREAK_EVEN_NEVER);
    plan_book_free(&book);
    plan_book_free(&flat_book);
}
END_TEST

START_TEST(the_map_shows_who_is_cheapest)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"0.5\", \"output\": \"2.15\"}},"
        " {\"name\": \"pro\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
        " \"includes\": {\"requests\": 1000, \"per\": \"day\"}, \"beyond\": \"queue\"},"
        " \"limits\": {\"max_input_tokens\": 16000}}]}");
    const struct map_plan plans[] = {
        {.plan = &book.plans[0]},
        {.plan = &book.plans[1],
         .paid = {80 * MONEY_USD, 30000}}, /* a month's cash, 30,000 served */
    };
    struct cheapest_map m;
    cheapest_map_make(plans, 2, &m);
    for (size_t i = 0; i < m.input_count; i++)
        for (size_t o = 0; o < m.output_count; o++) {
            struct flat_price pro = {80 * MONEY_USD, 30000};
            bool flat =
                m.inputs[i] <= 16000 && dearer(plans[0].plan, m.inputs[i], m.outputs[o], &pro);
            ck_assert_int_eq(m.cheapest[i * m.output_count + o], flat);
        }
    ck_assert_int_eq(m.cheapest[0], 0);
    cheapest_map_free(&m);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("break_even");
    TCase *tc = tcase_create("break_even");
    tcase_add_loop_test(tc, worked_examples, 0, (int)(sizeof worked / sizeof worked[0]));
    tcase_add_test(tc, answers_are_the_first_length_that_is_dearer);
    tcase_add_test(tc, utilisation_volume_cache_and_steps);
    tcase_add_test(tc, the_map_shows_who_is_cheapest);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
