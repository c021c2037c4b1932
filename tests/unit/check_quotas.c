/* What plans include, in the forms that are sold: windows of a session, credits, quotas of one
 * model, free calls, allowances that are ranges. Exact figures worked out by hand. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/memory.h"

#include <string.h>

#define HOUR_NS (3600 * NS_PER_S)
#define MONDAY "2026-11-02T00:00:00Z"

/* Rows of 1,000 tokens in and 100 out at these minutes, of this model. */
static void add_at(struct workload *w, const int *minutes, size_t count, const char *model)
{
    for (size_t i = 0; i < count; i++)
        testing_add(w, (struct request){.timestamp_ns = (int64_t)minutes[i] * 60 * NS_PER_S,
                                        .input_tokens = 1000,
                                        .output_tokens = 100,
                                        .model = model});
    if (clock_parse_instant(MONDAY, strlen(MONDAY), &w->start_unix_ns) < 0)
        ck_abort_msg("no instant");
    w->has_start = true;
}

static struct workload rows_at(const int *minutes, size_t count)
{
    struct workload w;
    workload_init(&w);
    add_at(&w, minutes, count, NULL);
    return w;
}

/* The one plan of the book over the rows, as it is, without buying more of it. */
static struct serve_result serve_one(const char *plan, const struct workload *w)
{
    struct plan_book book = testing_plans(plan);
    struct serve_rows rows;
    struct serve_result out;
    const struct serve_conditions conditions = {w->start_unix_ns, false};
    ck_assert_int_eq(serve_rows_make(&rows, w, (struct serve_duration){0}, NULL), 0);
    serve_plan(&book.plans[0], &rows, &conditions, &out);
    serve_rows_free(&rows);
    plan_book_free(&book);
    return out;
}

static void check_total(const struct workload *w, const char *plan, const char *total)
{
    struct plan_book book = testing_plans(plan);
    struct bill bill = testing_bill(w, &book, (struct bill_options){.workers = 1});
    testing_money(bill.plans[0].total, total, plan);
    bill_free(&bill);
    plan_book_free(&book);
}

#define PLANS(terms) "{\"plans\": [{\"name\": \"p\", " terms "}]}"
#define INCLUDES(quota) \
    PLANS("\"subscription\": {\"price\": 20, \"period\": \"month\", \"includes\": " quota "}")

/* At 0:00, then 30 at 5:30 and 30 at 10:15: with two in a window of five hours. */
static const int session_minutes[] = {0, 290, 310, 310, 310, 611, 612, 613};

static const struct {
    const char *window;
    uint64_t rejected;
    const char *fates; /* included, quota */
} sessions[] = {
    /* [0:00, 5:00) takes 0 and 290; [5:10, 10:10) two of the three at 310; [10:11, 15:11) two */
    {"session", 2, "iiiiqiiq"},
    /* the last five hours: at 310 one room is left beside 290; 611 to 613 come a second time */
    {"rolling", 3, "iiiqqiiq"},
    /* from 0:00, 5:00, 10:00 */
    {"anchored", 2, "iiiiqiiq"},
};

START_TEST(a_session_begins_with_its_first_request)
{
    char plan[300];
    struct workload w = rows_at(session_minutes, 8);
    snprintf(
        plan, sizeof plan,
        INCLUDES("{\"requests\": 2, \"per\": \"5h\", \"window\": \"%s\", \"beyond\": \"reject\"}"),
        sessions[_i].window);
    struct serve_result r = serve_one(plan, &w);
    for (int i = 0; i < 8; i++)
        ck_assert_msg((r.fate[i] == SERVE_INCLUDED ? 'i' : 'q') == sessions[_i].fates[i],
                      "%s, row %d", sessions[_i].window, i);
    ck_assert_uint_eq(r.count[SERVE_QUOTA], sessions[_i].rejected);
    serve_result_free(&r);
    workload_free(&w);
}
END_TEST

/* Turned away is not served: the window does not begin with it, and a request that waits opens the
 * next one when it starts, five hours after the one before. */
