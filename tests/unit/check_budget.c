#include "core/memory.h"
#include "sim/cost/book/budget.h"
#include "tests/unit/testing_plans.h"
#include "tests/unit/testing_workload.h"

#include <string.h>

/* big-1 costs ten times what small-1 does; other models are not sold. */
static const char book[] =
    "{\"plans\": [{\"name\": \"t/two\", \"rates\": ["
    "{\"models\": [\"small-*\"], \"per_mtok\": {\"input\": \"1000\", \"cached_input\": \"100\","
    " \"output\": \"1000\"}},"
    "{\"models\": [\"big-*\"], \"per_mtok\": {\"input\": \"10000\", \"output\": \"10000\"}}]}]}";

struct fixture {
    struct workload w;
    struct plan_book book;
    struct budget_asked asked[2];
    size_t count;
    struct budget budget;
};

static void open_budget(struct fixture *f)
{
    struct plan_selection plans = {0};
    if (f->book.count == 0)
        f->book = testing_plans(book);
    plans.plans = mem_zero(1, sizeof *plans.plans);
    plans.plans[plans.count++] = &f->book.plans[0];
    budget_init(&f->budget, plans, f->asked, f->count, &f->w);
}

/* Rows of 90 + 10 tokens: $0.1 by small-1, $1 by big-1. */
static void begin(struct fixture *f, const char *row_model, const char *first, const char *second,
                  const char *limit)
{
    struct error err = {0};
    *f = (struct fixture){.asked = {{first, 1}, {second, 1}}, .count = second ? 2 : 1};
    workload_init(&f->w);
    for (int i = 0; i < 3; i++)
        testing_add(&f->w,
                    (struct request){.input_tokens = 90, .output_tokens = 10, .model = row_model});
    open_budget(f);
    ck_assert_msg(budget_limit(&f->budget, limit, &err) == 0, "%s", err.message);
}

static void end(struct fixture *f)
{
    budget_free(&f->budget);
    plan_book_free(&f->book);
    workload_free(&f->w);
}

static int admitted(struct fixture *f)
{
    int count = 0;
    while (count < 100 && budget_admit(&f->budget, (uint32_t)(count % 3)))
        count++;
    return count;
}

static struct record answer(const char *model)
{
    struct record r;
    record_init(&r);
    r.status = RECORD_COMPLETED;
    r.attempt = 1;
    r.final = true;
    r.http_status = 200;
    r.sent_ns = 0;
    r.model = model;
    r.usage = usage_from_totals(90, 0, 0, 0, 10, 0);
    r.usage_from = USAGE_SERVER;
    return r;
}

START_TEST(test_the_model_asked_for_is_reserved_not_the_workloads)
{
    struct fixture f;
    begin(&f, "small-1", "big-1", NULL, "2");
    ck_assert_int_eq(admitted(&f), 2);
    end(&f);
    begin(&f, "big-1", "small-1", NULL, "2");
    ck_assert_int_eq(admitted(&f), 20);
    end(&f);
    begin(&f, "small-1", NULL, NULL, "2");
    ck_assert_int_eq(admitted(&f), 20);
    end(&f);
}
END_TEST

START_TEST(test_of_several_endpoints_the_dearest_in_play_is_reserved)
{
    struct fixture f;
    begin(&f, NULL, "small-1", "big-1", "2");
    ck_assert_int_eq(admitted(&f), 2);
    end(&f);
    begin(&f, NULL, "small-1", "big-1", "2");
    f.budget.asked[1].share = 0;
    ck_assert_int_eq(admitted(&f), 20);
    end(&f);
    begin(&f, NULL, "small-1", "big-1", "2");
    f.budget.asked[0].share = f.budget.asked[1].share = 0; /* then all goes to the last */
    ck_assert_int_eq(admitted(&f), 2);
    end(&f);
}
END_TEST

START_TEST(test_a_model_not_known_yet_is_the_dearest_sold)
{
    struct fixture f;
    begin(&f, NULL, NULL, NULL, "2");
    ck_assert_int_eq(admitted(&f), 2);
    end(&f);
}
END_TEST

START_TEST(test_hits_of_a_recording_are_not_counted_on)
{
    struct fixture f;
    begin(&f, "small-1", NULL, NULL, "2");
    testing_add(&f.w, (struct request){.input_tokens = 90,
                                       .output_tokens = 10,
                                       .model = "small-1",
                                       .has_usage = true,
                                       .usage = usage_from_totals(90, 90, 0, 0, 10, 0)});
    int count = 0;
    while (budget_admit(&f.budget, 3))
        count++;
    ck_assert_int_eq(count, 20);
    end(&f);
}
END_TEST

