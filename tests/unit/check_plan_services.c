/* Services by any name, and what rows, logs and plans make of them. Figures worked out by hand. */
#include "testing_plans.h"
#include "testing_trace.h"
#include "testing_workload.h"

#include "sim/cost/book/quote.h"

#include <string.h>

#define PLANS(terms) "{\"plans\": [{\"name\": \"p\", " terms "}]}"
#define TOKENS "\"per_mtok\": {\"input\": \"2\", \"output\": \"10\"}"

/* A million tokens in and 100,000 out: $2 and $1. */
static struct bill bill_of(const char *service, const char *plan, struct plan_book *book)
{
    static struct workload w;
    workload_free(&w);
    testing_add(&w, (struct request){.input_tokens = 1000000,
                                     .output_tokens = 100000,
                                     .service = service_called(text_of(service)),
                                     .other_service = service});
    *book = testing_plans(plan);
    return testing_bill(&w, book, (struct bill_options){.workers = 1});
}

static const struct {
    const char *service, *total;
    bool ranked;
} services[] = {
    {"standard", "3", true},  {"fast", "18", true}, /* six times */
    {"batch", "1.5", true},                         /* half */
    {"scale", "7.25", true},                        /* 1 × 5 + 0.1 × 20 + 0.25 a request */
    {"us-only", "3", false},  /* nothing is said of it: the standard price is a guess */
    {"on_demand", "3", true}, /* what a seller calls his ordinary service */
    {"priority", "3", false},
};

START_TEST(a_plan_prices_services_by_any_name)
{
    struct plan_book book;
    struct bill bill = bill_of(
        services[_i].service,
        PLANS(TOKENS ", \"multipliers\": {\"fast\": \"6\", \"batch\": \"0.5\"}, \"services\":"
                     " {\"scale\": {\"per_mtok\": {\"input\": \"5\", \"output\": \"20\"},"
                     " \"per_request\": \"0.25\"}}"),
        &book);
    testing_money(bill.plans[0].total, services[_i].total, services[_i].service);
    ck_assert_int_eq(bill.plans[0].rank, services[_i].ranked);
    ck_assert(!(bill.plans[0].sums.unpriced_what & UNPRICED_SERVICE) == services[_i].ranked);
    bill_free(&bill);
    plan_book_free(&book);
}
END_TEST

/* At half price by night: windows hold for services by their own names, too. */
START_TEST(windows_and_services_combine)
{
    struct plan_book book = testing_plans(
        PLANS(TOKENS ", \"multipliers\": {\"fast\": \"6\"}, \"windows\": [{\"start\": \"00:00\","
                     " \"end\": \"06:00\", \"multiplier\": \"0.5\"}]"));
    struct quote q;
    struct charge c;
    static const char *const lines[][2] = {
        {"{\"input\": 1000000, \"service\": \"fast\", \"at\": \"2026-11-02T03:00:00Z\"}", "6"},
        {"{\"input\": 1000000, \"service\": \"fast\", \"at\": \"2026-11-02T06:00:00Z\"}", "12"},
        {"{\"input\": 1000000, \"service\": \"slow\", \"at\": \"2026-11-02T03:00:00Z\"}", "1"}};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(quote_parse("t", text_of(lines[i][0]), 1, &q, NULL), 0);
        ck_assert_int_eq(quote_price(&book.plans[0], &q, &c, NULL), 0);
        testing_money(c.total, lines[i][1], lines[i][0]);
        ck_assert_int_eq((c.unpriced & UNPRICED_SERVICE) != 0, i == 2);
    }
    plan_book_free(&book);
}
END_TEST

static const char *const misspelt[] = {
    PLANS(TOKENS ", \"multipliers\": {\"bach\": \"0.5\"}"),
    PLANS(TOKENS ", \"services\": {\"Flex\": {\"per_mtok\": {\"input\": \"1\"}}}"),
    PLANS(TOKENS ", \"multipliers\": {\"fast\": \"6\"}, \"services\": {\"fast\": {\"per_mtok\":"
                 " {\"input\": \"1\"}}}"),
};

