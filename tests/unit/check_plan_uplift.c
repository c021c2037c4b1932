/* Factors on token prices by labels: regions, speeds. Figures worked out by hand. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "sim/cost/book/quote.h"
#include "sim/cost/sums/sum_bill.h"

#include <string.h>

#define PLANS(terms) "{\"plans\": [{\"name\": \"p\", " terms "}]}"
#define TOKENS \
    "\"per_mtok\": {\"input\": \"3\", \"output\": \"15\"}, \"per_tool\": {\"search\": \"0.01\"}"
#define REGIONS "{\"label\": \"region\", \"values\": {\"eu\": \"1.1\", \"us-*\": \"1.05\"}}"
#define SPEEDS "{\"label\": \"speed\", \"values\": {\"fast\": \"6\"}}"

/* 100,000 in and 10,000 out: $0.30 + $0.15 = $0.45, and a search at $0.01. */
static struct workload rows_with(const char *const *labels, size_t count)
{
    struct workload w;
    struct usage_extra search = {"search", PLAN_MICRO, false};
    workload_init(&w);
    for (size_t i = 0; i < count; i++) {
        struct request r = {.timestamp_ns = (int64_t)i,
                            .input_tokens = 100000,
                            .output_tokens = 10000,
                            .labels = labels[i],
                            .has_usage = true,
                            .usage = usage_from_totals(100000, 0, 0, 0, 10000, 0)};
        r.usage.extras = &search;
        r.usage.extra_count = 1;
        testing_add(&w, r);
    }
    return w;
}

static const struct {
    const char *labels, *total;
} rows[] = {
    {NULL, "0.46"},
    {"{\"region\": \"eu\"}", "0.505"},                     /* 0.45 × 1.1 + 0.01 */
    {"{\"region\": \"us-east-1\"}", "0.4825"},             /* 0.45 × 1.05 + 0.01 */
    {"{\"region\": \"ap\", \"team\": \"a\"}", "0.46"},     /* not in the list: as it stands */
    {"{\"speed\": \"fast\"}", "2.71"},                     /* 0.45 × 6 + 0.01 */
    {"{\"speed\": \"fast\", \"region\": \"eu\"}", "2.98"}, /* 0.45 × 6.6 + 0.01 */
};
#define ROWS (sizeof rows / sizeof *rows)

/* Each row by itself, and all of them together: 0.46 + 0.505 + 0.4825 + 0.46 + 2.71 + 2.98. */
START_TEST(a_label_lifts_the_prices_of_tokens)
{
    const char *labels[ROWS];
    struct plan_book book = testing_plans(PLANS(TOKENS ", \"uplift\": [" REGIONS ", " SPEEDS "]"));
    for (size_t i = 0; i < ROWS; i++) {
        struct workload w = rows_with(&rows[i].labels, 1);
        struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
        testing_money(bill.plans[0].total, rows[i].total, rows[i].labels ? rows[i].labels : "none");
        ck_assert_int_eq(bill.plans[0].rank, 1);
        bill_free(&bill);
        workload_free(&w);
        labels[i] = rows[i].labels;
    }
    struct workload w = rows_with(labels, ROWS);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 2});
    testing_money(bill.plans[0].total, "7.5975", "all");
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Tiers, services, hours and what a cache keeps are lifted as they are. */
START_TEST(an_uplift_multiplies_what_the_rate_asks)
{
    struct plan_book book = testing_plans(PLANS(
        "\"per_mtok\": {\"input\": \"2\", \"cache_write\": \"2.5\"}, \"tiers\": [{\"input_over\":"
        " 200000, \"per_mtok\": {\"input\": \"4\"}}], \"multipliers\": {\"batch\": \"0.5\"},"
        " \"per_request\": \"0.1\", \"uplift\": " REGIONS));
    static const char *const lines[][2] = {
        {"{\"input\": 100000, \"labels\": {\"region\": \"eu\"}}", "0.32"}, /* 0.2 × 1.1 + 0.1 */
        {"{\"input\": 1000000, \"labels\": {\"region\": \"eu\"}}", "4.5"}, /* 4 × 1.1 + 0.1 */
        {"{\"input\": 1000000, \"service\": \"batch\", \"labels\": {\"region\": \"us-w\"}}",
         "2.2"}, /* 4 × 0.5 × 1.05 + 0.1 */
        {"{\"input\": 100000, \"cache_write\": 100000, \"labels\": {\"region\": \"eu\"}}",
         "0.375"}};
    for (int i = 0; i < 4; i++) {
        struct quote q;
        struct charge c;
        struct error err = {0};
        ck_assert_msg(quote_parse("t", text_of(lines[i][0]), 1, &q, &err) == 0, "%s", err.message);
        ck_assert_int_eq(quote_price(&book.plans[0], &q, &c, NULL), 0);
        testing_money(c.total, lines[i][1], lines[i][0]);
    }
    plan_book_free(&book);
}
END_TEST

