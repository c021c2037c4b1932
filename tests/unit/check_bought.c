/* Plans bought several times, and months made of a sample. */
#include "testing_plans.h"
#include "testing_trace.h"
#include "testing_workload.h"

#include "sim/cost/bill/bought.h"
#include "sim/cost/bill/extrapolate.h"

#define DAY (86400 * NS_PER_S)

static int64_t instant(const char *text)
{
    int64_t ns;
    ck_assert_int_eq(clock_parse_instant(text, strlen(text), &ns), 0);
    return ns;
}

START_TEST(months_are_anniversaries_where_the_start_is_known)
{
    static const struct {
        const char *start;
        int days; /* after which the second, third, ... month has begun */
        uint64_t months;
    } cases[] = {
        {"2026-01-31T12:00:00Z", 27, 1},   {"2026-01-31T12:00:00Z", 28, 2}, /* 28 February */
        {"2026-01-31T12:00:00Z", 58, 2},   {"2026-01-31T12:00:00Z", 59, 3}, /* 31 March */
        {"2025-03-15T00:00:00Z", 364, 12}, {"2025-03-15T00:00:00Z", 365, 13},
        {"2024-02-29T00:00:00Z", 364, 12}, {"2024-02-29T00:00:00Z", 365, 13}, /* 28 February */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n = bought_periods(30 * DAY, true, instant(cases[i].start), cases[i].days * DAY);
        ck_assert_msg(n == cases[i].months, "%s + %d days: %llu", cases[i].start, cases[i].days,
                      (unsigned long long)n);
        ck_assert_uint_eq(bought_periods(30 * DAY, false, 0, cases[i].days * DAY),
                          (uint64_t)cases[i].days / 30 + 1);
    }
    ck_assert_uint_eq(bought_periods(365 * DAY, true, instant("2023-06-01T00:00:00Z"), 366 * DAY),
                      2);
    ck_assert_uint_eq(bought_periods(3600 * NS_PER_S, true, 0, 7199 * NS_PER_S), 2);
    ck_assert_uint_eq(bought_periods(3600 * NS_PER_S, true, 0, 0), 1);
}
END_TEST

START_TEST(several_of_a_plan_are_several_of_its_limits)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"s\", \"subscription\": {\"price\": \"9\", \"period\": \"month\","
        " \"includes\": [{\"requests\": 7, \"per\": \"day\"}, {\"usd\": \"2\", \"per\": \"month\","
        " \"beyond\": \"pay\"}], \"beyond\": \"queue\"}, \"limits\": {\"rpm\": 3,"
        " \"concurrency\": 2, \"max_input_tokens\": 100}, \"per_request\": \"1\"},"
        " {\"name\": \"free\", \"subscription\": {\"price\": \"0\", \"period\": \"month\"}},"
        " {\"name\": \"t\", \"per_request\": \"1\", \"limits\": {\"rpm\": 3}}]}");
    struct bought b;
    bought_make(&b, &book.plans[0], 5, 0);
    ck_assert_uint_eq(b.plan.quotas[0].amount, 35 * (uint64_t)PLAN_MICRO);
    ck_assert_uint_eq((uint64_t)b.plan.quotas[0].most, 7 * (uint64_t)PLAN_MICRO);
    testing_money(b.plan.quotas[1].usd, "10", "credit");
    ck_assert_uint_eq(b.plan.rate_limits[0].amount, 15 * (uint64_t)PLAN_MICRO);
    ck_assert_uint_eq(b.plan.limits.concurrency, 10);
    ck_assert_uint_eq(b.plan.limits.max_input_tokens, 100);
    testing_money(plan_period_price(&b.plan), "45", "five");
    bought_free(&b);
    ck_assert(plan_is_bought_in_numbers(&book.plans[0], 0));
    ck_assert(!plan_is_bought_in_numbers(&book.plans[1], 0));
    ck_assert(!plan_is_bought_in_numbers(&book.plans[2], 0));
    plan_book_free(&book);
}
END_TEST

