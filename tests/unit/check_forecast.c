/* Forecasts: what a month from a sample must hold, and what must be refused. */
#include "testing_trace.h"
#include "testing_workload.h"

#include "core/random.h"
#include "sim/cost/bill/bill.h"
#include "sim/plan/forecast_parts.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#define TOKEN_PLAN \
    "{\"name\": \"token\", \"per_mtok\": {\"input\": \"0.50\", \"output\": \"2.15\"}}"

static void load(const char *plans, struct plan_book *book)
{
    struct error err = {0};
    char text[4096];
    *book = (struct plan_book){0};
    snprintf(text, sizeof text,
             "{\"book\": \"t\", \"as_of\": \"2026-11-01\", \"currency\": \"USD\", \"plans\": [%s]}",
             plans);
    ck_assert_msg(plan_book_parse("t", text, strlen(text), book, &err) == 0, "%s", err.message);
}

static const struct forecast_scenario sample_trend = {"base", false, 0};

static struct forecast_options plain_options(unsigned samples)
{
    return (struct forecast_options){.months = 1,
                                     .samples = samples,
                                     .seed = 1,
                                     .scenarios = &sample_trend,
                                     .scenario_count = 1};
}

static struct forecast forecast_book(const struct workload *w, const struct plan_book *book,
                                     const struct forecast_options *o)
{
    struct forecast f;
    struct error err = {0};
    const struct plan *plans[8];
    for (size_t i = 0; i < book->count; i++)
        plans[i] = &book->plans[i];
    ck_assert_msg(forecast_make(&f, w, plans, book->count, o, &err) == 0, "%s", err.message);
    return f;
}

static void ck_money(money value, const char *expected)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    ck_assert_str_eq(text, expected);
}

/* Requests of every hour for so many days: 100 tokens in, 10 out. */
static void add_steady(struct workload *w, size_t days, size_t per_hour)
{
    workload_init(w);
    for (size_t h = 0; h < days * 24; h++)
        for (size_t i = 0; i < per_hour; i++)
            workload_add_plain(w, (int64_t)h * 3600 * NS_PER_S + (int64_t)i * NS_PER_S, 100, 10);
}

/* ---- coverage: synthetic months with season, trend, heavy-tailed users that come and go ---- */

#define SAMPLE_DAYS 28
#define USERS 300
#define MONTHS 400

struct user {
    double rate, tokens, joins, leaves;
};

struct world {
    struct random r;
    struct user users[USERS];
    double season[7], slope, shock;
};

static void make_world(struct world *x, uint64_t seed)
{
    static const double week[7] = {1, 1.1, 1.15, 1.05, 0.9, 0.4, 0.3};
    random_init(&x->r, seed, RANDOM_TEST, 7);
    gsl_rng *g = random_gsl(&x->r);
    for (int d = 0; d < 7; d++)
        x->season[d] = week[d];
    x->slope = gsl_ran_flat(g, -0.10, 0.20) / 30;
    for (int u = 0; u < USERS; u++) {
        struct user *v = &x->users[u];
        v->rate = fmin(gsl_ran_pareto(g, 1.5, 0.15), 15);
        v->tokens = gsl_ran_lognormal(g, 6, 0.7);
        v->joins = gsl_ran_flat(g, -240, 58);
        v->leaves = v->joins + gsl_ran_exponential(g, 60);
    }
}

