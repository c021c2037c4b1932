/* Which request is due when: at its own time, at a rate, when another ends, behind its parents. */
#include "testing_schedule.h"

static struct workload with_times(const int64_t *ms, uint32_t count)
{
    struct workload w;
    workload_init(&w);
    for (uint32_t i = 0; i < count; i++)
        workload_add_plain(&w, ms[i] * MS, 10, 5);
    return w;
}

/* Row 0 at 0; row 1 waits for it and 100 ms; row 2 at 10 ms; row 3 waits for 1 and 2. */
static struct workload family(void)
{
    static const uint32_t first[] = {0}, both[] = {1, 2};
    const struct request rows[] = {
        {.timestamp_ns = 0},
        {.timestamp_ns = TIME_NEVER, .after = first, .after_count = 1, .delay_ns = 100 * MS},
        {.timestamp_ns = 10 * MS},
        {.timestamp_ns = TIME_NEVER, .after = both, .after_count = 2},
    };
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 4; i++)
        testing_add(&w, rows[i]);
    return w;
}

START_TEST(a_trace_keeps_its_times)
{
    const int64_t times[] = {0, 50, 20, 100};
    struct workload w = with_times(times, 4);
    struct schedule_config c = config(SCHEDULE_TRACE);
    c.speed = 10;
    struct schedule *s = create(&c, &w);
    struct due due;
    ck_assert(schedule_take(s, 0, &due) && due.row == 0 && due.scheduled_ns == 0);
    ck_assert(!schedule_take(s, 2 * MS - 1, &due));
    ck_assert_int_eq(schedule_next_ns(s, 0), 2 * MS);
    ck_assert(schedule_take(s, 30 * MS, &due) && due.row == 2 && due.scheduled_ns == 2 * MS);
    ck_assert(schedule_take(s, 30 * MS, &due) && due.row == 1 && due.scheduled_ns == 5 * MS);
    ck_assert(schedule_take(s, 30 * MS, &due) && due.row == 3 && due.ready_ns == 10 * MS);
    ck_assert(!schedule_take(s, 30 * MS, &due));
    ck_assert(schedule_exhausted(s, 30 * MS));
    ck_assert_uint_eq(schedule_not_due(s), 0);
    schedule_free(s);
    workload_free(&w);
}
END_TEST

START_TEST(limits_leave_the_rest_not_due)
{
    const int64_t times[] = {0, 10, 20, 30, 40, 50};
    struct workload w = with_times(times, 6);
    struct schedule_config c = config(SCHEDULE_TRACE);
    struct due due;
    c.max_requests = 5;
    c.duration_ns = 25 * MS;
    struct schedule *s = create(&c, &w);
    uint32_t taken = 0;
    while (schedule_take(s, 1000 * MS, &due))
        taken++;
    ck_assert_uint_eq(taken, 3);
    ck_assert_uint_eq(schedule_not_due(s), 2);
    ck_assert_uint_eq(schedule_planned(s), 5);
    schedule_free(s);
    workload_free(&w);
}
END_TEST

