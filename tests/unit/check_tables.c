/* The tables that a person reads after a run. */
#include "cli/report/page/html.h"
#include "cli/report/text/summary_table.h"
#include "core/memory.h"
#include "core/wrap.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

/* A run of 20 answers whose first token comes after 100 ms. */
static struct summary *answered(void)
{
    struct summary *s = mem_zero(1, sizeof *s);
    s->command = "bench";
    s->load = "open";
    s->warmup_method = "none";
    s->accounting.scheduled = s->accounting.completed = 20;
    s->asked_input = 2000;
    for (int i = 0; i < METRIC_COUNT; i++)
        s->all.metrics[i].p50 = s->all.metrics[i].p99 = NAN;
    s->all.metrics[METRIC_TTFT].count = 20;
    s->all.metrics[METRIC_TTFT].p50 = 100;
    s->window = s->all;
    return s;
}

static struct short_metric part(uint64_t count, double ms)
{
    return (struct short_metric){count, ms, ms, ms, ms};
}

static char *table_of(const struct summary *s)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    summary_table(s, "run", 100, &out);
    return buffer_take(&out);
}

static char *page_of(const struct summary *s)
{
    struct html_run run = {.name = "run", .summary = s};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    size_t plot_number = 0;
    html_add_runs(&(struct html_several){.runs = &run, .count = 1}, &plot_number, &out);
    return buffer_take(&out);
}

