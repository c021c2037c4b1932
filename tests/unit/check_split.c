/* What is picked where room is limited, against every choice there is. */
#include "testing.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/split/pick.h"

#include <string.h>

#define ITEMS 11
#define LIMITS 2

/* How the limits of a kind lie: windows of so many ns, from `shift` on; rolling where it is set. */
static const struct kind {
    int64_t length[LIMITS], shift[LIMITS];
    bool rolling[LIMITS];
    bool counts; /* else each item asks for an amount of its own */
    bool some;   /* the first limit is for some items only */
    bool exact;
} kinds[] = {
    {{4, 16}, {0, 0}, {false, false}, true, false, true},   /* windows that nest */
    {{4, 16}, {0, 0}, {false, false}, true, true, true},    /* one of them for some items */
    {{6, 10}, {0, 3}, {false, false}, true, false, true},   /* across each other */
    {{5, 40}, {0, 0}, {true, false}, true, false, true},    /* rolling, and all of the time */
    {{5, 12}, {0, 0}, {true, true}, true, false, true},     /* both rolling */
    {{4, 16}, {0, 0}, {false, false}, false, false, false}, /* amounts */
    {{5, 12}, {0, 3}, {true, false}, false, false, false},
};

struct example {
    size_t count;
    money value[ITEMS];
    int64_t at_ns[ITEMS];
    uint32_t window[LIMITS][ITEMS];
    money_magnitude need[LIMITS][ITEMS];
    struct pick_limit limits[LIMITS];
    struct pick pick;
};

static void make_limit(struct example *e, const struct kind *k, int l, struct random *r)
{
    for (size_t i = 0; i < e->count; i++) {
        bool in = !k->some || l > 0 || random_below(r, 2);
        e->window[l][i] =
            in ? (uint32_t)((e->at_ns[i] + k->shift[l]) / k->length[l]) : PICK_NOWHERE;
        e->need[l][i] = k->counts ? 10 : 1 + random_below(r, 20);
    }
    for (size_t i = 0; i < e->count && l > 0 && !k->counts; i++)
        e->need[l][i] = e->need[0][i]; /* both go by the same */
    e->limits[l] = (struct pick_limit){.measure = 0,
                                       .window = e->window[l],
                                       .windows = 64,
                                       .need = e->need[l],
                                       .room = 5 + random_below(r, 40) + 20 * (unsigned)l,
                                       .times = 1,
                                       .rolling_ns = k->rolling[l] ? k->length[l] : 0};
}

static void make(struct example *e, const struct kind *k, struct random *r)
{
    *e = (struct example){.count = 1 + random_below(r, ITEMS)};
    int64_t at = 0;
    for (size_t i = 0; i < e->count; i++) {
        e->at_ns[i] = at += (int64_t)random_below(r, 6);
        e->value[i] = (money)random_below(r, 5) * MONEY_USD + (money)random_below(r, 3);
    }
    for (int l = 0; l < LIMITS; l++)
        make_limit(e, k, l, r);
    e->pick = (struct pick){.count = e->count,
                            .value = e->value,
                            .at_ns = e->at_ns,
                            .limits = e->limits,
                            .limit_count = LIMITS};
    pick_prepare(&e->pick);
}

static bool in_window(const struct example *e, int l, size_t at, size_t other)
{
    if (e->window[l][other] == PICK_NOWHERE || e->window[l][at] == PICK_NOWHERE)
        return false;
    if (e->limits[l].rolling_ns > 0)
        return e->at_ns[other] <= e->at_ns[at] &&
               e->at_ns[other] > e->at_ns[at] - e->limits[l].rolling_ns;
    return e->window[l][other] == e->window[l][at];
}

/* True if at no item more is used of any limit than n of it allow. */
static bool fits(const struct example *e, unsigned set, uint64_t n)
{
    for (int l = 0; l < LIMITS; l++)
        for (size_t at = 0; at < e->count; at++) {
            money_magnitude used = 0;
            for (size_t i = 0; i < e->count; i++)
                used += set >> i & 1 && in_window(e, l, at, i) ? e->need[l][i] : 0;
            if (used > n * e->limits[l].room)
                return false;
        }
    return true;
}

