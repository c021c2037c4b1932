/* What-ifs as a matrix: its figures, its width, its table for a spreadsheet. */
#include "testing_plans.h"
#include "testing_trace.h"
#include "testing_workload.h"

#include "sim/cost/what_if/what_if.h"
#include "sim/cost/what_if/what_if_changes.h"

#include <stdlib.h>
#include <string.h>

#define PLANS 5

static const char plans_text[] =
    "{\"plans\": ["
    "{\"name\": \"seller/a-plan-with-a-long-name-that-ends-in-one\", \"per_mtok\": {\"input\": "
    "\"5\","
    " \"cached_input\": \"0.5\", \"cache_write\": \"6.25\", \"output\": \"30\"}, \"multipliers\":"
    " {\"batch\": \"0.5\"}, \"billed\": {\"failed\": \"input\", \"retried\": \"each\"}},"
    "{\"name\": \"seller/a-plan-with-a-long-name-that-ends-in-two\", \"per_mtok\": {\"input\": "
    "\"4\","
    " \"output\": \"20\"}},"
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"80\", \"period\": \"month\", "
    "\"includes\":"
    " {\"requests\": 20, \"per\": \"hour\"}, \"beyond\": \"reject\"}, \"limits\":"
    " {\"max_input_tokens\": 16000, \"max_output_tokens\": 300}},"
    "{\"name\": \"many\", \"rates\": [{\"models\": [\"small-*\"], \"per_mtok\": {\"input\": \"1\","
    " \"output\": \"2\"}}, {\"models\": [\"large\"], \"per_mtok\": {\"input\": \"9\", \"output\":"
    " \"40\"}}]},"
    "{\"name\": \"per-request\", \"per_request\": \"0.01\"}]}";

struct matrix {
    struct workload w;
    struct plan_book book;
    const struct plan *plans[PLANS];
    struct what_if_changes changes;
    struct what_if table;
};

static void make(struct matrix *m, const char *file)
{
    struct error err = {0};
    struct bill_options options = {.workers = 2};
    *m = (struct matrix){.book = testing_plans(plans_text)};
    testing_read_file(file, &m->w, NULL);
    for (size_t i = 0; i < PLANS; i++)
        m->plans[i] = &m->book.plans[i];
    what_if_changes_all(&m->changes, &m->w, m->plans, PLANS);
    int code = what_if_make(&m->table, &m->w, m->plans, PLANS, m->changes.items, m->changes.count,
                            &options, 1, NULL, &err);
    ck_assert_msg(code == 0, "%s", err.message);
}

static void release(struct matrix *m)
{
    what_if_free(&m->table);
    what_if_changes_free(&m->changes);
    plan_book_free(&m->book);
    workload_free(&m->w);
}

static const char *const files[] = {"tests/data/mooncake.jsonl", "tests/data/tracelab.jsonl",
                                    "tests/data/azure.csv", "tests/data/lengths.csv"};
#define FILES (int)(sizeof files / sizeof *files)

static void same_cell(const struct what_if_cell *a, const struct what_if_cell *b, const char *what)
{
    ck_assert_msg(a->total == b->total && a->usage == b->usage && a->by_period == b->by_period,
                  "%s", what);
    ck_assert_msg(a->has_saved == b->has_saved && (!a->has_saved || a->saved == b->saved), "%s",
                  what);
    ck_assert_msg(a->served == b->served && a->rejected == b->rejected &&
                      a->delayed == b->delayed && a->truncated == b->truncated &&
                      a->unpriced == b->unpriced && a->subscriptions == b->subscriptions,
                  "%s", what);
    ck_assert_str_eq(a->why, b->why);
}

/* Each change alone, with the bill at hand and without it, has the figures that the matrix has. */
START_TEST(the_matrix_has_the_figures_of_single_what_ifs_and_of_the_bill)
{
    struct matrix m;
    struct error err = {0};
    make(&m, files[_i]);
    struct bill bill = testing_bill(&m.w, &m.book, (struct bill_options){.workers = 1});
    for (size_t p = 0; p < PLANS; p++) {
        ck_assert(m.table.cases[0].cells[p].total == bill.plans[p].total);
        ck_assert_uint_eq(m.table.cases[0].cells[p].served, bill.plans[p].served_requests);
    }
    for (size_t i = 0; i < m.changes.count; i++) {
        struct what_if single;
        int code =
            what_if_make(&single, &m.w, m.plans, PLANS, &m.changes.items[i], 1,
                         &(struct bill_options){.workers = 1}, 1, i % 2 ? &bill : NULL, &err);
        ck_assert_msg(code == 0, "%s", err.message);
        ck_assert_uint_eq(single.case_count, 2);
        ck_assert_str_eq(single.cases[1].name, m.table.cases[i + 1].name);
        ck_assert_str_eq(single.cases[1].note, m.table.cases[i + 1].note);
        for (size_t p = 0; p < PLANS; p++)
            same_cell(&single.cases[1].cells[p], &m.table.cases[i + 1].cells[p],
                      m.changes.items[i]);
        what_if_free(&single);
    }
    bill_free(&bill);
    release(&m);
}
END_TEST

static size_t columns_of(const char *from, const char *to)
{
    size_t columns = 0;
    for (; from < to; from++)
        columns += ((unsigned char)*from & 0xc0) != 0x80;
    return columns;
}