static bool says(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

START_TEST(an_error_is_told_in_plain_digits)
{
    static const double errors[] = {0, 0.00123, 0.0345, 1.0, 12.34};
    static const char *const words[] = {"off by 0 %", "off by 0.1 %", "off by 3.5 %",
                                        "off by 100 %", "off by 1234 %"};
    struct summary *s = answered();
    s->input_error_p99 = errors[_i];
    char *text = table_of(s);
    ck_assert_msg(says(text, words[_i]), "%s", text);
    free(text);
    free(s);
}
END_TEST

/* One number for each way to end, the same on the screen and on the page, and the server's words.
 */
START_TEST(what_did_not_complete_is_told_by_kind)
{
    struct summary *s = answered();
    s->accounting.scheduled = 32;
    s->accounting.failed = s->accounting.failed_by[FAILURE_BAD_REQUEST] = 3;
    s->accounting.cancelled = 7;
    s->accounting.unsent = s->accounting.unsent_by[UNSENT_CAP] = 2;
    strcpy(s->error_samples[FAILURE_BAD_REQUEST][0], "maximum context length is 8192");
    s->group_count = 2;
    for (int i = 0; i < 2; i++)
        s->groups[i] = (struct group_summary){.dimension = "class",
                                              .name = "x",
                                              .requests = 16,
                                              .completed = 10,
                                              .failed = 1,
                                              .cancelled = 4,
                                              .unsent = 1};
    char *text = table_of(s), *page = page_of(s);
    ck_assert_msg(says(text, "20 completed + 3 failed (3 bad_request) + 7 cancelled + 2 unsent"),
                  "%s", text);
    ck_assert_msg(says(text, "bad_request: maximum context length is 8192\n"), "%s", text);
    ck_assert_msg(says(text, "requests  failed  cancelled  unsent"), "%s", text);
    ck_assert(says(page, "3 failed, 7 were cancelled, 2 not sent"));
    ck_assert(says(page, "<th>failed<th>cancelled<th>unsent"));
    free(text);
    free(page);
    free(s);
}
END_TEST

START_TEST(parts_of_the_start_stand_where_they_tell_something)
{
    struct summary *s = answered();
    s->set_up[SET_UP_DNS] = part(3, 0.02);
    s->set_up[SET_UP_CONNECT] = part(3, 0.1);
    s->set_up[SET_UP_FIRST_BYTE] = part(20, 99.5);
    s->set_up[SET_UP_FIRST_TEXT] = part(20, 100);
    char *text = table_of(s), *page = page_of(s);
    ck_assert(!says(text, "parts of the start"));
    ck_assert(!says(page, "Parts of the start"));
    free(text);
    free(page);
    s->set_up[SET_UP_TLS] = part(3, 42.5);
    s->set_up[SET_UP_FIRST_BYTE] = part(20, 60.5);
    s->set_up[SET_UP_FIRST_REASONING] = part(12, 100);
    s->set_up[SET_UP_FIRST_TEXT] = part(18, 1500);
    text = table_of(s);
    page = page_of(s);
    static const char rows[] =
        "\nparts of the start, ms      p50      p90      p99     mean    count\n"
        "  TLS                      42.5     42.5     42.5     42.5        3\n"
        "  first byte               60.5     60.5     60.5     60.5       20\n"
        "  first reasoning token   100.0    100.0    100.0    100.0       12\n"
        "  first text token        1,500    1,500    1,500    1,500       18\n";
    ck_assert_msg(says(text, rows), "%s", text);
    ck_assert(says(page, "<tr><th>TLS</th><td data-v=\"3\">3</td><td data-v=\"42.5\">42.5</td>"));
    ck_assert(says(page, "<tr><th>first reasoning token</th>"));
    ck_assert(!says(page, "<th>connect</th>"));
    free(text);
    free(page);
    free(s);
}
END_TEST

/* The duration begins with the first arrival, and arrivals are told from the run's start. */
START_TEST(a_run_that_begins_late_does_not_contradict_itself)
{
    struct summary *s = answered();
    s->duration_s = 4.3;
    s->last_due_s = 4.25;
    char *table = table_of(s);
    ck_assert_ptr_nonnull(strstr(table, "duration     4.3 s, last arrival at 4.250 s, at most"));
    free(table);
    s->last_due_s = 7.25;
    table = table_of(s);
    ck_assert_ptr_nonnull(
        strstr(table, "4.3 s from the first arrival, last arrival at 7.250 s of the run, at most"));
    free(table);
    free(s);
}
END_TEST

/* Every column has figures of the greatest length; where the interval has no room in the table it
 * stands below. */
START_TEST(a_run_fits_the_terminal)
{
    static const struct metric_summary large = {.count = 9,
                                                .p50 = 123456,
                                                .p90 = 234567,
                                                .p99 = 345678,
                                                .p999 = 456789,
                                                .max = 999999,
                                                .mean = 150000,
                                                .ci_p99 = {300000, 400000}};
    struct summary *s = answered();
    for (int i = 0; i < METRIC_COUNT; i++)
        s->window.metrics[i] = large;
    s->group_count = 2;
    for (int i = 0; i < 2; i++) {
        s->groups[i] = (struct group_summary){.dimension = "model",
                                              .requests = 1234567,
                                              .failed = 1000,
                                              .cancelled = 1000,
                                              .unsent = 1000,
                                              .output_tokens = 123456789};
        snprintf(s->groups[i].name, sizeof s->groups[i].name, "a-seller/a-model-of-long-name-%d",
                 i);
        for (int k = 0; k < GROUP_METRICS; k++)
            s->groups[i].metrics[k] = part(9, 123456);
    }
    for (int width = 80; width <= 200; width += 40) {
        struct buffer out;
        buffer_init(&out, BUFFER_UNBOUNDED);
        summary_table(s, "run", width, &out);
        const char *table = strstr(out.data, "p99.9");
        for (const char *line = table; *line; line += strcspn(line, "\n") + 1)
            if (strncmp(line, "p99 lies in", 11) != 0) /* a sentence, which the terminal breaks */
                ck_assert_msg(wrap_columns((struct text){line, strcspn(line, "\n")}) <=
                                  (size_t)width,
                              "%d: %s", width, out.data);
        ck_assert_ptr_nonnull(strstr(table, "300,000 … 400,000"));
        ck_assert_int_eq(strstr(table, "p99 lies in (95 %)  TTFT") != NULL, width < 95);
        ck_assert_int_eq(strstr(table, "--wide shows") != NULL, width == 80);
        ck_assert_ptr_null(strstr(out.data, "\n\n\n"));
        buffer_free(&out);
    }
    free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");
    TCase *test = tcase_create("tables");
    tcase_add_loop_test(test, an_error_is_told_in_plain_digits, 0, 5);
    tcase_add_test(test, parts_of_the_start_stand_where_they_tell_something);
    tcase_add_test(test, what_did_not_complete_is_told_by_kind);
    tcase_add_test(test, a_run_fits_the_terminal);
    tcase_add_test(test, a_run_that_begins_late_does_not_contradict_itself);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