START_TEST(constant_arrivals_are_exact)
{
    struct workload w = testing_rows(10, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_OPEN);
    struct due due;
    c.arrivals = ARRIVAL_CONSTANT;
    profile_hold(&c.load, 100);
    c.duration_ns = 30 * NS_PER_S;
    struct schedule *s = create(&c, &w);
    int64_t k = 0;
    while (schedule_take(s, TIME_NEVER - 1, &due)) {
        ck_assert_int_eq(due.scheduled_ns, k * 10 * MS);
        ck_assert_uint_eq(due.row, (uint32_t)(k % 10));
        ck_assert_uint_eq(due.repeat, (uint32_t)(k / 10));
        k++;
    }
    ck_assert_int_eq(k, 3000);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Sessions of four requests: a load of 40 a second is ten sessions a second. */
START_TEST(a_rate_counts_the_turns_behind_an_arrival)
{
    struct workload w;
    struct schedule_config c = config(SCHEDULE_OPEN);
    struct error err = {0};
    struct due due;
    int64_t at_ns = 0;
    workload_init(&w);
    for (uint32_t i = 0; i < 80; i++) {
        uint32_t first = i - i % 4;
        struct request r = {.timestamp_ns = i % 4 ? TIME_NEVER : 0,
                            .after = &first,
                            .after_count = i % 4 ? 1 : 0,
                            .output_tokens = 1,
                            .attempts = 1};
        testing_add(&w, r);
    }
    c.arrivals = ARRIVAL_CONSTANT;
    ck_assert_int_eq(profile_parse("40:1s,80:1s", &c.load, &err), 0);
    struct schedule *s = create(&c, &w);
    for (int k = 0; k < 20; k++) {
        ck_assert(schedule_take(s, at_ns, &due));
        ck_assert_uint_eq(due.row, 4 * (uint32_t)k);
        ck_assert_int_eq(due.scheduled_ns, at_ns);
        ck_assert(!schedule_take(s, at_ns, &due));
        at_ns += k < 10 ? 100 * MS : 50 * MS;
    }
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Mean and coefficient of variation of 20,000 gaps: Poisson 1, gamma 1/sqrt(shape). The bounds are
 * five standard errors. */
START_TEST(random_arrivals_have_their_moments)
{
    static const struct {
        enum arrival_process arrivals;
        double shape, cv;
    } cases[] = {{ARRIVAL_POISSON, 1, 1}, {ARRIVAL_GAMMA, 0.25, 2}, {ARRIVAL_GAMMA, 4, 0.5}};
    struct workload w = testing_rows(100, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_OPEN);
    struct due due;
    c.arrivals = cases[_i].arrivals;
    c.burstiness = cases[_i].shape;
    c.max_requests = 20000;
    profile_hold(&c.load, 50);
    struct schedule *s = create(&c, &w);
    double last = 0, sum = 0, squares = 0;
    for (int i = 0; i < 20000; i++) {
        ck_assert(schedule_take(s, TIME_NEVER - 1, &due));
        double at = (double)due.scheduled_ns / 1e9, gap = (at - last) * 50;
        sum += gap;
        squares += gap * gap;
        last = at;
    }
    double mean = sum / 20000, sd = sqrt(squares / 20000 - mean * mean);
    ck_assert_double_eq_tol(mean, 1, 5 * cases[_i].cv / sqrt(20000));
    ck_assert_double_eq_tol(sd / mean, cases[_i].cv, 0.1 * cases[_i].cv);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Requests that stand alone are begun anew until the duration ends. */
START_TEST(a_rate_goes_on_to_the_end_of_the_duration)
{
    struct workload w = testing_rows(2, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_OPEN);
    struct due due;
    uint64_t count = 0;
    c.arrivals = ARRIVAL_CONSTANT;
    c.duration_ns = 3 * NS_PER_S;
    profile_hold(&c.load, 10);
    struct schedule *s = create(&c, &w);
    ck_assert_uint_eq(schedule_planned(s), 0);
    for (; schedule_take(s, TIME_NEVER - 1, &due); count++)
        ck_assert(due.row == count % 2 && due.repeat == count / 2 && due.ordinal == count);
    ck_assert_uint_eq(count, 30);
    ck_assert_int_eq(due.scheduled_ns, 2900 * MS);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Rows 3, 2 and 1 wait for row 0, row 4 for row 5: whoever is due at one instant comes in the
 * order of the rows, whatever released them. */
START_TEST(equal_times_come_by_row)
{
    static const uint32_t zero[] = {0}, five[] = {5};
    struct workload w;
    struct schedule_config c = config(SCHEDULE_TRACE);
    struct due due, first, last;
    workload_init(&w);
    for (int i = 0; i < 6; i++) {
        bool waits = i >= 1 && i <= 4;
        struct request r = {.timestamp_ns = waits ? TIME_NEVER : 0,
                            .after = i == 4 ? five : zero,
                            .after_count = waits,
                            .delay_ns = i == 4 ? 0 : 20 * MS,
                            .input_tokens = 1,
                            .attempts = 1};
        testing_add(&w, r);
    }
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 0, &first) && schedule_take(s, 0, &last));
    ck_assert(first.row == 0 && last.row == 5);
    schedule_ended(s, &last, 30 * MS, true); /* row 4 is in first, for 30 ms */
    schedule_ended(s, &first, 10 * MS, true);
    for (uint32_t row = 1; row <= 4; row++) {
        ck_assert(schedule_take(s, 30 * MS, &due));
        ck_assert_uint_eq(due.row, row);
        ck_assert_int_eq(due.scheduled_ns, 30 * MS);
    }
    schedule_free(s);
    workload_free(&w);
}
END_TEST

START_TEST(a_cap_delays_ready_and_not_scheduled)
{
    const int64_t times[] = {0, 10, 20};
    struct workload w = with_times(times, 3);
    struct schedule_config c = config(SCHEDULE_TRACE);
    struct due a, b;
    c.max_in_flight = 1;
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 0, &a));
    ck_assert(!schedule_take(s, 15 * MS, &b));
    ck_assert_int_eq(schedule_next_ns(s, 15 * MS), TIME_NEVER);
    schedule_ended(s, &a, 15 * MS, true);
    ck_assert(schedule_take(s, 16 * MS, &b));
    ck_assert_int_eq(b.scheduled_ns, 10 * MS);
    ck_assert_int_eq(b.ready_ns, 15 * MS);
    enum unsent_reason why;
    schedule_close(s, 30 * MS, UNSENT_CAP);
    ck_assert(schedule_take_unsent(s, &a, &why));
    ck_assert(a.row == 2 && why == UNSENT_CAP && a.scheduled_ns == 20 * MS);
    ck_assert(!schedule_take_unsent(s, &a, &why));
    schedule_free(s);
    workload_free(&w);
}
END_TEST

