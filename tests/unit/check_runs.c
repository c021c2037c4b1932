/* Records and run directories: written, read back, cut short, on a full disk. */
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "runs_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[] = "/tmp/farebox-runs-XXXXXX";

static int take_record(void *collector, const struct record *r, struct error *err)
{
    (void)err;
    collector_add(collector, r);
    return 0;
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
    r.odd = ODDITY(NO_END_MARK) | ODDITY(USAGE_KEY);
    r.first_chunk_tokens = 9;
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
    ck_assert_uint_eq(back.odd, r.odd);
    ck_assert_uint_eq(back.first_chunk_tokens, 9);
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

/* One token in the first chunk is what most have, and goes without saying; so does no oddity. Names
 * that a later version knows are passed over. */
START_TEST(what_is_usual_is_not_written)
{
    static const char later[] = "{\"request_id\": \"r\", \"odd\": [\"no_text\", \"of_later\"], "
                                "\"status\": \"completed\"}\n";
    char path[128];
    struct record r = answered("r", 0, 0, MS, MS, 3), back;
    struct buffer line;
    struct record_reader reader;
    buffer_init(&line, BUFFER_UNBOUNDED);
    r.first_chunk_tokens = 1;
    record_write_line(&r, 0, &line);
    ck_assert_ptr_null(strstr(line.data, "first_chunk_tokens"));
    ck_assert_ptr_null(strstr(line.data, "odd"));
    snprintf(path, sizeof path, "%s/later.jsonl", scratch);
    ck_assert_int_eq(file_write_atomic(path, later, strlen(later), NULL), 0);
    ck_assert_int_eq(record_reader_open(&reader, path, NULL), 0);
    ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 1);
    ck_assert_uint_eq(back.odd, ODDITY(NO_TEXT));
    record_reader_close(&reader);
    buffer_free(&line);
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

START_TEST(an_error_is_a_failure_or_a_reason_not_to_send)
{
    static const char lines[] = "{\"request_id\": \"a\", \"error\": \"dns\"}\n"
                                "{\"request_id\": \"b\", \"error\": \"budget\"}\n"
                                "{\"request_id\": \"c\", \"error\": \"budgets\"}\n";
    char path[128];
    snprintf(path, sizeof path, "%s/errors.jsonl", scratch);
    file_write_atomic(path, lines, strlen(lines), NULL);
    struct record_reader reader;
    struct record back;
    struct error err = {0};
    ck_assert_int_eq(record_reader_open(&reader, path, NULL), 0);
    ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 1);
    ck_assert(back.failure == FAILURE_DNS && back.unsent == UNSENT_NONE);
    ck_assert_int_eq(record_reader_next(&reader, &back, NULL), 1);
    ck_assert(back.failure == FAILURE_NONE && back.unsent == UNSENT_BUDGET);
    ck_assert_int_eq(record_reader_next(&reader, &back, &err), ERR_INPUT);
    ck_assert_str_eq(err.message, "unknown error class \"budgets\"; did you mean \"budget\"?");
    ck_assert(err.line == 3 && err.column == 30);
    record_reader_close(&reader);
}
END_TEST

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

int main(void)
{
    if (!mkdtemp(scratch))
        return EXIT_FAILURE;
    Suite *s = suite_create("runs");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_record_survives_its_line);
    tcase_add_test(t, what_is_usual_is_not_written);
    tcase_add_test(t, first_tokens_are_kept_by_kind);
    tcase_add_test(t, a_killed_run_keeps_its_whole_lines);
    tcase_add_test(t, an_error_is_a_failure_or_a_reason_not_to_send);
    tcase_add_test(t, a_run_read_back_has_the_same_summary);
    tcase_add_test(t, a_full_disk_ends_the_records_at_a_whole_line);
    suite_add_tcase(s, t);
    int status = testing_run(s);
    testing_remove(scratch);
    return status;
}