START_TEST(who_waits_opens_the_next_session)
{
    static const int minutes[] = {10, 20, 30, 320};
    struct workload w = rows_at(minutes, 4);
    struct serve_result r =
        serve_one(INCLUDES("{\"requests\": 2, \"per\": \"5h\", \"window\": \"session\", \"beyond\":"
                           " \"queue\"}"),
                  &w);
    ck_assert_int_eq(r.start_ns[2], 10 * 60 * NS_PER_S + 5 * HOUR_NS); /* 5:10, until 10:10 */
    ck_assert_int_eq(r.start_ns[3], 320 * 60 * NS_PER_S);
    ck_assert_uint_eq(r.delayed, 1);
    ck_assert_uint_eq(r.quota_windows, 2);
    serve_result_free(&r);
    workload_free(&w);
}
END_TEST

/* Two of it take twice as much in each session; a request is served by two or not at all. */
START_TEST(several_of_a_plan_share_sessions)
{
    static const int minutes[] = {0, 1, 2, 3, 301};
    struct workload w = rows_at(minutes, 5);
    struct plan_book book = testing_plans(INCLUDES(
        "{\"tokens\": 2200, \"per\": \"5h\", \"window\": \"session\", \"beyond\": \"reject\"}"));
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    ck_assert_uint_eq(bill.plans[0].subscriptions, 2);
    ck_assert_uint_eq(bill.plans[0].served_requests, 5);
    testing_money(bill.plans[0].total, "40", "two of it");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

/* A row is 0.001 + 0.0005 = $0.0015. */
#define TOKENS "\"per_mtok\": {\"input\": 1, \"output\": 5}"
static const int five_minutes[] = {0, 1, 2, 3, 400};

static const struct {
    const char *plan;
    const char *fates; /* paid, included, quota */
    uint64_t delayed;
} money_quotas[] = {
    {PLANS(TOKENS
           ", \"subscription\": {\"price\": 20, \"period\": \"month\", \"includes\": {\"usd\":"
           " \"0.0045\", \"per\": \"5h\", \"window\": \"session\", \"beyond\": \"reject\"}}"),
     "iiiqi", 0},
    {PLANS(TOKENS
           ", \"subscription\": {\"price\": 20, \"period\": \"month\", \"includes\": {\"usd\":"
           " \"0.0044\", \"per\": \"5h\", \"window\": \"session\", \"beyond\": \"queue\"}}"),
     "iiiii", 3},
    {PLANS(TOKENS ", \"subscription\": {\"price\": 20, \"period\": \"month\", \"includes\": "
                  "{\"credits\": 3, \"credit_usd\": \"0.001\", \"per\": \"5h\", \"beyond\": "
                  "\"reject\"}}"),
     "iiqqi", 0},
    {PLANS(TOKENS
           ", \"subscription\": {\"price\": 20, \"period\": \"month\", \"includes\": {\"usd\":"
           " \"0.0045\", \"per\": \"5h\"}}"),
     "ppppp", 0},
};

START_TEST(quotas_of_money_hold_requests_back)
{
    struct workload w = rows_at(five_minutes, 5);
    struct serve_result r = serve_one(money_quotas[_i].plan, &w);
    for (int i = 0; i < 5; i++)
        ck_assert_msg("pi????q"[r.fate[i]] == money_quotas[_i].fates[i], "plan %d, row %d", _i, i);
    ck_assert_uint_eq(r.delayed, money_quotas[_i].delayed);
    serve_result_free(&r);
    workload_free(&w);
}
END_TEST

/* Two of the big model a day beside four of any: the third big one and the fifth of all go. */
START_TEST(a_quota_of_one_model_stands_beside_a_shared_one)
{
    static const int big[] = {0, 1, 2}, small[] = {10, 11, 12};
    struct workload w;
    workload_init(&w);
    add_at(&w, big, 3, "big-1");
    add_at(&w, small, 3, "small-1");
    struct serve_result r = serve_one(
        PLANS("\"subscription\": {\"price\": 20, \"period\": \"month\", \"beyond\": \"reject\", "
              "\"includes\": [{\"requests\": 4, \"per\": \"day\"}, {\"requests\": 2, \"per\": "
              "\"day\", \"models\": \"big-*\"}]}"),
        &w);
    static const char fates[] = "iiqiiq";
    for (int i = 0; i < 6; i++)
        ck_assert_msg((r.fate[i] == SERVE_INCLUDED ? 'i' : 'q') == fates[i], "row %d", i);
    serve_result_free(&r);
    workload_free(&w);
}
END_TEST

/* Five rows of $0.0015. */
static const struct {
    const char *plan, *total;
} totals[] = {
    /* sessions [0:00, 5:00) and [6:40, ...): of $0.006 $0.004 are covered, of $0.0015 all */
    {PLANS(TOKENS ", \"free\": {\"usd\": \"0.004\", \"per\": \"5h\", \"window\": \"session\"}"),
     "0.002"},
    {PLANS(TOKENS ", \"subscription\": {\"price\": 20, \"period\": \"month\", \"setup\": 5}"),
     "25.0075"},
    /* $50 of five requests, $15 off: what is included covers the $35 that are left */
    {PLANS("\"per_request\": \"10\", \"volume\": {\"steps\": [{\"over_usd\": \"20\", "
           "\"off_percent\": \"50\"}]}, \"subscription\": {\"price\": 20, \"period\": \"month\", "
           "\"includes\": {\"usd\": \"100\", \"per\": \"month\", \"beyond\": \"pay\"}}"),
     "20"},
    /* $0.0075 used: bought for $0.006 with a quarter on top */
    {PLANS(TOKENS ", \"credit_fee\": {\"bonus_percent\": 25}"), "0.006"},
    /* a long answer is one of 100 or more */
    {PLANS(TOKENS ", \"tiers\": [{\"output_from\": 100, \"per_mtok\": {\"output\": 7}}]"),
     "0.0085"},
    {PLANS(TOKENS ", \"tiers\": [{\"output_over\": 100, \"per_mtok\": {\"output\": 7}}]"),
     "0.0075"},
    /* 0:00 to 0:03 lie in the hour, 6:40 does not: 4 × 3 + 1 */
    {PLANS("\"per_request\": \"0.01\", \"weights\": [{\"start\": \"23:00\", \"end\": \"01:00\", "
           "\"days\": [\"mon\"], \"weight\": 3}]"),
     "0.13"},
    {"{\"currency\": {\"code\": \"CNY\", \"usd\": \"0.14\", \"as_of\": \"2026-11-02\"}, \"plans\": "
     "[{\"name\": \"p\", " TOKENS "}]}",
     "0.00105"},
};

START_TEST(what_else_is_on_a_bill)
{
    struct workload w = rows_at(five_minutes, 5);
    check_total(&w, totals[_i].plan, totals[_i].total);
    workload_free(&w);
}
END_TEST

/* Three rows with two searches each, on the first day, and one on the next. */
static struct workload searches(void)
{
    struct usage_extra two = {"search", 2 * PLAN_MICRO, 0};
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 4; i++) {
        struct request r = {.timestamp_ns = i < 3 ? i * NS_PER_S : 25 * HOUR_NS,
                            .input_tokens = 10,
                            .has_usage = true};
        r.usage = usage_from_totals(10, 0, 0, 0, 0, 0);
        r.usage.extras = &two;
        r.usage.extra_count = 1;
        testing_add(&w, r);
    }
    return w;
}