START_TEST(a_closed_loop_is_due_when_another_ends)
{
    struct workload w = testing_rows(10, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_CLOSED);
    struct due a, b, next;
    profile_hold(&c.load, 2);
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 0, &a) && schedule_take(s, 0, &b));
    ck_assert(!schedule_take(s, 0, &next));
    schedule_ended(s, &b, 70 * MS, true);
    ck_assert(schedule_take(s, 75 * MS, &next));
    ck_assert_int_eq(next.scheduled_ns, 70 * MS);
    ck_assert_int_eq(next.ready_ns, 70 * MS);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

/* Slots of one instant open a step apart, over all workers; one that is taken late moves the next,
 * which is never late by it. A slot that an end frees is due at that end. */
START_TEST(slots_open_one_after_the_other)
{
    struct workload w = testing_rows(40, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_CLOSED);
    struct due due[4];
    profile_hold(&c.load, 6);
    c.slot_step_ns = MS;
    c.workers = 2;
    c.worker = 1;
    struct schedule *s = schedule_create(&c, &w, NULL);
    ck_assert(!schedule_take(s, 0, &due[0]));
    ck_assert_int_eq(schedule_next_ns(s, 0), MS);
    ck_assert(schedule_take(s, MS, &due[0]) && !schedule_take(s, MS, &due[1]));
    ck_assert_int_eq(due[0].scheduled_ns, MS);
    ck_assert_int_eq(schedule_next_ns(s, MS), 3 * MS);
    ck_assert(schedule_take(s, 10 * MS, &due[1]));
    ck_assert_int_eq(due[1].scheduled_ns, 3 * MS);
    ck_assert(schedule_take(s, 10 * MS, &due[2]) && !schedule_take(s, 30 * MS, &due[3]));
    ck_assert_int_eq(due[2].scheduled_ns, 10 * MS);
    schedule_ended(s, &due[0], 40 * MS, true);
    ck_assert(schedule_take(s, 41 * MS, &due[3]));
    ck_assert_int_eq(due[3].scheduled_ns, 40 * MS);
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

START_TEST(a_closed_loop_follows_its_stages)
{
    struct workload w = testing_rows(10, 1, 10, 5);
    struct schedule_config c = config(SCHEDULE_CLOSED);
    struct error err = {0};
    struct due due[8], more;
    ck_assert_int_eq(profile_parse("2:1s,2-6:1s,1:1s", &c.load, &err), 0);
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 0, &due[0]) && schedule_take(s, 0, &due[1]));
    ck_assert(!schedule_take(s, 900 * MS, &more));
    ck_assert_int_eq(schedule_next_ns(s, 900 * MS), 1250 * MS);
    ck_assert(schedule_take(s, 1500 * MS, &due[2]));
    ck_assert_int_eq(due[2].scheduled_ns, 1250 * MS);
    ck_assert(schedule_take(s, 1500 * MS, &due[3]));
    ck_assert(!schedule_take(s, 1500 * MS, &more));
    for (int i = 0; i < 3; i++)
        schedule_ended(s, &due[i], 2100 * MS, true);
    ck_assert(!schedule_take(s, 2100 * MS, &more)); /* one slot, and due[3] holds it */
    schedule_ended(s, &due[3], 2200 * MS, true);
    ck_assert(schedule_take(s, 2200 * MS, &more));
    ck_assert(schedule_exhausted(s, 3000 * MS));
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

