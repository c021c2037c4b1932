/* Price books: what is read, and what is refused with which words. */
#include "testing_schema.h"

#include "sim/cost/book/plan_read.h"

#include <string.h>

static int parse(const char *text, struct plan_book *book, struct error *err)
{
    *book = (struct plan_book){0};
    return plan_book_parse("plans.json", text, strlen(text), book, err);
}

#define BOOK(plans) "{\"book\": \"t\", \"currency\": \"USD\", \"plans\": [" plans "]}"

static money mtok(const char *price)
{
    money out;
    ck_assert_int_eq(money_parse(price, strlen(price), MONEY_PER_MILLION, &out), MONEY_OK);
    return out;
}

START_TEST(reads_the_design_s_book)
{
    struct plan_book book;
    struct error err = {0};
    int code = parse(
        "{ \"book\": \"curated\", \"as_of\": \"2026-11-01\", \"currency\": \"USD\", \"plans\": [\n"
        "  { \"name\": \"example/token\", \"seller\": \"Example\", \"source\": \"s\","
        "    \"models\": [\"big-*\"],\n"
        "    \"per_mtok\": { \"input\": \"2.50\", \"cached_input\": \"1.25\","
        "      \"cache_write\": \"3.125\", \"cache_write_1h\": \"5.00\","
        "      \"output\": \"10.00\", \"reasoning\": \"10.00\" },\n"
        "    \"tiers\": [ { \"input_over\": 200000, \"per_mtok\": { \"input\": \"5.00\","
        "      \"output\": \"15.00\" } } ],\n"
        "    \"per_request\": \"0\", \"per_tool\": { \"web_search\": \"0.01\" },"
        "    \"per_unit\": { \"audio_second\": \"0.0001\" },\n"
        "    \"multipliers\": { \"batch\": \"0.5\", \"priority\": \"2\" },\n"
        "    \"billed\": { \"failed\": \"none\", \"aborted\": \"delivered\","
        "      \"retried\": \"each\" } },\n"
        "  { \"name\": \"example/flat\", \"subscription\": { \"price\": \"80\","
        "      \"period\": \"month\", \"includes\": { \"requests\": 1000, \"per\": \"day\" },"
        "      \"beyond\": \"queue\" },\n"
        "    \"limits\": { \"rpm\": 30, \"concurrency\": 10, \"max_input_tokens\": 16000,"
        "      \"max_output_tokens\": 4000 } } ] }",
        &book, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    ck_assert_uint_eq(book.count, 2);
    const struct plan *token = plan_book_find(&book, "example/token");
    ck_assert_ptr_null(plan_rate_for(token, "small"));
    const struct plan_rate *rate = plan_rate_for(token, "big-7b");
    ck_assert_ptr_nonnull(rate);
    const struct rate_prices *batch = &rate->resolved[SERVICE_BATCH];
    ck_assert_uint_eq(batch->table_count, 2);
    ck_assert(batch->tables[0].price[USAGE_UNCACHED_INPUT] == mtok("1.25"));
    ck_assert_uint_eq(batch->tables[1].input_from, 200001);
    ck_assert(batch->tables[1].price[USAGE_UNCACHED_INPUT] == mtok("2.5"));
    /* cached input: the base's own price goes before the tier's price of its parent */
    ck_assert(batch->tables[1].price[USAGE_CACHED_INPUT] == mtok("0.625"));
    const struct plan *flat = plan_book_find(&book, "example/flat");
    money price;
    uint64_t requests;
    ck_assert(plan_full_use(flat, &price, &requests));
    ck_assert(price == 80 * MONEY_USD);
    ck_assert_uint_eq(requests, 30000);
    ck_assert_int_eq(flat->quotas[0].beyond, BEYOND_QUEUE);
    ck_assert_uint_eq(flat->limits.max_input_tokens, 16000);
    plan_book_free(&book);
}
END_TEST

/* Every refused book: the text, where the finger points, and words that the message must hold. */
static const struct {
    const char *text;
    long line, column;
    const char *says;
} refused[] = {
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtokens\": {}}]}", 3, 3,
     "did you mean \"per_mtok\"?"},
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtok\": {\"input\": \"-1\"}}]}", 3, 25,
     "negative"},
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtok\": {\"input\": \"1e400\"}}]}", 3, 25,
     "larger"},
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtok\": {\"input\": "
     "\"0.000000000000000000000000000001\"}}]}",
     3, 25, "finer than 1e-24"},
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtok\": {\"input\": \"cheap\"}}]}", 3, 25,
     "not a decimal number"},
    {"{\"plans\": [\n {\"name\": \"a\",\n  \"per_mtok\": {\"inputs\": \"1\"}}]}", 3, 16,
     "did you mean \"input\"?"},
    {"{\"plans\": [\n {\"name\": \"a\", \"per_mtok\": {\"input\": \"1\"},\n"
     "  \"tiers\": [{\"input_over\": 100, \"per_mtok\": {\"input\": \"2\"}},\n"
     "   {\"input_from\": 101, \"per_mtok\": {\"input\": \"3\"}}]}]}",
     4, 4, "overlaps"},
    {"{\"currency\": \"EUR\", \"plans\": []}", 1, 14, "USD"},
    {"{\"plans\": [\n {\"name\": \"a\", \"per_mtok\": {\"input\": \"1\"},\n"
     "  \"windows\": [{\"end\": \"08:00\", \"multiplier\": \"0.5\"}]}]}",
     3, 15, "needs \"start\""},
    {"{\"plans\": [\n {\"name\": \"a\", \"per_mtok\": {\"input\": \"1\"},\n"
     "  \"windows\": [{\"multiplier\": \"0.5\"}]}]}",
     3, 15, "without start"},
    {"{\"plans\": [\n {\"name\": \"a\", \"per_mtok\": {\"input\": \"1\"},\n"
     "  \"windows\": [{\"start\": \"25:00\", \"end\": \"08:00\", \"multiplier\": \"0.5\"}]}]}",
     3, 25, "time of day"},
    {"{\"plans\": [\n {\"name\": \"a\"}]}", 2, 2, "no way to be paid"},
    {"{\"plans\": [\n {\"per_request\": \"1\"}]}", 2, 2, "no \"name\""},
    {"{\"plans\": [{\"name\": \"a\", \"per_request\": \"1\"},\n"
     "  {\"name\": \"a\", \"per_request\": \"1\"}]}",
     2, 3, "already in this book"},
    {"{\"plans\": [{\"name\": \"a\", \"subscription\": {\"price\": \"1\", \"period\": \"month\",\n"
     " \"includes\": {\"requests\": 10}}}]}",
     2, 14, "\"per\""},
    {"{\"plans\": [{\"name\": \"a\", \"subscription\": {\"price\": \"1\",\n"
     " \"period\": \"fortnight\"}}]}",
     2, 12, "expected a period"},
    {"{\"plans\": [{\"name\": \"a\", \"per_request\": \"1\",\n \"billed\": {\"failed\": "
     "\"all\"}}]}",
     2, 23, "\"delivered\""},
    {"{\"plans\": [{\"name\": \"a\", \"per_request\": \"1\",\n \"rates\": [{\"per_request\": "
     "\"2\"}]}]}",
     1, 12, "move them into a rate"},
    {"{\"book\": \"x\"}", 1, 1, "\"plans\""},
};

