/* Shares that did and did not change: exact by hand, calibrated on correlated fates under a seed.
 * FAREBOX_LONG_TESTS=1 takes 200 pairs of each kind instead of a few. */
#include "core/random.h"
#include "core/stats/compare_share.h"
#include "testing.h"

#include <math.h>

#define MOST 5000
static double sides[2][MOST];

static int pairs(void)
{
    return getenv("FAREBOX_LONG_TESTS") ? 200 : 60;
}

/* 5% of the pairs, and 2.6 standard deviations of their number: 18 of 200. */
static int allowed(int of)
{
    return (int)(0.05 * of + 2.6 * sqrt(0.05 * 0.95 * of));
}

/* Stretches of `length` ones on average; length 1: each by itself. */
static void make_stretches(double *values, size_t n, double share, double length, struct random *r)
{
    bool one = random_unit(r) < share;
    for (size_t i = 0; i < n; i++) {
        values[i] = one;
        one = random_unit(r) < (one ? 1 - (1 - share) / length : share / length);
    }
}

static void make_pair(size_t n, const double share[2], double length, uint64_t pair)
{
    for (int side = 0; side < 2; side++) {
        struct random r;
        random_init(&r, 91, RANDOM_TEST, pair * 2 + (uint64_t)side);
        make_stretches(sides[side], n, share[side], length, &r);
    }
}

/* Overloads that both runs share, in which half of the requests fail by a throw of their own. */
static void make_shared(size_t n, double more, uint64_t pair)
{
    struct random load, r;
    random_init(&load, 92, RANDOM_TEST, pair);
    random_init(&r, 93, RANDOM_TEST, pair);
    make_stretches(sides[0], n, 0.1, 25, &load);
    for (size_t i = 0; i < n; i++) {
        double overload = sides[0][i];
        sides[0][i] = random_unit(&r) < (overload > 0 ? 0.5 : 0.01);
        sides[1][i] = random_unit(&r) < (overload > 0 ? 0.5 : 0.01) + more;
    }
}

static bool finding(size_t n, bool paired)
{
    struct comparison c;
    compare_shares(sides[0], n, sides[1], n, paired, &c);
    if (c.supported) {
        ck_assert(c.low <= c.change && c.change <= c.high);
        ck_assert(c.settled || (c.p_value < 0.05) == (c.low > 0 || c.high < 0));
        ck_assert(c.p_value >= c.p_independent);
    }
    return c.supported && c.p_value < 0.05;
}

START_TEST(exact_tests_by_hand)
{
    ck_assert_double_eq_tol(share_mcnemar(0, 5), 2.0 / 32, 1e-12);
    ck_assert_double_eq_tol(share_mcnemar(6, 1), 2 * 8.0 / 128, 1e-12);
    ck_assert_double_eq(share_mcnemar(3, 3), 1);
    ck_assert_double_eq(share_mcnemar(0, 0), 1);
    /* The lady tasting tea: 3 of 4 against 1 of 4, one tail 17/70. */
    ck_assert_double_eq_tol(share_fisher(1, 4, 3, 4), 2 * 17.0 / 70, 1e-12);
    ck_assert_double_eq_tol(share_fisher(0, 10, 5, 10), 2 * 252.0 / 15504, 1e-12);
    ck_assert_double_eq_tol(share_fisher(5, 10, 0, 10), 2 * 252.0 / 15504, 1e-12);
    ck_assert_double_eq(share_fisher(0, 7, 0, 9), 1);
}
END_TEST

START_TEST(equal_shares_stay_without_finding)
{
    static const double lengths[] = {1, 10}, shares[] = {0.005, 0.05, 0.4};
    static const size_t sizes[] = {200, 1000, 5000};
    int of = pairs();
    for (int k = 0; k < 18; k++) {
        double length = lengths[k / 9], share[2] = {shares[k / 3 % 3], shares[k / 3 % 3]};
        size_t n = sizes[k % 3];
        int found[2] = {0, 0};
        for (int pair = 0; pair < of; pair++) {
            make_pair(n, share, length, (uint64_t)pair);
            found[0] += finding(n, false);
            found[1] += finding(n, true);
        }
        printf("equal shares of %g in stretches of %g, n = %zu: a finding in %d of %d apart, %d "
               "paired\n",
               share[0], length, n, found[0], of, found[1]);
        ck_assert_int_le(found[0], allowed(of));
        ck_assert_int_le(found[1], allowed(of));
    }
}
END_TEST

