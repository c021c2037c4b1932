/* However long an answer is: its record is a line that farebox reads back. */
#include "bench/answer/attempt.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ ((size_t)1 << 20)

static const struct attempt_config config = {.api = &api_chat,
                                             .stream = true,
                                             .keep_text = true,
                                             .keep_raw = true,
                                             .max_event = 4 << 20,
                                             .max_body = 64 << 20};

static const char done[] = "data: [DONE]\n\n";

/* Feeds the chunk again and again, in reads of a megabyte or of one chunk, at least `times` times
 * or until nothing more is wanted: how often. */
static uint32_t feed(struct attempt *a, const char *chunk, uint32_t times)
{
    struct buffer read;
    uint32_t each = 0, fed = 0;
    bool go_on = true;
    buffer_init(&read, BUFFER_UNBOUNDED);
    for (; read.length < READ && each < times; each++)
        buffer_add_text(&read, chunk);
    attempt_begin(a, &config, 0);
    attempt_answer(a, 200, "text/event-stream");
    for (uint64_t number = 1; go_on && fed < times; number++) {
        int64_t now_ns = INT64_C(3000000000000000000) + (int64_t)number;
        go_on = attempt_feed(a, &(struct arrival){now_ns, now_ns, number}, read.data, read.length);
        fed += each;
    }
    if (go_on)
        attempt_feed(a, &a->now, done, sizeof done - 1);
    buffer_free(&read);
    attempt_end(a, FAILURE_NONE, NULL);
    return fed;
}

/* Writes the record as a run does, reads it back, and compares what is long in it. */
static void assert_read_back(struct attempt *a, const char *name)
{
    char path[128];
    struct record r, back;
    struct record_reader reader;
    struct buffer line;
    struct error err = {0};
    record_init(&r);
    r.request_id = "r1";
    r.final = true;
    attempt_fill(a, &r);
    buffer_init(&line, BUFFER_UNBOUNDED);
    record_write_line(&r, RECORD_CHUNKS | RECORD_TEXT | RECORD_RAW, &line);
    snprintf(path, sizeof path, "/tmp/farebox-caps-%d-%s", (int)getpid(), name);
    ck_assert_int_eq(file_write_atomic(path, line.data, line.length, &err), 0);
    ck_assert_int_eq(record_reader_open(&reader, path, &err), 0);
    ck_assert_msg(record_reader_next(&reader, &back, &err) == 1, "%zu bytes: %s", line.length,
                  err.message);
    ck_assert_uint_eq(back.chunks, r.chunks);
    ck_assert_int_eq(back.chunk_ns[back.chunks - 1], r.chunk_ns[r.chunks - 1]);
    ck_assert_str_eq(back.text, r.text);
    ck_assert_int_eq(back.failure, r.failure);
    ck_assert_int_eq(record_reader_next(&reader, &back, &err), 0);
    record_reader_close(&reader);
    buffer_free(&line);
    unlink(path);
}

/* The longest times beside a text that JSON makes six times as long. */
START_TEST(a_stream_of_chunks_without_end_is_too_large_and_its_record_is_read_back)
{
    struct attempt a;
    attempt_init(&a);
    uint32_t fed = feed(&a,
                        "data: "
                        "{\"choices\":[{\"delta\":{\"content\":"
                        "\"\\u0001\"}}]}\n\n",
                        UINT32_MAX);
    ck_assert_int_eq(a.failure, FAILURE_TOO_LARGE);
    ck_assert_uint_eq(a.chunks, ATTEMPT_MOST_CHUNKS + 1);
    ck_assert_uint_gt(fed, ATTEMPT_MOST_CHUNKS);
    ck_assert_uint_le(fed, ATTEMPT_MOST_CHUNKS + READ / 40);
    assert_read_back(&a, "chunks");
    attempt_free(&a);
}
END_TEST

START_TEST(a_long_text_is_cut_and_its_record_is_read_back)
{
    struct buffer chunk;
    struct attempt a;
    buffer_init(&chunk, BUFFER_UNBOUNDED);
    buffer_add_text(&chunk, "data: {\"choices\":[{\"delta\":{\"content\":\"");
    for (int i = 0; i < 100000; i++)
        buffer_add_text(&chunk, "\\u0001");
    buffer_add_text(&chunk, "\"}}]}\n\n");
    attempt_init(&a);
    ck_assert_uint_eq(feed(&a, chunk.data, 200), 200);
    ck_assert_int_eq(a.failure, FAILURE_NONE);
    ck_assert_uint_eq(a.chunks, 200);
    ck_assert(a.odd & ODDITY(TEXT_CUT));
    ck_assert_uint_gt(a.text.length, 16000000);
    ck_assert_uint_le(a.text.length, 16 << 20);
    assert_read_back(&a, "text");
    attempt_free(&a);
    buffer_free(&chunk);
}
END_TEST

START_TEST(a_stream_of_nothing_but_comments_is_too_large)
{
    static const char comment[] = ": still there\n\n";
    struct attempt a;
    attempt_init(&a);
    attempt_begin(&a, &config, 0);
    attempt_answer(&a, 200, "text/event-stream");
    ck_assert(attempt_feed(&a, &(struct arrival){1, 1, 1}, comment, sizeof comment - 1));
    a.stream_bytes = ATTEMPT_MOST_BYTES - 1; /* a gigabyte of them has come */
    ck_assert(!attempt_feed(&a, &(struct arrival){2, 2, 2}, comment, sizeof comment - 1));
    attempt_end(&a, FAILURE_NONE, NULL);
    ck_assert_int_eq(a.failure, FAILURE_TOO_LARGE);
    attempt_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attempt_caps");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_stream_of_chunks_without_end_is_too_large_and_its_record_is_read_back);
    tcase_add_test(t, a_long_text_is_cut_and_its_record_is_read_back);
    tcase_add_test(t, a_stream_of_nothing_but_comments_is_too_large);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
