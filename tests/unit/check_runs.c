/* Records, run directories and the summary: written, read back, merged, and worth believing. */
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "core/runs/summary/collector_state.h"
#include "core/runs/summary/slo.h"
#include "tests/unit/testing.h"

#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS NS_PER_MS

static char scratch[] = "/tmp/farebox-runs-XXXXXX";

/* A completed streaming request: `tokens` chunks, the first after ttft, then one every gap. */
static int64_t chunk_times[4096];

static struct record answered(const char *id, int64_t due, int64_t lag, int64_t ttft, int64_t gap,
                              uint32_t tokens)
{
    struct record r;
    record_init(&r);
    r.request_id = id;
    r.attempt = 1;
    r.final = true;
    r.status = RECORD_COMPLETED;
    r.streamed = true;
    r.http_status = 200;
    r.finish_reason = "length";
    r.scheduled_ns = r.ready_ns = due;
    r.sent_ns = due + lag;
    r.first_byte_ns = r.first_token_ns = r.first_output_ns = r.first_text_ns = r.sent_ns + ttft;
    for (uint32_t i = 0; i < tokens; i++)
        chunk_times[i] = r.first_token_ns + i * gap;
    r.last_token_ns = chunk_times[tokens - 1];
    r.done_ns = r.last_token_ns + MS;
    r.chunk_ns = chunk_times;
    r.chunks = tokens;
    r.asked_input = 100;
    r.asked_output = tokens;
    r.usage = usage_from_totals(100, 0, 0, 0, tokens, 0);
    r.usage_from = USAGE_SERVER;
    return r;
}

static struct summary summarize(struct collector *c, const char *slo)
{
    struct summary_options o = {.command = "bench", .load = "open", .no_intervals = true};
    struct summary s;
    if (slo)
        ck_assert_int_eq(slo_parse(slo, &o.slos, NULL), 0);
    collector_summarize(c, &o, &s);
    return s;
}

START_TEST(a_record_survives_its_line)
{
    char path[128];
    snprintf(path, sizeof path, "%s/record.jsonl", scratch);
    struct usage_extra extras[] = {{"web_search", 2000000, 0}, {"audio_second", 10500000, 1}};
    struct record r = answered("r\"1\"", 5, 7, 20 * MS, 2 * MS, 3), back;
    r.session_id = "s";
    r.model = "m";
    r.labels = "{\"user\": \"u1\"}";
    r.message = "line\nbreak";
    r.usage = usage_from_totals(100, 40, 20, 10, 30, 5);
    r.usage.extras = extras;
    r.usage.extra_count = 2;
    r.has_cost = true;
    r.cost = MONEY_USD / 8;
    struct buffer line;
    buffer_init(&line, BUFFER_UNBOUNDED);
    record_write_line(&r, RECORD_CHUNKS, &line);
    ck_assert_int_eq(file_write_atomic(path, line.data, line.length, NULL), 0);
    struct record_reader reader;
    struct error err = {0};
    ck_assert_int_eq(record_reader_open(&reader, path, &err), 0);
    ck_assert_msg(record_reader_next(&reader, &back, &err) == 1, "%s", err.message);
    ck_assert_str_eq(back.request_id, "r\"1\"");
    ck_assert_str_eq(back.message, "line\nbreak");
    ck_assert_str_eq(back.labels, "{\"user\": \"u1\"}");
    ck_assert_int_eq(back.first_token_ns, r.first_token_ns);
    ck_assert_int_eq(back.dns_ns, TIME_NEVER);
    ck_assert_int_eq(memcmp(back.usage.tokens, r.usage.tokens, sizeof r.usage.tokens), 0);
    ck_assert_uint_eq(back.usage.extra_count, 2);
    ck_assert_int_eq(back.usage.extras[1].count_micro, 10500000);
    ck_assert_int_eq(back.usage.extras[1].is_unit, 1);
    ck_assert(back.has_cost && back.cost == r.cost);
    ck_assert_uint_eq(back.chunks, 3);
    ck_assert_int_eq(back.chunk_ns[2], chunk_times[2]);
    struct buffer again;
    buffer_init(&again, BUFFER_UNBOUNDED);
    record_write_line(&back, RECORD_CHUNKS, &again);
    ck_assert_str_eq(again.data, line.data);
    ck_assert_int_eq(record_reader_next(&reader, &back, &err), 0);
    record_reader_close(&reader);
    buffer_free(&line);
    buffer_free(&again);
}
END_TEST

