/* Bills of traces, recorded and our own, and of small workloads made by hand. */
#include "testing_plans.h"
#include "testing_trace.h"
#include "testing_workload.h"

#include "core/buffer.h"
#include "sim/cost/shares/shares.h"

#include <math.h>
#include <string.h>

#define OWN "tests/data/azure.csv"
#define CODE "azure2023/AzureLLMInferenceTrace_code.csv"
#define CONV "azure2023/AzureLLMInferenceTrace_conv_first10000.csv"

static const char oxlo[] =
    "{\"plans\": ["
    "{\"name\": \"r1/token\", \"per_mtok\": {\"input\": \"0.50\", \"output\": \"2.15\"}},"
    "{\"name\": \"oxlo/pro\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
    " \"includes\": {\"requests\": 1000, \"per\": \"day\"}, \"beyond\": \"queue\"}, \"limits\":"
    " {\"max_input_tokens\": 16000, \"max_output_tokens\": 4000, \"unconfirmed\": true}},"
    "{\"name\": \"oxlo/premium\", \"subscription\": {\"price\": \"350\", \"period\": \"month\","
    " \"includes\": {\"requests\": 5000, \"per\": \"day\"}, \"beyond\": \"queue\"}, \"limits\":"
    " {\"max_input_tokens\": 32000, \"max_output_tokens\": 8000, \"unconfirmed\": true}}]}";

static const struct {
    const char *file, *total, *mean;
    double cv, max_over_median, input_share;
    uint64_t served_pro, need_pro, need_premium, peak_minute;
    const char *cash_pro; /* of the months begun */
} accounts[] = {
    {OWN, "2.55493715", "0.00127747", 0.9660, 11.39, 0.9569, 1990, 2, 1, 194, "160"},
    {CODE, "9.5586634", "0.00108387", 0.9184, 5.79, 0.9831, 8819, 9, 2, 632, "720"},
};

START_TEST(a_trace_under_token_and_flat_plans)
{
    struct workload w;
    testing_read_file(accounts[_i].file, &w, NULL);
    struct plan_book book = testing_plans(oxlo);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 2});
    const struct plan_bill *token = &bill.plans[0], *pro = &bill.plans[1];
    testing_money(token->total, accounts[_i].total, "total");
    testing_money(money_round(token->per_request, MONEY_USD / 100000000), accounts[_i].mean,
                  "mean");
    ck_assert_double_eq_tol(token->stats.cv, accounts[_i].cv, 0.00005);
    ck_assert_double_eq_tol(token->stats.max_over_median, accounts[_i].max_over_median, 0.005);
    ck_assert_double_eq_tol(token->stats.share[PART_INPUT], accounts[_i].input_share, 0.00005);
    ck_assert_double_eq_tol(token->stats.share[PART_OUTPUT], 1 - accounts[_i].input_share, 0.0001);
    double shares = 0;
    for (int i = 0; i < CHARGE_PARTS; i++)
        shares += token->stats.share[i];
    ck_assert_double_eq_tol(shares, 1, 1e-12);
    ck_assert_uint_eq(pro->need.count, accounts[_i].need_pro);
    ck_assert_uint_eq(bill.plans[2].need.count, accounts[_i].need_premium);
    ck_assert_uint_eq(bill.peak_minute, accounts[_i].peak_minute);
    ck_assert_uint_eq(bill.break_even_count, 2);
    ck_assert_uint_eq(bill.break_even[0].dearer, 0);
    ck_assert_uint_eq(bill.split_count, 2);
    testing_money(bill.splits[0].token_usage + bill.splits[0].moved_usage, accounts[_i].total,
                  "a split moves charges, it does not lose any");
    ck_assert_uint_eq(pro->served_requests, accounts[_i].served_pro);
    ck_assert_uint_eq(pro->served.delayed, 0);
    ck_assert_uint_eq(pro->subscriptions, accounts[_i].need_pro);
    testing_money(pro->total, accounts[_i].cash_pro, "cash of a month begun, for each");
    ck_assert_int_eq(token->rank, 1);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

static const struct {
    const char *file;
    size_t count;
    uint64_t input, output;
    const char *total;
} firsts[] = {
    {OWN, 500, 1077995, 62495, "0.67336175"},
    {CONV, 2000, 2209565, 529807, "2.24386755"},
};

