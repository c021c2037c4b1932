/* Choosing plans by name, pattern, book and file; and the books that are part of the program. */
#include "core/embedded.h"
#include "sim/cost/book/price.h"
#include "sim/cost/book/select.h"
#include "tests/unit/testing.h"

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
    char path[64], item[256];
    int fd = testing_text_file(book, path);
    ck_assert_int_eq(pick(path), 0);
    ck_assert_uint_eq(chosen.count, 3);
    snprintf(item, sizeof item, "%s#a/2,%s#a/?", path, path);
    ck_assert_int_eq(pick(item), 0);
    ck_assert_uint_eq(chosen.count, 2);
    ck_assert_uint_eq(chosen.book_count, 1);
    ck_assert_str_eq(chosen.plans[0]->name, "a/2");
    snprintf(item, sizeof item, "%s#a", path);
    ck_assert_int_eq(pick(item), 0);
    ck_assert_uint_eq(chosen.count, 2);
    snprintf(item, sizeof item, "%s#b", path);
    ck_assert_int_eq(pick(item), ERR_INPUT);
    snprintf(item, sizeof item, "oxlo/pro,%s", path);
    ck_assert_int_eq(pick(item), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "second plan named \"oxlo/pro\""));
    close(fd);
}
END_TEST

START_TEST(a_sellers_name_stands_for_all_of_its_plans)
{
    ck_assert_int_eq(pick("oxlo"), 0);
    ck_assert_uint_eq(chosen.count, 6);
    for (size_t i = 0; i < chosen.count; i++) {
        ck_assert_int_eq(strncmp(chosen.plans[i]->name, "oxlo/", 5), 0);
        ck_assert_ptr_nonnull(strstr(chosen.taken, chosen.plans[i]->name));
    }
    ck_assert_ptr_nonnull(strstr(chosen.taken, "\"oxlo\" stands for 6 plans"));
    ck_assert_int_eq(pick("Cursor,oxlo/pro"), 0); /* a name's beginning, whatever its case */
    ck_assert_uint_gt(chosen.count, 1);
    ck_assert_int_eq(strncmp(chosen.plans[0]->name, "cursor/", 7), 0);
    ck_assert_int_eq(pick("Anysphere"), 0); /* the seller of the same plans */
    ck_assert_int_eq(strncmp(chosen.plans[0]->name, "cursor/", 7), 0);
    ck_assert_int_eq(pick("oxlo/pro"), 0); /* a plan's own name is that plan */
    ck_assert_uint_eq(chosen.count, 1);
    ck_assert_ptr_null(chosen.taken);
    ck_assert_int_eq(pick("oxl"), ERR_INPUT);
}
END_TEST

START_TEST(every_bundled_plan_says_where_its_figures_are_from)
{
    size_t books = 0;
    ck_assert_int_eq(pick("*"), 0); /* no two plans of one name */
    for (const struct embedded_file *f = NULL; (f = embedded_next("books", f)); books++)
        ck_assert_int_eq(plan_select(f->stem, &chosen, &err), 0); /* a file's stem is its name */
    ck_assert_uint_eq(chosen.book_count, books);
    for (size_t i = 0; i < chosen.count; i++) {
        const struct plan *p = chosen.plans[i];
        ck_assert_msg(p->source && p->source[0], "%s has no source", p->name);
        bool made_up = strncmp(p->name, "demo/", 5) == 0;
        ck_assert_msg(made_up || (p->as_of && strlen(p->as_of) == 10), "%s has no date", p->name);
        if (strncmp(p->name, "oxlo/", 5) == 0) {
            ck_assert(p->limits.unconfirmed);
            ck_assert_uint_gt(p->limits.max_input_tokens, 0);
        }
    }
}
END_TEST

/* Worked out by hand from the prices in the plans' sources. */
START_TEST(plans_of_november_2026_price_what_they_say)
{
    static const struct {
        const char *plan;
        uint64_t uncached, cached, output;
        enum service service;
        const char *usd;
    } rows[] = {
        {"openai/gpt-5.5", 100000, 0, 1000, SERVICE_STANDARD, "0.53"},
        {"openai/gpt-5.5", 100000, 0, 1000, SERVICE_BATCH, "0.265"},
        {"openai/gpt-5.5-eu", 100000, 0, 1000, SERVICE_STANDARD, "0.583"},
        {"anthropic/opus-5", 2000, 8000, 1000, SERVICE_STANDARD, "0.039"},
        {"openrouter/byok", 100000, 0, 1000, SERVICE_STANDARD, "0.5565"},
        {"perplexity/sonar-pro", 1000, 0, 1000, SERVICE_STANDARD, "0.028"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct usage u = {.tokens = {[USAGE_UNCACHED_INPUT] = rows[i].uncached,
                                     [USAGE_CACHED_INPUT] = rows[i].cached,
                                     [USAGE_OUTPUT] = rows[i].output}};
        struct price_query q = {.usage = &u, .service = rows[i].service, .at_unix_ns = TIME_NEVER};
        struct charge c;
        char usd[MONEY_TEXT_SIZE];
        ck_assert_int_eq(pick(rows[i].plan), 0);
        ck_assert_int_eq(price_request(chosen.plans[0], &chosen.plans[0]->rates[0], &q, &c), 0);
        money_format(c.total, usd);
        ck_assert_msg(strcmp(usd, rows[i].usd) == 0, "%s: %s", rows[i].plan, usd);
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
    tcase_add_test(t, a_sellers_name_stands_for_all_of_its_plans);
    tcase_add_test(t, every_bundled_plan_says_where_its_figures_are_from);
    tcase_add_test(t, plans_of_november_2026_price_what_they_say);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
