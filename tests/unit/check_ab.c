/* An A/B of made runs: sides that are alike, a side 12 % slower, and what is said of both. */
#include "cli/report/text/ab_text.h"
#include "core/memory.h"
#include "core/runs/compare/ab.h"
#include "made_run.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#define PAIRS 6
#define REQUESTS 120
#define SEEDS 100
#define NOISE 0.02

static const struct run_diff_options options = {.tolerance = 5, .share_tolerance = 1};
static struct ab ab;

/* Every run has a level of its own, 2 % from run to run, as a machine has its good and bad
 * minutes: no number of requests inside it tells how far the next one would lie. */
static void make_pairs(uint64_t seed, size_t pairs, double slower,
                       void (*change)(struct record *r, size_t i, struct random *random))
{
    struct random levels;
    random_init(&levels, 5, RANDOM_TEST, seed);
    ab_init(&ab);
    ab.pairs_asked = pairs;
    for (size_t pair = 0; pair < pairs; pair++)
        for (size_t side = 0; side < 2; side++) {
            char name[32];
            snprintf(name, sizeof name, "%zu-%zu", pair + 1, side + 1);
            made_level = exp(gsl_ran_gaussian(random_gsl(&levels), NOISE)) * (side ? slower : 1);
            make_run(&(struct made){.name = name,
                                    .requests = REQUESTS,
                                    .seed = seed * 100 + pair * 2 + side,
                                    .change = side ? change : NULL});
            ab_add_run(&ab, side, pair + 1, true, 0);
        }
}

static void compare(void)
{
    struct error err = {0};
    ck_assert_msg(ab_compare(&ab, scratch, &options, &err) == 0, "%s", err.message);
    ab_text_conclude(&ab);
}

static size_t row_of(const char *key, double what)
{
    const struct run_diff *d = &ab.result.diff;
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->rows[i].key, key) == 0 && d->rows[i].comparison.what == what)
            return i;
    ck_abort_msg("no row %s", key);
}

static bool any_finding(void)
{
    for (size_t i = 0; i < ab.result.diff.count; i++)
        if (ab.result.diff.rows[i].finding)
            return true;
    return false;
}

static bool answers(const char *words)
{
    return ab.answer.length > 0 && strstr(ab.answer.data, words);
}

static bool doubts(const char *words)
{
    return ab.doubts.length > 0 && strstr(ab.doubts.data, words);
}

/* 12 of 100 are more than three standard errors above 5. */
START_TEST(equal_sides_stay_without_a_winner_in_95_of_100)
{
    int found = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        make_pairs(seed, PAIRS, 1, NULL);
        compare();
        found += any_finding();
        ck_assert_uint_eq(ab.result.strange, 0);
        if (!any_finding()) {
            ck_assert(answers("No difference"));
            ck_assert(!answers("slower") && !answers("faster"));
            ck_assert_int_eq(ab_winner_of(&ab, row_of("ttft_scheduled_ms", 0.5)), -1);
        }
        ab_free(&ab);
    }
    printf("equal sides: a finding in %d of %d\n", found, SEEDS);
    ck_assert_int_lt(found, 12);
}
END_TEST

START_TEST(a_side_12_percent_slower_is_named)
{
    int named = 0, holds = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_pairs(seed, PAIRS, 1.12, NULL);
        compare();
        size_t row = row_of("ttft_scheduled_ms", 0.5);
        const struct comparison *c = &ab.result.diff.rows[row].comparison;
        named += ab_winner_of(&ab, row) == 0 && answers("B is 1") && answers("% slower");
        holds += c->low < 0.12 && c->high > 0.12;
        ck_assert(ab_outcome_of(&ab, row_of("input_tokens", COMPARE_MEAN)) == DIFF_NO_DIFFERENCE);
        ab_free(&ab);
    }
    ck_assert_int_ge(named, 18);
    ck_assert_int_ge(holds, 16);
}
END_TEST

START_TEST(one_run_a_side_names_no_winner)
{
    make_pairs(1, 1, 2, NULL);
    compare();
    ck_assert(!any_finding());
    ck_assert(answers("In these runs B was, against A: "));
    ck_assert(doubts("no winner is named"));
    for (size_t i = 0; i < ab.result.diff.count; i++)
        ck_assert_int_eq(ab_winner_of(&ab, i), -1);
    ab_free(&ab);
}
END_TEST

