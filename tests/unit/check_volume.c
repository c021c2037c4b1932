/* Volume discounts: by USD and by tokens, graduated and on all units, shared and by model. Every
 * figure is worked out by hand. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "sim/cost/sums/sum_bill.h"

#include <stdio.h>
#include <string.h>

#define DAY_NS (86400 * NS_PER_S)
#define PLAN(volume)                                                                        \
    "{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"}, " \
    "\"per_request\": \"0.5\", \"volume\": " volume "}]}"

/* Six requests, five days apart: 1 M in and 0.2 M out, so $1 + $2 by the token and $0.50 each. The
 * first three of model a, the others of b. From 2026-11-10: three in November, three in December.
 */
static struct workload six_rows(void)
{
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 6; i++)
        testing_add(&w, (struct request){.timestamp_ns = i * 8 * DAY_NS,
                                         .input_tokens = 1000000,
                                         .output_tokens = 200000,
                                         .model = i < 3 ? "a" : "b"});
    w.has_start = true;
    ck_assert_int_eq(clock_parse_instant("2026-11-10T00:00:00Z", 20, &w.start_unix_ns), 0);
    return w;
}

/* Days 0, 8, 16 and 24 lie in the first thirty days, 32 and 40 in the next; 0, 8 and 16 in
 * November. Without a discount: 6 × 3.50 = 21. Tokens: 1.2 M a request. */
static const struct {
    const char *volume, *off;
} cases[] = {
    /* four are 14: above 10 lie 4; two are 7: nothing */
    {"{\"steps\": [{\"over_usd\": \"10\", \"off_percent\": 25}]}", "1"},
    /* 25 % of all 14 */
    {"{\"mode\": \"all_units\", \"steps\": [{\"over_usd\": \"10\", \"off_percent\": 25}]}", "3.5"},
    /* 14 is not over 14 */
    {"{\"mode\": \"all_units\", \"steps\": [{\"over_usd\": \"14\", \"off_percent\": 25}]}", "0"},
    /* the higher step holds for all of it: 50 % of 14 */
    {"{\"mode\": \"all_units\", \"steps\": [{\"over_usd\": 5, \"off_percent\": 10}, {\"over_usd\": "
     "13,"
     " \"off_percent\": 50}]}",
     "7.7"}, /* and 10 % of 7 */
    /* 4.8 M tokens, of which 1.8 M lie above 3 M: half of the third request, all of the fourth,
       each $3 by the token: 4.5 × 10 % */
    {"{\"steps\": [{\"over_tokens\": 3000000, \"off_percent\": 10}]}", "0.45"},
    /* 1.2 M at 10 % (1.8 M to 3 M: half of the second, half of the third), 1.8 M at 20 % */
    {"{\"steps\": [{\"over_tokens\": 1800000, \"off_percent\": 10}, {\"over_tokens\": 3000000,"
     " \"off_percent\": 20}]}",
     "1.35"}, /* 0.3 + 0.9, and in the second period 0.6 M at 10 %: 0.15 */
    /* all four of the first period: 12 × 20 %; the second, 2.4 M: 6 × 10 % */
    {"{\"mode\": \"all_units\", \"steps\": [{\"over_tokens\": 1800000, \"off_percent\": 10},"
     " {\"over_tokens\": 3000000, \"off_percent\": 20}]}",
     "3"},
    /* a: 3.6 M in the first period, 0.6 M above; b: 1.2 M, then 2.4 M: nothing */
    {"{\"per_model\": true, \"steps\": [{\"over_tokens\": 3000000, \"off_percent\": 10}]}", "0.15"},
    /* of b alone: 0.2 M of 1.2 M in the first, 1.4 M of 2.4 M in the second: 0.5 and 3.5, at 10 %
     */
    {"{\"models\": \"b\", \"steps\": [{\"over_tokens\": 1000000, \"off_percent\": 10}]}", "0.4"},
    /* November: three; December: three: 0.6 M above 3 M in each, $1.50, at 10 % */
    {"{\"window\": \"calendar\", \"steps\": [{\"over_tokens\": 3000000, \"off_percent\": 10}]}",
     "0.3"},
    /* two discounts: 1 as the first of these, 0.45 as the fifth */
    {"[{\"steps\": [{\"over_usd\": \"10\", \"off_percent\": 25}]}, {\"steps\": [{\"over_tokens\":"
     " 3000000, \"off_percent\": 10}]}]",
     "1.45"},
    /* never more than there is to pay */
    {"[{\"steps\": [{\"over_usd\": 0, \"off_percent\": 80}]}, {\"steps\": [{\"over_usd\": 0,"
     " \"off_percent\": 80}]}]",
     "21"},
};

