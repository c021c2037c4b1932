/* Invoices of others' forms, and what is said of a few records that can be worked out by hand. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "sim/cost/reconcile/invoice_make.h"
#include "sim/cost/reconcile/reconcile.h"

#define BOOK                                                                                      \
    "{\"plans\": [{\"name\": \"p\", \"per_mtok\": {\"input\": \"2\", \"cached_input\": \"1\", "   \
    "\"output\": \"10\"}, \"tiers\": [{\"input_over\": 200000, \"per_mtok\": {\"input\": \"4\", " \
    "\"output\": \"15\"}}]}]}"

static struct invoice read_text(const char *text)
{
    char path[64];
    struct error err = {0};
    struct invoice invoice;
    int fd = testing_text_file(text, path);
    int code = invoice_read(path, NULL, &invoice, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    close(fd);
    return invoice;
}

/* Three requests of two models on two days. */
static struct workload three_requests(void)
{
    struct workload w;
    workload_init(&w);
    w.has_start = true;
    clock_parse_instant("2026-11-02T09:00:00Z", 20, &w.start_unix_ns);
    const struct {
        int64_t hour;
        const char *id, *model;
        uint32_t input, cached, output;
    } rows[] = {
        {0, "a", "m", 1000, 400, 50}, {1, "b", "m", 3000, 0, 70}, {25, "c", "n", 500, 0, 9}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct usage u = usage_from_totals(rows[i].input, rows[i].cached, 0, 0, rows[i].output, 0);
        testing_add(&w, (struct request){.timestamp_ns = rows[i].hour * 3600 * NS_PER_S,
                                         .request_id = rows[i].id,
                                         .model = rows[i].model,
                                         .input_tokens = rows[i].input,
                                         .output_tokens = rows[i].output,
                                         .has_usage = true,
                                         .usage = u});
    }
    return w;
}

struct held {
    struct plan_book book;
    struct workload w;
    struct own_list own;
    struct invoice invoice;
    struct reconciliation r;
};

static int hold_how(struct held *h, const char *invoice, struct reconcile_options how,
                    struct error *err)
{
    *h = (struct held){.book = testing_plans(BOOK), .w = three_requests()};
    how.plan = &h->book.plans[0];
    ck_assert_int_eq(own_list_make(&h->own, &h->w, how.plan, err), 0);
    h->invoice = read_text(invoice);
    return reconcile(&h->r, &h->own, &h->invoice, &how, err);
}

static struct held hold(const char *invoice)
{
    struct held h;
    struct error err = {0};
    ck_assert_msg(hold_how(&h, invoice, (struct reconcile_options){0}, &err) == 0, "%s",
                  err.message);
    return h;
}

static void let_go(struct held *h)
{
    reconciliation_free(&h->r);
    invoice_free(&h->invoice);
    own_list_free(&h->own);
    workload_free(&h->w);
    plan_book_free(&h->book);
}

static void testing_found(const struct held *h, uint32_t causes, const char *usd)
{
    const struct finding *f = reconciliation_find(&h->r, causes);
    ck_assert_msg(f != NULL, "not found: %x", causes);
    testing_money(f->usd, usd, cause_name((enum cause)__builtin_ctz(causes)));
}

/* ---- forms ---- */

START_TEST(a_cost_report_of_openai_is_read_by_line_item)
{
    struct invoice v = read_text(
        "{\"object\": \"page\", \"data\": [{\"object\": \"bucket\", \"start_time\": 1793577600, "
        "\"end_time\": 1793664000, \"results\": [\n"
        "{\"object\": \"organization.costs.result\", \"amount\": {\"value\": "
        "0.0600000000000000001, "
        "\"currency\": \"usd\"}, \"line_item\": \"gpt-x-2026-01-01, cached input\", "
        "\"project_id\": null},\n"
        "{\"object\": \"organization.costs.result\", \"amount\": {\"value\": 1.5e-7, \"currency\": "
        "\"usd\"}, \"line_item\": \"web search tool calls\"}]}], \"has_more\": false}\n");
    ck_assert_str_eq(v.form, "costs");
    ck_assert_uint_eq(v.count, 2);
    ck_assert_str_eq(v.currency, "USD");
    ck_assert_str_eq(v.lines[0].model, "gpt-x-2026-01-01");
    ck_assert_int_eq(v.lines[0].of_class, USAGE_CACHED_INPUT);
    testing_money(v.lines[0].amount, "0.0600000000000000001", "as written");
    ck_assert_ptr_null(v.lines[1].model);
    testing_money(v.lines[1].amount, "0.00000015", "an exponent");
    ck_assert_int_eq(v.lines[0].until_ns - v.lines[0].from_ns, 86400 * NS_PER_S);
    ck_assert(v.has_period && v.from_ns == 1793577600 * NS_PER_S);
    invoice_free(&v);
}
END_TEST

