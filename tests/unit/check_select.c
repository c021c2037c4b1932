/* Choosing plans by name, pattern, book and file; and the books that are part of the program. */
#include "sim/cost/book/price.h"
#include "sim/cost/book/select.h"
#include "tests/unit/testing.h"

#include "core/file.h"

#include <string.h>

static struct plan_selection chosen;
static struct error err;

static void teardown(void)
{
    plan_selection_free(&chosen);
    err = (struct error){0};
}

static int pick(const char *list)
{
    teardown();
    return plan_select(list, &chosen, &err);
}

START_TEST(names_and_patterns_select_in_their_order)
{
    ck_assert_int_eq(pick("deepseek/r1-671b, oxlo/pro"), 0);
    ck_assert_uint_eq(chosen.count, 2);
    ck_assert_str_eq(chosen.plans[0]->name, "deepseek/r1-671b");
    ck_assert_str_eq(chosen.plans[1]->name, "oxlo/pro");
    ck_assert_int_eq(pick("oxlo/*,oxlo/pro"), 0);
    ck_assert_uint_eq(chosen.count, 6);
    ck_assert_int_eq(pick("demo"), 0);
    ck_assert_uint_eq(chosen.count, 3);
    ck_assert_int_eq(plan_select("oxlo/premium", &chosen, &err), 0);
    ck_assert_uint_eq(chosen.count, 4);
}
END_TEST

START_TEST(what_is_not_there_is_refused_with_the_nearest)
{
    ck_assert_int_eq(pick("oxlo/por"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "oxlo/pro"));
    ck_assert_uint_eq(chosen.book_count, 0);
    ck_assert_int_eq(pick("r1-0528"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "did you mean \"deepseek/r1-0528\"?"));
    ck_assert_int_eq(pick("demos"), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "\"demo\""));
    ck_assert_int_eq(pick("nobody/*"), ERR_INPUT);
    ck_assert_int_eq(pick(" , "), ERR_INPUT);
    ck_assert_int_eq(pick("no-such-file.json"), ERR_INPUT);
}
END_TEST

START_TEST(files_select_whole_or_by_pattern)
{
    static const char book[] = "{\"plans\": [{\"name\": \"a/1\", \"per_request\": \"1\"},"
                               "{\"name\": \"a/2\", \"per_request\": \"2\"},"
                               "{\"name\": \"oxlo/pro\", \"per_request\": \"3\"}]}";
    char path[] = "/tmp/check_selectXXXXXX", item[256];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_write_all(fd, book, strlen(book), path, &err), 0);
    close(fd);
    ck_assert_int_eq(pick(path), 0);
    ck_assert_uint_eq(chosen.count, 3);
    snprintf(item, sizeof item, "%s#a/2,%s#a/?", path, path);
    ck_assert_int_eq(pick(item), 0);
    ck_assert_uint_eq(chosen.count, 2);
    ck_assert_uint_eq(chosen.book_count, 1);
    ck_assert_str_eq(chosen.plans[0]->name, "a/2");
    snprintf(item, sizeof item, "%s#b", path);
    ck_assert_int_eq(pick(item), ERR_INPUT);
    snprintf(item, sizeof item, "oxlo/pro,%s", path);
    ck_assert_int_eq(pick(item), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "second plan named \"oxlo/pro\""));
    unlink(path);
}
END_TEST

START_TEST(every_bundled_plan_says_where_its_figures_are_from)
{
    ck_assert_int_eq(pick("curated"), 0);
    ck_assert_uint_ge(chosen.count, 40);
    for (size_t i = 0; i < chosen.count; i++) {
        const struct plan *p = chosen.plans[i];
        ck_assert_msg(p->source && p->source[0], "%s has no source", p->name);
        ck_assert_msg(p->as_of && strlen(p->as_of) == 10, "%s has no date", p->name);
        if (strncmp(p->name, "oxlo/", 5) == 0) {
            ck_assert(p->limits.unconfirmed);
            ck_assert_uint_gt(p->limits.max_input_tokens, 0);
        }
    }
}
END_TEST

/* The first integer input length, with 500 output tokens, at which the token price passes Oxlo
 * Pro at full use (80 USD / 30,000 requests): published as of 2026-08-01. */
START_TEST(the_curated_prices_give_the_published_break_evens)
{
    static const struct {
        const char *plan;
        uint64_t input;
    } cases[] = {{"moonshot/kimi-k2.6", 1603},  {"deepseek/r1-0528", 3184},
                 {"deepseek/r1-671b", 3184},    {"deepseek/v3.2", 9170},
                 {"meta/llama-3.3-70b", 18975}, {"openai/gpt-oss-120b", 69775}};
    ck_assert_int_eq(pick("curated"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct plan *p = NULL;
        for (size_t k = 0; k < chosen.count; k++)
            if (strcmp(chosen.plans[k]->name, cases[i].plan) == 0)
                p = chosen.plans[k];
        ck_assert_msg(p != NULL, "%s is not there", cases[i].plan);
        for (uint64_t less = 0; less < 2; less++) {
            struct usage u = usage_from_totals(cases[i].input - less, 0, 0, 0, 500, 0);
            struct price_query q = {.usage = &u, .at_unix_ns = TIME_NEVER};
            struct charge c;
            ck_assert_int_eq(price_request(p, plan_rate_for(p, NULL), &q, &c), 0);
            bool dearer = c.total * 30000 > 80 * MONEY_USD;
            ck_assert_msg(dearer == (less == 0), "%s at %llu", p->name,
                          (unsigned long long)(cases[i].input - less));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("select");
    TCase *t = tcase_create("select");
    tcase_add_checked_fixture(t, NULL, teardown);
    tcase_add_test(t, names_and_patterns_select_in_their_order);
    tcase_add_test(t, what_is_not_there_is_refused_with_the_nearest);
    tcase_add_test(t, files_select_whole_or_by_pattern);
    tcase_add_test(t, every_bundled_plan_says_where_its_figures_are_from);
    tcase_add_test(t, the_curated_prices_give_the_published_break_evens);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