/* First tokens by kind survive the line, and are summed up by kind. */
START_TEST(first_tokens_are_kept_by_kind)
{
    char path[128];
    snprintf(path, sizeof path, "%s/kinds.jsonl", scratch);
    struct record all = answered("a", 0, 0, 20 * MS, MS, 3), text = all, tool = all, back;
    struct record *records[] = {&all, &text, &tool};
    struct buffer lines;
    all.first_text_ns = 20 * MS;
    all.first_reasoning_ns = 25 * MS;
    all.first_tool_ns = 30 * MS;
    tool.first_text_ns = TIME_NEVER;
    tool.first_tool_ns = tool.first_output_ns;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    for (int i = 0; i < 3; i++)
        record_write_line(records[i], 0, &lines);
    ck_assert_int_eq(file_write_atomic(path, lines.data, lines.length, NULL), 0);
    struct record_reader reader;
    struct collector *c = collector_create();
    ck_assert_int_eq(record_reader_open(&reader, path, NULL), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 1);
        ck_assert_int_eq(back.first_text_ns, records[i]->first_text_ns);
        ck_assert_int_eq(back.first_reasoning_ns, records[i]->first_reasoning_ns);
        ck_assert_int_eq(back.first_tool_ns, records[i]->first_tool_ns);
        collector_add(c, &back);
    }
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.set_up[SET_UP_FIRST_TEXT].count, 2);
    ck_assert_double_eq(s.set_up[SET_UP_FIRST_TEXT].mean, 20);
    ck_assert_uint_eq(s.set_up[SET_UP_FIRST_REASONING].count, 1);
    ck_assert_double_eq(s.set_up[SET_UP_FIRST_REASONING].mean, 25);
    ck_assert_uint_eq(s.set_up[SET_UP_FIRST_TOOL].count, 2);
    ck_assert_double_eq(s.set_up[SET_UP_FIRST_TOOL].mean, 25);
    record_reader_close(&reader);
    collector_free(c);
    buffer_free(&lines);
}
END_TEST

START_TEST(a_killed_run_keeps_its_whole_lines)
{
    char path[128];
    snprintf(path, sizeof path, "%s/torn.jsonl", scratch);
    struct record r = answered("a", 0, 0, MS, MS, 2), back;
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    record_write_line(&r, 0, &text);
    size_t one = text.length;
    record_write_line(&r, 0, &text);
    for (size_t cut = 1; cut < one; cut += 13) {
        file_write_atomic(path, text.data, one + cut, NULL);
        struct record_reader reader;
        ck_assert_int_eq(record_reader_open(&reader, path, NULL), 0);
        ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 1);
        ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 0);
        ck_assert(reader.torn);
        record_reader_close(&reader);
    }
    buffer_clear(&text);
    buffer_add_text(&text, "{\"request_id\": \"a\", \"status\": \"fine\"}\n");
    file_write_atomic(path, text.data, text.length, NULL);
    struct record_reader reader;
    struct error err = {0};
    ck_assert_int_eq(record_reader_open(&reader, path, NULL), 0);
    ck_assert_int_eq(record_reader_next(&reader, &back, &err), ERR_INPUT);
    ck_assert_int_eq(err.line, 1);
    ck_assert_str_eq(err.message, "unknown status \"fine\"; known: \"completed\", \"failed\", "
                                  "\"cancelled\", \"unsent\"");
    record_reader_close(&reader);
    buffer_free(&text);
}
END_TEST

