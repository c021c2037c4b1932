/* Exports: a run's requests as rows, and the files that other tools read, from records whose every
 * figure is known. */
#include "cli/report/export/export_rows.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "tests/unit/testing.h"

#include <math.h>

#define MS INT64_C(1000000)

static struct record streamed(const char *id, const char *session, int64_t sent_ns)
{
    struct record r;
    record_init(&r);
    r.request_id = id;
    r.session_id = session;
    r.endpoint = "http://a";
    r.attempt = 1;
    r.final = true;
    r.status = RECORD_COMPLETED;
    r.http_status = 200;
    r.finish_reason = "stop";
    r.scheduled_ns = r.ready_ns = sent_ns - MS;
    r.sent_ns = sent_ns;
    r.first_byte_ns = sent_ns + 9 * MS;
    r.first_token_ns = r.first_output_ns = sent_ns + 10 * MS;
    r.last_token_ns = sent_ns + 30 * MS;
    r.done_ns = sent_ns + 31 * MS;
    r.asked_input = 20;
    r.asked_output = 8;
    r.usage = usage_from_totals(24, 4, 0, 0, 5, 2);
    r.usage_from = USAGE_SERVER;
    r.streamed = true;
    r.chunks = 3;
    return r;
}

static void add(struct collector *c, struct export_rows *x, struct record r,
                const int64_t chunks[3])
{
    r.chunk_ns = chunks;
    collector_add(c, &r);
    export_rows_add(x, &r);
}

/* In the order of their ends: a2 is sent last, a1 was tried twice, b failed, c was never sent. */
static void add_records(struct collector *c, struct export_rows *x, bool keep_chunks)
{
    const int64_t late[3] = {110 * MS, 120 * MS, 130 * MS}, chunks[3] = {60 * MS, 75 * MS, 80 * MS};
    struct record first = streamed("a1", "a", 2 * MS), again = streamed("a1", "a", 50 * MS),
                  failed = streamed("b", "b", 4 * MS), unsent = streamed("c", "b", 0);
    first.final = false;
    first.status = RECORD_FAILED;
    first.failure = FAILURE_SERVER;
    first.first_token_ns = first.first_output_ns = first.last_token_ns = TIME_NEVER;
    again.attempt = 2;
    again.scheduled_ns = again.ready_ns = first.scheduled_ns;
    again.text = keep_chunks ? "one two three" : NULL;
    failed.status = RECORD_FAILED;
    failed.failure = FAILURE_TRUNCATED;
    failed.message = "cut, \"half\" way";
    failed.usage_from = unsent.usage_from = USAGE_NONE;
    failed.usage = unsent.usage = (struct usage){0};
    unsent.status = RECORD_UNSENT;
    unsent.unsent = UNSENT_CAP;
    unsent.attempt = 0;
    unsent.scheduled_ns = 7 * MS;
    unsent.sent_ns = unsent.ready_ns = unsent.first_byte_ns = unsent.first_token_ns =
        unsent.first_output_ns = unsent.last_token_ns = unsent.done_ns = TIME_NEVER;
    add(c, x, streamed("a2", "a", 100 * MS), keep_chunks ? late : NULL);
    add(c, x, first, NULL);
    add(c, x, again, keep_chunks ? chunks : NULL);
    add(c, x, failed, NULL);
    add(c, x, unsent, NULL);
}

static struct export_rows *rows_of_run(bool keep_chunks)
{
    static const char run[] = "{\"started\": \"2026-11-01T00:00:00Z\", \"options\": {\"rate\": "
                              "\"4\", \"concurrency\": null, \"other\": [1]}}\n";
    char directory[] = "/tmp/check_export.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    char *path = run_dir_file(directory, "run.json");
    ck_assert_int_eq(file_write_atomic(path, run, strlen(run), NULL), 0);
    struct collector *c = collector_create();
    struct run_json said;
    ck_assert_int_eq(run_json_read(directory, &said, NULL), 0);
    struct export_rows *x = export_rows_create(&said, c);
    run_json_free(&said);
    testing_remove(directory);
    free(path);
    add_records(c, x, keep_chunks);
    export_rows_sort(x);
    collector_free(c);
    return x;
}

START_TEST(a_row_is_a_request_in_the_order_of_sending)
{
    static const char *const ids[] = {"a1", "b", "a2", "c"};
    struct export_rows *x = rows_of_run(true);
    ck_assert_uint_eq(x->count, 4);
    ck_assert_uint_eq(x->sent, 3);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(export_name(x, x->rows[i].id), ids[i]);
    ck_assert_uint_eq(x->rows[2].turn, 1); /* the second of its session */
    ck_assert_int_eq(x->started_unix_ns, INT64_C(1793491200) * NS_PER_S);
    ck_assert_str_eq(x->rate, "4");
    ck_assert_ptr_null(x->api);
    export_rows_free(x);
}
END_TEST

START_TEST(a_retried_request_counts_from_its_first_sending)
{
    struct export_rows *x = rows_of_run(true);
    const struct export_row *r = &x->rows[0];
    ck_assert_int_eq(r->sent_ns, 2 * MS);
    ck_assert_int_eq(r->first_token_ns, 60 * MS);
    ck_assert_uint_eq(r->attempts, 2);
    ck_assert_uint_eq(r->input, 24);
    ck_assert_uint_eq(r->cached, 4);
    ck_assert_uint_eq(r->output, 5);
    ck_assert_uint_eq(r->reasoning, 2);
    ck_assert_str_eq(x->texts[r->text - 1], "one two three");
    ck_assert_uint_eq(r->chunk_count, 3);
    ck_assert_int_eq(x->chunks[r->chunk_first + 1], 75 * MS);
    ck_assert(export_has_tpot(r) && x->has_chunks);
    ck_assert_uint_eq(x->rows[1].input, 20); /* no usage came: what was asked for */
    export_rows_free(x);
}
END_TEST