static money two_valleys(void *context, uint64_t n)
{
    ++*(int *)context;
    int64_t near = (int64_t)n - 3, far = (int64_t)n - 1060;
    int64_t a = 500 + near * near, b = 100 + 7 * (far < 0 ? -far : far);
    return a < b ? a : b;
}

START_TEST(the_cheapest_count_is_found_beyond_a_hill)
{
    int calls = 0;
    money least;
    ck_assert_uint_eq(bought_cheapest(1, 5000, two_valleys, &calls, &least), 1060);
    ck_assert(least == 100);
    ck_assert_int_lt(calls, 100);
    ck_assert_uint_eq(bought_cheapest(1, 20, two_valleys, &calls, &least), 3);
    ck_assert_uint_eq(bought_cheapest(7, 7, two_valleys, &calls, &least), 7);
}
END_TEST

/* Sessions of two turns, 90 s apart, at the given hours from the start. */
static void add_sessions(struct workload *w, const int *hours, int count)
{
    workload_init(w);
    for (int i = 0; i < count; i++)
        for (int turn = 0; turn < 2; turn++) {
            char name[16];
            snprintf(name, sizeof name, "s%d", i);
            struct request r = {.timestamp_ns = (hours[i] * 3600 + 90 * turn) * NS_PER_S,
                                .input_tokens = (uint32_t)(100 * i + turn),
                                .session_id = name};
            testing_add(w, r);
        }
}

START_TEST(sessions_are_placed_evenly_and_kept_inside)
{
    static const int hours[] = {0, 1, 5};
    struct workload w, month;
    struct serve_rows rows;
    struct error err = {0};
    add_sessions(&w, hours, 3);
    ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, &err), 0);
    struct extrapolation e = {.requests = 20, .horizon_ns = 10 * DAY};
    ck_assert_int_eq(extrapolate(&e, &rows, &month, &err), 0);
    ck_assert_uint_eq(e.sessions, 10);
    ck_assert(!e.by_hour);
    ck_assert_uint_eq(month.count, 20);
    for (size_t j = 0; j < 10; j++) {
        int64_t at = (int64_t)j * DAY + DAY / 2;
        ck_assert_int_eq(month.timestamp_ns[2 * j], at);
        ck_assert_int_eq(month.timestamp_ns[2 * j + 1], at + 90 * NS_PER_S);
        ck_assert_uint_eq(month.input_tokens[2 * j], 100 * (j % 3));
        ck_assert_uint_eq(month.session[2 * j], month.session[2 * j + 1]);
    }
    ck_assert_uint_eq(month.sessions.count, 10);
    workload_free(&month);
    serve_rows_free(&rows);
    workload_free(&w);
}
END_TEST

START_TEST(a_week_s_hours_are_followed)
{
    int hours[8 * 24]; /* two sessions a day at nine o'clock for eight days */
    struct workload w, month;
    struct serve_rows rows;
    struct error err = {0};
    for (int d = 0; d < 8; d++)
        hours[2 * d] = hours[2 * d + 1] = 24 * d + 9;
    add_sessions(&w, hours, 16);
    ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, &err), 0);
    struct extrapolation e = {.requests = 600, .horizon_ns = 30 * DAY};
    ck_assert_int_eq(extrapolate(&e, &rows, &month, &err), 0);
    ck_assert(e.by_hour);
    for (size_t i = 0; i < month.count; i += 2)
        ck_assert_int_eq(month.timestamp_ns[i] / (3600 * NS_PER_S) % 24, 9);
    ck_assert_uint_eq(month.count, 600);
    workload_free(&month);
    serve_rows_free(&rows);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bought");
    TCase *tc = tcase_create("bought");
    tcase_add_test(tc, months_are_anniversaries_where_the_start_is_known);
    tcase_add_test(tc, several_of_a_plan_are_several_of_its_limits);
    tcase_add_test(tc, the_cheapest_count_is_found_beyond_a_hill);
    tcase_add_test(tc, sessions_are_placed_evenly_and_kept_inside);
    tcase_add_test(tc, a_week_s_hours_are_followed);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