START_TEST(latencies_mean_what_the_design_says)
{
    struct collector *c = collector_create();
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * 10 * MS, 2 * MS, 20 * MS, 5 * MS, 11);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, "ttft=20");
    const struct metric_summary *m = s.window.metrics;
    ck_assert_double_eq(m[METRIC_TTFT].p50, 20);
    ck_assert_double_eq(m[METRIC_TTFT_SCHEDULED].p99, 22);
    ck_assert_double_eq(m[METRIC_TPOT].mean, 5);
    ck_assert_double_eq(m[METRIC_E2E].max, 70);
    ck_assert_double_eq(m[METRIC_E2E_SCHEDULED].min, 72);
    ck_assert_double_eq(m[METRIC_SEND_LAG].p50, 2);
    ck_assert_double_eq(m[METRIC_QUEUE].p50, 0);
    ck_assert_uint_eq(m[METRIC_CHUNK_GAP].count, 1000);
    ck_assert_double_eq(m[METRIC_CHUNK_GAP].p999, 5);
    ck_assert_double_eq(s.window.duration_s, 0.99);
    ck_assert_double_eq_tol(s.duration_s, 0.99 + 0.073, 1e-9);
    ck_assert_double_eq(s.window.goodput_fraction, 1);
    ck_assert_uint_eq(s.all.output_tokens, 1100);
    ck_assert_uint_eq(s.all.input_tokens, 10000);
    /* Ends in the window of 0.99 s: request i ends at 10 i + 73 ms, so the first 92. */
    ck_assert_uint_eq(s.window.completed, 92);
    ck_assert_uint_eq(s.peak_in_flight, 8);
    s = summarize(c, "ttft=19.9");
    ck_assert_double_eq(s.window.goodput_fraction, 0);
    collector_free(c);
}
END_TEST

START_TEST(a_retry_never_resets_the_clock)
{
    struct collector *c = collector_create();
    struct record first = answered("r", 0, MS, 10 * MS, MS, 2);
    first.final = false;
    first.status = RECORD_FAILED;
    first.failure = FAILURE_RATE_LIMITED;
    collector_add(c, &first);
    struct record second = answered("r", 0, 500 * MS, 10 * MS, MS, 2);
    second.attempt = 2;
    collector_add(c, &second);
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.accounting.scheduled, 1);
    ck_assert_uint_eq(s.accounting.completed, 1);
    ck_assert_uint_eq(s.accounting.attempts, 2);
    ck_assert_uint_eq(s.accounting.retried, 1);
    /* From the first attempt's sending at 1 ms to the second's token at 510 ms. */
    ck_assert_double_eq(s.window.metrics[METRIC_TTFT].p50, 509);
    ck_assert_double_eq(s.window.metrics[METRIC_SEND_LAG].p50, 1);
    ck_assert_uint_eq(s.window.metrics[METRIC_CHUNK_GAP].count, 1);
    collector_free(c);
}
END_TEST

START_TEST(a_metric_that_is_missing_cannot_meet_an_objective)
{
    struct collector *c = collector_create();
    struct record plain = answered("a", 0, 0, 10 * MS, MS, 5);
    plain.streamed = false;
    collector_add(c, &plain);
    struct record one = answered("b", MS, 0, 10 * MS, MS, 1);
    collector_add(c, &one);
    struct record failed = answered("c", 2 * MS, 0, 10 * MS, MS, 5);
    failed.status = RECORD_FAILED;
    failed.failure = FAILURE_RESET;
    collector_add(c, &failed);
    struct summary s = summarize(c, "tpot=50");
    /* Not streamed: no TPOT. One token: excepted. Failed: never good. Denominator: scheduled. */
    ck_assert_double_eq_tol(s.window.goodput_fraction, 1.0 / 3, 1e-12);
    ck_assert_uint_eq(s.window.metrics[METRIC_TTFT].count, 1);
    ck_assert_uint_eq(s.window.metrics[METRIC_E2E].count, 2);
    ck_assert_uint_eq(s.accounting.failed_by[FAILURE_RESET], 1);
    collector_free(c);
}
END_TEST