START_TEST(a_cost_report_of_anthropic_is_in_cents)
{
    struct invoice v = read_text(
        "{\"data\": [{\"starting_at\": \"2026-11-02T00:00:00Z\", \"ending_at\": "
        "\"2026-11-03T00:00:00Z\", \"results\": [{\"amount\": \"123.45\", \"currency\": \"USD\", "
        "\"cost_type\": \"tokens\", \"model\": \"claude-x\", \"token_type\": "
        "\"cache_creation.ephemeral_1h_input_tokens\", \"context_window\": \"200k-1M\", "
        "\"service_tier\": \"batch\", \"description\": \"d\", \"workspace_id\": null}, "
        "{\"amount\": \"100\", \"currency\": \"USD\", \"cost_type\": \"web_search\", \"model\": "
        "null, \"description\": \"Web Search Usage\"}]}], \"has_more\": false}");
    ck_assert_uint_eq(v.count, 2);
    testing_money(v.lines[0].amount, "1.2345", "of cents");
    ck_assert_int_eq(v.lines[0].of_class, USAGE_CACHE_WRITE_1H);
    ck_assert(v.lines[0].has_tier && v.lines[0].tier_from == 200001);
    ck_assert(v.lines[0].has_service && v.lines[0].service == SERVICE_BATCH);
    ck_assert_int_eq(v.lines[1].kind, LINE_CHARGE);
    ck_assert_str_eq(v.lines[1].about, "Web Search Usage");
    invoice_free(&v);
}
END_TEST

static const struct {
    const char *text, *part;
    long line;
} wrong[] = {
    {"{\"invoice\": 1}\n{\"request_id\": \"a\", \"amout\": \"1\"}\n", "did you mean \"amount\"", 2},
    {"{\"invoice\": 1}\n{\"request_id\": \"a\", \"amount\": \"1,5\"}\n", "1,5", 2},
    {"{\"invoice\": 1}\n\n{\"from\": \"2026-11-02\", \"amount\": \"1\"}\n", "from and until", 3},
    {"{\"invoice\": 1}\n{\"charge\": \"fee\", \"amount\": \"1\"}\n", "discount, credit, tax", 2},
    {"{\"invoice\": 1, \"currency\": \"EURO\"}\n", "such as EUR", 1},
    {"{\"invoice\": 1}\n{\"request_id\": \"a\", \"usage\": {\"inputs\": 3}}\n", "inputs", 2},
    {"{\"invoice\": 1}\n", "no line", 0},
};

START_TEST(what_is_wrong_in_an_invoice_is_said_with_its_line)
{
    char path[64];
    struct error err = {0};
    struct invoice invoice;
    int fd = testing_text_file(wrong[_i].text, path);
    ck_assert_int_eq(invoice_read(path, NULL, &invoice, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].part) != NULL, "%s", err.message);
    ck_assert_int_eq(err.line, wrong[_i].line);
    close(fd);
}
END_TEST

/* ---- what is found ---- */

/* a: 600 at 2, 400 at 1, 50 at 10 = 0.0021; b: 0.0067; c: 0.00109. */
#define LINE(id, usage, amount)                                                               \
    "{\"request_id\": \"" id "\", \"at\": \"2026-11-02T09:00:00Z\", \"usage\": {" usage "}, " \
    "\"amount\": \"" amount "\"}\n"
#define A "\"uncached_input\": 600, \"cached_input\": 400, \"output\": 50"
#define B "\"uncached_input\": 3000, \"output\": 70"
#define C "\"uncached_input\": 500, \"output\": 9"

START_TEST(by_id_each_line_says_why)
{
    struct held h =
        hold("{\"invoice\": 1}\n" LINE("a", "\"uncached_input\": 1000, \"output\": 50", "0.0025")
                 LINE("c", C, "0.00109") LINE("zz", C, "0.00109") LINE("c", C, "0.00109"));
    ck_assert(h.r.by_id);
    testing_money(h.r.ours, "0.00989", "ours");
    testing_money(h.r.theirs, "0.00577", "theirs");
    testing_found(&h, CAUSE_BIT(CAUSE_CACHE_CLASS), "0.0004");
    testing_found(&h, CAUSE_BIT(CAUSE_MISSING_THERE), "-0.0067");
    testing_found(&h, CAUSE_BIT(CAUSE_MISSING_HERE), "0.00109");
    testing_found(&h, CAUSE_BIT(CAUSE_RETRIED), "0.00109");
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
}
END_TEST

