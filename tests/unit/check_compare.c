/* Calibration of comparisons: pairs of equal runs that must stay without a finding, and pairs that
 * differ. FAREBOX_LONG_TESTS=1 takes 200 pairs of each kind instead of a few. */
#include "core/random.h"
#include "core/stats/compare.h"
#include "core/stats/multiple.h"
#include "testing.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define METRICS 3
#define WHATS 3
#define FAMILY (METRICS * WHATS)
#define MOST 20000

static const double what[WHATS] = {COMPARE_MEAN, 0.5, 0.99};
static double runs[2][METRICS][MOST];

static int pairs(int short_run)
{
    return getenv("FAREBOX_LONG_TESTS") ? 200 : short_run;
}

/* Wait (plus a little work), service and time in system of an M/M/1 queue in its steady state.
 * Paired runs share arrivals and asked work (`r`) and differ by the engine's jitter. */
static void make_queue(double run[METRICS][MOST], size_t n, double load, double slower,
                       struct random *r, struct random *jitter)
{
    gsl_rng *g = random_gsl(r);
    double wait = random_unit(r) < load ? gsl_ran_exponential(g, 1 / (1 - load)) : 0;
    for (size_t i = 0; i < n; i++) {
        double service = slower * gsl_ran_exponential(g, 1);
        if (jitter)
            service *= gsl_ran_lognormal(random_gsl(jitter), -0.005, 0.1);
        run[0][i] = wait + 0.01;
        run[1][i] = service;
        run[2][i] = wait + service;
        wait = fmax(0, wait + service - gsl_ran_exponential(g, 1 / load));
    }
}

/* Lognormal in the margin with CV 25%, correlated as a first-order autoregression. */
static void make_ar1(double *values, size_t n, double phi, double mean, struct random *r)
{
    double sigma = sqrt(log(1 + 0.25 * 0.25)), x = gsl_ran_ugaussian(random_gsl(r));
    for (size_t i = 0; i < n; i++) {
        values[i] = mean * exp(sigma * x - sigma * sigma / 2);
        x = phi * x + sqrt(1 - phi * phi) * gsl_ran_ugaussian(random_gsl(r));
    }
}

static void compare_all(size_t n, bool paired, struct comparison family[FAMILY])
{
    for (size_t m = 0; m < METRICS; m++)
        compare_samples(runs[0][m], n, runs[1][m], n, paired, what, WHATS, family + m * WHATS);
    compare_adjust(family, FAMILY);
}

static bool any_of(const struct comparison *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].p_adjusted < 0.05)
            return true;
    return false;
}

static bool any_finding(const struct comparison family[FAMILY])
{
    return any_of(family, FAMILY);
}

/* At most 18 of 200 pairs; a few pairs may show a few more by chance. */
static int allowed(int of)
{
    return of == 200 ? 18 : of / 8;
}

START_TEST(equal_queues_stay_without_finding)
{
    static const double loads[] = {0.5, 0.8, 0.9};
    static const size_t sizes[] = {200, 1000, 5000};
    int of = pairs(40);
    for (size_t a = 0; a < 3; a++) {
        for (size_t b = 0; b < 3; b++) {
            int found = 0;
            for (int pair = 0; pair < of; pair++) {
                struct comparison family[FAMILY];
                for (int side = 0; side < 2; side++) {
                    struct random r;
                    random_init(&r, 21 + a, RANDOM_TEST, (uint64_t)(pair * 2 + side));
                    make_queue(runs[side], sizes[b], loads[a], 1, &r, NULL);
                }
                compare_all(sizes[b], false, family);
                found += any_finding(family);
            }
            printf("equal M/M/1 pairs at load %.1f, n = %zu: a finding in %d of %d\n", loads[a],
                   sizes[b], found, of);
            ck_assert_int_le(found, allowed(of));
        }
    }
}
END_TEST