START_TEST(some_calls_are_free)
{
    struct workload w = searches();
    /* of six and two calls five and two are free; rolled over, three more on the second day */
    check_total(&w,
                PLANS("\"per_tool\": {\"search\": \"0.01\"}, \"free\": {\"tool\": \"search\", "
                      "\"calls\": 5, \"per\": \"day\"}"),
                "0.01");
    check_total(&w, PLANS("\"per_tool\": {\"search\": \"0.01\"}"), "0.08");
    check_total(&w,
                PLANS("\"per_tool\": {\"search\": \"0.01\"}, \"free\": {\"tool\": \"search\", "
                      "\"calls\": 1, \"per\": \"day\"}"),
                "0.06");
    workload_free(&w);
}
END_TEST

START_TEST(what_is_left_rolls_over)
{
    static const int minutes[] = {0, 24 * 60, 24 * 60 + 1, 24 * 60 + 2};
    struct workload w = rows_at(minutes, 4);
    /* two a day, one left over from Monday: all three of Tuesday fit */
    struct serve_result r = serve_one(
        INCLUDES("{\"requests\": 2, \"per\": \"day\", \"beyond\": \"reject\", \"rollover\": true}"),
        &w);
    ck_assert_uint_eq(r.count[SERVE_INCLUDED], 4);
    serve_result_free(&r);
    r = serve_one(INCLUDES("{\"requests\": 2, \"per\": \"day\", \"beyond\": \"reject\"}"), &w);
    ck_assert_uint_eq(r.count[SERVE_INCLUDED], 3);
    serve_result_free(&r);
    /* $0.002 of credit a day: Monday leaves $0.0005, Tuesday uses $0.0045 */
    check_total(
        &w, PLANS(TOKENS ", \"free\": {\"usd\": \"0.002\", \"per\": \"day\", \"rollover\": true}"),
        "0.002");
    workload_free(&w);
}
END_TEST