/* A record of a run is charged as the row of its trace. */
START_TEST(records_are_lifted_as_rows_are)
{
    struct plan_book book = testing_plans(PLANS(TOKENS ", \"uplift\": " REGIONS));
    struct record r;
    money amount;
    record_init(&r);
    r.labels = "{\"region\": \"eu\"}";
    r.usage = usage_from_totals(100000, 0, 0, 0, 10000, 0);
    r.usage_from = USAGE_SERVER;
    r.final = true;
    r.status = RECORD_COMPLETED;
    ck_assert_int_eq(price_record(&book.plans[0], &r, TIME_NEVER, &amount), 1);
    testing_money(amount, "0.495", "record");
    plan_book_free(&book);
}
END_TEST

/* So is a row of a usage report, which stands for many. */
START_TEST(sums_are_lifted_as_their_requests_are)
{
    struct plan_book book = testing_plans(PLANS(TOKENS ", \"uplift\": " REGIONS));
    const struct plan *plan = &book.plans[0];
    struct workload w;
    struct sum_bill bill;
    struct error err = {0};
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = 1000000,
                                     .output_tokens = 100000,
                                     .requests = 10,
                                     .bucket_ns = 3600 * NS_PER_S,
                                     .labels = "{\"region\": \"eu\"}"});
    ck_assert_msg(sum_bill_make(&bill, &w, &plan, 1, &(struct sum_options){0}, &err) == 0, "%s",
                  err.message);
    testing_money(bill.plans[0].total.least, "4.95", "least");
    testing_money(bill.plans[0].total.most, "4.95", "most");
    sum_bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Prices by a label that no row has are a doubt that the bill states. */
START_TEST(a_label_that_no_request_has_is_told)
{
    struct plan_book book = testing_plans(PLANS(TOKENS ", \"uplift\": [" REGIONS ", " SPEEDS "]"));
    const char *labels = "{\"region\": \"eu\"}";
    struct workload w = rows_with(&labels, 1);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1});
    struct buffer out;
    struct json_writer json;
    buffer_init(&out, BUFFER_UNBOUNDED);
    bill_write_table(&bill, 400, &out);
    ck_assert_ptr_nonnull(strstr(out.data, "depend on the label \"speed\", which no request has"));
    ck_assert_ptr_null(strstr(out.data, "depend on the label \"region\""));
    buffer_clear(&out);
    json_write_init(&json, &out, 0);
    bill_write_json(&bill, &json);
    ck_assert_ptr_nonnull(strstr(out.data, "\"labels_not_seen\": [\"speed\"]"));
    buffer_free(&out);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

static const struct {
    const char *uplift, *says;
} bad[] = {
    {"{\"label\": \"region\"}", "needs \"label\" and \"values\""},
    {"{\"label\": \"region\", \"values\": {}}", "needs \"label\" and \"values\""},
    {"{\"label\": \"region\", \"values\": {\"eu\": \"-1\"}}", "factor from 0 to 1000"},
    {"{\"label\": \"region\", \"values\": {\"eu\": \"1.0000001\"}}", "at most 6 decimals"},
    {"{\"labels\": \"region\", \"values\": {\"eu\": \"1.1\"}}", "did you mean \"label\"?"},
    {"[" REGIONS ", " REGIONS "]", "\"region\" stands twice"},
    {"{\"label\": \"region\", \"values\": {\"eu\": \"1.123456\"}}", "finer than 1e-24"},
};

START_TEST(an_uplift_that_makes_no_sense_is_refused)
{
    char text[500];
    struct plan_book book = {0};
    struct error err = {0};
    snprintf(text, sizeof text,
             PLANS("\"per_mtok\": {\"input\": \"0.0000000000001\"}, \"uplift\": %s"),
             bad[_i].uplift);
    ck_assert_int_eq(plan_book_parse("t", text, strlen(text), &book, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, bad[_i].says), "%s", err.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan uplift");
    TCase *t = tcase_create("uplift");
    tcase_add_test(t, a_label_lifts_the_prices_of_tokens);
    tcase_add_test(t, an_uplift_multiplies_what_the_rate_asks);
    tcase_add_test(t, records_are_lifted_as_rows_are);
    tcase_add_test(t, sums_are_lifted_as_their_requests_are);
    tcase_add_test(t, a_label_that_no_request_has_is_told);
    tcase_add_loop_test(t, an_uplift_that_makes_no_sense_is_refused, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
