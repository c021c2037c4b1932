/* The dry run: how many requests, to whom, over how long and at what cost, told from the schedule
 * alone, and what of it only the endpoint decides. */
#include "core/memory.h"
#include "sim/plan/dry_run.h"
#include "tests/unit/testing_plans.h"
#include "tests/unit/testing_workload.h"

#include <math.h>

#define ROWS 10

static const char book[] = "{\"plans\": [{\"name\": \"t/each\", \"per_request\": \"0.5\"}]}";

struct fixture {
    struct plan_book book;
    struct workload w;
    struct budget budget;
    struct dry_run d;
    struct dry_run_input in;
};

/* Even rows go to the first, odd ones to the second. */
static size_t choose(const void *context, const struct workload *w, const struct due *due)
{
    (void)context;
    (void)w;
    return due->row % 2;
}

/* Rows of 100 + 10 tokens, a second apart. */
static void begin(struct fixture *f)
{
    struct plan_selection plans = {.plans = mem_zero(1, sizeof(struct plan *)), .count = 1};
    static const struct budget_asked asked[2] = {{"a", 1}, {"b", 1}};
    *f = (struct fixture){.book = testing_plans(book), .w = testing_rows(ROWS, NS_PER_S, 100, 10)};
    plans.plans[0] = &f->book.plans[0];
    budget_init(&f->budget, plans, asked, 2, &f->w);
    struct dry_endpoint *endpoints = mem_zero(2, sizeof *endpoints);
    endpoints[0].url = mem_copy_string("http://a");
    endpoints[1].url = mem_copy_string("http://b");
    dry_run_init(&f->d, endpoints, 2);
    f->in = (struct dry_run_input){
        .endpoint = SIZE_MAX,
        .load = "trace",
        .load_text = "own times",
        .steady_rate_from_s = NAN,
        .schedule = {.mode = SCHEDULE_TRACE, .speed = 1, .duration_ns = TIME_NEVER, .workers = 1},
        .workload = &f->w,
        .budget = &f->budget,
        .choose = choose};
}

static void add(struct fixture *f)
{
    struct error err = {0};
    ck_assert_msg(dry_run_add(&f->d, &f->in, &err) == 0, "%s", err.message);
}

static void end(struct fixture *f)
{
    if (f->in.schedule.mode == SCHEDULE_CLOSED)
        profile_free(&f->in.schedule.load);
    dry_run_free(&f->d);
    budget_free(&f->budget);
    workload_free(&f->w);
    plan_book_free(&f->book);
}

START_TEST(a_trace_is_told_exactly)
{
    struct fixture f;
    double low, high;
    begin(&f);
    add(&f);
    ck_assert_uint_eq(f.d.requests, ROWS);
    ck_assert_uint_eq(f.d.input_tokens, 100 * ROWS);
    ck_assert(f.d.requests_are == DRY_EXACT && f.d.span_is == DRY_TO_LAST_ARRIVAL);
    ck_assert_double_eq_tol(f.d.span_s, ROWS - 1, 1e-9);
    ck_assert(f.d.endpoints[0].requests == ROWS / 2 && f.d.endpoints[1].requests == ROWS / 2);
    testing_money(f.d.plans[0].total, "5", "ten at half a dollar");
    dry_plan_interval(&f.d.plans[0], &low, &high);
    ck_assert(low == 5 && high == 5); /* all cost the same */
    end(&f);
}
END_TEST

START_TEST(runs_of_a_series_add_up)
{
    struct fixture f;
    begin(&f);
    f.in.label = "1-1";
    f.in.endpoint = 1; /* of a run of one endpoint */
    add(&f);
    f.in.label = "2-1";
    f.in.schedule.speed = 3;
    add(&f);
    ck_assert_uint_eq(f.d.part_count, 2);
    ck_assert_str_eq(f.d.parts[1].label, "2-1");
    ck_assert_uint_eq(f.d.endpoints[1].requests, 2 * ROWS);
    ck_assert_double_eq_tol(f.d.parts[1].span_s, (ROWS - 1) / 3.0, 1e-6);
    ck_assert_double_eq_tol(f.d.span_s, (ROWS - 1) * 4 / 3.0, 1e-6);
    testing_money(f.d.parts[1].cost, "5", "the second run");
    end(&f);
}
END_TEST

/* How many are answered in a closed loop's time, and how long so many take, is the endpoint's. */
START_TEST(what_the_endpoint_decides_is_said_so)
{
    struct fixture f;
    begin(&f);
    f.in.schedule.mode = SCHEDULE_CLOSED;
    profile_hold(&f.in.schedule.load, 4);
    add(&f);
    ck_assert(f.d.requests_are == DRY_EXACT && f.d.span_is == DRY_SPAN_UNKNOWN);
    ck_assert(isnan(f.d.parts[0].span_s));
    f.in.schedule.duration_ns = 60 * NS_PER_S;
    add(&f);
    ck_assert(f.d.requests_are == DRY_EACH_PASS);
    f.in.schedule.max_requests = 25;
    add(&f);
    ck_assert_uint_eq(f.d.parts[2].requests, 25);
    ck_assert_uint_eq(f.d.anew, 2);
    end(&f);
}
END_TEST

START_TEST(a_budget_that_would_end_it_is_seen)
{
    struct fixture f;
    struct error err = {0};
    begin(&f);
    ck_assert_int_eq(budget_limit(&f.budget, "5", &err), 0);
    add(&f);
    ck_assert(!dry_run_over_budget(&f.d)); /* to the last cent */
    add(&f);
    ck_assert(dry_run_over_budget(&f.d));
    end(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dry_run");
    TCase *t = tcase_create("dry_run");
    tcase_add_test(t, a_trace_is_told_exactly);
    tcase_add_test(t, runs_of_a_series_add_up);
    tcase_add_test(t, what_the_endpoint_decides_is_said_so);
    tcase_add_test(t, a_budget_that_would_end_it_is_seen);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