START_TEST(equal_shares_under_shared_overloads_stay_without_finding)
{
    static const size_t sizes[] = {300, 1000, 5000};
    int of = pairs();
    for (int k = 0; k < 3; k++) {
        int equal[2] = {0}, more = 0;
        for (int pair = 0; pair < of; pair++) {
            make_shared(sizes[k], 0, (uint64_t)pair);
            equal[0] += finding(sizes[k], false);
            equal[1] += finding(sizes[k], true);
            make_shared(sizes[k], 0.05, (uint64_t)pair);
            more += finding(sizes[k], true);
        }
        printf("shared overloads, n = %zu: equal %d apart, %d paired, 5 points more found in %d of "
               "%d\n",
               sizes[k], equal[0], equal[1], more, of);
        ck_assert_int_le(equal[0], allowed(of));
        ck_assert_int_le(equal[1], allowed(of));
        if (sizes[k] >= 1000)
            ck_assert_int_ge(more, of * 9 / 10);
    }
}
END_TEST

START_TEST(a_shift_is_found)
{
    static const double failed[2] = {0.01, 0.05}, within[2] = {0.95, 0.9};
    int of = pairs(), found[4] = {0};
    for (int pair = 0; pair < of; pair++) {
        make_pair(1000, failed, 1, (uint64_t)pair);
        found[0] += finding(1000, false);
        found[1] += finding(1000, true);
        make_pair(5000, within, 2, (uint64_t)pair);
        found[2] += finding(5000, false);
        found[3] += finding(5000, true);
    }
    printf("1%% to 5%% of 1,000: %d apart, %d paired; 95%% to 90%% of 5,000: %d, %d of %d\n",
           found[0], found[1], found[2], found[3], of);
    for (int i = 0; i < 4; i++)
        ck_assert_int_ge(found[i], of * 9 / 10);
}
END_TEST

/* One event is no rate: whether it would come again, one run cannot tell. */
START_TEST(one_stretch_is_no_finding)
{
    static const size_t sizes[] = {1000, 5000};
    for (int k = 0; k < 4; k++) {
        size_t n = sizes[k / 2];
        struct comparison c;
        for (size_t i = 0; i < n; i++) {
            sides[0][i] = 0;
            sides[1][i] = i >= n - n / 5;
        }
        compare_shares(sides[0], n, sides[1], n, k % 2, &c);
        ck_assert(c.supported && c.p_value > 0.05);
        ck_assert_double_lt(c.p_independent, 1e-9);
        ck_assert_double_eq_tol(c.change, 0.2, 1e-9);
        ck_assert(c.low <= 0 && c.high >= 0.2);
    }
}
END_TEST

START_TEST(few_and_equal_requests)
{
    struct comparison c[3];
    for (size_t i = 0; i < 100; i++)
        sides[0][i] = sides[1][i] = i % 10 == 0;
    compare_shares(sides[0], 100, sides[1], 100, true, &c[0]);
    ck_assert(c[0].supported && c[0].settled && c[0].low == 0 && c[0].high == 0);
    compare_shares(sides[0], 100, sides[1], 90, false, &c[0]);
    ck_assert(c[0].supported && !c[0].settled && c[0].p_value > 0.5);
    for (size_t i = 0; i < 100; i++)
        sides[0][i] = sides[1][i] = 0;
    compare_shares(sides[0], 100, sides[1], 50, false, &c[1]);
    ck_assert(c[1].settled && c[1].p_value == 1);
    for (size_t i = 0; i < 10; i++)
        sides[1][i] = 1;
    for (int paired = 0; paired < 2; paired++) { /* none of ten, then all of them */
        compare_shares(sides[0], 10, sides[1], 10, paired, &c[2]);
        ck_assert(c[2].supported && c[2].p_value < 0.01 && c[2].low > 0.2 && c[2].high == 1);
    }
    compare_adjust(c, 3); /* what is settled weighs on nobody */
    ck_assert_double_eq(c[1].p_adjusted, 1);
    ck_assert_double_eq_tol(c[2].p_adjusted, 2 * c[2].p_value, 1e-12);
    compare_shares(sides[0], 0, sides[1], 10, false, &c[0]);
    ck_assert(!c[0].supported && isnan(c[0].before) && c[0].why);
    compare_shares(sides[0], 1, sides[1], 1, true, &c[0]);
    ck_assert(!c[0].supported && isnan(c[0].low) && c[0].why);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare_share");
    TCase *tests = tcase_create("compare_share");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, exact_tests_by_hand);
    tcase_add_test(tests, equal_shares_stay_without_finding);
    tcase_add_test(tests, equal_shares_under_shared_overloads_stay_without_finding);
    tcase_add_test(tests, a_shift_is_found);
    tcase_add_test(tests, one_stretch_is_no_finding);
    tcase_add_test(tests, few_and_equal_requests);
    return testing_run(suite);
}