/* A unit takes 2,000 tokens a minute, a token out counts for ten: a row uses 2,000, all of it. */
START_TEST(capacity_is_used_by_class)
{
    static const int minutes[] = {0, 0, 1};
    struct workload w = rows_at(minutes, 3);
    static const char *const plans[] = {
        PLANS("\"provisioned\": {\"price\": 1, \"units\": 1, \"tokens_per_minute\": 2000, "
              "\"counts\": {\"output\": 10}, \"beyond\": \"pay\"}, " TOKENS),
        PLANS("\"provisioned\": {\"price\": 1, \"units\": 1, \"tokens_per_minute\": 2200, "
              "\"beyond\": \"pay\"}, " TOKENS)};
    check_total(&w, plans[0], "1.0015"); /* the second of the two at 0:00 spills over */
    check_total(&w, plans[1], "1");
    workload_free(&w);
}
END_TEST

START_TEST(what_is_written_to_a_cache_is_kept_for_hours)
{
    struct workload w;
    workload_init(&w);
    struct request r = {.input_tokens = 1000000, .has_usage = true};
    r.usage = usage_from_totals(1000000, 0, 1000000, 0, 0, 0);
    testing_add(&w, r);
    check_total(
        &w,
        PLANS("\"per_mtok\": {\"input\": 1}, \"cache_storage\": {\"per_mtok_hour\": \"4.50\", "
              "\"hours\": 2}"),
        "10");
    workload_free(&w);
}
END_TEST

/* 45 to 90 requests a day at the seller's discretion: both ends are ranked. */
START_TEST(a_range_is_ranked_at_both_ends)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"max\", \"subscription\": {\"price\": 20, \"period\": \"month\", "
        "\"includes\": {\"requests\": {\"from\": 2, \"to\": 5}, \"per\": \"day\", \"beyond\": "
        "\"reject\"}}}, {\"name\": \"other\", \"per_request\": 1}]}");
    struct workload w = rows_at(five_minutes, 5);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    ck_assert_uint_eq(book.count, 3);
    ck_assert_str_eq(book.plans[0].name, "max (at least)");
    ck_assert_str_eq(book.plans[1].name, "max (at most)");
    testing_money(bill.plans[0].total, "60", "at least two a day: three of it");
    testing_money(bill.plans[1].total, "20", "at most five: one");
    ck_assert_int_eq(bill.plans[0].rank, 3);
    ck_assert_int_eq(bill.plans[1].rank, 2);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

/* A user's turn of three calls, one of two, and a call that nobody began; two sessions. */
static struct workload turns(bool all_said)
{
    static const enum request_initiator began[] = {INITIATOR_USER, INITIATOR_AGENT, INITIATOR_AGENT,
                                                   INITIATOR_USER, INITIATOR_AGENT};
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 5; i++)
        testing_add(&w, (struct request){.timestamp_ns = i * NS_PER_S,
                                         .input_tokens = 1000,
                                         .output_tokens = 100,
                                         .session_id = i < 4 ? "s1" : "s2",
                                         .initiator = began[i]});
    if (!all_said)
        testing_add(&w, (struct request){.timestamp_ns = 9 * NS_PER_S, .input_tokens = 1});
    return w;
}