START_TEST(the_first_rows_of_a_trace)
{
    struct workload w;
    testing_read_file(firsts[_i].file, &w, NULL);
    w.count = firsts[_i].count;
    struct plan_book book = testing_plans(oxlo);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){0});
    ck_assert_uint_eq(bill.input_tokens, firsts[_i].input);
    ck_assert_uint_eq(bill.output_tokens, firsts[_i].output);
    testing_money(bill.plans[0].total, firsts[_i].total, "total");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(any_number_of_workers_gives_the_same_bill)
{
    struct workload w;
    testing_read_file(accounts[_i].file, &w, NULL);
    struct plan_book book = testing_plans(oxlo);
    struct buffer first, other;
    buffer_init(&first, BUFFER_UNBOUNDED);
    buffer_init(&other, BUFFER_UNBOUNDED);
    const unsigned workers[] = {1, 2, 8};
    for (size_t i = 0; i < 3; i++) {
        struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = workers[i]});
        struct json_writer writer;
        struct buffer *out = i == 0 ? &first : &other;
        buffer_clear(out);
        json_write_init(&writer, out, 2);
        bill_write_json(&bill, &writer);
        if (i > 0)
            ck_assert_str_eq(first.data, other.data);
        bill_free(&bill);
    }
    buffer_free(&first);
    buffer_free(&other);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(the_order_of_rows_does_not_matter)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"0.1\", \"cached_input\":"
        " \"0.03\", \"output\": \"7\", \"reasoning\": \"9\"}}]}");
    struct buffer text[2];
    for (int turned = 0; turned < 2; turned++) {
        struct workload w;
        workload_init(&w);
        for (int k = 0; k < 500; k++) {
            uint32_t n = (uint32_t)(turned ? 499 - k : k);
            struct request r = {.timestamp_ns = (int64_t)n * NS_PER_S,
                                .input_tokens = 10 + n * 7919 % 3001,
                                .output_tokens = 1 + n * 104729 % 997,
                                .has_usage = true};
            r.usage = usage_from_totals(r.input_tokens, n % 10, 0, 0, r.output_tokens, n % 3);
            testing_add(&w, r);
        }
        struct bill bill = testing_bill(&w, &book, (struct bill_options){.workers = 2});
        struct json_writer writer;
        buffer_init(&text[turned], BUFFER_UNBOUNDED);
        json_write_init(&writer, &text[turned], 2);
        bill_write_json(&bill, &writer);
        bill_free(&bill);
        workload_free(&w);
    }
    ck_assert_str_eq(text[0].data, text[1].data);
    buffer_free(&text[0]);
    buffer_free(&text[1]);
    plan_book_free(&book);
}
END_TEST

