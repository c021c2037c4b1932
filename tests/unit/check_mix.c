/* Several scenarios at once. */
#include "testing.h"

#include "core/memory.h"
#include "workloads/scenario/generate.h"
#include "workloads/scenario/mix.h"

#include <math.h>

static struct workload generated(const char *mix, uint64_t requests, uint64_t seed)
{
    struct scenario s;
    struct workload w;
    struct error err = {0};
    workload_init(&w);
    ck_assert_msg(scenario_load_mix(mix, &s, &err) == 0, "%s", err.message);
    int made =
        workload_generate(&s, seed, &(struct generate_options){.requests = requests}, &w, &err);
    ck_assert_msg(made == 0, "%s", err.message);
    scenario_free(&s);
    return w;
}

static double share_of_class(const struct workload *w, const char *name)
{
    uint32_t number = names_find(&w->classes, text_of(name));
    size_t count = 0;
    ck_assert_uint_ne(number, NAME_NONE);
    for (size_t i = 0; i < w->count; i++)
        count += w->class_number[i] == number;
    return (double)count / (double)w->count;
}

START_TEST(shares_are_of_the_requests_all_turns_among_them)
{
    struct workload w = generated("chat:7,agent:3", 40000, 5);
    ck_assert_double_eq_tol(share_of_class(&w, "chat"), 0.7, 0.03);
    ck_assert_double_eq_tol(share_of_class(&w, "agent"), 0.3, 0.03);
    workload_free(&w);
}
END_TEST

START_TEST(classes_keep_their_share_within_a_scenario)
{
    struct workload w = generated("reasoning:0.5,chat:0.5", 20000, 5);
    struct workload alone = generated("reasoning:1", 20000, 5);
    ck_assert_double_eq_tol(share_of_class(&w, "hard") * 2, share_of_class(&alone, "hard"), 0.03);
    ck_assert_double_eq_tol(share_of_class(&w, "easy") * 2, share_of_class(&alone, "easy"), 0.03);
    workload_free(&w);
    workload_free(&alone);
}
END_TEST

START_TEST(the_whole_is_as_fast_as_the_mean_of_its_parts)
{
    struct workload chat = generated("chat:1", 10000, 5), rag = generated("rag:1", 10000, 5);
    struct workload both = generated("chat:0.25,rag:0.75", 10000, 5);
    double a = 10000 / ((double)workload_span_ns(&chat) / 1e9);
    double b = 10000 / ((double)workload_span_ns(&rag) / 1e9);
    double mixed = 10000 / ((double)workload_span_ns(&both) / 1e9);
    ck_assert_double_eq_tol(mixed / (0.25 * a + 0.75 * b), 1, 0.1);
    workload_free(&chat);
    workload_free(&rag);
    workload_free(&both);
}
END_TEST

START_TEST(the_first_one_says_how_much_and_the_seed_which)
{
    struct workload first = generated("code-review:1,chat:1", 0, 5);
    struct workload again = generated("code-review:1,chat:1", 0, 5);
    struct workload other = generated("code-review:1,chat:1", 0, 6);
    ck_assert_uint_eq(first.count, 500);
    ck_assert_uint_eq(first.block_size, 512);
    ck_assert_mem_eq(first.timestamp_ns, again.timestamp_ns, 500 * sizeof *first.timestamp_ns);
    ck_assert_mem_ne(first.timestamp_ns, other.timestamp_ns, 500 * sizeof *first.timestamp_ns);
    workload_free(&first);
    workload_free(&again);
    workload_free(&other);
}
END_TEST

START_TEST(blocks_are_the_smallest_that_any_has)
{
    struct scenario s;
    struct error err = {0};
    ck_assert_int_eq(scenario_load_mix("rag:1,agent:1,chat:1", &s, &err), 0);
    ck_assert_uint_eq(s.block_size, 64);
    ck_assert_uint_eq(s.class_count, 3);
    scenario_free(&s);
}
END_TEST

static const struct {
    const char *mix, *says;
} wrong[] = {
    {"chat", "expected SCENARIO:SHARE"},
    {"chat:0.7,", "expected SCENARIO:SHARE"},
    {"chat:0,agent:1", "above 0"},
    {"chat:-1,agent:1", "above 0"},
    {"chat:much", "found \"chat:much\""},
    {":0.5", "expected SCENARIO:SHARE"},
    {"chat:0.7,agnt:0.3", "did you mean \"agent\""},
};

START_TEST(what_is_wrong_is_quoted)
{
    struct scenario s;
    struct error err = {0};
    ck_assert_int_lt(scenario_load_mix(wrong[_i].mix, &s, &err), 0);
    ck_assert_msg(strstr(err.message, wrong[_i].says), "%s", err.message);
    ck_assert_uint_eq(s.class_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mix");
    TCase *t = tcase_create("mix");
    tcase_add_test(t, shares_are_of_the_requests_all_turns_among_them);
    tcase_add_test(t, classes_keep_their_share_within_a_scenario);
    tcase_add_test(t, the_whole_is_as_fast_as_the_mean_of_its_parts);
    tcase_add_test(t, the_first_one_says_how_much_and_the_seed_which);
    tcase_add_test(t, blocks_are_the_smallest_that_any_has);
    tcase_add_loop_test(t, what_is_wrong_is_quoted, 0, COUNT_OF(wrong));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
