/* A workload in words: figures that are known, and lines that fit a terminal. */
#include "testing_workload.h"

#include "core/memory.h"
#include "workloads/describe/words.h"

#include <gsl/gsl_errno.h>

static void describe(const struct workload *w, struct workload_info *info,
                     struct workload_words *words)
{
    workload_info_compute(w, NULL, info);
    workload_info_add_detail(w, info);
    workload_words_make(w, info, words);
}

START_TEST(the_dearest_request_is_held_against_the_median_one)
{
    struct workload w = testing_rows(199, NS_PER_S, 90, 10);
    struct workload_info info;
    struct workload_words words;
    workload_add_plain(&w, 200 * NS_PER_S, 4500, 500);
    describe(&w, &info, &words);
    ck_assert_double_eq(words.tokens_p50, 100);
    ck_assert_double_eq(words.dearest_to_median, 50);
    ck_assert_double_eq_tol(words.top_percent_share, 5100. / 24900, 1e-12);
    workload_info_free(&info);
    workload_free(&w);
}
END_TEST

START_TEST(a_day_is_by_the_clock_of_the_start)
{
    struct workload w;
    struct workload_info info;
    struct workload_words words;
    workload_init(&w);
    w.has_start = true;
    w.start_unix_ns = INT64_C(1772600400) * NS_PER_S;        /* 2026-03-04T05:00:00Z */
    for (int64_t minute = 0; minute < 2 * 24 * 60; minute++) /* 14:00 is busy, 03:00 empty */
        for (int64_t hour = (minute / 60 + 5) % 24, k = hour == 14 ? 5 : hour != 3; k > 0; k--)
            workload_add_plain(&w, minute * 60 * NS_PER_S, 10, 1);
    describe(&w, &info, &words);
    ck_assert(words.has_day);
    ck_assert_int_eq(words.busiest_hour, 14);
    ck_assert_int_eq(words.quietest_hour, 3);
    ck_assert_uint_eq(words.hours[14], 600);
    ck_assert_uint_eq(words.hours[3], 0);
    workload_info_free(&info);
    workload_free(&w);
}
END_TEST

/* Columns of the widest line. */
static size_t widest(const char *text)
{
    size_t most = 0, columns = 0;
    for (; *text; text++) {
        columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xC0) != 0x80);
        most = columns > most ? columns : most;
    }
    return most;
}

static const struct {
    size_t count;
    int64_t gap_ns;
    uint32_t input;
} rows[] = {{1, 0, 0}, {2, 1, 1}, {3000, NS_PER_S, 100000000}, {500, 86400 * NS_PER_S, 7}};

START_TEST(every_line_fits_80_columns)
{
    struct workload w = testing_rows(rows[_i].count, rows[_i].gap_ns, rows[_i].input, 0);
    struct workload_info info;
    struct workload_words words;
    struct buffer out;
    describe(&w, &info, &words);
    buffer_init(&out, BUFFER_UNBOUNDED);
    workload_words_put_text(&words, &info, &out);
    ck_assert_uint_le(widest(out.data), 80);
    ck_assert_ptr_null(strstr(out.data, "nan"));
    buffer_free(&out);
    workload_info_free(&info);
    workload_free(&w);
}
END_TEST

int main(void)
{
    gsl_set_error_handler_off(); /* as the program: a fit that fails is none */
    Suite *suite = suite_create("words");
    TCase *t = tcase_create("words");
    tcase_add_test(t, the_dearest_request_is_held_against_the_median_one);
    tcase_add_test(t, a_day_is_by_the_clock_of_the_start);
    tcase_add_loop_test(t, every_line_fits_80_columns, 0, COUNT_OF(rows));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