START_TEST(equal_autoregressions_stay_without_finding)
{
    int of = pairs(40), found = 0;
    for (int pair = 0; pair < of; pair++) {
        struct comparison family[FAMILY];
        for (int side = 0; side < 2; side++) {
            struct random r;
            random_init(&r, 31, RANDOM_TEST, (uint64_t)(pair * 2 + side));
            for (size_t m = 0; m < METRICS; m++)
                make_ar1(runs[side][m], 5000, 0.5, 300, &r);
        }
        compare_all(5000, false, family);
        found += any_finding(family);
    }
    printf("equal AR(1) pairs: a finding in %d of %d\n", found, of);
    ck_assert_int_le(found, allowed(of));
}
END_TEST

START_TEST(a_shift_of_5_percent_is_found)
{
    int of = pairs(40), mean = 0, p50 = 0, covered = 0;
    for (int pair = 0; pair < of; pair++) {
        struct comparison family[FAMILY];
        for (int side = 0; side < 2; side++) {
            struct random r;
            random_init(&r, 41, RANDOM_TEST, (uint64_t)(pair * 2 + side));
            for (size_t m = 0; m < METRICS; m++)
                make_ar1(runs[side][m], 5000, 0.5, side == 1 && m == 0 ? 315 : 300, &r);
        }
        compare_all(5000, false, family);
        mean += family[0].p_adjusted < 0.05;
        p50 += family[1].p_adjusted < 0.05;
        covered += family[0].low <= 0.05 && 0.05 <= family[0].high;
        ck_assert_double_eq_tol(family[0].change, 0.05, 0.04);
    }
    printf("5%% slower AR(1): mean found in %d, p50 in %d of %d; interval holds 5%% in %d\n", mean,
           p50, of, covered);
    ck_assert_int_ge(mean, of * 9 / 10);
    ck_assert_int_ge(p50, of * 9 / 10);
    ck_assert_int_ge(covered, of * 85 / 100);
}
END_TEST

/* The same requests before and after: their shared bursts cancel. */
START_TEST(pairing_finds_what_independent_runs_cannot)
{
    int of = pairs(40), equal = 0, found = 0, unpaired = 0;
    for (int pair = 0; pair < of; pair++) {
        for (int slow = 0; slow < 2; slow++) {
            struct comparison family[FAMILY], apart[FAMILY];
            for (int side = 0; side < 2; side++) {
                struct random r, jitter;
                random_init(&r, 51, RANDOM_TEST, (uint64_t)pair);
                random_init(&jitter, 52, RANDOM_TEST, (uint64_t)(pair * 2 + side));
                make_queue(runs[side], 5000, 0.7, slow && side ? 1.05 : 1, &r, &jitter);
            }
            compare_all(5000, true, family);
            compare_all(5000, false, apart);
            equal += !slow && any_finding(family);
            found += slow && family[6].p_adjusted < 0.05 && family[7].p_adjusted < 0.05;
            unpaired += slow && apart[6].p_adjusted < 0.05;
        }
    }
    printf("paired queues: equal %d, 5%% slower found in %d (unpaired %d) of %d\n", equal, found,
           unpaired, of);
    ck_assert_int_le(equal, allowed(of));
    ck_assert_int_ge(found, of * 9 / 10);
    ck_assert_int_lt(unpaired, of / 2);
}
END_TEST

START_TEST(interval_and_p_value_agree)
{
    for (uint64_t k = 0; k < 30; k++) {
        struct random r;
        struct comparison c[2];
        const double both[2] = {COMPARE_MEAN, 0.9};
        random_init(&r, 61, RANDOM_TEST, k);
        make_ar1(runs[0][0], 3000, 0.3, 100, &r);
        make_ar1(runs[1][0], 2000, 0.3, 102, &r);
        compare_samples(runs[0][0], 3000, runs[1][0], 2000, true, both, 2, c);
        for (size_t i = 0; i < 2; i++) {
            ck_assert(c[i].supported);
            ck_assert(c[i].low <= c[i].change && c[i].change <= c[i].high);
            ck_assert_int_eq(c[i].p_value<0.05, c[i].low> 0 || c[i].high < 0);
        }
    }
}
END_TEST

/* Few busy stretches carry most of the change: the spread of the differences is as large as they.
 */