START_TEST(reasoning_without_chunks_of_its_own_is_not_in_the_pace)
{
    struct collector *c = collector_create();
    struct record r = answered("a", 0, 0, 10 * MS, 4 * MS, 5);
    r.usage = usage_from_totals(100, 0, 0, 0, 105, 100);
    collector_add(c, &r);
    r.request_id = "b";
    r.reasoning_chunks = true;
    collector_add(c, &r);
    struct summary s = summarize(c, NULL);
    struct metric_point *points;
    ck_assert_uint_eq(collector_points(c, &s, METRIC_TPOT, &points), 2);
    ck_assert_double_eq(points[0].value_ms, 4);
    ck_assert_double_eq_tol(points[1].value_ms, 16.0 / 104, 1e-6);
    free(points);
    collector_free(c);
}
END_TEST

static void add_part(struct collector *c, int from, int to)
{
    char id[16];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * 7 * MS, i % 3 * MS, (20 + i % 17) * MS, (1 + i % 5) * MS,
                                   (uint32_t)(2 + i % 40));
        if (i % 10 == 9) {
            r.status = RECORD_FAILED;
            r.failure = FAILURE_SERVER;
        }
        collector_add(c, &r);
    }
}

static char *summary_text(struct collector *c)
{
    struct summary s = summarize(c, "e2e=100");
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    summary_write(&s, &w);
    collector_write_histograms(c, &w);
    collector_write_timeline(c, &out);
    return buffer_take(&out);
}

START_TEST(parts_merge_into_the_same_numbers)
{
    struct collector *whole = collector_create(), *a = collector_create(), *b = collector_create();
    /* Few enough for memory, and so many that most stand in temporary files. */
    const int ends[2][2] = {{333, 1000}, {20000, 50000}};
    add_part(whole, 0, ends[_i][1]);
    add_part(a, 0, ends[_i][0]);
    add_part(b, ends[_i][0], ends[_i][1]);
    collector_merge(b, a);
    char *one = summary_text(whole), *two = summary_text(b);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    collector_free(whole);
    collector_free(a);
    collector_free(b);
}
END_TEST

/* Every request fails once, 10 ms after it was sent, and is answered by its second attempt. */
START_TEST(retried_requests_keep_their_clock_and_take_no_room)
{
    struct collector *c = collector_create();
    char id[16];
    const int count = 20000;
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * MS, 2 * MS, 5 * MS, MS, 3), first = r;
        first.status = RECORD_FAILED;
        first.failure = FAILURE_SERVER;
        first.final = false;
        first.chunk_ns = NULL;
        first.chunks = 0;
        r.attempt = 2;
        r.sent_ns += 10 * MS;
        r.first_token_ns = r.first_output_ns = r.sent_ns + 5 * MS;
        collector_add(c, &first);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, NULL);
    ck_assert_uint_eq(s.accounting.attempts, 2 * (uint64_t)count);
    ck_assert_uint_eq(s.accounting.retried, (uint64_t)count);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_TTFT].min, 15, 1e-9);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_TTFT].max, 15, 1e-9);
    ck_assert_double_eq_tol(s.all.metrics[METRIC_SEND_LAG].max, 2, 1e-9);
    ck_assert_uint_lt(c->retries.ids.count, 2048);
    collector_free(c);
}
END_TEST

/* Bins of tokens that lines cut, and requests that were never sent: the lines' sums are the run's.
 */