/* The text has every cell's money; no line is wider than 80 columns; names end differently. */
START_TEST(the_matrix_fits_80_columns_with_every_cell)
{
    struct matrix m;
    struct buffer text;
    make(&m, files[_i]);
    buffer_init(&text, BUFFER_UNBOUNDED);
    what_if_write_matrix(&m.table, &text);
    for (const char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1)
        ck_assert_msg(columns_of(line, end) <= 80, "%.*s", (int)(end - line), line);
    for (size_t i = 0; i < m.table.case_count; i++)
        for (size_t p = 0; p < PLANS; p++) {
            char total[MONEY_TEXT_SIZE];
            money_format_amount(m.table.cases[i].cells[p].total, 4, total);
            ck_assert_msg(strstr(text.data, total) != NULL, "%s of %s", total,
                          m.table.cases[i].name);
        }
    ck_assert_ptr_nonnull(strstr(text.data, "name-that-ends-in-one"));
    ck_assert_ptr_nonnull(strstr(text.data, "name-that-ends-in-two"));
    ck_assert_ptr_nonnull(strstr(text.data, "served"));
    buffer_free(&text);
    release(&m);
}
END_TEST

/* The n-th field of a line without quotes. */
static void field(const char *line, int n, char out[64])
{
    while (n-- > 0)
        line = strchr(line, ',') + 1;
    size_t length = strcspn(line, ",\n");
    memcpy(out, line, length);
    out[length] = '\0';
}

START_TEST(the_spreadsheet_has_a_line_for_every_cell)
{
    struct matrix m;
    struct buffer csv;
    char text[MONEY_TEXT_SIZE], found[64];
    make(&m, files[0]);
    buffer_init(&csv, BUFFER_UNBOUNDED);
    what_if_write_csv(&m.table, &csv);
    const char *line = strchr(csv.data, '\n') + 1;
    size_t lines = 0;
    for (size_t i = 0; i < m.table.case_count; i++)
        for (size_t p = 0; p < PLANS; p++, lines++, line = strchr(line, '\n') + 1) {
            const struct what_if_cell *c = &m.table.cases[i].cells[p];
            const char *from = line;
            if (*from == '"') { /* a change with commas */
                ck_assert(strncmp(from + 1, m.table.cases[i].name, strlen(m.table.cases[i].name)) ==
                          0);
                from = strchr(from + 1, '"') + 1;
            }
            field(from, 1, found);
            ck_assert_str_eq(found, m.plans[p]->name);
            field(from, 2, found);
            money_format(c->total, text);
            ck_assert_str_eq(found, text);
            field(from, 3, found);
            money_format(c->saved, text);
            ck_assert_str_eq(found, c->has_saved ? text : "");
            field(from, 8, found);
            ck_assert_uint_eq(strtoull(found, NULL, 10), c->served);
        }
    ck_assert_str_eq(line, "");
    ck_assert_uint_eq(lines, m.table.case_count * PLANS);
    buffer_free(&csv);
    release(&m);
}
END_TEST

START_TEST(a_change_may_be_several_transforms)
{
    static const struct {
        const char *change;
        size_t parts;
        const char *last;
    } cases[] = {
        {"cache=none", 1, "cache=none"},
        {"cache=ttl:5m+retry=max:3", 2, "retry=max:3"},
        {"route=*:a+b", 1, "route=*:a+b"},
        {"route=*:a+b+truncate=turns:2+service=batch", 3, "service=batch"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct what_if_changes parts = {0};
        what_if_changes_split(cases[i].change, &parts);
        ck_assert_uint_eq(parts.count, cases[i].parts);
        ck_assert_str_eq(parts.items[parts.count - 1], cases[i].last);
        what_if_changes_free(&parts);
    }
}
END_TEST

/* 1,000 in of which 800 were cached, 100 out; of every retried request the 800 are paid whole, in
 * each attempt that the plan bills. */
START_TEST(a_retry_pays_for_the_prompt_cache_that_it_lost)
{
    struct matrix m = {.book = testing_plans(plans_text)};
    const struct plan *plan = &m.book.plans[0];
    const char *changes[] = {"retry=fail:0.5,max:9", "retry=fail:0.5,max:9,cache:lost"};
    struct error err = {0};
    workload_init(&m.w);
    for (int i = 0; i < 50; i++)
        testing_add(&m.w, (struct request){.timestamp_ns = i * NS_PER_S,
                                           .input_tokens = 1000,
                                           .output_tokens = 100,
                                           .attempts = 1,
                                           .has_usage = true,
                                           .usage = usage_from_totals(1000, 800, 0, 0, 100, 0)});
    int code = what_if_make(&m.table, &m.w, &plan, 1, changes, 2, &(struct bill_options){0}, 1,
                            NULL, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    uint64_t attempts = strtoull(strstr(m.table.cases[1].note, ": ") + 2, NULL, 10);
    char *lost = strstr(m.table.cases[2].note, "failed, ");
    ck_assert_ptr_nonnull(lost);
    uint64_t retried = strtoull(lost + 8, NULL, 10) / 800;
    ck_assert_uint_gt(retried, 5);
    /* $4.50 a million more for 800 tokens, in each of the attempts of those requests */
    money more = (money)(attempts + retried) * 800 * 45 * (MONEY_USD / 10000000);
    ck_assert(m.table.cases[2].cells[0].usage - m.table.cases[1].cells[0].usage == more);
    what_if_free(&m.table);
    workload_free(&m.w);
    plan_book_free(&m.book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("what_if_matrix");
    TCase *tc = tcase_create("what_if_matrix");
    tcase_add_loop_test(tc, the_matrix_has_the_figures_of_single_what_ifs_and_of_the_bill, 0,
                        FILES);
    tcase_add_loop_test(tc, the_matrix_fits_80_columns_with_every_cell, 0, FILES);
    tcase_add_test(tc, the_spreadsheet_has_a_line_for_every_cell);
    tcase_add_test(tc, a_change_may_be_several_transforms);
    tcase_add_test(tc, a_retry_pays_for_the_prompt_cache_that_it_lost);
    suite_add_tcase(suite, tc);
    return testing_run(suite);
}