START_TEST(test_an_answer_frees_what_was_reserved)
{
    struct fixture f;
    begin(&f, NULL, "small-1", "big-1", "2");
    ck_assert_int_eq(admitted(&f), 2);
    struct record r = answer("small-1");
    budget_note(&f.budget, &r); /* $0.1 spent, $1 in flight */
    ck_assert(!budget_admit(&f.budget, 0));
    budget_note(&f.budget, &r); /* $0.2 spent */
    ck_assert(f.budget.reserved == 0);
    ck_assert(f.budget.spent[0] == MONEY_USD / 5);
    ck_assert_int_eq(admitted(&f), 1);
    end(&f);
}
END_TEST

/* Two requests at two tokens a word, $10 a thousand: $21.78. */
START_TEST(test_the_probe_is_set_aside)
{
    static const uint64_t inputs[] = {64, 2112};
    struct fixture f;
    struct error err = {0};
    begin(&f, NULL, "big-1", NULL, "30");
    ck_assert_int_eq(admitted(&f), 30);
    budget_free(&f.budget);
    open_budget(&f);
    ck_assert_int_eq(budget_limit(&f.budget, "30", &err), 0);
    ck_assert_int_eq(budget_reserve(&f.budget, inputs, 2, "30", &err), 0);
    ck_assert_int_eq(admitted(&f), 8);
    budget_free(&f.budget);
    open_budget(&f);
    ck_assert_int_eq(budget_limit(&f.budget, "21.78", &err), 0);
    ck_assert_int_eq(budget_reserve(&f.budget, inputs, 2, "21.78", &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "--no-probe"));
    end(&f);
}
END_TEST

START_TEST(test_a_limit_is_an_amount_above_nothing)
{
    static const char *const bad[] = {"", "x", "-1", "0", "1.5 USD"};
    struct fixture f;
    begin(&f, NULL, "big-1", NULL, "2");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        ck_assert_msg(budget_limit(&f.budget, bad[i], &err) == ERR_INPUT, "%s", bad[i]);
    }
    end(&f);
}
END_TEST

START_TEST(test_nothing_is_admitted_past_what_can_be_counted)
{
    struct fixture f;
    begin(&f, NULL, "big-1", NULL, "2");
    struct record r = answer("big-1");
    r.usage.tokens[USAGE_OUTPUT] = UINT64_MAX / 2;
    budget_note(&f.budget, &r);
    ck_assert(f.budget.overflowed);
    ck_assert(!budget_admit(&f.budget, 0));
    end(&f);
}
END_TEST

static void warnings(struct fixture *f, char text[2048])
{
    struct buffer lines;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    budget_add_blind(&f->budget, "2", &lines);
    snprintf(text, 2048, "%s", lines.length ? lines.data : "");
    buffer_free(&lines);
}

START_TEST(test_a_model_that_is_not_sold_is_told)
{
    struct fixture f;
    char text[2048] = "";
    begin(&f, "small-1", NULL, NULL, "2");
    warnings(&f, text);
    ck_assert_str_eq(text, "");
    end(&f);
    begin(&f, "small-1", "small-2", "other-1", "2");
    warnings(&f, text);
    ck_assert_ptr_nonnull(strstr(text, "plan t/two does not sell model other-1"));
    ck_assert_ptr_null(strstr(text, "small"));
    end(&f);
    begin(&f, "tiny-1", NULL, NULL, "2");
    warnings(&f, text);
    ck_assert_ptr_nonnull(strstr(text, "plan t/two does not sell model tiny-1"));
    end(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("budget");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_the_model_asked_for_is_reserved_not_the_workloads);
    tcase_add_test(all, test_of_several_endpoints_the_dearest_in_play_is_reserved);
    tcase_add_test(all, test_a_model_not_known_yet_is_the_dearest_sold);
    tcase_add_test(all, test_hits_of_a_recording_are_not_counted_on);
    tcase_add_test(all, test_an_answer_frees_what_was_reserved);
    tcase_add_test(all, test_the_probe_is_set_aside);
    tcase_add_test(all, test_a_limit_is_an_amount_above_nothing);
    tcase_add_test(all, test_nothing_is_admitted_past_what_can_be_counted);
    tcase_add_test(all, test_a_model_that_is_not_sold_is_told);
    suite_add_tcase(suite, all);
    return testing_run(suite);
}