/* The requests of one day: those of the sample into `w`, and the cost of all. */
static double make_day(struct world *x, int day, struct workload *w)
{
    gsl_rng *g = random_gsl(&x->r);
    double shock = gsl_ran_lognormal(g, 0, 0.12), cost = 0;
    for (int u = 0; u < USERS; u++) {
        const struct user *v = &x->users[u];
        if (day < v->joins || day > v->leaves)
            continue;
        double rate = v->rate * x->season[day % 7] * exp(x->slope * day) * shock;
        unsigned sessions = gsl_ran_poisson(g, rate);
        for (unsigned s = 0; s < sessions; s++) {
            unsigned turns = gsl_ran_geometric(g, 0.4);
            double at = (day + gsl_ran_flat(g, 0.2, 0.9)) * 86400e9;
            char session[32], labels[32];
            snprintf(session, sizeof session, "%d-%d-%u", day, u, s);
            snprintf(labels, sizeof labels, "{\"user\":\"u%d\"}", u);
            for (unsigned k = 0; k < turns; k++) {
                struct request r = {.timestamp_ns = (int64_t)at + k * 60 * NS_PER_S,
                                    .session_id = session,
                                    .labels = labels};
                r.input_tokens = (uint32_t)(v->tokens * gsl_ran_lognormal(g, 0, 0.5)) + 1;
                r.output_tokens = (uint32_t)gsl_ran_lognormal(g, 5, 0.6) + 1;
                cost += r.input_tokens * 0.50e-6 + r.output_tokens * 2.15e-6;
                if (w)
                    testing_add(w, r);
            }
        }
    }
    return cost;
}

START_TEST(band_covers_the_truth)
{
    struct plan_book book;
    struct forecast_options o = plain_options(200);
    int covered = 0, below = 0;
    double width = 0, centre = 0;
    load(TOKEN_PLAN, &book);
    o.span_ns = SAMPLE_DAYS * FORECAST_DAY_NS;
    for (int month = 0; month < MONTHS; month++) {
        struct world x;
        struct workload w;
        double truth = 0;
        workload_init(&w);
        make_world(&x, (uint64_t)month + 1);
        for (int day = 0; day < SAMPLE_DAYS; day++)
            make_day(&x, day, &w);
        for (int day = SAMPLE_DAYS; day < SAMPLE_DAYS + 30; day++)
            truth += make_day(&x, day, NULL);
        struct forecast f = forecast_book(&w, &book, &o);
        const struct forecast_band *b = &f.results[0].plans[0].bill;
        covered += truth >= b->p5 && truth <= b->p95;
        below += truth < b->p5;
        width += (b->p95 - b->p5) / truth / MONTHS;
        centre += log(b->p50 / truth) / MONTHS;
        forecast_free(&f);
        workload_free(&w);
    }
    printf("the 90%% band holds the truth in %.1f%% of %d months (below it %.1f%%; width %.0f%% of "
           "the truth, centre %+.1f%%)\n",
           100.0 * covered / MONTHS, MONTHS, 100.0 * below / MONTHS, 100 * width, 100 * centre);
    fflush(stdout);
    ck_assert_int_ge(covered, MONTHS * 85 / 100);
    ck_assert_int_le(covered, MONTHS * 95 / 100);
    plan_book_free(&book);
}
END_TEST

/* These hold two weeks: the first is the sample, the second the truth. */
static const struct {
    const char *file, *first_usd;
} fortnights[] = {
    {"tests/data/ragpulse.jsonl", "0.70160525"},
    {"ragpulse/0_trace.jsonl", "7.83024675"},
};

