#include "cli/bench/bench_money.h"
#include "tests/unit/testing.h"

#include <string.h>

/* big-1 costs ten times what small-1 does; other models are not sold. */
static const char book[] =
    "{\"plans\": [{\"name\": \"t/two\", \"rates\": ["
    "{\"models\": [\"small-*\"], \"per_mtok\": {\"input\": \"1000\", \"cached_input\": \"100\","
    " \"output\": \"1000\"}},"
    "{\"models\": [\"big-*\"], \"per_mtok\": {\"input\": \"10000\", \"output\": \"10000\"}}]}]}";

struct fixture {
    struct workload w;
    struct endpoint_config endpoints[2];
    struct bench_config config;
    struct bench_money money;
};

static int init(struct fixture *f, const char *limit, struct error *err)
{
    char path[] = "/tmp/farebox-money-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, book, strlen(book)), (ssize_t)strlen(book));
    close(fd);
    const char *items[] = {path};
    struct option_list plans = {items, 1};
    int status = bench_money_init(&f->money, &plans, &f->config, &f->w, limit, err);
    unlink(path);
    return status;
}

/* Rows of 90 + 10 tokens: $0.1 by small-1, $1 by big-1. */
static void begin(struct fixture *f, const char *row_model, const char *first, const char *second,
                  const char *limit)
{
    struct error err = {0};
    workload_init(&f->w);
    struct request q = {.input_tokens = 90, .output_tokens = 10, .attempts = 1, .model = row_model};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(workload_add(&f->w, &q, &err), 0);
    bench_config_init(&f->config);
    f->endpoints[0] = (struct endpoint_config){.url = "http://a", .model = first, .share = 1};
    f->endpoints[1] = (struct endpoint_config){.url = "http://b", .model = second, .share = 1};
    f->config.endpoints = f->endpoints;
    f->config.endpoint_count = second ? 2 : 1;
    f->config.no_probe = true;
    ck_assert_msg(init(f, limit, &err) == 0, "%s", err.message);
}

static void end(struct fixture *f)
{
    bench_money_free(&f->money);
    workload_free(&f->w);
}

static int admitted(struct fixture *f)
{
    int count = 0;
    while (count < 100 && bench_money_admit(&f->money, (uint32_t)(count % 3)))
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
    f.endpoints[1].share = 0;
    ck_assert_int_eq(admitted(&f), 20);
    end(&f);
    begin(&f, NULL, "small-1", "big-1", "2");
    f.endpoints[0].share = f.endpoints[1].share = 0; /* then all goes to the last */
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
    struct error err = {0};
    struct request q = {.input_tokens = 90,
                        .output_tokens = 10,
                        .attempts = 1,
                        .model = "small-1",
                        .has_usage = true,
                        .usage = usage_from_totals(90, 90, 0, 0, 10, 0)};
    ck_assert_int_eq(workload_add(&f.w, &q, &err), 0);
    int count = 0;
    while (bench_money_admit(&f.money, 3))
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
    bench_money_note(&f.money, &r); /* $0.1 spent, $1 in flight */
    ck_assert(!bench_money_admit(&f.money, 0));
    bench_money_note(&f.money, &r); /* $0.2 spent */
    ck_assert(f.money.reserved == 0);
    ck_assert(f.money.spent[0] == MONEY_USD / 5);
    ck_assert_int_eq(admitted(&f), 1);
    end(&f);
}
END_TEST

/* Two requests at two tokens a word, $10 a thousand: $21.78. */
START_TEST(test_the_probe_is_set_aside)
{
    struct fixture f;
    begin(&f, NULL, "big-1", NULL, "30");
    ck_assert_int_eq(admitted(&f), 30);
    bench_money_free(&f.money);
    f.config.no_probe = false;
    struct error err = {0};
    ck_assert_int_eq(init(&f, "30", &err), 0);
    ck_assert_int_eq(admitted(&f), 8);
    bench_money_free(&f.money);
    ck_assert_int_eq(init(&f, "21.78", &err), ERR_WORK);
    ck_assert_ptr_nonnull(strstr(err.message, "--no-probe"));
    end(&f);
}
END_TEST

START_TEST(test_nothing_is_admitted_past_what_can_be_counted)
{
    struct fixture f;
    begin(&f, NULL, "big-1", NULL, "2");
    struct record r = answer("big-1");
    r.usage.tokens[USAGE_OUTPUT] = UINT64_MAX / 2;
    bench_money_note(&f.money, &r);
    ck_assert(f.money.overflowed);
    ck_assert(!bench_money_admit(&f.money, 0));
    end(&f);
}
END_TEST

static void warnings(struct fixture *f, char *text, size_t size)
{
    FILE *notes = fmemopen(text, size, "w");
    struct terminal t = {.notes = notes};
    bench_money_warn(&f->money, &t, "2");
    fclose(notes);
}

START_TEST(test_a_model_that_is_not_sold_is_told)
{
    struct fixture f;
    char text[2048] = "";
    begin(&f, "small-1", NULL, NULL, "2");
    warnings(&f, text, sizeof text);
    ck_assert_str_eq(text, "");
    end(&f);
    begin(&f, "small-1", "small-2", "other-1", "2");
    warnings(&f, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "plan t/two does not sell model other-1"));
    ck_assert_ptr_null(strstr(text, "small"));
    end(&f);
    begin(&f, "tiny-1", NULL, NULL, "2");
    warnings(&f, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "plan t/two does not sell model tiny-1"));
    end(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench_money");
    TCase *all = tcase_create("all");
    tcase_add_test(all, test_the_model_asked_for_is_reserved_not_the_workloads);
    tcase_add_test(all, test_of_several_endpoints_the_dearest_in_play_is_reserved);
    tcase_add_test(all, test_a_model_not_known_yet_is_the_dearest_sold);
    tcase_add_test(all, test_hits_of_a_recording_are_not_counted_on);
    tcase_add_test(all, test_an_answer_frees_what_was_reserved);
    tcase_add_test(all, test_the_probe_is_set_aside);
    tcase_add_test(all, test_nothing_is_admitted_past_what_can_be_counted);
    tcase_add_test(all, test_a_model_that_is_not_sold_is_told);
    suite_add_tcase(suite, all);
    return testing_run(suite);
}