START_TEST(the_timeline_adds_up)
{
    struct collector *c = collector_create();
    char id[16];
    uint64_t tokens = 0, failed = 0, cancelled = 0, unsent = 0, due = 0, sent = 0;
    for (int i = 0; i < 3000; i++) {
        snprintf(id, sizeof id, "r%d", i);
        /* over a week: bins are far wider than a millisecond, lines are of several seconds */
        struct record r = answered(id, (int64_t)i * 211 * NS_PER_S, MS, 20 * MS, 700 * MS, 9);
        if (i % 3 == 2) {
            r.status = RECORD_UNSENT;
            r.unsent = UNSENT_CAP;
            r.attempt = 0;
            r.sent_ns = r.done_ns = r.first_token_ns = r.last_token_ns = TIME_NEVER;
            r.chunks = 0;
            r.usage = (struct usage){0};
        } else if (i % 6 == 1) {
            r.status = RECORD_CANCELLED;
        }
        collector_add(c, &r);
    }
    struct timeline_line *lines;
    size_t count = collector_timeline(c, &lines);
    for (size_t i = 0; i < count; i++) {
        tokens += lines[i].output_tokens;
        failed += lines[i].failed;
        cancelled += lines[i].cancelled;
        unsent += lines[i].unsent;
        due += lines[i].due;
        sent += lines[i].sent;
    }
    ck_assert_uint_gt(lines[0].seconds, 1);
    ck_assert_uint_eq(tokens, (2000 - 500) * 9);
    ck_assert_uint_eq(unsent, 1000);
    ck_assert_uint_eq(cancelled, 500);
    ck_assert_uint_eq(failed, 0);
    ck_assert_uint_eq(due, 3000);
    ck_assert_uint_eq(sent, 2000);
    free(lines);
    collector_free(c);
}
END_TEST

/* Refused at once: sent and ended at one instant, in flight never. */
START_TEST(what_ends_as_it_starts_is_never_in_flight)
{
    struct collector *c = collector_create();
    struct timeline_line *lines;
    for (int i = 0; i < 5; i++) {
        struct record r = answered("r", 10 * MS, 0, MS, MS, 2);
        r.status = RECORD_FAILED;
        r.failure = FAILURE_REJECTED;
        r.done_ns = r.sent_ns;
        collector_add(c, &r);
    }
    ck_assert_uint_eq(summarize(c, NULL).peak_in_flight, 0);
    struct record one = answered("s", 20 * MS, 0, MS, MS, 2);
    collector_add(c, &one);
    ck_assert_uint_le(summarize(c, NULL).peak_in_flight, 1);
    ck_assert_uint_eq(collector_timeline(c, &lines), 1);
    ck_assert_uint_le(lines[0].in_flight, 1);
    free(lines);
    collector_free(c);
}
END_TEST

/* A warm-up longer than the run would leave one request: nothing is left out, and it is said. */
START_TEST(a_warm_up_beyond_the_run_leaves_nothing_out)
{
    struct collector *c = collector_create();
    struct summary_options o = {
        .command = "bench", .load = "open", .warmup = WARMUP_GIVEN, .no_intervals = true};
    struct summary s;
    add_part(c, 0, 100); /* due from 0 to 693 ms */
    o.warmup_ns = 693 * MS;
    collector_summarize(c, &o, &s);
    ck_assert_str_eq(s.warmup_method, "given");
    ck_assert_double_eq_tol(s.warmup_s, 0.693, 1e-9);
    o.warmup_ns = 694 * MS;
    collector_summarize(c, &o, &s);
    ck_assert_str_eq(s.warmup_method, "beyond");
    ck_assert_double_eq(s.warmup_s, 0);
    ck_assert_uint_eq(s.window.requests, 100);
    collector_free(c);
}
END_TEST

