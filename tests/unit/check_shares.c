/* Who bears how much of a bill: the parts add up, and belong to whom they should. */
#include "core/random.h"
#include "sim/cost/focus/focus_rows.h"
#include "sim/cost/shares/remainder.h"
#include "sim/cost/shares/shares.h"
#include "testing_plans.h"
#include "testing_workload.h"

#define HOUR (3600 * NS_PER_S)
#define DAY (24 * HOUR)

/* ---- largest remainder ---- */

START_TEST(a_hundred_among_three_alike)
{
    static const struct {
        money whole, parts[3], unit, expected[3];
    } cases[] = {
        {100, {1, 1, 1}, 1, {34, 33, 33}},   {-100, {1, 1, 1}, 1, {-34, -33, -33}},
        {10, {6, 3, 1}, 1, {6, 3, 1}},       {7, {3, 3, 1}, 1, {3, 3, 1}},
        {5, {0, 0, 0}, 1, {2, 2, 1}},        {100, {0, 7, 0}, 10, {0, 100, 0}},
        {100, {5, -1, 0}, 1, {125, -25, 0}}, {10, {4, 4, -1}, 1, {6, 6, -2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        money out[3];
        remainder_divide(cases[i].whole, cases[i].parts, 3, cases[i].unit, out);
        for (int k = 0; k < 3; k++)
            ck_assert_msg(out[k] == cases[i].expected[k], "case %zu, part %d: %lld", i, k,
                          (long long)out[k]);
    }
}
END_TEST

/* Amounts and weights of every size: each part is within one unit of its share, and nobody who lost
 * less by the cut got a unit before one who lost more. */
START_TEST(parts_add_up_and_are_near_their_shares)
{
    struct random r;
    random_init(&r, 7, RANDOM_TEST, 0);
    for (int round = 0; round < 3000; round++) {
        money parts[12], out[12], sum = 0, whole = 0, all = 0;
        size_t n = 1 + (size_t)random_below(&r, 12);
        whole = (money)(random_u64(&r) >> random_below(&r, 60)) << random_below(&r, 50);
        for (size_t i = 0; i < n; i++) {
            parts[i] = (money)(random_u64(&r) >> random_below(&r, 64)) << random_below(&r, 40);
            all += parts[i];
        }
        remainder_divide(whole, parts, n, 1, out);
        for (size_t i = 0; i < n; i++)
            sum += out[i];
        ck_assert(sum == whole);
        for (size_t i = 0; i < n && all > 0; i++) {
            money exact = (money)remainder_scale((money_magnitude)whole, (money_magnitude)parts[i],
                                                 (money_magnitude)all);
            ck_assert(out[i] == exact || out[i] == exact + 1);
        }
    }
}
END_TEST

/* a × b / c by halves, where the product fits in a hundred bits. */
START_TEST(a_product_beyond_128_bits_is_divided_exactly)
{
    const money_magnitude big = (money_magnitude)1 << 120;
    ck_assert(remainder_scale(big, big, big) == big);
    ck_assert(remainder_scale(big - 1, big, big) == big - 1);
    ck_assert(remainder_scale(big, 3, 4) == big / 4 * 3);
    ck_assert(remainder_scale(big + 1, big + 1, big) == big + 2);
    ck_assert(remainder_scale(7, 5, 3) == 11);
}
END_TEST

/* ---- bills ---- */

static void add_for(struct workload *w, int64_t at_ns, const char *team, uint32_t input)
{
    char labels[64];
    snprintf(labels, sizeof labels, "{\"team\": \"%s\"}", team);
    testing_add(w, (struct request){.timestamp_ns = at_ns,
                                    .input_tokens = input,
                                    .output_tokens = 10,
                                    .labels = team ? labels : NULL});
}

static const struct bill_group *group_named(const struct plan_bill *p, const char *name)
{
    for (size_t i = 0; i < p->group_count; i++)
        if (strcmp(p->groups[i].name, name) == 0)
            return &p->groups[i];
    return NULL;
}

static struct bill shares_of(const struct workload *w, const struct plan_book *book, const char *by)
{
    struct error err = {0};
    struct bill bill = testing_bill(w, book, (struct bill_options){.by = by});
    ck_assert_msg(bill_shares_make(&bill, &err) == 0, "%s", err.message);
    return bill;
}

static void expect_group(const struct plan_bill *p, const char *name, uint64_t requests,
                         const char *total)
{
    const struct bill_group *g = group_named(p, name);
    ck_assert_msg(g != NULL, "no %s under %s", name, p->plan->name);
    ck_assert_uint_eq(g->requests, requests);
    testing_money(g->total, total, name);
}

START_TEST(what_is_paid_by_the_period_goes_by_the_plan_s_own_meter)
{
    struct plan_book book = testing_plans(
        "{\"plans\": ["
        "{\"name\": \"requests\", \"subscription\": {\"price\": \"90\", \"period\": \"month\","
        " \"includes\": {\"requests\": 1, \"per\": \"day\"}, \"beyond\": \"queue\"},"
        " \"limits\": {\"max_input_tokens\": 5000}},"
        "{\"name\": \"tokens\", \"subscription\": {\"price\": \"30\", \"period\": \"month\","
        " \"includes\": {\"input_tokens\": 30000, \"per\": \"month\"}, \"beyond\": \"reject\"}},"
        "{\"name\": \"dollars\", \"subscription\": {\"price\": \"20\", \"period\": \"month\","
        " \"includes\": {\"usd\": \"8\", \"per\": \"month\"}, \"beyond\": \"pay\"},"
        " \"per_mtok\": {\"input\": \"1000\"}},"
        "{\"name\": \"nothing\", \"subscription\": {\"price\": \"30\", \"period\": \"month\"}}]}");
    struct workload w;
    workload_init(&w);
    add_for(&w, 0, "a", 1000);
    add_for(&w, DAY, "b", 4000);
    add_for(&w, 2 * DAY, "a", 1000);
    struct bill bill = shares_of(&w, &book, "team");
    /* three of the month's thirty requests; "2" of 90 for a */
    expect_group(&bill.plans[0], "a", 2, "6");
    expect_group(&bill.plans[0], "b", 1, "3");
    expect_group(&bill.plans[0], "unused", 0, "81");
    /* 2,000 and 4,000 of 30,000 tokens */
    expect_group(&bill.plans[1], "a", 2, "2");
    expect_group(&bill.plans[1], "b", 1, "4");
    expect_group(&bill.plans[1], "unused", 0, "24");
    /* $6 of $8 was used: 2 and 4 of it, and the price is $20 */
    expect_group(&bill.plans[2], "a", 2, "5");
    expect_group(&bill.plans[2], "b", 1, "10");
    expect_group(&bill.plans[2], "unused", 0, "5");
    testing_money(bill.plans[2].meter.used, "6", "used dollars");
    /* nothing counts: by the requests, and nothing is called unused */
    expect_group(&bill.plans[3], "a", 2, "20");
    expect_group(&bill.plans[3], "b", 1, "10");
    ck_assert_ptr_null(group_named(&bill.plans[3], "unused"));
    ck_assert(!bill.plans[3].meter.is_allowance);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(each_period_is_divided_among_those_who_used_it)
{
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"flat\", \"subscription\": {\"price\": \"10\", \"period\":"
        " \"month\", \"includes\": {\"requests\": 2, \"per\": \"month\", \"window\":"
        " \"anchored\"}, \"beyond\": \"queue\"}}]}");
    struct workload w;
    workload_init(&w);
    add_for(&w, 0, "a", 1);
    add_for(&w, 40 * DAY, "b", 1);
    add_for(&w, 41 * DAY, "b", 1);
    struct bill bill = shares_of(&w, &book, "team");
    testing_money(bill.plans[0].total, "20", "two months");
    expect_group(&bill.plans[0], "a", 1, "5");
    expect_group(&bill.plans[0], "b", 2, "10");
    expect_group(&bill.plans[0], "unused", 0, "5");
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(a_credit_is_a_share_below_nothing_and_is_told)
{
    /* a is covered whole; the discount on all charges is divided by them, a's part of it, too */
    struct plan_book book = testing_plans(
        "{\"plans\": [{\"name\": \"v\", \"per_mtok\": {\"input\": \"1000\"},"
        " \"free\": {\"usd\": \"4\", \"per\": \"month\"},"
        " \"volume\": {\"per\": \"month\", \"steps\": [{\"over_usd\": \"0\", \"off_percent\":"
        " \"10\"}]}}]}");
    struct workload w;
    struct buffer text;
    workload_init(&w);
    add_for(&w, 0, "a", 4000);
    add_for(&w, HOUR, "b", 16000);
    struct bill bill = shares_of(&w, &book, "team");
    testing_money(bill.plans[0].total, "14", "20 less 2 and 4");
    expect_group(&bill.plans[0], "a", 1, "-0.4");
    expect_group(&bill.plans[0], "b", 1, "14.4");
    buffer_init(&text, BUFFER_UNBOUNDED);
    bill_shares_write_table(&bill, 80, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "a: a credit of $0.40"));
    ck_assert_ptr_null(strstr(text.data, "b: a credit"));
    buffer_free(&text);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(days_stand_in_their_order_and_weeks_are_compared)
{
    struct plan_book book =
        testing_plans("{\"plans\": [{\"name\": \"t\", \"per_mtok\": {\"input\": \"1\"}}]}");
    struct workload w;
    workload_init(&w);
    for (int d = 0; d < 14; d++) {
        add_for(&w, d * DAY + HOUR, "steady", 1000);
        if (d >= 7)
            add_for(&w, d * DAY + HOUR, "new", (uint32_t)(100 * d));
        add_for(&w, d * DAY + HOUR, "twice", d < 7 ? 500 : 1000);
    }
    struct bill bill = shares_of(&w, &book, "day");
    ck_assert_uint_eq(bill.plans[0].group_count, 14);
    for (size_t i = 1; i < 14; i++)
        ck_assert_int_lt(strcmp(bill.plans[0].groups[i - 1].name, bill.plans[0].groups[i].name), 0);
    ck_assert(!bill.plans[0].groups[0].has_trend);
    bill_free(&bill);
    bill = shares_of(&w, &book, "team");
    const struct bill_group *g = group_named(&bill.plans[0], "twice");
    ck_assert(g->has_trend && g->trend_now == 2 * g->trend_before && g->trend_before > 0);
    g = group_named(&bill.plans[0], "new");
    ck_assert(g->has_trend && g->trend_now > 0 && g->trend_before == 0);
    bill_free(&bill);
    w.count -= 6; /* a day less: no two weeks */
    bill = shares_of(&w, &book, "team");
    ck_assert(!bill.plans[0].groups[0].has_trend);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

#define ALL_PLANS                                                                                  \
    "{\"plans\": ["                                                                                \
    "{\"name\": \"token\", \"per_mtok\": {\"input\": \"2.51\", \"output\": \"10\"}},"              \
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"79.99\", \"period\": \"month\","         \
    " \"includes\": {\"requests\": 7, \"per\": \"day\"}, \"beyond\": \"queue\"}},"                 \
    "{\"name\": \"overage\", \"subscription\": {\"price\": \"10\", \"period\": \"month\","         \
    " \"includes\": {\"requests\": 100, \"per\": \"month\"}, \"beyond\": \"pay\"},"                \
    " \"per_request\": \"0.0437\"},"                                                               \
    "{\"name\": \"credit\", \"subscription\": {\"price\": \"19\", \"seats\": 3, \"setup\": \"5\"," \
    " \"period\": \"month\", \"includes\": {\"usd\": \"0.7\", \"per\": \"week\", \"rollover\":"    \
    " true}, \"beyond\": \"pay\"}, \"per_mtok\": {\"input\": \"5\", \"output\": \"30\"},"          \
    " \"rounding\": {\"to\": \"0.01\", \"on\": \"bill\"}},"                                        \
    "{\"name\": \"fees\", \"per_mtok\": {\"input\": \"5\", \"output\": \"30\"},"                   \
    " \"credit_fee\": {\"percent\": \"5.5\", \"minimum\": \"0.80\"},"                              \
    " \"minimum\": {\"usd\": \"9\", \"per\": \"month\"},"                                          \
    " \"volume\": {\"per\": \"month\", \"steps\": [{\"over_usd\": \"1\", \"off_percent\":"         \
    " \"7\"}]}},"                                                                                  \
    "{\"name\": \"gpu\", \"provisioned\": {\"unit\": \"H100\", \"price\": \"4.021\", \"per\":"     \
    " \"hour\", \"units\": 3}},"                                                                   \
    "{\"name\": \"units\", \"provisioned\": {\"unit\": \"PTU\", \"price\": \"1\", \"per\":"        \
    " \"hour\", \"units\": 3, \"tokens_per_minute\": 40000, \"beyond\": \"pay\"},"                 \
    " \"per_mtok\": {\"input\": \"1\", \"output\": \"2\"}}]}"

static struct workload random_teams(uint64_t seed, int64_t span_ns)
{
    static const char *const teams[] = {"x", "y", "z", "w", NULL};
    struct random r;
    struct workload w;
    random_init(&r, seed, RANDOM_TEST, 1);
    workload_init(&w);
    w.has_start = true;
    w.start_unix_ns = INT64_C(1793491200) * NS_PER_S + (int64_t)random_below(&r, 86400) * NS_PER_S;
    size_t rows = 1 + random_below(&r, 400);
    for (size_t i = 0; i < rows; i++)
        add_for(&w, (int64_t)i * (span_ns / (int64_t)rows),
                teams[random_below(&r, 2 + random_below(&r, 4))], (uint32_t)random_below(&r, 9000));
    return w;
}

/* The total to the last digit, as it is printed, and a hundred percent. */
static void expect_whole(const struct plan_bill *p)
{
    money total = 0, shown = 0, unit = MONEY_USD;
    int64_t tenths = 0;
    uint64_t requests = 0;
    for (int i = 0; i < p->shown_decimals; i++)
        unit /= 10;
    for (size_t i = 0; i < p->group_count; i++) {
        const struct bill_group *g = &p->groups[i];
        money off = g->shown - g->total;
        total += g->total;
        shown += g->shown;
        tenths += g->share_tenths;
        requests += g->requests;
        ck_assert(off < 2 * unit && off > -2 * unit);
    }
    ck_assert_msg(total == p->total, "%s: the parts are not the whole", p->plan->name);
    ck_assert_msg(shown == money_round(p->total, unit), "%s: not as printed", p->plan->name);
    ck_assert_int_eq(tenths, p->total > 0 ? 1000 : 0);
    ck_assert_uint_eq(requests, p->period_served);
}

/* As FOCUS rows, billed and effective cost are the total to the last digit, and every request is
 * counted on one row. */
static void expect_rows(const struct bill *bill, size_t plan)
{
    const struct plan_bill *p = &bill->plans[plan];
    struct focus_rows rows;
    struct error err = {0};
    money billed = 0, effective = 0;
    uint64_t requests = 0;
    ck_assert_msg(focus_rows_make(&rows, bill, plan, &err) == 0, "%s", err.message);
    for (size_t i = 0; i < rows.count; i++) {
        money cost = 0;
        const struct focus_row *r = &rows.rows[i];
        billed += r->billed;
        effective += r->effective;
        requests += r->requests;
        if (r->price > 0)
            ck_assert_int_eq(money_scale(r->price, r->quantity, &cost), 0);
        ck_assert(r->price == 0 || cost == r->list);
        ck_assert_int_lt(r->begin_ns, r->end_ns);
    }
    ck_assert_msg(billed == p->total, "%s: billed", p->plan->name);
    ck_assert_msg(effective == p->total, "%s: effective", p->plan->name);
    ck_assert_uint_eq(requests, p->served_requests);
    focus_rows_free(&rows);
}

START_TEST(the_parts_of_any_bill_add_up_to_it)
{
    static const char *const by[] = {"team", "day"};
    struct plan_book book = testing_plans(ALL_PLANS);
    struct workload w = random_teams((uint64_t)_i, (_i % 3 == 0 ? 1 : _i % 3 == 1 ? 9 : 45) * DAY);
    for (int k = 0; k < 2; k++) {
        struct bill bill = shares_of(&w, &book, by[k]);
        for (size_t i = 0; i < bill.plan_count; i++) {
            expect_whole(&bill.plans[i]);
            expect_rows(&bill, i);
        }
        bill_free(&bill);
    }
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(the_parts_of_a_scaled_month_add_up_to_it)
{
    struct plan_book book = testing_plans(ALL_PLANS);
    struct error err = {0};
    struct workload w = random_teams(3, 2 * DAY);
    struct bill bill =
        testing_bill(&w, &book, (struct bill_options){.by = "team", .volume = 700000});
    ck_assert_int_eq(bill_shares_make(&bill, &err), 0);
    ck_assert_int_gt(bill.scale_ns, 0);
    for (size_t i = 0; i < bill.plan_count; i++) {
        money total = 0;
        for (size_t g = 0; g < bill.plans[i].group_count; g++)
            total += bill.plans[i].groups[g].total;
        ck_assert_msg(total == bill.plans[i].total, "%s", bill.plans[i].plan->name);
    }
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(tables_fit_eighty_columns_and_cut_no_name)
{
    struct plan_book book = testing_plans(ALL_PLANS);
    struct workload w;
    struct buffer text;
    workload_init(&w);
    for (int i = 0; i < 15; i++) {
        add_for(&w, i * DAY, "research and development of all things", 100);
        add_for(&w, i * DAY, "research and development of some things", 100000000);
    }
    struct bill bill = shares_of(&w, &book, "team");
    buffer_init(&text, BUFFER_UNBOUNDED);
    bill_shares_write_table(&bill, 80, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "development of all things"));
    ck_assert_ptr_nonnull(strstr(text.data, "development of some things"));
    size_t width = 0;
    for (const char *c = text.data; *c; c++) {
        width = *c == '\n' ? 0 : width + ((*c & 0xC0) != 0x80);
        ck_assert_uint_le(width, 80);
    }
    buffer_free(&text);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shares");
    TCase *tc = tcase_create("remainder");
    tcase_add_test(tc, a_hundred_among_three_alike);
    tcase_add_test(tc, parts_add_up_and_are_near_their_shares);
    tcase_add_test(tc, a_product_beyond_128_bits_is_divided_exactly);
    suite_add_tcase(suite, tc);
    tc = tcase_create("bills");
    tcase_add_test(tc, what_is_paid_by_the_period_goes_by_the_plan_s_own_meter);
    tcase_add_test(tc, each_period_is_divided_among_those_who_used_it);
    tcase_add_test(tc, a_credit_is_a_share_below_nothing_and_is_told);
    tcase_add_test(tc, days_stand_in_their_order_and_weeks_are_compared);
    tcase_add_loop_test(tc, the_parts_of_any_bill_add_up_to_it, 0, 60);
    tcase_add_test(tc, the_parts_of_a_scaled_month_add_up_to_it);
    tcase_add_test(tc, tables_fit_eighty_columns_and_cut_no_name);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
