/* How many to commit to, against every number tried one by one. */
#include "testing_plans.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/plan/commit.h"

#include <math.h>

#define SAMPLES 12
#define MOST 150

/* What one of a plan holds of a day's requests, which have 10 tokens each, and costs a month. */
struct kind {
    const char *book;
    uint64_t holds, month_usd;
};

static const struct kind kinds[] = {
    {"{\"plans\": [{\"name\": \"seat\", \"subscription\": {\"price\": \"30\", \"period\": "
     "\"month\","
     " \"includes\": {\"requests\": 7, \"per\": \"day\"}, \"beyond\": \"queue\"}}]}",
     7, 30},
    {"{\"plans\": [{\"name\": \"quota\", \"subscription\": {\"price\": \"90\", \"period\": "
     "\"month\","
     " \"includes\": {\"tokens\": 230, \"per\": \"day\"}, \"beyond\": \"reject\"}}]}",
     23, 90},
    /* 1 token a minute is 1,440 a day, of which a day with a peak of 2 has room for half */
    {"{\"plans\": [{\"name\": \"units\", \"provisioned\": {\"price\": \"0.05\", \"per\": \"hour\","
     " \"tokens_per_minute\": 1, \"beyond\": \"reject\"}}]}",
     72, 36},
};

struct case_of {
    const struct kind *kind;
    size_t days;
    struct block_charge demand[SAMPLES * 90];
    money elsewhere[SAMPLES * 90];
};

static void draw(struct case_of *c, uint64_t seed)
{
    struct random r;
    random_init(&r, seed, RANDOM_TEST, 0);
    c->kind = &kinds[seed % 3];
    c->days = FORECAST_MONTH_DAYS * (1 + (size_t)random_below(&r, 3));
    uint64_t scale = 1 + random_below(&r, 200), growth = random_below(&r, 4);
    for (size_t i = 0; i < SAMPLES * c->days; i++) {
        uint64_t day = i % c->days,
                 requests = random_below(&r, scale + scale * growth * day / 60 + 2);
        c->demand[i] = (struct block_charge){
            .weight_micro = requests * PLAN_MICRO, .input = 6 * requests, .output = 4 * requests};
        c->elsewhere[i] = (money)requests * MONEY_USD / 8 * (money)(1 + random_below(&r, 3));
    }
}

/* The slow way: what so many cost in days from `from` to `to`, summed over the futures. */
static money slow_cost(const struct case_of *c, uint64_t count, size_t from, size_t to)
{
    money sum = (money)SAMPLES * (money)(count * c->kind->month_usd) *
                (money)((to - from) / FORECAST_MONTH_DAYS) * MONEY_USD;
    for (size_t i = 0; i < SAMPLES; i++)
        for (size_t day = from; day < to; day++) {
            size_t at = i * c->days + day;
            uint64_t asked = c->demand[at].weight_micro, room = count * c->kind->holds * PLAN_MICRO;
            uint64_t left = asked > room ? asked - room : 0;
            money part = 0;
            if (asked > 0)
                ck_assert_int_eq(money_prorate(c->elsewhere[at], left, asked, &part), 0);
            sum += part;
        }
    return sum;
}

static uint64_t slow_best(const struct case_of *c, size_t from, size_t to)
{
    uint64_t best = 0;
    money least = slow_cost(c, 0, from, to);
    for (uint64_t n = 1; n <= MOST; n++) {
        money now = slow_cost(c, n, from, to);
        if (now < least) {
            least = now;
            best = n;
        }
    }
    return best;
}

static struct commit_question question(const struct case_of *c, const struct plan_book *book)
{
    return (struct commit_question){.plan = &book->plans[0],
                                    .days = c->days,
                                    .samples = SAMPLES,
                                    .demand = c->demand,
                                    .elsewhere = c->elsewhere,
                                    .peak_milli = 2000};
}

static void near(double value, money sum, const char *what)
{
    double expected = money_to_double(sum) / SAMPLES;
    ck_assert_msg(fabs(value - expected) < 1e-9 * (1 + expected), "%s: %.12g, expected %.12g", what,
                  value, expected);
}

