/* Replicas that come and go: what is decided, who serves meanwhile, what it takes, and that jumps
 * change nothing. */
#include "engine_fixture.h"

#include "sim/engine/autoscale.h"
#include "sim/engine/members.h"

#include <stdlib.h>

static struct autoscale_config scaling(enum autoscale_metric metric, double target, uint32_t most)
{
    struct autoscale_config c;
    autoscale_config_init(&c);
    c.metric = metric;
    c.target = target;
    c.max_replicas = most;
    return c;
}

/* What a Kubernetes autoscaler would make of these totals, a sync each. */
START_TEST(wishes_follow_the_metric)
{
    struct autoscale_config c = scaling(AUTOSCALE_CONCURRENCY, 10, 40);
    static const struct {
        uint32_t replicas;
        uint64_t total;
        uint32_t wanted;
    } syncs[] = {
        {2, 20, 2},    /* as wished */
        {2, 22, 2},    /* within the tolerance */
        {2, 23, 3},    /* above it: rounded up */
        {3, 300, 7},   /* four more at once */
        {7, 300, 14},  /* or twice as many */
        {30, 900, 40}, /* no more than there may be */
    };
    struct autoscaler a;
    autoscaler_init(&a, &c, 2, 0);
    for (size_t i = 0; i < sizeof syncs / sizeof *syncs; i++) {
        ck_assert_int_eq(a.next_ns, (int64_t)(i + 1) * 15 * NS_PER_S);
        ck_assert_uint_eq(autoscaler_sync(&a, syncs[i].replicas, syncs[i].total), syncs[i].wanted);
    }
    autoscaler_free(&a);
}
END_TEST

/* Fewer only when the whole window wanted fewer, and then as many as it wanted at most. */
START_TEST(the_window_keeps_replicas)
{
    struct autoscale_config c = scaling(AUTOSCALE_QUEUE, 5, 10);
    c.sync_period_s = 10;
    c.stabilization_window_s = 60;
    struct autoscaler a;
    autoscaler_init(&a, &c, 6, 0);
    for (int second = 10; second < 60; second += 10) /* what was there at first counts */
        ck_assert_uint_eq(autoscaler_sync(&a, 6, second == 30 ? 20 : 0), 6);
    ck_assert_uint_eq(autoscaler_sync(&a, 6, 0), 4);
    ck_assert_uint_eq(autoscaler_sync(&a, 4, 0), 4); /* 70 s */
    ck_assert_uint_eq(autoscaler_sync(&a, 4, 0), 4);
    ck_assert_uint_eq(autoscaler_sync(&a, 4, 0), 1); /* 90 s: second 30 is out of the window */
    autoscaler_free(&a);
}
END_TEST

START_TEST(a_schedule_is_followed_and_begun_anew)
{
    struct autoscale_config c = scaling(AUTOSCALE_SCHEDULE, 0, 9);
    c.schedule_count = 2;
    c.schedule[0] = (struct autoscale_point){0, 2};
    c.schedule[1] = (struct autoscale_point){60, 20};
    c.period_s = 100;
    struct autoscaler a;
    autoscaler_init(&a, &c, 1, NS_PER_S);
    static const int64_t seconds[] = {0, 60, 100, 160, 200};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(a.next_ns, (1 + seconds[i]) * NS_PER_S);
        ck_assert_uint_eq(autoscaler_sync(&a, 1, 0), i % 2 ? 9 : 2);
    }
    c.period_s = 0;
    autoscaler_init(&a, &c, 1, 0);
    autoscaler_sync(&a, 1, 0);
    autoscaler_sync(&a, 1, 0);
    ck_assert_int_eq(a.next_ns, TIME_NEVER);
    autoscaler_free(&a);
}
END_TEST

/* Those that start go first, then the youngest; places are used again. */
START_TEST(members_come_and_go)
{
    struct members m = {0};
    members_begin(&m, 2, 100);
    ck_assert_uint_eq(members_start(&m, 200, 260), 2);
    ck_assert_uint_eq(members_start(&m, 200, 300), 3);
    members_settle(&m, 260);
    ck_assert_uint_eq(m.ready, 3);
    ck_assert_uint_eq(members_stop(&m, 270), 3); /* not ready yet: off at once */
    ck_assert_int_eq(m.items[3].stage, MEMBER_OFF);
    ck_assert_uint_eq(members_stop(&m, 280), 2);
    ck_assert_int_eq(m.items[2].stage, MEMBER_DRAINING);
    ck_assert_uint_eq(m.ready, 2);
    ck_assert_uint_eq(members_start(&m, 290, 290), 3);
    members_off(&m, 2, 400);
    ck_assert_int_eq(members_cold_ns(&m, 400), 60 + 70);
    ck_assert_int_eq(members_time_ns(&m, 400), 2 * 300 + 200 + 70 + 110);
    members_stop(&m, 400);
    members_stop(&m, 400);
    ck_assert_uint_eq(members_stop(&m, 400), 0);
    ck_assert_uint_eq(members_stop(&m, 400), MEMBER_NONE);
    members_free(&m);
}
END_TEST