static void fail_some(struct record *r, size_t i, struct random *random)
{
    (void)random;
    if (i % 10 == 0) {
        r->status = RECORD_FAILED;
        r->failure = FAILURE_SERVER;
    }
}

START_TEST(doubts_come_first)
{
    make_pairs(1, 3, 1, fail_some);
    ab.sides[1].name = mem_copy_string("new");
    ab.pairs_asked = 6;
    compare();
    ck_assert(doubts("3 of 6 pairs of runs are whole"));
    ck_assert(doubts("With 3 pairs the intervals lean on"));
    ck_assert(doubts("new failed 36 of 360 requests (10 %)"));
    ck_assert(answers("new has 10 points more failed"));
    ab_free(&ab);
}
END_TEST

static void other_requests(struct record *r, size_t i, struct random *random)
{
    (void)i;
    r->asked_input += (uint32_t)(1000 * random_unit(random));
}

START_TEST(different_requests_are_said)
{
    make_pairs(1, 2, 1, other_requests);
    compare();
    ck_assert_uint_eq(ab.result.strange, 2);
    ck_assert(doubts("the two sides do not hold the same requests"));
    ab_free(&ab);
}
END_TEST

/* What a kill leaves can be taken up again, and only by a comparison of the same options. */
START_TEST(a_series_is_taken_up_where_it_ended)
{
    struct ab again;
    struct error err = {0};
    make_pairs(1, 2, 1, NULL);
    ab.options_hash = 42;
    ab_add_run(&ab, 1, 3, false, MONEY_USD / 4);
    ab.pairs_asked = 4;
    ck_assert_int_eq(ab_write_file(&ab, scratch, NULL), 0);
    ab_init(&again);
    again.options_hash = 42;
    ck_assert_msg(ab_read_runs(&again, scratch, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(again.count, 5);
    ck_assert(ab_has_run(&again, 0, 2) && ab_has_run(&again, 1, 2) && !ab_has_run(&again, 1, 3));
    ck_assert_uint_eq(ab_pairs(&again), 2);
    ab_add_run(&again, 1, 3, true, MONEY_USD / 2); /* what the first try spent is spent */
    ck_assert(again.count == 5 && again.runs[4].spent == MONEY_USD * 3 / 4);
    ab_free(&again);
    ab_init(&again);
    again.options_hash = 43;
    ck_assert_int_eq(ab_read_runs(&again, scratch, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "of other options"));
    ab_free(&again);
    ab_free(&ab);
}
END_TEST

static void put_cost(struct record *r, size_t i, struct random *random)
{
    (void)i;
    (void)random;
    r->has_cost = true;
    r->cost = MONEY_USD / 1000; /* $1 a thousand */
}

START_TEST(money_is_exact)
{
    money a = 0, b = 0;
    make_pairs(1, 2, 1, put_cost);
    compare();
    ck_assert(!ab_per_thousand(&ab, 0, &a)); /* nobody said what A's cost */
    ck_assert(!answers("thousand"));
    ab_free(&ab);
    make_pairs(1, 2, 1, put_cost);
    for (int pair = 1; pair <= 2; pair++) {
        char name[32];
        snprintf(name, sizeof name, "%d-1", pair);
        make_run(&(struct made){.name = name, .requests = REQUESTS, .change = put_cost});
    }
    compare();
    ck_assert(ab_per_thousand(&ab, 0, &a) && ab_per_thousand(&ab, 1, &b));
    ck_assert(a == MONEY_USD && b == MONEY_USD);
    ck_assert(answers("A thousand requests cost $1.00 on both sides."));
    ab_free(&ab);
}
END_TEST

int main(void)
{
    if (!mkdtemp(scratch))
        return EXIT_FAILURE;
    Suite *suite = suite_create("ab");
    TCase *tests = tcase_create("ab");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, equal_sides_stay_without_a_winner_in_95_of_100);
    tcase_add_test(tests, a_side_12_percent_slower_is_named);
    tcase_add_test(tests, one_run_a_side_names_no_winner);
    tcase_add_test(tests, doubts_come_first);
    tcase_add_test(tests, different_requests_are_said);
    tcase_add_test(tests, a_series_is_taken_up_where_it_ended);
    tcase_add_test(tests, money_is_exact);
    int failed = testing_run(suite);
    testing_remove(scratch);
    return failed;
}