START_TEST(subscriptions_fees_and_minimums)
{
    struct plan_book book = testing_plans(
        "{\"plans\": ["
        "{\"name\": \"copilot\", \"per_request\": \"0.04\", \"subscription\": {\"price\": \"10\","
        " \"period\": \"month\", \"includes\": {\"requests\": 3, \"per\": \"month\"}, \"beyond\":"
        " \"pay\"}},"
        "{\"name\": \"credits\", \"per_request\": \"1\", \"credit_fee\": {\"percent\": \"5.5\","
        " \"minimum\": \"0.80\"}},"
        "{\"name\": \"least\", \"per_request\": \"1\", \"minimum\": {\"usd\": \"50\", \"per\":"
        " \"month\"}},"
        "{\"name\": \"volume\", \"per_request\": \"1\", \"volume\": {\"steps\": [{\"over_usd\":"
        " \"4\", \"off_percent\": \"10\"}, {\"over_usd\": \"8\", \"off_percent\": \"50\"}]}},"
        "{\"name\": \"credit\", \"per_request\": \"1\", \"subscription\": {\"price\": \"5\","
        " \"period\": \"month\", \"includes\": {\"usd\": \"6\", \"per\": \"month\"}}},"
        "{\"name\": \"gpu\", \"provisioned\": {\"unit\": \"H100\", \"price\": \"4.02\","
        " \"units\": 2}},"
        "{\"name\": \"cents\", \"per_request\": \"0.333\", \"rounding\": {\"to\": \"0.01\","
        " \"on\": \"bill\", \"mode\": \"up\"}}]}");
    struct workload w;
    workload_init(&w);
    for (int i = 0; i < 10; i++) /* every ten minutes: an hour and a half */
        testing_add(&w, (struct request){.timestamp_ns = i * 600 * NS_PER_S, .input_tokens = 1});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){0});
    testing_money(bill.plans[0].total, "10.28", "3 included, 7 at 4 cents");
    ck_assert_uint_eq(bill.plans[0].served.count[SERVE_INCLUDED], 3);
    testing_money(bill.plans[1].total, "10.8", "5.5 % of 10 is below the minimum");
    testing_money(bill.plans[2].total, "50", "a minimum is topped up");
    testing_money(bill.plans[3].total, "8.6", "0.1 × 4 + 0.5 × 2 off");
    testing_money(bill.plans[4].total, "9", "5 + 10 - 6");
    testing_money(bill.plans[5].total, "16.08", "two hours begun × two units");
    testing_money(bill.plans[5].prorated_total, "12.06", "an hour and a half");
    testing_money(bill.plans[5].per_mtok, "1608000", "for ten tokens");
    testing_money(bill.plans[6].total, "3.33", "rounded up on the bill");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(a_period_is_more_than_the_trace)
{
    struct plan_book book = testing_plans(
        "{\"plans\": ["
        "{\"name\": \"token\", \"per_request\": \"0.04\"},"
        "{\"name\": \"copilot\", \"per_request\": \"0.04\", \"subscription\": {\"price\": \"10\","
        " \"period\": \"month\", \"includes\": {\"requests\": 300, \"per\": \"month\"}}},"
        "{\"name\": \"pro\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
        " \"includes\": {\"requests\": 100, \"per\": \"day\"}, \"beyond\": \"queue\"}},"
        "{\"name\": \"credit\", \"per_request\": \"0.04\", \"subscription\": {\"price\": \"10\","
        " \"period\": \"month\", \"includes\": {\"usd\": \"20\", \"per\": \"month\"}}},"
        "{\"name\": \"large\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
        " \"includes\": {\"requests\": 10000, \"per\": \"day\"}, \"beyond\": \"queue\"}}]}");
    struct workload w;
    workload_init(&w);
    for (int i = 0; i <= 10; i++) /* 11 in an hour: 7,920 a month */
        testing_add(&w, (struct request){.timestamp_ns = i * 360 * NS_PER_S, .input_tokens = 1});
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.period = PERIOD_MONTH});
    testing_money(bill.plans[0].total, "316.8", "720 hours of 11");
    testing_money(bill.plans[1].total, "264.8", "26 × 10, 7,800 included, 120 paid at 4 cents");
    ck_assert_uint_eq(bill.plans[1].subscriptions, 26);
    testing_money(bill.plans[2].total, "240", "264 a day: three of 100");
    ck_assert_uint_eq(bill.plans[2].requests, 7920);
    ck_assert_uint_eq(bill.plans[2].served_requests, 7920);
    ck_assert_uint_eq(bill.plans[2].subscriptions, 3);
    testing_money(bill.plans[3].total, "160", "16 × 20 of credit for 16 × 10");
    ck_assert_int_eq(bill.plans[4].rank, 1);
    testing_money(bill.plans[4].per_used_request, "0.010101010101", "80 / 7,920");
    bill_free(&bill);
    bill = testing_bill(&w, &book, (struct bill_options){.period = PERIOD_DAY});
    testing_money(bill.plans[0].total, "10.56", "24 hours of 11");
    testing_money(bill.plans[4].total, "80", "cash: a month is begun");
    testing_money(bill.plans[4].prorated_total, "2.666666666667", "and a day of it used");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