START_TEST(the_second_week_is_in_the_band_of_the_first)
{
    struct workload w;
    struct plan_book book;
    testing_read_file(fortnights[_i].file, &w, NULL);
    load(TOKEN_PLAN, &book);
    size_t all = w.count, first = 0;
    while (first < all && w.timestamp_ns[first] < 7 * FORECAST_DAY_NS)
        first++;
    double truth = 0;
    for (size_t i = first; i < all; i++)
        truth += w.input_tokens[i] * 0.50e-6 + w.output_tokens[i] * 2.15e-6;
    w.count = first;
    struct forecast_options o = plain_options(1000);
    struct forecast f = forecast_book(&w, &book, &o);
    const struct forecast_plan *p = &f.results[0].plans[0];
    ck_money(p->sample_usd, fortnights[_i].first_usd);
    printf("the second week cost %.4f, its band is %.4f to %.4f\n", truth, p->p5[6], p->p95[6]);
    fflush(stdout);
    ck_assert_double_ge(truth, p->p5[6]);
    ck_assert_double_le(truth, p->p95[6]);
    ck_assert_double_lt(p->p95[6] - p->p5[6], truth); /* a band that says something */
    forecast_free(&f);
    w.count = all;
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* ---- plans, on a demand that does not vary ----------------------------------------------- */

START_TEST(steady_month_meets_quotas_and_budget)
{
    struct workload w;
    struct plan_book book;
    load(
        "{\"name\": \"each\", \"per_request\": \"0.01\"},"
        "{\"name\": \"month\", \"subscription\": {\"price\": \"20\", \"period\": \"month\","
        " \"includes\": {\"requests\": 3600, \"per\": \"30d\"}, \"beyond\": \"reject\"}},"
        "{\"name\": \"small\", \"limits\": {\"max_input_tokens\": 50}, \"per_request\": \"0.001\"}",
        &book);
    add_steady(&w, 14, 10);
    struct forecast_options o = plain_options(200);
    o.has_budget = true;
    o.budget = 48 * MONEY_USD;
    struct forecast f = forecast_book(&w, &book, &o);
    const struct forecast_result *r = &f.results[0];
    ck_assert_double_eq_tol(r->requests.mean, 7200, 70);
    ck_money(r->plans[0].sample_usd, "33.6");
    ck_assert_double_eq_tol(r->plans[0].bill.mean, 72, 0.7);
    ck_assert_double_lt(r->plans[0].bill.p5, r->plans[0].bill.p95);
    ck_assert_double_eq(r->plans[0].over_budget, 1);
    ck_assert_uint_ge(r->plans[0].budget.p50, 19);
    ck_assert_uint_le(r->plans[0].budget.p50, 20);
    ck_assert_uint_ge(r->plans[1].quota.p50, 14);
    ck_assert_uint_le(r->plans[1].quota.p50, 15);
    /* 7,200 requests take two of 3,600 in most futures, three in some; all is then served */
    ck_assert_double_ge(r->plans[1].bill.p5, 40);
    ck_assert_double_le(r->plans[1].bill.p95, 60);
    ck_assert_double_eq_tol(r->plans[1].subscriptions, r->plans[1].bill.mean / 20, 1e-9);
    ck_assert_double_eq(r->plans[1].unserved_share, 0);
    ck_assert_uint_eq(r->plans[2].rejected, w.count);
    ck_assert_uint_eq(r->cheapest, 1); /* the third does not serve everything */
    forecast_free(&f);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Thirty days of 240 requests, settled day by day, come to what the bill's cash total says. */
START_TEST(settled_days_come_to_the_bill)
{
    struct workload w;
    struct plan_book book;
    struct error err = {0};
    load("{\"name\": \"quota\", \"subscription\": {\"price\": \"20\", \"period\": \"month\", "
         "\"includes\": {\"requests\": 3600, \"per\": \"30d\"}, \"beyond\": \"pay\"}, "
         "\"per_request\": \"0.01\"},"
         "{\"name\": \"credit\", \"subscription\": {\"price\": \"15\", \"period\": \"month\", "
         "\"includes\": {\"usd\": \"1.5\", \"per\": \"day\"}}, \"per_request\": \"0.01\"},"
         "{\"name\": \"minimum\", \"per_request\": \"0.01\", "
         "\"minimum\": {\"usd\": \"100\", \"per\": \"month\"}},"
         "{\"name\": \"volume\", \"per_request\": \"0.01\", \"volume\": {\"per\": \"month\", "
         "\"steps\": [{\"over_usd\": \"10\", \"off_percent\": 10}, {\"over_usd\": \"50\", "
         "\"off_percent\": 20}]}},"
         "{\"name\": \"fee\", \"per_request\": \"0.01\", "
         "\"credit_fee\": {\"percent\": 5.5, \"minimum\": \"0.80\"}},"
         "{\"name\": \"gpu\", \"provisioned\": {\"price\": \"2.5\", \"per\": \"hour\", \"units\": "
         "2}}",
         &book);
    add_steady(&w, 30, 10);
    const struct plan *plans[8];
    for (size_t i = 0; i < book.count; i++)
        plans[i] = &book.plans[i];
    struct bill bill;
    struct bill_options o = {.workers = 1};
    ck_assert_msg(bill_make(&bill, &w, plans, book.count, &o, &err) == 0, "%s", err.message);
    for (size_t i = 0; i < book.count; i++) {
        struct block_charge days[30];
        money spend[30], price = plans[i]->provisioned.present ? 0 : MONEY_USD / 100;
        char expected[MONEY_TEXT_SIZE];
        for (int d = 0; d < 30; d++)
            days[d] =
                (struct block_charge){240 * price, 240 * (uint64_t)PLAN_MICRO, 24000, 2400, {{0}}};
        struct plan_course c = {
            .plan = plans[i], .demand = days, .days = 30, .begin_unix_ns = 0, .spend = spend};
        ck_assert_int_eq(plan_course_settle(&c), 0);
        money_format(bill.plans[i].total, expected);
        ck_money(c.total, expected);
    }
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

/* Thirty days of ten requests (or five and fifteen in turn), half of them of model big, each with a
 * search, of 1,000 tokens in and 100 out. */
static void add_searching(struct workload *w, bool in_turn)
{
    struct usage_extra search = {"search", PLAN_MICRO, false};
    workload_init(w);
    for (int d = 0; d < 30; d++)
        for (int i = 0; i < (!in_turn ? 10 : d % 2 ? 15 : 5); i++) {
            struct request r = {.timestamp_ns = d * 86400 * NS_PER_S + i * 3600 * NS_PER_S,
                                .input_tokens = 1000,
                                .output_tokens = 100,
                                .model = i % 2 ? "big" : "small",
                                .has_usage = true,
                                .usage = usage_from_totals(1000, 0, 0, 0, 100, 0)};
            r.usage.extras = &search;
            r.usage.extra_count = 1;
            testing_add(w, r);
        }
}

/* The sample's own days, as the course of a plan. */
static void course_of_sample(const struct workload *w, const struct plan *plan,
                             struct plan_course *c, struct block_charge days[30], money spend[30])
{
    struct forecast_sample s;
    struct forecast_plan p = {.plan = plan};
    struct forecast_options o = {.span_ns = 30 * 86400 * NS_PER_S};
    struct error err = {0};
    ck_assert_msg(forecast_sample_make(&s, w, &o, &p, 1, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(s.day_count, 30);
    for (size_t d = 0; d < 30; d++) {
        days[d] = (struct block_charge){0};
        for (size_t b = s.days[d].first; b < s.days[d].first + s.days[d].count; b++)
            ck_assert_int_eq(forecast_sample_add(&s, b, 0, 1, &days[d]), 0);
    }
    forecast_sample_free(&s);
    *c = (struct plan_course){.plan = plan, .demand = days, .days = 30, .spend = spend};
    ck_assert_int_eq(plan_course_settle(c), 0);
}

static const struct {
    const char *plan, *total;
    bool in_turn;
    unsigned unserved;
} settled[] = {
    /* 300 × 0.01, and six searches a day beyond the free four */
    {"\"per_request\": \"0.01\", \"per_tool\": {\"search\": \"0.01\"}, \"free\": {\"tool\": "
     "\"search\","
     " \"calls\": 4, \"per\": \"day\"}",
     "4.8", false, 0},
    /* 1,000 + 10 × 100 a request: four a day are included */
    {"\"per_request\": \"0.01\", \"subscription\": {\"price\": 5, \"period\": \"month\", "
     "\"includes\":"
     " {\"tokens\": 8000, \"per\": \"day\", \"counts\": {\"output\": 10}}}",
     "6.8", false, 0},
    /* what five requests leave of ten cents pays for the next day's fifteen */
    {"\"per_request\": \"0.01\", \"free\": {\"usd\": \"0.1\", \"per\": \"day\", \"rollover\": "
     "true}",
     "0", true, 0},
    {"\"per_request\": \"0.01\", \"free\": {\"usd\": \"0.1\", \"per\": \"day\"}", "0.75", true, 0},
    {"\"subscription\": {\"price\": 3, \"period\": \"month\", \"setup\": 7}", "10", false, 0},
    /* two a day of model big are free */
    {"\"per_request\": \"0.01\", \"free\": {\"requests\": 2, \"per\": \"day\", \"models\": "
     "\"big\"}",
     "2.4", false, 0},
    /* of model big four cents a day are free, of all three of the rest */
    {"\"per_request\": \"0.01\", \"free\": [{\"usd\": \"0.04\", \"per\": \"day\", \"models\": "
     "\"big\"},"
     " {\"usd\": \"0.03\", \"per\": \"day\"}]",
     "0.9", false, 0},
    /* four cents' worth a day, the other six are turned away */
    {"\"per_request\": \"0.01\", \"free\": {\"usd\": \"0.04\", \"per\": \"day\", \"beyond\":"
     " \"reject\"}",
     "0", false, 180},
    {"\"per_request\": \"0.01\", \"free\": {\"requests\": 2, \"per\": \"day\", \"models\": \"big\","
     " \"beyond\": \"reject\"}",
     "1.5", false, 90},
};

/* Quotas that count more than requests and tokens: the bill's total, and whom it turns away. */
START_TEST(quotas_of_all_kinds_come_to_the_bill)
{
    struct workload w;
    struct plan_book book;
    struct plan_course c;
    struct block_charge days[30];
    money spend[30];
    char text[600], total[MONEY_TEXT_SIZE];
    snprintf(text, sizeof text, "{\"name\": \"p\", %s}", settled[_i].plan);
    load(text, &book);
    add_searching(&w, settled[_i].in_turn);
    const struct plan *plan = &book.plans[0];
    struct bill bill;
    struct bill_options o = {.workers = 1};
    ck_assert_int_eq(bill_make(&bill, &w, &plan, 1, &o, NULL), 0);
    course_of_sample(&w, plan, &c, days, spend);
    money_format(bill.plans[0].total, total);
    ck_assert_str_eq(total, settled[_i].total);
    ck_money(c.total, total);
    ck_assert_uint_eq(bill.plans[0].rejected, settled[_i].unserved);
    ck_assert_double_eq_tol(c.unserved, settled[_i].unserved * 1e6, 1e3);
    bill_free(&bill);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(what_is_not_settled_as_the_bill_does_is_said)
{
    struct plan_book book;
    load("{\"name\": \"p\", \"per_mtok\": {\"input\": 1}, \"free\": [{\"requests\": 1, \"per\": "
         "\"5h\","
         " \"window\": \"session\"}, {\"requests\": 1, \"per\": \"day\", \"models\": \"m\"}], "
         "\"volume\":"
         " {\"steps\": [{\"over_tokens\": 5, \"off_percent\": 1}]}},"
         "{\"name\": \"q\", \"per_mtok\": {\"input\": 1}, \"free\": {\"requests\": 1, \"per\": "
         "\"day\"},"
         " \"volume\": {\"steps\": [{\"over_usd\": 5, \"off_percent\": 1}]}}",
         &book);
    ck_assert_uint_eq(forecast_terms(&book.plans[0]), 1u << FORECAST_TERM_SESSIONS |
                                                          1u << FORECAST_TERM_SHARES |
                                                          1u << FORECAST_TERM_VOLUME);
    ck_assert_uint_eq(forecast_terms(&book.plans[1]), 0);
    plan_book_free(&book);
}
END_TEST

START_TEST(growth_changes_the_plan_of_later_months)
{
    static const struct forecast_scenario grows[] = {{"none", true, 0}, {"high", true, 50}};
    struct workload w;
    struct plan_book book;
    load("{\"name\": \"each\", \"per_request\": \"0.01\"},"
         "{\"name\": \"flat\", \"subscription\": {\"price\": \"100\", \"period\": \"month\"}}",
         &book);
    add_steady(&w, 14, 10);
    struct forecast_options o = plain_options(100);
    o.months = 3;
    o.scenarios = grows;
    o.scenario_count = 2;
    struct forecast f = forecast_book(&w, &book, &o);
    const struct forecast_result *r = &f.results[1];
    ck_assert_uint_eq(f.results[0].schedule[2], 0);
    ck_assert_double_eq_tol(f.results[0].plans[0].bill.mean, 216, 2);
    ck_assert_uint_eq(r->schedule[0], 0);
    ck_assert_uint_eq(r->schedule[2], 1);
    /* 7,200 requests a month times the growth since the sample's last day, day by day. */
    double expected = 0;
    for (int t = 1; t <= 90; t++)
        expected += 2.4 * pow(1.5, t / 30.0);
    ck_assert_double_eq_tol(r->plans[0].bill.mean, expected, 0.02 * expected);
    ck_assert_double_lt(r->schedule_usd, r->plans[r->cheapest].bill.mean);
    forecast_free(&f);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

START_TEST(less_than_a_week_is_refused)
{
    struct workload w;
    struct plan_book book;
    struct forecast f;
    struct error err = {0};
    struct forecast_options o = plain_options(50);
    load(TOKEN_PLAN, &book);
    add_steady(&w, 6, 10);
    const struct plan *plan = &book.plans[0];
    ck_assert_int_eq(forecast_make(&f, &w, &plan, 1, &o, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--assume-stationary"));
    o.assume_stationary = true;
    f = forecast_book(&w, &book, &o);
    ck_assert(!f.weekly);
    ck_assert_double_eq_tol(f.results[0].requests.mean, 7200, 100);
    /* 1,440 requests leave the level uncertain by 1/√1440, 2.6%: the band spans 3.3 of that */
    ck_assert_double_gt(f.results[0].requests.p95 - f.results[0].requests.p5, 0.06 * 7200);
    forecast_free(&f);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

static int read_history(const char *text, struct demand_history *h, struct error *err)
{
    char path[64];
    int fd = testing_text_file(text, path);
    int code = demand_history_read(path, h, err);
    close(fd);
    return code;
}

START_TEST(history_sets_the_level)
{
    struct workload w;
    struct plan_book book;
    struct demand_history h;
    struct error err = {0};
    char text[1024] = "date,requests\n";
    load(TOKEN_PLAN, &book);
    add_steady(&w, 1, 10);
    for (int d = 1; d <= 14; d++)
        sprintf(text + strlen(text), "2026-11-%02d,%d\n", d, d % 7 == 0 || d % 7 == 1 ? 240 : 480);
    ck_assert_msg(read_history(text, &h, &err) == 0, "%s", err.message);
    struct forecast_options o = plain_options(100);
    o.history = &h;
    struct forecast f = forecast_book(&w, &book, &o);
    char date[FORECAST_DATE_SIZE];
    ck_assert_str_eq(forecast_date(&f, 0, date), "2026-11-15");
    /* from Sunday the 15th: five Saturdays or Sundays twice, 9 days of 240 and 21 of 480 */
    ck_assert_double_eq_tol(f.results[0].requests.mean, 9 * 240 + 21 * 480, 150);
    forecast_free(&f);
    demand_history_free(&h);
    workload_free(&w);
    plan_book_free(&book);
}
END_TEST

static Suite *forecast_suite(void)
{
    Suite *s = suite_create("forecast");
    TCase *truth = tcase_create("truth");
    tcase_add_test(truth, band_covers_the_truth);
    tcase_add_loop_test(truth, the_second_week_is_in_the_band_of_the_first, 0, 2);
    suite_add_tcase(s, truth);
    TCase *plans = tcase_create("plans");
    tcase_add_test(plans, steady_month_meets_quotas_and_budget);
    tcase_add_test(plans, settled_days_come_to_the_bill);
    tcase_add_loop_test(plans, quotas_of_all_kinds_come_to_the_bill, 0,
                        sizeof settled / sizeof *settled);
    tcase_add_test(plans, what_is_not_settled_as_the_bill_does_is_said);
    tcase_add_test(plans, growth_changes_the_plan_of_later_months);
    tcase_add_test(plans, less_than_a_week_is_refused);
    tcase_add_test(plans, history_sets_the_level);
    suite_add_tcase(s, plans);
    return s;
}

int main(void)
{
    return testing_run(forecast_suite());
}