START_TEST(prices_of_a_longer_context_are_known_by_their_amount)
{
    struct held h = hold("{\"invoice\": 1}\n" LINE("a", A, "0.00355") LINE("b", B, "0.0067")
                             LINE("c", C, "0.00109"));
    testing_found(&h, CAUSE_BIT(CAUSE_TIER), "0.00145");
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
}
END_TEST

START_TEST(what_nothing_reproduces_is_the_rest_and_no_cause)
{
    struct held h = hold("{\"invoice\": 1}\n" LINE("a", A, "0.0033") LINE("b", B, "0.0067")
                             LINE("c", C, "0.00109"));
    ck_assert_uint_eq(h.r.count, 0);
    ck_assert_uint_eq(h.r.rest_rows, 1);
    testing_money(h.r.rest, "0.0012", "rest");
    let_go(&h);
}
END_TEST

START_TEST(what_passed_through_floating_point_is_rounded_and_no_other_price)
{
    struct held h = hold("{\"invoice\": 1}\n" LINE("a", A, "0.0021000000000000003")
                             LINE("b", B, "0.0067") LINE("c", C, "0.00109"));
    testing_found(&h, CAUSE_BIT(CAUSE_ROUNDING), "0.0000000000000000003");
    ck_assert_uint_eq(h.r.count, 1);
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
}
END_TEST

#define SUM(from, until, model, requests, usage, amount)                                     \
    "{\"from\": \"2026-11-" from "\", \"until\": \"2026-11-" until "\", \"model\": \"" model \
    "\", \"requests\": " requests ", \"usage\": {" usage "}, \"amount\": \"" amount "\"}\n"
#define FIRST_DAY "\"uncached_input\": 3600, \"cached_input\": 400, \"output\": 120"

START_TEST(a_request_that_a_day_has_twice_may_be_one_that_is_missing_here)
{
    struct held h = hold("{\"invoice\": 1}\n" SUM(
        "02", "03", "m", "3", "\"uncached_input\": 6600, \"cached_input\": 400, \"output\": 190",
        "0.0155") SUM("03", "04", "n", "1", C, "0.00109"));
    ck_assert(!h.r.by_id);
    testing_found(&h, CAUSE_BIT(CAUSE_MISSING_HERE) | CAUSE_BIT(CAUSE_RETRIED), "0.0067");
    ck_assert_uint_eq(h.r.count, 1);
    testing_money(h.r.rest, "0", "rest");
    testing_money(reconciliation_unexplained(&h.r), "0.0067", "not told apart");
    let_go(&h);
}
END_TEST

START_TEST(sums_under_another_name_are_an_alias_and_of_an_unknown_one_others_traffic)
{
    struct held h = hold("{\"invoice\": 1}\n" SUM("02", "03", "m-2026", "2", FIRST_DAY, "0.0088")
                             SUM("03", "04", "n", "1", C, "0.00109")
                                 SUM("03", "04", "strange", "1", C, "0.00109"));
    testing_found(&h, CAUSE_BIT(CAUSE_MODEL_ALIAS), "0");
    testing_found(&h, CAUSE_BIT(CAUSE_OTHER_TRAFFIC), "0.00109");
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
}
END_TEST

START_TEST(a_currency_is_converted_by_ones_own_rate)
{
    struct held h;
    struct error err = {0};
    const char *text =
        "{\"invoice\": 1, \"currency\": \"EUR\", \"per_usd\": \"0.8\"}\n" LINE("a", A, "0.00168")
            LINE("b", B, "0.00536") LINE("c", C, "0.000872");
    ck_assert_int_eq(hold_how(&h, text, (struct reconcile_options){.usd_each = 1300000}, &err), 0);
    testing_found(&h, CAUSE_BIT(CAUSE_CURRENCY), "0.0003956"); /* 0.007912 at 1.3, not at 1.25 */
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
    text = "{\"invoice\": 1, \"currency\": \"EUR\"}\n" LINE("a", A, "1");
    ck_assert_int_eq(hold_how(&h, text, (struct reconcile_options){0}, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "--rate EUR=") != NULL, "%s", err.message);
    let_go(&h);
}
END_TEST

START_TEST(a_usage_report_is_compared_at_the_plans_prices)
{
    struct held h = hold(
        "{\"object\": \"page\", \"data\": [{\"object\": \"bucket\", \"start_time\": 1793577600, "
        "\"end_time\": 1793664000, \"results\": [{\"object\": "
        "\"organization.usage.completions.result\", \"input_tokens\": 4000, "
        "\"input_cached_tokens\": 400, \"output_tokens\": 120, \"num_model_requests\": 2, "
        "\"model\": \"m\"}]}], \"has_more\": false}");
    ck_assert(!h.r.amounts);
    ck_assert_uint_eq(h.r.outside, 1);
    testing_money(h.r.ours, "0.0088", "ours");
    testing_money(h.r.theirs, "0.0088", "theirs");
    ck_assert_uint_eq(h.r.count, 0);
    let_go(&h);
}
END_TEST