START_TEST(refuses_bad_books_with_a_place)
{
    struct plan_book book;
    struct error err = {0};
    ck_assert_int_eq(parse(refused[_i].text, &book, &err), ERR_INPUT);
    ck_assert_ptr_null(book.plans);
    ck_assert_msg(strstr(err.message, refused[_i].says), "\"%s\" lacks \"%s\"", err.message,
                  refused[_i].says);
    ck_assert_str_eq(err.file, "plans.json");
    ck_assert_msg(err.line == refused[_i].line && err.column == refused[_i].column,
                  "%s: %ld:%ld, expected %ld:%ld", err.message, err.line, err.column,
                  refused[_i].line, refused[_i].column);
}
END_TEST

START_TEST(quotas_count_in_their_own_unit)
{
    static const struct {
        enum plan_unit unit;
        uint64_t need;
    } cases[] = {{QUOTA_REQUESTS, 2500000},
                 {QUOTA_TOKENS, 110},
                 {QUOTA_INPUT_TOKENS, 100},
                 {QUOTA_OUTPUT_TOKENS, 10},
                 {QUOTA_USD, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan_quota quota = {.unit = cases[i].unit};
        ck_assert_uint_eq(plan_quota_need(&quota, 2500000, 100, 10), cases[i].need);
    }
}
END_TEST

START_TEST(people_may_write_remarks)
{
    struct plan_book book;
    struct error err = {0};
    ck_assert_int_eq(
        parse("{\"comment\": \"x\", \"plans\": [{\"name\": \"a\", \"note\": \"n\","
              "\"comment\": [1, {}], \"per_mtok\": {\"input\": 0.1, \"note\": \"half\"}}]}",
              &book, &err),
        0);
    ck_assert_str_eq(book.plans[0].note, "n");
    ck_assert(book.plans[0].rates[0].base.base.price[0] == mtok("0.1"));
    plan_book_free(&book);
}
END_TEST

START_TEST(a_cut_book_is_an_error_at_every_length)
{
    const char *text =
        BOOK("{\"name\": \"a\", \"rates\": [{\"models\": [\"x\"], \"per_mtok\": {\"input\": \"1\"},"
             "\"weights\": [{\"models\": \"x\", \"weight\": \"2\"}],"
             "\"windows\": [{\"start\": \"16:30\", \"end\": \"00:30\", \"multiplier\": \"0.5\"}],"
             "\"services\": {\"batch\": {\"per_mtok\": {\"input\": \"0.5\"}}}}],"
             "\"free\": {\"requests\": 5, \"per\": \"day\"},"
             "\"volume\": {\"steps\": [{\"over_usd\": \"10\", \"off_percent\": \"5\"}]}}");
    for (size_t i = 0; i < strlen(text); i++) {
        struct plan_book book = {0};
        struct error err = {0};
        ck_assert_int_eq(plan_book_parse("p", text, i, &book, &err), ERR_INPUT);
    }
    struct plan_book book;
    struct error err = {0};
    ck_assert_msg(parse(text, &book, &err) == 0, "%s", err.message);
    plan_book_free(&book);
}
END_TEST

START_TEST(the_schema_has_the_keys_of_the_reader)
{
    cJSON *schema = testing_schema("sim/cost/book/plan.schema.json");
    testing_schema_check(schema, schema, &plan_book_table, "book");
    cJSON_Delete(schema);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tc = tcase_create("books");
    tcase_add_test(tc, reads_the_design_s_book);
    tcase_add_loop_test(tc, refuses_bad_books_with_a_place, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tc, quotas_count_in_their_own_unit);
    tcase_add_test(tc, people_may_write_remarks);
    tcase_add_test(tc, the_schema_has_the_keys_of_the_reader);
    tcase_add_test(tc, a_cut_book_is_an_error_at_every_length);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
