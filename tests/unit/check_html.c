/* The page: what came from outside stands in it as text, and its tables can be sorted. */
#include "testing_workload.h"

#include "cli/report/page/html.h"
#include "cli/report/page/html_parts.h"
#include "core/memory.h"
#include "core/runs/summary/collector.h"

#include <stdio.h>
#include <string.h>

#define HOSTILE "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
#define ESCAPED \
    "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img src=x onerror=alert(2)&gt;"

static const char book_text[] =
    "{\"plans\": [{\"name\": \"<script>alert(1)</script>\\\"'&<img src=x onerror=alert(2)>\","
    " \"per_mtok\": {\"input\": \"1\", \"output\": \"2\"}},"
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"30\", \"period\": \"month\","
    " \"includes\": {\"requests\": 10, \"per\": \"day\"}, \"beyond\": \"reject\"}}]}";

static void add(struct collector *c, int i, enum record_status status)
{
    struct record r;
    char id[16];
    record_init(&r);
    snprintf(id, sizeof id, "r%d", i);
    r.request_id = id;
    r.session_id = HOSTILE;
    r.model = i % 2 ? HOSTILE : "plain";
    r.class_name = "only";
    r.attempt = 1;
    r.final = true;
    r.status = status;
    r.failure = status == RECORD_FAILED ? FAILURE_SERVER : FAILURE_NONE;
    r.scheduled_ns = r.ready_ns = r.sent_ns = i * NS_PER_S;
    r.first_token_ns = r.first_output_ns = r.sent_ns + (20 + i) * NS_PER_MS;
    r.last_token_ns = r.done_ns = r.sent_ns + 400 * NS_PER_MS;
    r.streamed = true;
    r.usage = usage_from_totals(100, 0, 0, 0, 10, 0);
    r.usage_from = USAGE_SERVER;
    collector_add(c, &r);
}

struct page {
    struct collector *collector;
    struct summary summary;
    struct plan_book book;
    struct workload workload;
    struct bill bill;
    struct buffer text;
};

static struct page *make_page(size_t runs)
{
    struct page *p = mem_zero(1, sizeof *p);
    struct summary_options how = {.command = "bench", .load = "open", .no_intervals = true};
    const struct plan *plans[2];
    struct error err = {0};
    struct html_error failure = {"server_error", HOSTILE, 10};
    p->collector = collector_create();
    p->workload = testing_rows(30, NS_PER_S, 100, 10);
    for (int i = 0; i < 30; i++)
        add(p->collector, i, i % 3 ? RECORD_COMPLETED : RECORD_FAILED);
    collector_summarize(p->collector, &how, &p->summary);
    ck_assert_int_eq(plan_book_parse("test", book_text, strlen(book_text), &p->book, &err), 0);
    plans[0] = &p->book.plans[0];
    plans[1] = &p->book.plans[1];
    ck_assert_int_eq(
        bill_make(&p->bill, &p->workload, plans, 2, &(struct bill_options){.workers = 1}, &err), 0);
    p->summary.fidelity = (struct fidelity){
        .kind = FIDELITY_CLIENT, .known = true, .counts = {.connects = 2, .http2_answers = 30}};
    struct html_run run = {.name = HOSTILE,
                           .summary = &p->summary,
                           .bill = &p->bill,
                           .model = HOSTILE,
                           .errors = &failure,
                           .error_count = 1};
    struct html_run all[] = {run, run};
    buffer_init(&p->text, BUFFER_UNBOUNDED);
    size_t plot_number = 0;
    html_begin(&p->text, run.name, "farebox report");
    html_add_runs(&(struct html_several){.runs = all, .count = runs}, &plot_number, &p->text);
    html_end(&p->text);
    return p;
}

static void free_page(struct page *p)
{
    buffer_free(&p->text);
    bill_free(&p->bill);
    plan_book_free(&p->book);
    workload_free(&p->workload);
    collector_free(p->collector);
    free(p);
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

START_TEST(what_came_from_outside_is_text)
{
    struct page *p = make_page(2);
    const char *text = p->text.data;
    ck_assert_ptr_null(strstr(text, "<script>alert"));
    ck_assert_ptr_null(strstr(text, "<img"));
    ck_assert_ptr_nonnull(strstr(text, "<title>"));
    /* Per run: its name, its model, by model, the failure's words, the plan in four answers and
     * the bill; and both tables side by side. */
    ck_assert_uint_ge(count_of(text, ESCAPED), 2 * 6 + 3);
    ck_assert_uint_eq(count_of(text, "<script>"), 1); /* the page's own */
    ck_assert_ptr_null(strstr(text, "http://"));
    ck_assert_ptr_null(strstr(text, "https://"));
    free_page(p);
}
END_TEST

START_TEST(answers_come_first)
{
    struct page *p = make_page(1);
    const char *text = p->text.data;
    static const char *const order[] = {
        "Fast enough?",
        "Which plan?",
        "When does it run out?",
        "flat keeps up for <b>10 s</b>, the first 10 requests",
        "20 are turned away.",
        "What would save money?",
        "May I trust this run?",
        "✓ The numbers can be trusted: send lag p99 0 ms, client CPU 0 %, 2 connections.",
        "over HTTP/2. ",
        "<h3>Latency</h3>",
        "<h3>By model</h3>",
        "<h3>Bill (mean",
        "<h3>Failures</h3>"};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *at = strstr(text, order[i]);
        ck_assert_msg(at != NULL, "\"%s\" is not there, or too early", order[i]);
        text = at;
    }
    ck_assert_ptr_null(strstr(p->text.data, "By class")); /* there is only one */
    free_page(p);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_become_a_sign)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    html_escape(&out, text_of("a\xff\xc3(\x01z\xe2\x82\xac"));
    buffer_add_byte(&out, 0);
    ck_assert_str_eq(out.data, "a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBDz\xe2\x82\xac");
    buffer_free(&out);
}
END_TEST

/* Also right behind, and before, characters of every length. */
START_TEST(no_tag_comes_through_beside_other_letters)
{
    static const char *const letters[] = {"",           "a",    "\u00e9",  "\u20ac",
                                          "\U0001F600", "\xff", "\xe2\x82"};
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        for (size_t j = 0; j < COUNT_OF(letters); j++) {
            char text[64];
            struct buffer out;
            snprintf(text, sizeof text, "%s<b>%s&\"'<%s>", letters[i], letters[j], letters[i]);
            buffer_init(&out, BUFFER_UNBOUNDED);
            html_escape(&out, text_of(text));
            ck_assert_msg(!strpbrk(out.data, "<>\"'"), "%s became %s", text, out.data);
            ck_assert_ptr_nonnull(strstr(out.data, "&lt;b&gt;"));
            buffer_free(&out);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *test = tcase_create("html");
    tcase_add_test(test, what_came_from_outside_is_text);
    tcase_add_test(test, answers_come_first);
    tcase_add_test(test, no_tag_comes_through_beside_other_letters);
    tcase_add_test(test, bytes_that_are_no_utf8_become_a_sign);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