START_TEST(a_charge_counts_turns_or_sessions)
{
    struct workload w = turns(true);
    check_total(&w, PLANS("\"per_request\": \"0.01\""), "0.05");
    check_total(&w, PLANS("\"charged_per\": \"turn\", \"per_request\": \"0.01\""), "0.02");
    check_total(&w, PLANS("\"charged_per\": \"session\", \"per_request\": \"0.01\", " TOKENS),
                "0.0275");
    struct serve_result r =
        serve_one(PLANS("\"charged_per\": \"turn\", \"subscription\": {\"price\": 20, \"period\": "
                        "\"month\", \"includes\": {\"requests\": 1, \"per\": \"day\"}, \"beyond\": "
                        "\"reject\"}"),
                  &w);
    ck_assert_uint_eq(r.count[SERVE_INCLUDED], 4); /* the second turn is one too many */
    serve_result_free(&r);
    workload_free(&w);
}
END_TEST

START_TEST(a_plan_by_turns_is_not_ranked_where_nobody_says_who_began)
{
    struct workload w = turns(false);
    struct plan_book book = testing_plans(PLANS("\"charged_per\": \"turn\", \"per_request\": 1"));
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    ck_assert_int_eq(bill.plans[0].rank, 0);
    ck_assert_uint_eq(bill.plans[0].served.count[SERVE_UNBEGUN], 1);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    {INCLUDES("{\"credits\": 5, \"per\": \"day\"}"), "credit_usd"},
    {INCLUDES("{\"calls\": 5, \"per\": \"day\"}"), "\"tool\""},
    {INCLUDES("{\"tool\": \"search\", \"calls\": 5, \"per\": \"day\", \"beyond\": \"queue\"}"),
     "\"pay\""},
    {INCLUDES("{\"requests\": 5, \"per\": \"day\", \"window\": \"session\", \"rollover\": true}"),
     "rollover"},
    {INCLUDES("{\"requests\": 5, \"per\": \"day\", \"counts\": {\"output\": 2}}"), "tokens"},
    {INCLUDES("{\"tokens\": 5, \"per\": \"day\", \"counts\": {\"outpu\": 2}}"), "output"},
    {INCLUDES("{\"requests\": {\"from\": 5, \"to\": 2}, \"per\": \"day\"}"), "smaller"},
    {INCLUDES("{\"requests\": {\"from\": 5}, \"per\": \"day\"}"), "\"to\""},
    {PLANS("\"per_request\": 1, \"weights\": [{\"start\": \"01:00\", \"weight\": 2}]"), "\"end\""},
    {PLANS("\"tiers\": [{\"input_over\": 5}, {\"output_over\": 5}]"), "both"},
    {PLANS("\"provisioned\": {\"price\": 1, \"counts\": {\"output\": 2}}"), "tokens_per_minute"},
    {"{\"plans\": [{\"name\": \"p\", \"per_request\": 1}], \"currency\": {\"code\": \"CNY\", "
     "\"usd\": 1, \"as_of\": \"x\"}}",
     "before"},
    {"{\"currency\": \"CNY\", \"plans\": []}", "rate"},
};

START_TEST(what_makes_no_sense_is_refused)
{
    struct plan_book book = {0};
    struct error err = {0};
    ck_assert_int_eq(plan_book_parse("p", bad[_i].text, strlen(bad[_i].text), &book, &err),
                     ERR_INPUT);
    ck_assert_msg(strstr(err.message, bad[_i].message) != NULL, "%s: %s", bad[_i].text,
                  err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quotas");
    TCase *tc = tcase_create("quotas");
    tcase_add_loop_test(tc, a_session_begins_with_its_first_request, 0, 3);
    tcase_add_test(tc, who_waits_opens_the_next_session);
    tcase_add_test(tc, several_of_a_plan_share_sessions);
    tcase_add_loop_test(tc, quotas_of_money_hold_requests_back, 0, 4);
    tcase_add_test(tc, a_quota_of_one_model_stands_beside_a_shared_one);
    tcase_add_loop_test(tc, what_else_is_on_a_bill, 0, sizeof totals / sizeof *totals);
    tcase_add_test(tc, some_calls_are_free);
    tcase_add_test(tc, what_is_left_rolls_over);
    tcase_add_test(tc, capacity_is_used_by_class);
    tcase_add_test(tc, what_is_written_to_a_cache_is_kept_for_hours);
    tcase_add_test(tc, a_range_is_ranked_at_both_ends);
    tcase_add_test(tc, a_charge_counts_turns_or_sessions);
    tcase_add_test(tc, a_plan_by_turns_is_not_ranked_where_nobody_says_who_began);
    tcase_add_loop_test(tc, what_makes_no_sense_is_refused, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
