/* One schedule shared out: among workers, and among the shards of a run in several processes. */
#include "testing_schedule.h"
#include "workloads/load/dependencies.h"

/* Whatever the number of workers, the run holds the same requests at the same times. */
START_TEST(workers_share_out_one_schedule)
{
    struct workload w = testing_rows(300, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_OPEN);
    struct due due;
    int64_t alone[300], sum = 0;
    profile_hold(&c.load, 1000);
    struct schedule *s = create(&c, &w);
    for (int i = 0; i < 300; i++) {
        ck_assert(schedule_take(s, TIME_NEVER - 1, &due));
        alone[due.row] = due.scheduled_ns;
    }
    schedule_free(s);
    c.workers = 3;
    for (c.worker = 0; c.worker < 3; c.worker++) {
        s = create(&c, &w);
        uint32_t own = 0;
        while (schedule_take(s, TIME_NEVER - 1, &due)) {
            ck_assert_int_eq(due.scheduled_ns, alone[due.row]);
            own++;
            sum++;
        }
        ck_assert_uint_eq(own, 100); /* dealt out evenly */
        ck_assert_uint_eq(schedule_not_due(s), 0);
        schedule_free(s);
    }
    ck_assert_int_eq(sum, 300);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Shard i of n with k workers owns the same rows whatever k is. */
START_TEST(shards_own_the_same_rows_whatever_their_workers)
{
    struct workload w = testing_rows(300, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_TRACE);
    struct due due;
    uint8_t owner[300];
    c.workers = c.shards = 3;
    for (c.worker = 0; c.worker < 3; c.worker++) {
        struct schedule *s = create(&c, &w);
        while (schedule_take(s, TIME_NEVER - 1, &due))
            owner[due.row] = (uint8_t)c.worker;
        schedule_free(s);
    }
    c.workers = 6;
    for (c.worker = 0; c.worker < 6; c.worker++) {
        struct schedule *s = create(&c, &w);
        while (schedule_take(s, TIME_NEVER - 1, &due))
            ck_assert_uint_eq(owner[due.row], c.worker % 3);
        schedule_free(s);
    }
    workload_free(&w);
}
END_TEST

/* Sessions are dealt out like rows, whole; a pattern in them does not fall on one worker. */
START_TEST(sessions_are_dealt_out_evenly_and_whole)
{
    struct workload w;
    uint32_t sessions[4] = {0}, large[4] = {0};
    workload_init(&w);
    for (int i = 0; i < 1200; i++) {
        char session[8];
        snprintf(session, sizeof session, "s%d", i % 400);
        struct request r = {.session_id = session,
                            .input_tokens = i % 400 % 4 == 0 ? 1000 : 1, /* every fourth session */
                            .output_tokens = 1};
        testing_add(&w, r);
    }
    uint32_t *owner = dependencies_owners(&w, 2, 2);
    for (uint32_t row = 0; row < 1200; row++) {
        ck_assert_uint_lt(owner[row], 4);
        ck_assert_uint_eq(owner[row], owner[row % 400]);
        sessions[owner[row]] += row < 400;
        large[owner[row]] += row < 400 && w.input_tokens[row] == 1000;
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(sessions[i], 100);
        ck_assert_uint_gt(large[i], 10);
    }
    free(owner);
    workload_free(&w);
}
END_TEST

/* Without a slot there is nothing to wait for. */
START_TEST(a_worker_without_a_slot_is_done)
{
    struct workload w = testing_rows(20, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_CLOSED);
    struct due due;
    profile_hold(&c.load, 1);
    c.workers = 2;
    c.worker = 1;
    struct schedule *s = create(&c, &w);
    ck_assert(!schedule_take(s, 0, &due));
    ck_assert(schedule_exhausted(s, 0));
    ck_assert_uint_eq(schedule_not_due(s), 10);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

START_TEST(workers_share_out_slots)
{
    struct workload w = testing_rows(1000, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_CLOSED);
    struct due due;
    uint32_t taken = 0;
    profile_hold(&c.load, 7);
    c.workers = 3;
    for (c.worker = 0; c.worker < 3; c.worker++) {
        struct schedule *s = create(&c, &w);
        while (schedule_take(s, 0, &due))
            taken++;
        schedule_free(s);
    }
    ck_assert_uint_eq(taken, 7);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shares");
    TCase *t = tcase_create("shares");
    tcase_add_test(t, workers_share_out_one_schedule);
    tcase_add_test(t, shards_own_the_same_rows_whatever_their_workers);
    tcase_add_test(t, sessions_are_dealt_out_evenly_and_whole);
    tcase_add_test(t, a_worker_without_a_slot_is_done);
    tcase_add_test(t, workers_share_out_slots);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
