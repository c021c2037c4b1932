/* Profiles: what --rate and --concurrency say, and the bursts in them. */
#include "testing_schedule.h"

START_TEST(profiles_are_read)
{
    struct profile p;
    struct error err = {0};
    ck_assert_int_eq(profile_parse("33", &p, &err), 0);
    ck_assert_int_eq(profile_end_ns(&p), TIME_NEVER);
    ck_assert_double_eq(profile_value(&p, NS_PER_S), 33);
    profile_free(&p);
    ck_assert_int_eq(profile_parse("10:30s,10-50:1m,0:500ms", &p, &err), 0);
    ck_assert_int_eq(profile_end_ns(&p), 90500 * MS);
    ck_assert_double_eq(profile_value(&p, 60 * NS_PER_S), 30);
    ck_assert_double_eq(profile_value(&p, 90100 * MS), 0);
    /* 300 arrivals in the first stage, 10 t + t²/3 = 900 of the ramp's 1,800 after t = 39.1 s */
    ck_assert_int_eq(profile_when_sum(&p, 300), 30 * NS_PER_S);
    double t = (-10 + sqrt(100 + 4.0 / 3 * 900)) / (2.0 / 3);
    ck_assert_double_eq_tol((double)profile_when_sum(&p, 1200) / 1e9, 30 + t, 1e-6);
    ck_assert_int_eq(profile_when_sum(&p, 2100.5), TIME_NEVER);
    profile_free(&p);
    static const char *const bad[] = {"",      "0",      "-3", "ten", "10:",     "10:x", "10-:5s",
                                      "10:0s", "10:5s,", "+0", "+x",  "10:5s,+", "+5:1s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct error){0};
        ck_assert_msg(profile_parse(bad[i], &p, &err) == ERR_INPUT, "%s", bad[i]);
    }
}
END_TEST

/* Whatever the process, a burst is as many requests as it says, due at one instant, in the middle
 * of those that come at the rate; a burst at the start, at the end, or alone is one too. */
START_TEST(bursts_are_bursts)
{
    static const struct {
        const char *load;
        int64_t at_ms[3];
        uint32_t size[3];
    } cases[] = {{"100:1s,+50,100:1s,+7", {1000, 2000}, {50, 7}},
                 {"+20,10:1s", {0}, {20}},
                 {"0:1s,+5,0:2s,+6,0:1s", {1000, 3000}, {5, 6}},
                 {"+30", {0}, {30}}};
    struct workload w = testing_rows(10000, 1, 10, 5);
    for (int kind = 0; kind < 3; kind++) {
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            struct schedule_config c = config(SCHEDULE_OPEN);
            struct error err = {0};
            struct due due;
            uint32_t counts[3] = {0}, others = 0;
            int64_t last_ns = 0;
            c.arrivals = (enum arrival_process)kind;
            c.burstiness = 0.5;
            ck_assert_msg(profile_parse(cases[k].load, &c.load, &err) == 0, "%s", err.message);
            struct schedule *s = create(&c, &w);
            while (schedule_take(s, TIME_NEVER - 1, &due)) {
                ck_assert_int_ge(due.scheduled_ns, last_ns);
                last_ns = due.scheduled_ns;
                int i = 0;
                while (i < 3 && !(cases[k].size[i] && due.scheduled_ns == cases[k].at_ms[i] * MS))
                    i++;
                if (i < 3)
                    counts[i]++;
                else
                    others++;
            }
            for (int i = 0; i < 3; i++) /* a constant process has one of its own at 0 */
                ck_assert_uint_le(counts[i] - cases[k].size[i], kind == ARRIVAL_CONSTANT);
            if (k == 0)
                ck_assert(others > 120 && others < 290);
            if (k == 2 || k == 3)
                ck_assert_uint_eq(others, 0);
            schedule_free(s);
            profile_free(&c.load);
        }
    }
    workload_free(&w);
}
END_TEST

/* Requests in sessions of four: arrivals are a fourth, bursts stay. */
START_TEST(arrivals_are_what_requests_follow)
{
    struct profile load;
    struct load_arrivals arrivals;
    ck_assert_int_eq(profile_parse("40:1s,+3,80:1s", &load, NULL), 0);
    load_arrivals_begin(&arrivals, &load, 4, ARRIVAL_CONSTANT, 1, 3);
    for (int64_t k = 0; k < 10; k++)
        ck_assert_int_eq(load_arrivals_next(&arrivals), k * 100 * MS);
    for (int64_t k = 0; k < 3; k++)
        ck_assert_int_eq(load_arrivals_next(&arrivals), 1000 * MS);
    for (int64_t k = 0; k < 20; k++)
        ck_assert_int_eq(load_arrivals_next(&arrivals), (1000 + 50 * k) * MS);
    ck_assert_int_eq(load_arrivals_next(&arrivals), TIME_NEVER);
    load_arrivals_free(&arrivals);
    profile_free(&load);
}
END_TEST

/* Times beyond 300 million seconds in all would overflow where they are added up. */
START_TEST(stages_without_end_are_refused)
{
    static const char *const bad[] = {"1:9e9s", "1:3e8s,1:1ms", "1:2e8s,1-2:2e8s",
                                      "1:106751d,1:106751d", "1:9.2e18ns,1:9.2e18ns"};
    struct profile p;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        ck_assert_int_eq(profile_parse(bad[i], &p, &err), ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.message, "300,000,000 s"));
    }
    ck_assert_int_eq(profile_parse("1:1e8s,1:2e8s,+5", &p, NULL), 0);
    ck_assert_int_eq(profile_end_ns(&p), NS_PER_S * 300000000 + 1);
    profile_free(&p);
}
END_TEST

START_TEST(a_level_is_reached_where_the_ramp_says)
{
    struct profile p;
    ck_assert_int_eq(profile_parse("2:1s,2-6:4s,1:1s,8:1s", &p, NULL), 0);
    ck_assert_int_eq(profile_when_level(&p, 0, 2), 0);
    ck_assert_int_eq(profile_when_level(&p, 0, 4), 3 * NS_PER_S);
    ck_assert_int_eq(profile_when_level(&p, 3500 * MS, 4), 3500 * MS);
    ck_assert_int_eq(profile_when_level(&p, 0, 7), 6 * NS_PER_S);
    ck_assert_int_eq(profile_when_level(&p, 5500 * MS, 2), 6 * NS_PER_S);
    ck_assert_int_eq(profile_when_level(&p, 0, 9), TIME_NEVER);
    profile_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profile");
    TCase *t = tcase_create("profile");
    tcase_add_test(t, profiles_are_read);
    tcase_add_test(t, bursts_are_bursts);
    tcase_add_test(t, arrivals_are_what_requests_follow);
    tcase_add_test(t, a_level_is_reached_where_the_ramp_says);
    tcase_add_test(t, stages_without_end_are_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