START_TEST(the_count_is_the_best_of_all_for_the_horizon_and_for_each_month)
{
    struct case_of *c = mem_zero(1, sizeof *c);
    struct commitment out = {0};
    double usd;
    draw(c, (uint64_t)_i);
    struct plan_book book = testing_plans(c->kind->book);
    struct commit_question q = question(c, &book);
    ck_assert_int_eq(commit_choose(&out, &q), 0);
    ck_assert_uint_eq(out.count, slow_best(c, 0, c->days));
    near(out.usd.mean, slow_cost(c, out.count, 0, c->days), "with so many");
    near(out.without.mean, slow_cost(c, 0, 0, c->days), "with none");
    for (size_t k = 0; k * FORECAST_MONTH_DAYS < c->days; k++)
        ck_assert_uint_eq(out.by_month[k],
                          slow_best(c, k * FORECAST_MONTH_DAYS, (k + 1) * FORECAST_MONTH_DAYS));
    ck_assert_int_eq(commit_cost(&q, 3, &usd), 0);
    near(usd, slow_cost(c, 3, 0, c->days), "with three");
    commit_free(&out);
    plan_book_free(&book);
    free(c);
}
END_TEST

/* At a little more than what the first is worth none is bought, at a little less one is. */
START_TEST(the_first_pays_up_to_what_it_is_worth)
{
    struct case_of *c = mem_zero(1, sizeof *c);
    struct commitment out = {0};
    draw(c, (uint64_t)_i);
    struct plan_book book = testing_plans(c->kind->book);
    struct commit_question q = question(c, &book);
    ck_assert_int_eq(commit_choose(&out, &q), 0);
    double months = (double)c->days / FORECAST_MONTH_DAYS, worth = out.worth_usd;
    ck_assert(fabs(out.one_usd - months * (double)c->kind->month_usd) < 1e-9);
    ck_assert_int_eq(out.count > 0, worth > out.one_usd);
    struct plan *p = &book.plans[0];
    for (int side = -1; side <= 1 && worth > 1; side += 2) {
        double month = worth / months * (1 + 0.001 * side);
        money price = (money)(month * 1e9) * (MONEY_USD / 1000000000);
        if (p->subscription.present)
            p->subscription.price = price;
        else
            p->provisioned.price = price / 720;
        commit_free(&out);
        ck_assert_int_eq(commit_choose(&out, &q), 0);
        ck_assert_msg((out.count > 0) == (side < 0), "%d at %.6g of %.6g", (int)out.count, month,
                      worth / months);
    }
    commit_free(&out);
    plan_book_free(&book);
    free(c);
}
END_TEST

/* Demand that doubles from the third month on: none pays before, some from then on. */
START_TEST(the_choice_turns_when_demand_has_grown)
{
    struct case_of *c = mem_zero(1, sizeof *c);
    struct commitment out = {0};
    c->kind = &kinds[0];
    c->days = 3 * FORECAST_MONTH_DAYS;
    for (size_t i = 0; i < SAMPLES * c->days; i++) {
        uint64_t requests = i % c->days >= 2 * FORECAST_MONTH_DAYS ? 8 : 2;
        c->demand[i] = (struct block_charge){.weight_micro = requests * PLAN_MICRO};
        c->elsewhere[i] = (money)requests * MONEY_USD / 4;
    }
    struct plan_book book = testing_plans(c->kind->book);
    struct commit_question q = question(c, &book);
    ck_assert_int_eq(commit_choose(&out, &q), 0);
    ck_assert_uint_eq(out.by_month[0], 0);
    ck_assert_uint_eq(out.by_month[1], 0);
    ck_assert_uint_eq(out.by_month[2], 1);
    ck_assert_uint_eq(out.turns, 2 * FORECAST_MONTH_DAYS);
    ck_assert_uint_eq(out.turn.p50, 2 * FORECAST_MONTH_DAYS);
    ck_assert(out.turn.probability == 1);
    commit_free(&out);
    plan_book_free(&book);
    free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commit");
    TCase *tc = tcase_create("commit");
    tcase_add_loop_test(tc, the_count_is_the_best_of_all_for_the_horizon_and_for_each_month, 0, 30);
    tcase_add_loop_test(tc, the_first_pays_up_to_what_it_is_worth, 0, 15);
    tcase_add_test(tc, the_choice_turns_when_demand_has_grown);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