static money value_of(const struct example *e, unsigned set)
{
    money sum = 0;
    for (size_t i = 0; i < e->count; i++)
        sum += set >> i & 1 ? e->value[i] : 0;
    return sum;
}

static money best_of_all(const struct example *e, uint64_t n)
{
    money best = 0;
    for (unsigned set = 0; set < 1u << e->count; set++)
        if (value_of(e, set) > best && fits(e, set, n))
            best = value_of(e, set);
    return best;
}

START_TEST(no_choice_has_more_than_is_said)
{
    const struct kind *k = &kinds[_i];
    struct random r;
    size_t exact = 0, rounds = testing_few() ? 60 : 600;
    random_init(&r, 11, RANDOM_TEST, (uint64_t)_i);
    for (size_t round = 0; round < rounds; round++) {
        struct example e;
        struct pick_answer a;
        uint8_t taken[ITEMS] = {0};
        uint64_t n = 1 + random_below(&r, 3);
        make(&e, k, &r);
        pick_solve(&e.pick, n, 0, e.count, taken, &a);
        money best = best_of_all(&e, n);
        unsigned set = 0;
        for (size_t i = 0; i < e.count; i++)
            set |= (unsigned)taken[i] << i;
        ck_assert(value_of(&e, set) == a.value);
        ck_assert_msg(a.most >= best, "round %zu: a bound below what there is", round);
        ck_assert(pick_most(&e.pick, n, 0, e.count) >= best);
        if (a.exact || k->exact)
            ck_assert_msg(a.value == best && a.exact, "round %zu: %g, not %g", round,
                          money_to_double(a.value), money_to_double(best));
        if (k->exact)
            ck_assert(fits(&e, set, n));
        exact += a.exact;
        pick_free(&e.pick);
    }
    ck_assert_uint_gt(exact, k->exact ? rounds - 1 : 0);
}
END_TEST

#define MANY 400

/* Where windows nest, the greedy choice and the flow come to the same. */
START_TEST(greedy_and_flow_agree_where_windows_nest)
{
    static money value[MANY];
    static int64_t at_ns[MANY];
    static uint32_t window[2][MANY];
    static money_magnitude need[MANY];
    struct random r;
    random_init(&r, 5, RANDOM_TEST, 9);
    for (int round = 0; round < 10; round++) {
        struct pick_answer a;
        for (int i = 0; i < MANY; i++) {
            at_ns[i] = (i ? at_ns[i - 1] : 0) + (int64_t)random_below(&r, 9);
            value[i] = (money)random_below(&r, 1u << (20 - round));
            window[0][i] = (uint32_t)(at_ns[i] / 20);
            window[1][i] = (uint32_t)(at_ns[i] / 200);
            need[i] = 1;
        }
        struct pick_limit limits[2] = {
            {.window = window[0], .windows = MANY, .need = need, .room = 2, .times = 1},
            {.window = window[1], .windows = MANY, .need = need, .room = 9, .times = 1}};
        struct pick p = {
            .count = MANY, .value = value, .at_ns = at_ns, .limits = limits, .limit_count = 2};
        pick_prepare(&p);
        pick_solve(&p, 2, 20, MANY - 20, NULL, &a);
        ck_assert(a.exact);
        ck_assert(a.value > 0 && a.value == pick_by_flow(&p, 2, 20, MANY - 20, NULL));
        pick_free(&p);
    }
}
END_TEST

START_TEST(fractions_are_compared_exactly)
{
    const money_magnitude large = ~(money_magnitude)0 >> 1;
    ck_assert_int_eq(pick_compare(1, 3, 2, 6), 0);
    ck_assert_int_eq(pick_compare(large, large - 1, large - 1, large - 2), -1);
    ck_assert_int_eq(pick_compare(large - 1, large, large - 2, large - 1), 1);
    ck_assert_int_eq(pick_compare(0, 7, 0, 9), 0);
    ck_assert_int_eq(pick_compare(0, 7, 1, large), -1);
    ck_assert_int_eq(pick_compare(7, 2, 3, 1), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("split");
    TCase *t = tcase_create("split");
    tcase_add_loop_test(t, no_choice_has_more_than_is_said, 0, COUNT_OF(kinds));
    tcase_add_test(t, greedy_and_flow_agree_where_windows_nest);
    tcase_add_test(t, fractions_are_compared_exactly);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