/* One place a replica. The second replica is wanted at the sync of second 1 and takes what comes
 * from second 3 on; 100 s after the last wish for it it drains, its answer comes whole. */
/* Each from its own start, a unit that was begun counts. */
START_TEST(members_are_paid_in_whole_units)
{
    struct members m = {.unit_ns = 60};
    members_begin(&m, 1, -10);
    ck_assert_uint_eq(members_units(&m, 50), 1);
    ck_assert_uint_eq(members_units(&m, 51), 2);
    uint32_t second = members_start(&m, 60, 70);
    ck_assert_uint_eq(members_units(&m, 61), 3);
    members_settle(&m, 70);
    ck_assert_uint_eq(members_stop(&m, 130), second);
    members_off(&m, second, 181); /* 121: three of its own */
    ck_assert_uint_eq(members_units(&m, 181), 4 + 3);
    members_free(&m);
    members_begin(&m, 1, 0); /* without a unit nothing is counted */
    ck_assert_uint_eq(members_units(&m, 1000), 0);
    members_free(&m);
}
END_TEST

START_TEST(a_second_replica_starts_and_drains)
{
    struct engine_config config = small_config();
    config.router = ROUTER_LEAST_LOADED;
    config.max_num_seqs = 1;
    config.autoscale = scaling(AUTOSCALE_CONCURRENCY, 1, 2);
    config.autoscale.sync_period_s = 1;
    config.autoscale.cold_start_s = 2;
    config.autoscale.stabilization_window_s = 1;
    jobs[0] = plain_job(0, 50, 400, 0); /* of 4.7 s */
    jobs[1] = plain_job(NS_PER_MS, 50, 2, 0);
    jobs[2] = plain_job(2 * NS_PER_S, 50, 2, 0);
    jobs[3] = plain_job(3 * NS_PER_S, 50, 300, 0);
    struct engine_state state = run_jobs(&config, jobs, 4, 16, &one);
    ck_assert_int_gt(one.fates[1].first_ns, one.fates[0].done_ns); /* behind it in its queue */
    ck_assert_int_gt(one.fates[2].first_ns, one.fates[0].done_ns);
    ck_assert_int_lt(one.fates[3].first_ns, jobs[3].at_ns + 20 * NS_PER_MS);
    ck_assert_int_gt(one.fates[3].done_ns, one.fates[2].done_ns);
    ck_assert_uint_eq(one.fates[3].tokens, 300);
    ck_assert_uint_eq(state.starts, 1);
    ck_assert_uint_eq(state.stops, 1);
    ck_assert_uint_eq(state.replicas_most, 2);
    ck_assert_int_eq(state.cold_ns, 2 * NS_PER_S);
    /* the first from 0 to the end, the second from second 1 until its answer is out */
    int64_t end_ns = one.fates[3].done_ns;
    ck_assert_int_eq(state.replica_ns, end_ns + end_ns - NS_PER_S);
    ck_assert_uint_eq(state.output_tokens, 704);
    ck_assert_uint_eq(state.replicas, 1);
}
END_TEST

/* A replica that starts again has an empty cache. */
START_TEST(a_started_replica_is_cold)
{
    struct engine_config config = small_config();
    config.replicas = 2;
    config.autoscale = scaling(AUTOSCALE_SCHEDULE, 0, 2);
    config.autoscale.schedule_count = 3;
    config.autoscale.schedule[0] = (struct autoscale_point){0, 2};
    config.autoscale.schedule[1] = (struct autoscale_point){5, 1};
    config.autoscale.schedule[2] = (struct autoscale_point){10, 2};
    for (size_t i = 0; i < 6; i++) { /* in turn */
        jobs[i] = plain_job((int64_t)i * 2 * NS_PER_S, 64, 2, 0);
        jobs[i].id_count = 4;
        for (uint64_t b = 0; b < 4; b++)
            jobs[i].ids[b] = b + 1;
    }
    jobs[4].at_ns = 11 * NS_PER_S;
    jobs[5].at_ns = 12 * NS_PER_S;
    run_jobs(&config, jobs, 6, 16, &one);
    static const uint32_t cached[] = {0, 0, 48, 48, 0, 48};
    uint32_t cold = 0;
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(one.fates[i].cached, cached[i]);
    for (size_t i = 4; i < 6; i++)
        cold += one.fates[i].cached == 0;
    ck_assert_uint_eq(cold, 1);
}
END_TEST