START_TEST(chunks_that_were_not_kept_are_known_to_be_missing)
{
    struct export_rows *x = rows_of_run(false);
    ck_assert(!x->has_chunks);
    ck_assert_uint_eq(x->rows[0].chunk_count, 0);
    ck_assert_uint_eq(x->rows[0].chunks_seen, 3);
    ck_assert_uint_eq(x->text_count, 0);
    export_rows_free(x);
}
END_TEST

/* Every instant in milliseconds to the nanosecond; what never was is empty. */
START_TEST(the_csv_has_a_line_for_each_request)
{
    struct export_rows *x = rows_of_run(false);
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    export_write_csv(x, &out);

    ck_assert_ptr_nonnull(
        strstr(out.data, "\na1,a,http://a,,,,completed,,stop,200,2,0,20,8,24,4,5,2,1.000000,"
                         "0.000000,1.000000,58.000000,59.000000,58.000000,78.000000,79.000000,"
                         "79.000000,3,\n"));
    ck_assert_ptr_nonnull(strstr(out.data, ",failed,truncated,stop,200,1,0,20,8,0,0,0,0,"));
    ck_assert_ptr_nonnull(strstr(out.data, ",\"cut, \"\"half\"\" way\"\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "\nc,b,http://a,,,,unsent,cap,"));
    ck_assert_ptr_nonnull(strstr(out.data, ",7.000000,,,,,,,,,"));
    buffer_free(&out);
    export_rows_free(x);
}
END_TEST

static struct buffer written(void (*write)(const struct export_request *q,
                                           const struct export_rows *x, struct buffer *out),
                             const struct export_rows *x)
{
    struct summary summary = {0};
    struct export_request q = {.summary = &summary};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    write(&q, x, &out);
    return out;
}

static void has(const struct buffer *b, const char *words)
{
    ck_assert_msg(strstr(b->data, words) != NULL, "%s is not in\n%s", words, b->data);
}

/* Of a1 and a2 by hand: TTFT 58 and 10 ms, gaps of 15, 5, 10 and 10 ms. */
START_TEST(vllm_figures_are_those_of_its_definitions)
{
    struct export_rows *x = rows_of_run(true);
    struct buffer out = written(export_write_vllm, x);
    has(&out, "\"completed\": 2");
    has(&out, "\"failed\": 1");
    has(&out, "\"mean_ttft_ms\": 34");
    has(&out, "\"std_ttft_ms\": 24");
    has(&out, "\"mean_itl_ms\": 10");
    buffer_free(&out);
    export_rows_free(x);
}
END_TEST

START_TEST(aiperf_has_a_line_for_each_request_that_was_sent)
{
    struct export_rows *x = rows_of_run(true);
    struct buffer out;
    size_t lines = 0;
    buffer_init(&out, BUFFER_UNBOUNDED);
    export_write_aiperf_rows(x, &out);
    for (size_t i = 0; i < out.length; i++)
        lines += out.data[i] == '\n';
    ck_assert_uint_eq(lines, 3);
    has(&out, "\"time_to_first_token\":");
    buffer_free(&out);
    out = written(export_write_aiperf_summary, x);
    has(&out, "time_to_first_token");
    buffer_free(&out);
    export_rows_free(x);
}
END_TEST

START_TEST(statistics_divide_by_the_count)
{
    double values[] = {4, 1, 1, 2};
    struct export_statistics s = export_statistics(values, 4);
    ck_assert_double_eq(s.mean, 2);
    ck_assert_double_eq_tol(s.std, sqrt(6.0 / 4), 1e-12);
    ck_assert(s.min == 1 && s.max == 4 && values[3] == 4);
    ck_assert_uint_eq(export_statistics(NULL, 0).count, 0);
    ck_assert_double_eq(export_seconds(TIME_NEVER, 5), 0);
}
END_TEST

START_TEST(kinds_and_outputs_are_checked)
{
    enum export_kind kind;
    struct error err = {0};
    ck_assert_int_eq(export_parse_kind("aiperf", &kind, &err), 0);
    ck_assert_int_eq(kind, EXPORT_AIPERF);
    ck_assert_int_eq(export_parse_kind("xls", &kind, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "expected vllm, aiperf, csv, otlp or sqlite"));
    ck_assert_int_eq(export_check_output(EXPORT_AIPERF, "-", false, &err), ERR_INPUT);
    ck_assert_int_eq(export_check_output(EXPORT_CSV, NULL, false, &err), 0);
    ck_assert_int_eq(export_check_output(EXPORT_CSV, "tests/unit/testing.h", false, &err),
                     ERR_INPUT);
    ck_assert_int_eq(export_check_output(EXPORT_CSV, "tests/unit/testing.h", true, &err), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export");
    TCase *t = tcase_create("export");
    tcase_add_test(t, a_row_is_a_request_in_the_order_of_sending);
    tcase_add_test(t, a_retried_request_counts_from_its_first_sending);
    tcase_add_test(t, chunks_that_were_not_kept_are_known_to_be_missing);
    tcase_add_test(t, the_csv_has_a_line_for_each_request);
    tcase_add_test(t, vllm_figures_are_those_of_its_definitions);
    tcase_add_test(t, aiperf_has_a_line_for_each_request_that_was_sent);
    tcase_add_test(t, statistics_divide_by_the_count);
    tcase_add_test(t, kinds_and_outputs_are_checked);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