START_TEST(what_is_bought_much_of_is_cheaper)
{
    char text[700], off[MONEY_TEXT_SIZE];
    struct workload w = six_rows();
    snprintf(text, sizeof text, PLAN("%s"), cases[_i].volume);
    struct plan_book book = testing_plans(text);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    const struct plan_bill *p = &bill.plans[0];
    money_format(-p->cash[LINE_VOLUME], off);
    ck_assert_msg(strcmp(off, cases[_i].off) == 0, "%s: $%s off, expected $%s", cases[_i].volume,
                  off, cases[_i].off);
    testing_money(p->cash[LINE_USAGE], "21", "usage");
    ck_assert(p->total == 21 * MONEY_USD + p->cash[LINE_VOLUME]);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Tokens count as they come, whatever the order of the file: the dear ones of the day are those
 * that come late. */
START_TEST(tokens_count_in_the_order_of_time)
{
    struct plan_book book =
        testing_plans(PLAN("{\"steps\": [{\"over_tokens\": 1000000, \"off_percent\": 50}]}"));
    struct workload w;
    workload_init(&w); /* $10 of output comes second, and stands first */
    testing_add(&w, (struct request){.timestamp_ns = NS_PER_S, .output_tokens = 1000000});
    testing_add(&w, (struct request){.timestamp_ns = 0, .input_tokens = 1000000});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    testing_money(bill.plans[0].cash[LINE_VOLUME], "-5", "off");
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Attempts that failed are billed, and count: 0.5 M in twice, of which the second lies above. */
START_TEST(retries_count_as_they_are_billed)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"1\"}, \"billed\": {\"failed\":"
        " \"input\"}, \"volume\": {\"steps\": [{\"over_tokens\": 500000, \"off_percent\": "
        "50}]}}]}");
    struct workload w;
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = 500000, .attempts = 2});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    testing_money(bill.plans[0].total, "0.75", "total");
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* A month of too many requests is scaled: 1,000,000 of them, 1.2 M tokens each. */
START_TEST(a_scaled_month_has_the_discount_of_a_whole_one)
{
    struct workload w = testing_rows(1, 0, 1000, 200);
    static const char *const plans[][2] = {
        /* $0.003 × 1e6 = 3000; 1.2e9 tokens, of which 0.2e9 lie above: a sixth, at 30 % */
        {"{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"},"
         " \"volume\": {\"steps\": [{\"over_tokens\": 1000000000, \"off_percent\": 30}]}}]}",
         "2850"},
        {"{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"},"
         " \"volume\": {\"mode\": \"all_units\", \"steps\": [{\"over_tokens\": 1000000000,"
         " \"off_percent\": 30}]}}]}",
         "2100"}};
    for (int i = 0; i < 2; i++) {
        struct plan_book book = testing_plans(plans[i][0]);
        struct bill bill =
            testing_bill(&w, &book, (struct bill_options){.workers = 1, .volume = 1000000});
        testing_money(bill.plans[0].total, plans[i][1], "total");
        bill_free(&bill);
        plan_book_free(&book);
    }
    workload_free(&w);
}
END_TEST

/* Sums do not tell in which order tokens came: such plans are refused by name. */
START_TEST(sums_refuse_what_needs_each_request)
{
    struct plan_book book =
        testing_plans(PLAN("{\"steps\": [{\"over_tokens\": 1000000, \"off_percent\": 50}]}"));
    const struct plan *plan = &book.plans[0];
    struct workload w;
    struct sum_bill bill;
    struct error err = {0};
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = 100, .requests = 10, .bucket_ns = NS_PER_S});
    ck_assert_int_eq(sum_bill_make(&bill, &w, &plan, 1, &(struct sum_options){0}, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "volume discount by tokens"), "%s", err.message);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

static const struct {
    const char *volume, *says;
} bad[] = {
    {"{\"steps\": [{\"over_usd\": 1, \"over_tokens\": 1, \"off_percent\": 1}]}", "not by both"},
    {"{\"steps\": [{\"over_usd\": 1, \"off_percent\": 1}, {\"over_tokens\": 9, \"off_percent\": "
     "2}]}",
     "go by \"over_usd\" or by \"over_tokens\" all"},
    {"{\"steps\": [{\"over_tokens\": 9, \"off_percent\": 1}, {\"over_tokens\": 9, \"off_percent\":"
     " 2}]}",
     "must rise"},
    {"{\"mode\": \"each\", \"steps\": []}", "\"graduated\""},
    {"{\"window\": \"session\", \"steps\": []}", "\"calendar\""},
};

START_TEST(a_discount_that_makes_no_sense_is_refused)
{
    char text[600];
    struct plan_book book = {0};
    struct error err = {0};
    snprintf(text, sizeof text, PLAN("%s"), bad[_i].volume);
    ck_assert_int_eq(plan_book_parse("t", text, strlen(text), &book, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, bad[_i].says), "%s", err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("volume");
    TCase *t = tcase_create("volume");
    tcase_add_loop_test(t, what_is_bought_much_of_is_cheaper, 0, sizeof cases / sizeof *cases);
    tcase_add_test(t, tokens_count_in_the_order_of_time);
    tcase_add_test(t, retries_count_as_they_are_billed);
    tcase_add_test(t, a_scaled_month_has_the_discount_of_a_whole_one);
    tcase_add_test(t, sums_refuse_what_needs_each_request);
    tcase_add_loop_test(t, a_discount_that_makes_no_sense_is_refused, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