START_TEST(jumps_change_nothing_where_replicas_come_and_go)
{
    uint64_t starts = 0, stops = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct engine_config config = small_config();
        config.router = (enum engine_router)(seed % 3);
        config.jitter_cv = seed % 2 ? 0.2 : 0;
        config.request_overhead_ms = seed % 4 ? 8 : 0;
        config.policy = seed % 5 == 3;
        config.autoscale =
            scaling(seed % 2 ? AUTOSCALE_QUEUE : AUTOSCALE_CONCURRENCY, seed % 2 ? 3 : 6, 5);
        config.autoscale.sync_period_s = 0.25;
        config.autoscale.stabilization_window_s = 0.5;
        config.autoscale.cold_start_s = 0.3 * (double)(seed % 3);
        if (seed == 7) {
            config.speculative.num_speculative_tokens = 3;
            config.speculative.acceptance_length = 2.5;
        }
        struct engine_state state = compare(config, seed, seed % 4 == 0 ? 16 : 64, seed >= 6);
        starts += state.starts;
        stops += state.stops;
    }
    ck_assert_uint_gt(starts, 30);
    ck_assert_uint_gt(stops, 10);
}
END_TEST

static const struct {
    const char *text, *words;
} wrong[] = {
    {"{\"target\": 3}", "give metric"},
    {"{\"metric\": \"cpu\"}", "unknown metric to scale on \"cpu\""},
    {"{\"metric\": \"queue\", \"max_replicas\": 4}", "give target, the waiting requests"},
    {"{\"metric\": \"queue\", \"target\": 2, \"min_replicas\": 4, \"max_replicas\": 2}",
     "min_replicas (4) is above max_replicas (2)"},
    {"{\"metric\": \"queue\", \"target\": 2, \"min_replicas\": 2, \"max_replicas\": 4}",
     "replicas, those at the beginning, are 1"},
    {"{\"metric\": \"schedule\", \"max_replicas\": 4, \"schedule\": [[5, 1]]}",
     "begins at second 0"},
    {"{\"metric\": \"schedule\", \"max_replicas\": 4, \"schedule\": [[0, 1], [9, 2], [9, 3]]}",
     "from 9 s to 9 s"},
    {"{\"metric\": \"schedule\", \"max_replicas\": 4, \"schedule\": [[0, 1, 2]]}", "and no more"},
    {"{\"metric\": \"schedule\", \"max_replicas\": 4, \"schedule\": [[0]]}", "[seconds, replicas]"},
    {"{\"metric\": \"schedule\", \"max_replicas\": 4, \"schedule\": [[0, 1], [90, 2]], "
     "\"period_s\": "
     "60}",
     "longer than its period_s"},
};

START_TEST(mistakes_are_named)
{
    struct autoscale_config c;
    struct error err = {0};
    int status = autoscale_config_parse("--autoscale", wrong[_i].text, &c, &err);
    if (status == 0)
        status = autoscale_config_check(&c, 1, &err);
    ck_assert_int_eq(status, ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].words), "%s", err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("autoscale");
    TCase *tests = tcase_create("autoscale");
    tcase_add_test(tests, wishes_follow_the_metric);
    tcase_add_test(tests, the_window_keeps_replicas);
    tcase_add_test(tests, a_schedule_is_followed_and_begun_anew);
    tcase_add_test(tests, members_come_and_go);
    tcase_add_test(tests, members_are_paid_in_whole_units);
    tcase_add_test(tests, a_second_replica_starts_and_drains);
    tcase_add_test(tests, a_started_replica_is_cold);
    tcase_add_test(tests, jumps_change_nothing_where_replicas_come_and_go);
    tcase_add_loop_test(tests, mistakes_are_named, 0, sizeof wrong / sizeof *wrong);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
