/* Classes that add up to their lengths, and where a workload keeps them. */
#include "core/usage/usage.h"
#include "tests/unit/testing.h"
#include "workloads/model/workload.h"

START_TEST(classes_are_cut_to_their_lengths_the_last_first)
{
    struct usage u = {.tokens = {[USAGE_CACHED_INPUT] = 50,
                                 [USAGE_IMAGE_INPUT] = 30,
                                 [USAGE_CACHED_AUDIO_INPUT] = 40,
                                 [USAGE_REASONING] = 5,
                                 [USAGE_AUDIO_OUTPUT] = 9}};
    struct usage room = u, tight = u;
    usage_fit(&room, 200, 20);
    ck_assert_uint_eq(room.tokens[USAGE_UNCACHED_INPUT], 80);
    ck_assert_uint_eq(room.tokens[USAGE_OUTPUT], 6);
    usage_fit(&tight, 90, 7);
    ck_assert_uint_eq(tight.tokens[USAGE_CACHED_INPUT], 50);
    ck_assert_uint_eq(tight.tokens[USAGE_CACHED_AUDIO_INPUT], 10);
    ck_assert_uint_eq(tight.tokens[USAGE_UNCACHED_INPUT], 0);
    ck_assert_uint_eq(tight.tokens[USAGE_AUDIO_OUTPUT], 2);
    ck_assert_uint_eq(usage_input(&tight), 90);
    ck_assert_uint_eq(usage_output(&tight), 7);
}
END_TEST

START_TEST(another_cache_leaves_lengths_and_kinds)
{
    struct usage u = {.tokens = {[USAGE_UNCACHED_INPUT] = 100,
                                 [USAGE_CACHED_INPUT] = 10,
                                 [USAGE_CACHE_WRITE_1H] = 20,
                                 [USAGE_IMAGE_INPUT] = 30,
                                 [USAGE_CACHED_IMAGE_INPUT] = 40,
                                 [USAGE_OUTPUT] = 3,
                                 [USAGE_REASONING] = 4}};
    usage_set_cache(&u, 60, 5, 0);
    ck_assert_uint_eq(usage_input(&u), 200);
    ck_assert_uint_eq(usage_cached(&u), 60);
    ck_assert_uint_eq(u.tokens[USAGE_CACHE_WRITE], 5);
    ck_assert_uint_eq(u.tokens[USAGE_CACHE_WRITE_1H], 0);
    ck_assert_uint_eq(u.tokens[USAGE_IMAGE_INPUT], 70);
    ck_assert_uint_eq(u.tokens[USAGE_UNCACHED_INPUT], 65);
    ck_assert_uint_eq(usage_output(&u), 7);
}
END_TEST

static void add(struct workload *w, uint64_t image)
{
    struct request r = {.input_tokens = 100, .output_tokens = 10, .attempts = 1, .has_usage = true};
    struct error err = {0};
    r.usage.tokens[USAGE_IMAGE_INPUT] = image;
    r.usage.tokens[USAGE_AUDIO_OUTPUT] = image ? 4 : 0;
    usage_fit(&r.usage, 100, 10);
    ck_assert_int_eq(workload_add(w, &r, &err), 0);
}

START_TEST(a_workload_keeps_kinds_only_where_it_has_any)
{
    struct workload w;
    workload_init(&w);
    add(&w, 0);
    ck_assert_ptr_null(w.media);
    for (int i = 0; i < 200; i++)
        add(&w, i % 3 == 0 ? 60 : 0);
    ck_assert_ptr_nonnull(w.media);
    for (size_t i = 0; i < w.count; i++) {
        struct usage u = workload_usage(&w, i);
        bool has = i > 0 && (i - 1) % 3 == 0;
        ck_assert_uint_eq(u.tokens[USAGE_IMAGE_INPUT], has ? 60 : 0);
        ck_assert_uint_eq(u.tokens[USAGE_AUDIO_OUTPUT], has ? 4 : 0);
        ck_assert_uint_eq(u.tokens[USAGE_UNCACHED_INPUT], has ? 40 : 100);
        ck_assert_uint_eq(usage_output(&u), 10);
    }
    workload_free(&w);
}
END_TEST

START_TEST(classes_that_do_not_add_up_are_refused)
{
    struct workload w;
    struct error err = {0};
    struct request r = {.input_tokens = 100, .output_tokens = 10, .attempts = 1, .has_usage = true};
    r.usage.tokens[USAGE_UNCACHED_INPUT] = 100;
    r.usage.tokens[USAGE_VIDEO_INPUT] = 1;
    r.usage.tokens[USAGE_OUTPUT] = 10;
    workload_init(&w);
    ck_assert_int_lt(workload_add(&w, &r, &err), 0);
    ck_assert_uint_eq(w.count, 0);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("usage");
    TCase *t = tcase_create("usage");
    tcase_add_test(t, classes_are_cut_to_their_lengths_the_last_first);
    tcase_add_test(t, another_cache_leaves_lengths_and_kinds);
    tcase_add_test(t, a_workload_keeps_kinds_only_where_it_has_any);
    tcase_add_test(t, classes_that_do_not_add_up_are_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