START_TEST(a_change_that_bursts_magnify_is_found_in_paired_runs)
{
    int found = 0, equal = 0, of = pairs(20);
    for (int pair = 0; pair < of; pair++) {
        for (int slow = 0; slow < 2; slow++) {
            struct comparison c[WHATS];
            for (int side = 0; side < 2; side++) {
                struct random r, jitter;
                random_init(&r, 81, RANDOM_TEST, (uint64_t)pair);
                random_init(&jitter, 82, RANDOM_TEST, (uint64_t)(pair * 2 + side));
                make_queue(runs[side], 5000, 0.9, slow && side ? 1.05 : 1, &r, &jitter);
            }
            compare_samples(runs[0][2], 5000, runs[1][2], 5000, true, what, WHATS, c);
            compare_adjust(c, WHATS);
            found += slow && c[0].p_adjusted < 0.05 && c[1].p_adjusted < 0.05;
            equal += !slow && any_of(c, WHATS);
            for (size_t i = 0; i < WHATS; i++)
                if (c[i].supported) {
                    ck_assert(c[i].low <= c[i].change && c[i].change <= c[i].high);
                    ck_assert_int_eq(c[i].p_value<0.05, c[i].low> 0 || c[i].high < 0);
                }
        }
    }
    printf("paired queues at load 0.9: equal %d, 5%% slower found in %d of %d\n", equal, found, of);
    ck_assert_int_ge(found, of * 9 / 10);
    ck_assert_int_le(equal, allowed(of));
}
END_TEST

START_TEST(what_cannot_be_compared)
{
    struct random r;
    struct comparison c[3];
    random_init(&r, 71, RANDOM_TEST, 0);
    make_ar1(runs[0][0], 100, 0, 100, &r);
    make_ar1(runs[1][0], 100, 0, 100, &r);
    compare_samples(runs[0][0], 100, runs[1][0], 100, false, what, 3, c);
    ck_assert(c[0].supported && c[1].supported && !c[2].supported);
    compare_adjust(c, 3);
    ck_assert(isnan(c[2].p_adjusted) && isnan(c[2].low));
    ck_assert_double_eq(c[2].before, c[2].before); /* the estimates are there all the same */
    compare_samples(runs[0][0], 0, runs[1][0], 100, false, what, 3, c);
    ck_assert(!c[0].supported && isnan(c[0].before));
    compare_samples(runs[0][0], 100, runs[0][0], 100, true, what, 1, c);
    ck_assert_double_eq(c[0].p_value, 1);
    for (size_t i = 0; i < 100; i++) {
        runs[0][0][i] = 20;
        runs[1][0][i] = 21;
    }
    compare_samples(runs[0][0], 100, runs[1][0], 100, false, what, 1, c);
    ck_assert(c[0].supported);
    ck_assert_double_lt(c[0].p_value, 1e-9);
    ck_assert_double_eq_tol(c[0].low, 0.05, 1e-9);
}
END_TEST

START_TEST(holm_by_hand)
{
    double p[] = {0.01, 0.04, 0.03, 0.005, NAN}, adjusted[5];
    multiple_holm(p, 5, adjusted);
    ck_assert_double_eq_tol(adjusted[3], 0.025, 1e-12);
    ck_assert_double_eq_tol(adjusted[0], 0.04, 1e-12);
    ck_assert_double_eq_tol(adjusted[2], 0.09, 1e-12);
    ck_assert_double_eq_tol(adjusted[1], 0.09, 1e-12); /* 0.08 is lifted to its predecessor */
    ck_assert(isnan(adjusted[4]));
    multiple_holm(p, 0, adjusted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *tests = tcase_create("compare");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, equal_queues_stay_without_finding);
    tcase_add_test(tests, equal_autoregressions_stay_without_finding);
    tcase_add_test(tests, a_shift_of_5_percent_is_found);
    tcase_add_test(tests, pairing_finds_what_independent_runs_cannot);
    tcase_add_test(tests, interval_and_p_value_agree);
    tcase_add_test(tests, a_change_that_bursts_magnify_is_found_in_paired_runs);
    tcase_add_test(tests, what_cannot_be_compared);
    tcase_add_test(tests, holm_by_hand);
    return testing_run(suite);
}