START_TEST(a_report_of_costs_alone_is_split_where_it_can_be)
{
    struct held h = hold(
        "{\"object\": \"page\", \"data\": [{\"object\": \"bucket\", \"start_time\": 1793577600, "
        "\"end_time\": 1793664000, \"results\": ["
        "{\"amount\": {\"value\": 0.00648, \"currency\": \"usd\"}, \"line_item\": \"m, input\"}, "
        "{\"amount\": {\"value\": 0.00036, \"currency\": \"usd\"}, \"line_item\": \"m, cached "
        "input\"}, {\"amount\": {\"value\": 0.00108, \"currency\": \"usd\"}, \"line_item\": \"m, "
        "output\"}]}, {\"object\": \"bucket\", \"start_time\": 1793664000, \"end_time\": "
        "1793750400, \"results\": [{\"amount\": {\"value\": 0.0009, \"currency\": \"usd\"}, "
        "\"line_item\": \"n, input\"}, {\"amount\": {\"value\": 0.000081, \"currency\": \"usd\"}, "
        "\"line_item\": \"n, output\"}]}], \"has_more\": false}");
    testing_found(&h, CAUSE_BIT(CAUSE_DISCOUNT), "-0.000989");
    ck_assert_uint_eq(h.r.factor, 900000);
    ck_assert_uint_eq(h.r.count, 1);
    testing_money(h.r.rest, "0", "rest");
    let_go(&h);
}
END_TEST

START_TEST(faults_that_find_nothing_or_mean_nothing_are_refused)
{
    static const char *const bad[][2] = {{"tiers=2", "there are day-boundary"},
                                         {"discount=10", "a share such as 10%"},
                                         {"rounding", "the unit"},
                                         {"day-boundary=8", "such as -08:00"},
                                         {"currency=EUR", "EUR:0.92"},
                                         {"missing-here=x", "how many"},
                                         {"price-date=yesterday", "a date such as"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct invoice_making how = {.plan = NULL};
        struct error err = {0};
        ck_assert_int_eq(invoice_fault_add(&how, bad[i][0], &err), ERR_INPUT);
        ck_assert_msg(strstr(err.message, bad[i][1]) != NULL, "%s", err.message);
    }
    struct held h = hold("{\"invoice\": 1}\n" LINE("a", A, "0.0021"));
    struct invoice_making how = {.plan = &h.book.plans[0]};
    struct invoice invoice;
    struct error err = {0};
    money truth[CAUSES];
    uint64_t changed[CAUSES];
    ck_assert_int_eq(invoice_fault_add(&how, "time-to-live", &err), 0);
    ck_assert_int_eq(invoice_make(&invoice, &h.own, &how, truth, changed, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, "finds nothing") != NULL, "%s", err.message);
    let_go(&h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reconcile");
    TCase *forms = tcase_create("forms"), *found = tcase_create("found");
    tcase_add_test(forms, a_cost_report_of_openai_is_read_by_line_item);
    tcase_add_test(forms, a_cost_report_of_anthropic_is_in_cents);
    tcase_add_loop_test(forms, what_is_wrong_in_an_invoice_is_said_with_its_line, 0,
                        COUNT_OF(wrong));
    suite_add_tcase(suite, forms);
    tcase_add_test(found, by_id_each_line_says_why);
    tcase_add_test(found, prices_of_a_longer_context_are_known_by_their_amount);
    tcase_add_test(found, what_nothing_reproduces_is_the_rest_and_no_cause);
    tcase_add_test(found, what_passed_through_floating_point_is_rounded_and_no_other_price);
    tcase_add_test(found, a_request_that_a_day_has_twice_may_be_one_that_is_missing_here);
    tcase_add_test(found,
                   sums_under_another_name_are_an_alias_and_of_an_unknown_one_others_traffic);
    tcase_add_test(found, a_currency_is_converted_by_ones_own_rate);
    tcase_add_test(found, a_usage_report_is_compared_at_the_plans_prices);
    tcase_add_test(found, a_report_of_costs_alone_is_split_where_it_can_be);
    tcase_add_test(found, faults_that_find_nothing_or_mean_nothing_are_refused);
    suite_add_tcase(suite, found);
    return testing_run(suite);
}