START_TEST(a_service_that_is_nearly_a_known_one_is_a_mistake)
{
    static const char *const says[] = {"one letter off \"batch\"", "one letter off \"flex\"",
                                       "both a multiplier and prices of its own for \"fast\""};
    struct plan_book book = {0};
    struct error err = {0};
    ck_assert_int_eq(plan_book_parse("t", misspelt[_i], strlen(misspelt[_i]), &book, &err),
                     ERR_INPUT);
    ck_assert_msg(strstr(err.message, says[_i]), "%s", err.message);
}
END_TEST

/* A row's service goes through files of both forms as it was written. */
START_TEST(traces_keep_services_by_their_names)
{
    static const char *const forms[] = {
        "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 5, \"service\": \"us-only\"}\n"
        "{\"timestamp\": 1, \"input_length\": 10, \"output_length\": 5, \"service\": "
        "\"default\"}\n",
        "timestamp_ms,input_length,output_length,service\n0,10,5,us-only\n1,10,5,default\n"};
    struct workload w;
    struct request r;
    testing_read(forms[_i], NULL, &w);
    workload_get(&w, 0, &r);
    ck_assert_str_eq(request_service(&r), "us-only");
    workload_get(&w, 1, &r);
    ck_assert_int_eq(r.service, SERVICE_STANDARD);
    workload_free(&w);
}
END_TEST

/* A month that is made of a trace keeps its rows' services: ten of them are 10 × $18. */
START_TEST(a_month_of_a_trace_keeps_its_services)
{
    struct plan_book book = testing_plans(PLANS(TOKENS ", \"multipliers\": {\"fast\": \"6\"}"));
    struct workload w;
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = 1000000,
                                     .output_tokens = 100000,
                                     .service = SERVICE_OTHER,
                                     .other_service = "fast"});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 1, .volume = 10});
    testing_money(bill.plans[0].total, "180", "ten");
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* The prices that a bill is itemised by are those that are charged. */
START_TEST(items_have_the_prices_of_their_service_and_labels)
{
    static const char *const asked[] = {"fast", "slow"};
    struct plan_book book = testing_plans(
        PLANS(TOKENS ", \"multipliers\": {\"fast\": \"6\"}, \"uplift\": {\"label\": \"region\","
                     " \"values\": {\"eu\": \"1.5\"}}"));
    for (int i = 0; i < 2; i++) {
        struct workload w;
        struct serve_rows rows;
        struct serve_result served = {0};
        struct tariff t;
        struct row_prices prices;
        struct row_charge c;
        workload_init(&w);
        testing_add(&w, (struct request){.input_tokens = 1000000,
                                         .service = SERVICE_OTHER,
                                         .other_service = asked[i],
                                         .labels = "{\"region\": \"eu\"}"});
        ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, NULL), 0);
        tariff_init(&t, &book.plans[0], &rows, &served, TIME_NEVER, false);
        ck_assert(tariff_prices(&t, 0, &prices));
        ck_assert_int_eq(tariff_charge(&t, 0, &c), 0);
        testing_money(prices.table.price[USAGE_UNCACHED_INPUT] * 1000000, i ? "3" : "18", "list");
        testing_money(c.total, i ? "3" : "18", "charge");
        tariff_free(&t);
        serve_rows_free(&rows);
        workload_free(&w);
    }
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan services");
    TCase *t = tcase_create("services");
    tcase_add_loop_test(t, a_plan_prices_services_by_any_name, 0,
                        sizeof services / sizeof *services);
    tcase_add_test(t, windows_and_services_combine);
    tcase_add_loop_test(t, a_service_that_is_nearly_a_known_one_is_a_mistake, 0, 3);
    tcase_add_test(t, a_month_of_a_trace_keeps_its_services);
    tcase_add_test(t, items_have_the_prices_of_their_service_and_labels);
    tcase_add_loop_test(t, traces_keep_services_by_their_names, 0, 2);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
