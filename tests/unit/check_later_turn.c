#include "tests/unit/testing.h"
#include "workloads/model/later_turn.h"

#include <stdlib.h>

#define BLOCK 10

/* A request of a session whose prompt consists of blocks begin, begin + 1, ... */
static void add(struct workload *w, const char *session, uint32_t input, uint32_t output,
                uint64_t begin, const uint32_t *after)
{
    uint64_t ids[64];
    struct request r = {.timestamp_ns = (int64_t)w->count * NS_PER_S,
                        .input_tokens = input,
                        .output_tokens = output,
                        .hash_ids = ids,
                        .hash_count = (input + BLOCK - 1) / BLOCK,
                        .block_size = BLOCK,
                        .session_id = session,
                        .after = after,
                        .after_count = after != NULL,
                        .attempts = 1};
    for (size_t i = 0; i < r.hash_count; i++)
        ids[i] = begin + i;
    ck_assert_int_eq(workload_add(w, &r, NULL), 0);
}

static void expect(const struct workload *w, const uint32_t *rows)
{
    uint32_t *later = later_turns_find(w);
    ck_assert_ptr_nonnull(later);
    for (size_t i = 0; i < w->count; i++)
        ck_assert_uint_eq(later[i], rows[i]);
    free(later);
}

#define NONE LATER_TURN_NONE

/* Two talks in turn; a request in between that is about something else is passed over. */
START_TEST(a_session_goes_on)
{
    struct workload w;
    workload_init(&w);
    add(&w, "a", 25, 10, 100, NULL);
    add(&w, "b", 25, 10, 200, NULL);
    add(&w, "a", 12, 3, 900, NULL);
    add(&w, "a", 40, 10, 100, NULL);
    add(&w, "b", 34, 10, 200, NULL); /* too short to hold the answer */
    add(&w, "a", 80, 10, 100, NULL);
    expect(&w, (uint32_t[]){5, NONE, NONE, 5, NONE, NONE});
    workload_free(&w);
}
END_TEST

START_TEST(who_waits_goes_on)
{
    struct workload w;
    workload_init(&w);
    add(&w, NULL, 25, 10, 100, NULL);
    add(&w, NULL, 45, 10, 100, NULL); /* begins alike, and waits for nobody */
    add(&w, NULL, 60, 10, 100, (uint32_t[]){0});
    expect(&w, (uint32_t[]){2, NONE, NONE});
    workload_free(&w);
}
END_TEST

/* Behind a prompt that all begin with, questions of less than a block: longer ones follow shorter
 * ones as often as the reverse. */
START_TEST(what_begins_anew_does_not_go_on)
{
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 20; i++)
        add(&w, "a", 51 + (uint32_t)(i * 7 % 9), 1, 100, NULL);
    ck_assert_ptr_null(later_turns_find(&w));
    workload_free(&w);
}
END_TEST

START_TEST(nothing_is_known_without_sessions)
{
    struct workload w;
    workload_init(&w);
    add(&w, NULL, 25, 10, 100, NULL);
    add(&w, NULL, 45, 10, 100, NULL);
    ck_assert_ptr_null(later_turns_find(&w));
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("later_turn");
    TCase *tests = tcase_create("later_turn");
    tcase_add_test(tests, a_session_goes_on);
    tcase_add_test(tests, who_waits_goes_on);
    tcase_add_test(tests, what_begins_anew_does_not_go_on);
    tcase_add_test(tests, nothing_is_known_without_sessions);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