/* The endpoint's template takes 28 tokens: what asks for less cannot be met, and is counted. */
START_TEST(lengths_that_cannot_be_made_are_told_apart)
{
    struct collector *c = collector_create();
    struct summary_options o = {
        .command = "bench", .load = "open", .no_intervals = true, .least_input = 28};
    struct summary s;
    for (uint32_t i = 0; i < 100; i++) {
        struct record r = answered("r", i * MS, 0, MS, MS, 2);
        r.asked_input = i < 5 ? 2 : 1000;
        r.usage = usage_from_totals(i < 5 ? 28 : 1001, 0, 0, 0, 2, 0);
        collector_add(c, &r);
    }
    collector_summarize(c, &o, &s);
    ck_assert_uint_eq(s.asked_too_little, 5);
    ck_assert_double_eq_tol(s.input_error_p99, 0.001, 1e-9);
    o.least_input = 0;
    collector_summarize(c, &o, &s);
    ck_assert_uint_eq(s.asked_too_little, 0);
    ck_assert_double_eq_tol(s.input_error_p99, 13, 1e-9);
    collector_free(c);
}
END_TEST

static int take_record(void *collector, const struct record *r, struct error *err)
{
    (void)err;
    collector_add(collector, r);
    return 0;
}

START_TEST(a_run_read_back_has_the_same_summary)
{
    char path[128];
    snprintf(path, sizeof path, "%s/run", scratch);
    struct run_dir d;
    struct error err = {0};
    struct collector *live = collector_create(), *back = collector_create();
    ck_assert_int_eq(run_dir_create(&d, path, &err), 0);
    d.detail = RECORD_CHUNKS;
    char id[16];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * 9 * MS, MS, (10 + i) * MS, MS, (uint32_t)(1 + i % 9));
        collector_add(live, &r);
        ck_assert_int_eq(run_dir_append(&d, &r, i * NS_PER_S / 10, &err), 0);
    }
    ck_assert_int_eq(run_dir_close(&d, &err), 0);
    ck_assert(run_dir_is_run(path));
    ck_assert_int_eq(run_records_read(path, take_record, back, NULL, &err), 0);
    char *one = summary_text(live), *two = summary_text(back);
    ck_assert_str_eq(one, two);
    free(one);
    free(two);
    collector_free(live);
    collector_free(back);
    ck_assert_int_eq(run_dir_create(&d, path, &err), ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "--force"));
    run_files_clear(path);
    ck_assert(run_dir_is_empty(path));
    ck_assert_int_eq(run_dir_create(&d, path, NULL), 0);
    ck_assert_int_eq(run_dir_close(&d, NULL), 0);
    back = collector_create();
    ck_assert_int_eq(run_records_read(path, take_record, back, NULL, NULL), 0);
    ck_assert_uint_eq(summarize(back, NULL).accounting.scheduled, 0);
    collector_free(back);
}
END_TEST

/* The limit of a file's size stands for a full disk; room comes back later. */
START_TEST(a_full_disk_ends_the_records_at_a_whole_line)
{
    char path[128];
    struct error err = {0};
    struct run_dir d;
    struct rlimit before, low;
    snprintf(path, sizeof path, "%s/full", scratch);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(run_dir_create(&d, path, &err), 0);
    struct record r = answered("r", 0, MS, 10 * MS, MS, 4);
    ck_assert_int_eq(run_dir_append(&d, &r, 0, &err), 0);
    size_t line = d.pending.length;
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 2 * line + line / 2;
    setrlimit(RLIMIT_FSIZE, &low);
    for (int i = 1; i < 5; i++)
        run_dir_append(&d, &r, 0, &err);
    int first = run_dir_flush(&d, 0, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(first, ERR_SYSTEM);
    ck_assert_msg(strstr(err.message, "2 whole records") != NULL, "%s", err.message);
    err = (struct error){0};
    ck_assert_int_eq(run_dir_append(&d, &r, 0, &err), ERR_SYSTEM);
    ck_assert_int_eq(run_dir_close(&d, &err), ERR_SYSTEM);
    char *file = run_dir_file(path, "requests.jsonl");
    struct stat about;
    ck_assert_int_eq(stat(file, &about), 0);
    ck_assert_uint_eq((size_t)about.st_size, 2 * line);
    free(file);
}
END_TEST

START_TEST(many_gaps_fold_into_a_histogram)
{
    struct collector *c = collector_create();
    char id[16];
    for (int i = 0; i < 600; i++) { /* 600 × 1,999 gaps: past the million kept exactly */
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * NS_PER_S, 0, MS, (i % 2 ? 10 : 20) * MS, 2000);
        collector_add(c, &r);
    }
    struct summary s = summarize(c, NULL);
    const struct metric_summary *m = &s.window.metrics[METRIC_CHUNK_GAP];
    ck_assert_uint_eq(m->count, 600u * 1999u);
    ck_assert_str_eq(m->quantile_method, "histogram");
    ck_assert_double_eq(m->mean, 15);
    ck_assert_double_eq_tol(m->p99, 20, 0.02);
    ck_assert_double_eq(m->max, 20);
    collector_free(c);
}
END_TEST