/* Its rows are lent, also to a bill that fails: a rate cannot be told by one instant. */
START_TEST(a_sample_that_is_known_serves_many_bills)
{
    struct plan_book book =
        testing_plans("{\"plans\": [{\"name\": \"token\", \"per_request\": \"0.04\"}]}");
    const struct plan *plans[] = {&book.plans[0]};
    const uint64_t volumes[] = {0, 100, 300};
    struct workload w;
    struct serve_rows rows;
    struct session_list sessions;
    struct week_profile profile;
    struct error err = {0};
    workload_init(&w);
    for (int i = 0; i < 3; i++)
        testing_add(&w, (struct request){.timestamp_ns = 0, .input_tokens = 1});
    ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, &err), 0);
    session_list_make(&sessions, &rows);
    week_profile_make(&profile, &sessions, &rows, 0);
    const struct extrapolation_sample sample = {&rows, &sessions, &profile};
    for (size_t i = 0; i < COUNT_OF(volumes); i++) {
        struct bill_options how = {.period = PERIOD_MONTH, .volume = volumes[i], .sample = &sample};
        struct bill bill;
        int status = bill_make(&bill, &w, plans, 1, &how, &err);
        ck_assert_int_eq(status, volumes[i] ? 0 : ERR_INPUT);
        if (status == 0)
            ck_assert_uint_eq(bill.plans[0].requests, volumes[i]);
        bill_free(&bill);
    }
    session_list_free(&sessions);
    serve_rows_free(&rows);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(waste_sessions_labels_and_reported_costs)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"1\", \"output\": \"10\"},"
        " \"billed\": {\"failed\": \"input\", \"aborted\": \"delivered\"}}]}");
    struct workload w;
    workload_init(&w);
    struct request base = {.input_tokens = 1000,
                           .output_tokens = 100,
                           .session_id = "s1",
                           .labels = "{\"user\": \"ann\"}",
                           .has_cost = true,
                           .cost = 2 * MONEY_USD / 1000};
    struct request retried = base, failed = base, aborted = base;
    retried.attempts = 3;
    retried.session_id = "s2";
    retried.labels = "{\"team\": 1, \"user\": \"bob\"}";
    failed.status = REQUEST_FAILED;
    aborted.status = REQUEST_ABORTED;
    aborted.labels = NULL;
    testing_add(&w, base);
    testing_add(&w, retried);
    testing_add(&w, failed);
    testing_add(&w, aborted);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.by = "user"});
    struct error err = {0};
    ck_assert_int_eq(bill_shares_make(&bill, &err), 0);
    const struct plan_bill *p = &bill.plans[0];
    testing_money(p->total, "0.009", "2 + (2 + 2 × 1) + 1 + 2 thousandths");
    testing_money(p->waste.retries, "0.002", "retries");
    testing_money(p->waste.failed, "0.001", "failed");
    testing_money(p->waste.aborted, "0.002", "aborted");
    testing_money(p->waste.usage_per_good, "0.0045", "two good ones");
    ck_assert_uint_eq(p->session_stats.count, 2);
    ck_assert_uint_eq(p->group_count, 3);
    ck_assert_str_eq(p->groups[0].name, "bob");
    testing_money(p->groups[0].usage, "0.004", "bob");
    ck_assert_str_eq(p->groups[1].name, "ann");
    ck_assert_uint_eq(p->reconciled.requests, 4);
    ck_assert_uint_eq(p->reconciled.equal, 2);
    testing_money(p->reconciled.reported, "0.008", "reported");
    bill_free(&bill);
    bill = testing_bill(&w, &book, (struct bill_options){.by = "tenant"});
    ck_assert_int_eq(bill_shares_make(&bill, &err), ERR_INPUT);
    bill_free(&bill);
    ck_assert_ptr_nonnull(strstr(err.message, "tenant"));
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(timed_prices_need_a_start)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"1\"}, \"windows\":"
        " [{\"start\": \"16:30\", \"end\": \"00:30\", \"multiplier\": \"0.5\"}]}]}");
    struct workload w;
    struct bill bill;
    struct error err = {0};
    workload_init(&w);
    testing_add(&w, (struct request){.input_tokens = 1000000});
    const struct plan *plan = &book.plans[0];
    struct bill_options options = {0};
    ck_assert_int_eq(bill_make(&bill, &w, &plan, 1, &options, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--start"));
    options.has_start = true;
    ck_assert_int_eq(clock_parse_instant("2026-11-01T23:00:00Z", 20, &options.start_unix_ns), 0);
    bill = testing_bill(&w, &book, options);
    testing_money(bill.plans[0].total, "0.5", "at night");
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(an_empty_workload_is_billed_too)
{
    struct plan_book book = testing_plans(oxlo);
    struct workload w;
    workload_init(&w);
    struct bill bill = testing_bill(&w, &book, (struct bill_options){.both_caps = true});
    ck_assert_uint_eq(bill.plan_count, 5);
    testing_money(bill.plans[0].total, "0", "nothing used");
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    struct json_writer writer;
    json_write_init(&writer, &out, 0);
    bill_write_json(&bill, &writer);
    bill_write_table(&bill, 100, &out);
    buffer_free(&out);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bill");
    TCase *tc = tcase_create("bills");
    tcase_add_loop_test(tc, a_trace_under_token_and_flat_plans, 0, 2);
    tcase_add_loop_test(tc, the_first_rows_of_a_trace, 0, 2);
    tcase_add_loop_test(tc, any_number_of_workers_gives_the_same_bill, 0, 2);
    tcase_add_test(tc, the_order_of_rows_does_not_matter);
    tcase_add_test(tc, subscriptions_fees_and_minimums);
    tcase_add_test(tc, a_period_is_more_than_the_trace);
    tcase_add_test(tc, a_sample_that_is_known_serves_many_bills);
    tcase_add_test(tc, waste_sessions_labels_and_reported_costs);
    tcase_add_test(tc, timed_prices_need_a_start);
    tcase_add_test(tc, an_empty_workload_is_billed_too);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