START_TEST(dependents_wait_for_their_parents)
{
    struct workload w = family();
    struct schedule_config c = config(SCHEDULE_TRACE);
    struct due a, b, due;
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 10 * MS, &a) && a.row == 0);
    ck_assert(schedule_take(s, 10 * MS, &b) && b.row == 2);
    ck_assert(!schedule_take(s, 500 * MS, &due));
    ck_assert(!schedule_exhausted(s, 500 * MS));
    schedule_ended(s, &a, 300 * MS, true);
    ck_assert_int_eq(schedule_next_ns(s, 300 * MS), 400 * MS);
    ck_assert(schedule_take(s, 410 * MS, &due) && due.row == 1 && due.scheduled_ns == 400 * MS);
    schedule_ended(s, &due, 450 * MS, true);
    ck_assert(!schedule_take(s, 460 * MS, &a));
    schedule_ended(s, &b, 480 * MS, true);
    ck_assert(schedule_take(s, 481 * MS, &due) && due.row == 3 && due.scheduled_ns == 480 * MS);
    schedule_ended(s, &due, 500 * MS, true);
    ck_assert(schedule_exhausted(s, 500 * MS));
    schedule_free(s);
    workload_free(&w);
}
END_TEST

/* What is foreseen is what is taken, in every mode and with dependents between the roots. */
START_TEST(what_comes_next_is_foreseen)
{
    struct schedule_config c = config((enum schedule_mode)_i);
    struct workload w = family();
    c.max_requests = w.count;
    profile_hold(&c.load, _i == SCHEDULE_CLOSED ? 2 : 5);
    struct schedule *s = create(&c, &w);
    struct due seen, due;
    int64_t now_ns = 0;
    size_t taken = 0;
    while (schedule_foresee(s, now_ns, &seen)) {
        while (!schedule_take(s, now_ns, &due))
            now_ns = schedule_next_ns(s, now_ns);
        ck_assert_uint_eq(seen.row, due.row);
        ck_assert_uint_eq(seen.ordinal, due.ordinal);
        now_ns += MS;
        schedule_ended(s, &due, now_ns, true);
        taken++;
    }
    ck_assert_uint_eq(taken, w.count);
    ck_assert(!schedule_take(s, now_ns, &due));
    schedule_free(s);
    profile_free(&c.load);
    workload_free(&w);
}
END_TEST

START_TEST(a_failed_parent_leaves_its_family_unsent)
{
    struct workload w = family();
    struct schedule_config c = config(SCHEDULE_TRACE);
    enum unsent_reason why;
    struct due a, b, due;
    struct schedule *s = create(&c, &w);
    ck_assert(schedule_take(s, 10 * MS, &a) && schedule_take(s, 10 * MS, &b));
    schedule_ended(s, &a, 20 * MS, false);
    schedule_ended(s, &b, 30 * MS, true);
    ck_assert(schedule_take_unsent(s, &due, &why));
    ck_assert(due.row == 1 && why == UNSENT_PARENT_FAILED && due.scheduled_ns == 120 * MS);
    ck_assert(schedule_take_unsent(s, &due, &why));
    ck_assert(due.row == 3 && why == UNSENT_PARENT_FAILED);
    ck_assert(!schedule_take_unsent(s, &due, &why));
    ck_assert(schedule_exhausted(s, 30 * MS));
    ck_assert_uint_eq(schedule_not_due(s), 0);
    schedule_free(s);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *t = tcase_create("schedule");
    tcase_add_test(t, a_trace_keeps_its_times);
    tcase_add_test(t, limits_leave_the_rest_not_due);
    tcase_add_test(t, constant_arrivals_are_exact);
    tcase_add_test(t, a_rate_counts_the_turns_behind_an_arrival);
    tcase_add_loop_test(t, random_arrivals_have_their_moments, 0, 3);
    tcase_add_test(t, a_rate_goes_on_to_the_end_of_the_duration);
    tcase_add_test(t, equal_times_come_by_row);
    tcase_add_test(t, a_cap_delays_ready_and_not_scheduled);
    tcase_add_test(t, a_closed_loop_is_due_when_another_ends);
    tcase_add_test(t, slots_open_one_after_the_other);
    tcase_add_test(t, a_closed_loop_follows_its_stages);
    tcase_add_test(t, dependents_wait_for_their_parents);
    tcase_add_loop_test(t, what_comes_next_is_foreseen, 0, SCHEDULE_CLOSED + 1);
    tcase_add_test(t, a_failed_parent_leaves_its_family_unsent);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