START_TEST(assertions_compare_with_the_run)
{
    struct collector *c = collector_create();
    add_part(c, 0, 100);
    struct summary s = summarize(c, "e2e=100");
    struct error err = {0};
    ck_assert_int_eq(slo_assert("ttft_p99=36", &s, &err), 0);
    ck_assert_int_eq(slo_assert("ttft_p99=35", &s, &err), ERR_WORK);
    ck_assert_str_eq(err.message, "assertion ttft_p99=35 missed: it is 36");
    ck_assert_int_eq(slo_assert("failed=10", &s, NULL), 0);
    ck_assert_int_eq(slo_assert("failed=9", &s, NULL), ERR_WORK);
    ck_assert_int_eq(slo_assert("completed=91", &s, NULL), ERR_WORK);
    ck_assert_int_eq(slo_assert("ttft=500", &s, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_assert("ttft_p98=500", &s, NULL), ERR_INPUT);
    struct slo_list list = {0};
    ck_assert_int_eq(slo_parse("ttft", &list, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_parse("chunk_gap=1", &list, NULL), ERR_INPUT);
    ck_assert_int_eq(slo_parse("tpot=-1", &list, NULL), ERR_INPUT);
    collector_free(c);
}
END_TEST

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

int main(void)
{
    if (!mkdtemp(scratch))
        return EXIT_FAILURE;
    Suite *s = suite_create("runs");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_record_survives_its_line);
    tcase_add_test(t, first_tokens_are_kept_by_kind);
    tcase_add_test(t, a_killed_run_keeps_its_whole_lines);
    tcase_add_test(t, latencies_mean_what_the_design_says);
    tcase_add_test(t, a_retry_never_resets_the_clock);
    tcase_add_test(t, a_metric_that_is_missing_cannot_meet_an_objective);
    tcase_add_test(t, reasoning_without_chunks_of_its_own_is_not_in_the_pace);
    tcase_add_loop_test(t, parts_merge_into_the_same_numbers, 0, 2);
    tcase_add_test(t, retried_requests_keep_their_clock_and_take_no_room);
    tcase_add_test(t, what_ends_as_it_starts_is_never_in_flight);
    tcase_add_test(t, the_timeline_adds_up);
    tcase_add_test(t, a_warm_up_beyond_the_run_leaves_nothing_out);
    tcase_add_test(t, lengths_that_cannot_be_made_are_told_apart);
    tcase_add_test(t, a_run_read_back_has_the_same_summary);
    tcase_add_test(t, a_full_disk_ends_the_records_at_a_whole_line);
    tcase_add_test(t, many_gaps_fold_into_a_histogram);
    tcase_add_test(t, assertions_compare_with_the_run);
    suite_add_tcase(s, t);
    int status = testing_run(s);
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}
