/* The small parts of the ground floor: instants, numbers in text, names, lines, random streams. */
#include "core/buffer.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/money.h"
#include "core/names.h"
#include "core/random.h"
#include "core/text.h"
#include "core/usage/usage.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <zlib.h>

static int64_t instant(const char *text)
{
    int64_t ns = -1;
    ck_assert_msg(clock_parse_instant(text, strlen(text), &ns) == 0, "%s", text);
    return ns;
}

START_TEST(instants_are_read_in_the_traces_forms)
{
    ck_assert_int_eq(instant("1970-01-01"), 0);
    ck_assert_int_eq(instant("2023-11-16 18:17:03.9799600"), INT64_C(1700158623979960000));
    ck_assert_int_eq(instant("2024-05-10 00:00:00.009930+00:00"), INT64_C(1715299200009930000));
    ck_assert_int_eq(instant("2024-05-10 00:00:00+00:00"), INT64_C(1715299200000000000));
    ck_assert_int_eq(instant("2026-11-01T01:00:00+01:00"), instant("2026-11-01T00:00:00Z"));
    ck_assert_int_eq(instant("1969-12-31T23:59:59.5Z"), -NS_PER_S / 2);
    static const char *const bad[] = {"",          "2023-13-01",           "2023-02-30",
                                      "2023-1-01", "2023-11-16 25:00:00",  "2023-11-16T10:00",
                                      "XXX",       "2023-11-16 10:00:00.", "2023-11-16 10:00:00Zx",
                                      "9999-01-01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ns;
        ck_assert_msg(clock_parse_instant(bad[i], strlen(bad[i]), &ns) < 0, "%s", bad[i]);
    }
}
END_TEST

START_TEST(instants_print_and_read_back)
{
    static const char *const texts[] = {"2026-11-01T00:00:00Z", "2000-02-29T23:59:59.123Z",
                                        "1969-12-31T23:59:59.500Z", "2024-05-10T00:00:00.009930Z",
                                        "2023-11-16T18:17:03.979960001Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char out[CLOCK_INSTANT_SIZE];
        clock_format_instant(instant(texts[i]), out);
        ck_assert_str_eq(out, texts[i]);
    }
}
END_TEST

START_TEST(times_before_1970_are_floored_downwards)
{
    ck_assert_int_eq(clock_floor(0, 10), 0);
    ck_assert_int_eq(clock_floor(9, 10), 0);
    ck_assert_int_eq(clock_floor(10, 10), 10);
    ck_assert_int_eq(clock_floor(-1, 10), -10);
    ck_assert_int_eq(clock_floor(-10, 10), -10);
    ck_assert_int_eq(clock_floor(-11, 10), -20);
}
END_TEST

START_TEST(durations_are_read_in_every_unit)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"5ns", 5},
                {"1.5us", 1500},
                {"500ms", 500 * NS_PER_MS},
                {"30s", 30 * NS_PER_S},
                {"30", 30 * NS_PER_S},
                {"2m", 120 * NS_PER_S},
                {"1.5h", 5400 * NS_PER_S},
                {"7d", 7 * 86400 * NS_PER_S},
                {"0", 0},
                {"33.3ms", 33300000},
                {"1e3ms", NS_PER_S}};
    static const char *const bad[] = {"",    "s",   "-1s",   "5 s", "5x",     "5sec", "1w",
                                      "nan", "inf", "1e12d", "+-1", "5ms30s", "m",    "0x"};
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(clock_parse_duration(good[i].text, strlen(good[i].text), &ns) == 0, "%s",
                      good[i].text);
        ck_assert_int_eq(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(clock_parse_duration(bad[i], strlen(bad[i]), &ns) < 0, "%s", bad[i]);
    ck_assert_int_eq(clock_parse_duration("30sX", 3, &ns), 0); /* no further than told */
}
END_TEST

START_TEST(numbers_in_text_have_bounds)
{
    uint64_t u;
    int64_t i;
    double d;
    ck_assert(text_to_u64(text_of("18446744073709551615"), &u) && u == UINT64_MAX);
    ck_assert(!text_to_u64(text_of("18446744073709551616"), &u));
    ck_assert(!text_to_u64(text_of("-1"), &u) && !text_to_u64(text_of(""), &u));
    ck_assert(text_to_i64(text_of("-9223372036854775808"), &i) && i == INT64_MIN);
    ck_assert(!text_to_i64(text_of("9223372036854775808"), &i));
    ck_assert(text_to_double(text_of("-2.5e3"), &d) && d == -2500);
    ck_assert(!text_to_double(text_of("1e999"), &d) && !text_to_double(text_of("nan"), &d));
    ck_assert(text_to_fixed(text_of("5.25"), 9, &i) && i == 5250000000);
    ck_assert(text_to_fixed(text_of("-0.0000000019"), 9, &i) && i == -1);
    ck_assert(text_to_fixed(text_of("1.5e3"), 3, &i) && i == 1500000);
    ck_assert(!text_to_fixed(text_of("1.2.3"), 3, &i) && !text_to_fixed(text_of("-"), 3, &i));
}
END_TEST

START_TEST(blanks_around_text_go)
{
    static const char *const cases[][2] = {
        {" \ta b\t ", "a b"}, {"x", "x"}, {"  ", ""}, {"", ""}, {"\n x", "\n x"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert(text_equal(text_trim(text_of(cases[i][0])), cases[i][1]));
}
END_TEST

START_TEST(thousands_are_set_apart)
{
    static const char *const cases[][2] = {{"0", "0"},
                                           {"999", "999"},
                                           {"1000", "1,000"},
                                           {"-999", "-999"},
                                           {"-1000", "-1,000"},
                                           {"2209565", "2,209,565"},
                                           {"1234567.80", "1,234,567.80"},
                                           {"-123456.7891", "-123,456.7891"},
                                           {"inf", "inf"},
                                           {"", ""}};
    char out[TEXT_GROUPED_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(text_group(cases[i][0], out), cases[i][1]);
    ck_assert_str_eq(text_group_u64(8819, out), "8,819");
    ck_assert_str_eq(text_group_u64(UINT64_MAX, out), "18,446,744,073,709,551,615");
    const char *long_one = "1234567890123456789012345678901234567890";
    for (size_t skipped = 0; skipped < 9; skipped++)
        ck_assert_uint_lt(strlen(text_group(long_one + skipped, out)), TEXT_GROUPED_SIZE);
}
END_TEST

/* Shown with any number of decimals, a value is never "-0" or "-0.0". */
START_TEST(no_zero_has_a_sign)
{
    static const double values[] = {-0.0, -1e-9, -0.04, -0.05, -0.06, -0.4999,
                                    -0.5, -0.51, -1,    -12.3, 0.04,  -1e300};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (int decimals = 0; decimals < 5; decimals++) {
            char text[400], plain[400];
            snprintf(plain, sizeof plain, "%.*f", decimals, values[i]);
            snprintf(text, sizeof text, "%.*f", decimals, text_shown(values[i], decimals));
            bool zero = !strpbrk(plain, "123456789");
            ck_assert_str_eq(text, zero && *plain == '-' ? plain + 1 : plain);
        }
    ck_assert(isnan(text_shown(NAN, 1)) && text_shown(-INFINITY, 1) < 0);
    ck_assert_str_eq(TEXT_SHORT(-0.0, 3), "0");
    ck_assert_str_eq(TEXT_SHORT(-1e-9, 3), "-0.00000000100");
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 0);
    json_begin_array(&w);
    json_put_double(&w, -0.0);
    json_put_statistic(&w, -0.0);
    json_put_figure(&w, -4e-324);
    json_put_figure(&w, -0.0);
    json_end_array(&w);
    ck_assert_ptr_null(strstr(out.data, "-0,"));
    ck_assert_ptr_null(strstr(out.data, "-0]"));
    buffer_free(&out);
    char money_text[MONEY_TEXT_SIZE];
    money_format_fixed(-1, 2, money_text);
    ck_assert_str_eq(money_text, "0.00");
}
END_TEST

/* RFC 4648's own examples, and a cap. */
START_TEST(base64_is_the_standards)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xfb\xf0", "//vw"}};
    struct buffer b;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        buffer_init(&b, 8);
        ck_assert_int_eq(buffer_add_base64(&b, pairs[i][0], strlen(pairs[i][0])), 0);
        ck_assert_str_eq(b.data ? b.data : "", pairs[i][1]);
        buffer_free(&b);
    }
    buffer_init(&b, 8);
    ck_assert_int_eq(buffer_add_base64(&b, "foobarb", 7), -1);
    ck_assert_uint_eq(b.length, 0);
    buffer_free(&b);
}
END_TEST

START_TEST(near_misses_are_found_and_far_ones_not)
{
    static const char *const names[] = {"concurrency", "rate", "requests", NULL};
    ck_assert_str_eq(text_nearest(text_of("concurency"), names), "concurrency");
    ck_assert_str_eq(text_nearest(text_of("reqeusts"), names), "requests");
    ck_assert_ptr_null(text_nearest(text_of("xyzzy"), names));
    ck_assert(text_matches(text_of("gpt-4o-mini"), text_of("gpt-*")));
    ck_assert(text_matches(text_of("abc"), text_of("a?c")) &&
              !text_matches(text_of("abcd"), text_of("a?c")));
}
END_TEST

START_TEST(names_keep_one_number_per_text)
{
    struct names n;
    char text[32];
    names_init(&n);
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "name-%d", i);
        ck_assert_uint_eq(names_add(&n, text_of(text)), (unsigned)i);
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "name-%d", i);
        ck_assert_uint_eq(names_find(&n, text_of(text)), (unsigned)i);
        ck_assert_str_eq(names_text(&n, (uint32_t)i), text);
    }
    ck_assert_uint_eq(names_find(&n, text_of("other")), NAME_NONE);
    ck_assert_ptr_null(names_text(&n, NAME_NONE));
    names_free(&n);
}
END_TEST

static void write_file(const char *path, const char *bytes, size_t length, bool compress)
{
    if (compress) {
        gzFile f = gzopen(path, "wb");
        ck_assert_int_eq(gzwrite(f, bytes, (unsigned)length), (int)length);
        ck_assert_int_eq(gzclose(f), Z_OK);
        return;
    }
    FILE *f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, length, f), length);
    fclose(f);
}

START_TEST(lines_come_with_numbers_offsets_and_either_end)
{
    const char content[] = "first\r\n\nthird\nlast";
    for (int compressed = 0; compressed < 2; compressed++) {
        char path[] = "/tmp/farebox-lines-XXXXXX";
        close(mkstemp(path));
        write_file(path, content, sizeof content - 1, compressed);
        struct line_reader r;
        struct text line;
        struct error err = {0};
        ck_assert_int_eq(line_reader_open(&r, path, 100, &err), 0);
        static const char *const lines[] = {"first", "", "third", "last"};
        static const uint64_t offsets[] = {0, 7, 8, 14};
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(line_reader_next(&r, &line, &err), 1);
            ck_assert(text_equal(line, lines[i]));
            ck_assert_int_eq(r.number, i + 1);
            ck_assert_uint_eq(r.offset, offsets[i]);
        }
        ck_assert_int_eq(line_reader_next(&r, &line, &err), 0);
        line_reader_close(&r);
        unlink(path);
    }
}
END_TEST

START_TEST(a_line_beyond_the_cap_is_an_error_with_its_number)
{
    char path[] = "/tmp/farebox-lines-XXXXXX";
    close(mkstemp(path));
    char *content = malloc(2000000);
    memset(content, 'x', 2000000);
    memcpy(content, "ok\n", 3);
    write_file(path, content, 2000000, false);
    struct line_reader r;
    struct text line;
    struct error err = {0};
    ck_assert_int_eq(line_reader_open(&r, path, 1000, &err), 0);
    ck_assert_int_eq(line_reader_next(&r, &line, &err), 1);
    ck_assert_int_eq(line_reader_next(&r, &line, &err), ERR_INPUT);
    ck_assert_int_eq(err.line, 2);
    line_reader_close(&r);
    unlink(path);
    free(content);
}
END_TEST

START_TEST(damaged_gzip_is_an_error)
{
    char path[] = "/tmp/farebox-lines-XXXXXX";
    close(mkstemp(path));
    char text[5000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * 7919 % 26);
    write_file(path, text, sizeof text, true);
    ck_assert_int_eq(truncate(path, 60), 0);
    struct line_reader r;
    struct text line;
    struct error err = {0};
    int more = line_reader_open(&r, path, 10000, &err);
    while (more >= 0 && (more = line_reader_next(&r, &line, &err)) > 0)
        ;
    ck_assert_int_lt(more, 0);
    line_reader_close(&r);
    unlink(path);
}
END_TEST

START_TEST(streams_depend_on_seed_purpose_and_key_alone)
{
    struct random a, b, c;
    random_init(&a, 1, RANDOM_TEST, 7);
    random_init(&b, 1, RANDOM_TEST, 7);
    random_init(&c, 1, RANDOM_TEST, 8);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = random_u64(&a);
        ck_assert_uint_eq(x, random_u64(&b));
        same += x == random_u64(&c);
    }
    ck_assert_int_eq(same, 0);
    for (int i = 0; i < 10000; i++) {
        ck_assert_uint_lt(random_below(&a, 3), 3);
        double u = random_open_unit(&a);
        ck_assert(u > 0 && u < 1);
    }
}
END_TEST

START_TEST(usage_classes_do_not_overlap)
{
    struct usage u = usage_from_totals(1000, 300, 200, 100, 50, 20);
    ck_assert_uint_eq(u.tokens[USAGE_UNCACHED_INPUT], 400);
    ck_assert_uint_eq(usage_input(&u), 1000);
    ck_assert_uint_eq(u.tokens[USAGE_OUTPUT], 30);
    ck_assert_uint_eq(usage_output(&u), 50);
    u = usage_from_totals(100, 300, 5, 5, 10, 20); /* parts larger than the whole are cut */
    ck_assert_uint_eq(u.tokens[USAGE_CACHED_INPUT], 100);
    ck_assert_uint_eq(usage_input(&u), 100);
    ck_assert_uint_eq(u.tokens[USAGE_REASONING], 10);
}
END_TEST

START_TEST(a_file_appears_whole_or_not_at_all)
{
    char directory[] = "/tmp/farebox-file-XXXXXX", path[64];
    struct error err = {0};
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/none/x", directory);
    ck_assert_int_eq(file_write_atomic(path, "a", 1, &err), ERR_SYSTEM);
    snprintf(path, sizeof path, "%s/x", directory);
    ck_assert_int_eq(file_write_atomic(path, "one", 3, NULL), 0);
    ck_assert_int_eq(file_write_atomic(path, "two!", 4, NULL), 0);
    char *text;
    size_t length;
    ck_assert_int_eq(file_read_all(path, 100, &text, &length, NULL), 0);
    ck_assert_str_eq(text, "two!");
    free(text);
    struct file_output f;
    ck_assert_int_eq(file_output_open(&f, path, NULL), 0);
    ck_assert_int_eq(file_write_all(f.fd, "half", 4, path, NULL), 0);
    ck_assert_int_eq(file_output_close(&f, ERR_INTERRUPTED, NULL), ERR_INTERRUPTED);
    ck_assert_int_eq(file_read_all(path, 100, &text, &length, NULL), 0);
    ck_assert_str_eq(text, "two!"); /* the old one is still there */
    free(text);
    err = (struct error){0};
    ck_assert_int_eq(file_read_all(path, 3, &text, &length, &err), ERR_INPUT);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0); /* no temporary file was left */
}
END_TEST

/* Of two files that are being written, each goes where the program ends at once; not one that is
 * whole. */
START_TEST(an_end_at_once_removes_what_is_half_written)
{
    char directory[] = "/tmp/farebox-core-XXXXXX", paths[3][64];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    for (int i = 0; i < 3; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%d", directory, i);
    pid_t child = fork();
    if (child == 0) {
        struct file_output f[3];
        for (int i = 0; i < 3; i++)
            file_output_open(&f[i], paths[i], NULL);
        file_output_close(&f[1], 0, NULL);
        void *none = mem_resize(NULL, SIZE_MAX, 2);
        free(none);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    ck_assert_int_eq(unlink(paths[1]), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("core");
    TCase *t = tcase_create("all");
    tcase_add_test(t, instants_are_read_in_the_traces_forms);
    tcase_add_test(t, instants_print_and_read_back);
    tcase_add_test(t, times_before_1970_are_floored_downwards);
    tcase_add_test(t, durations_are_read_in_every_unit);
    tcase_add_test(t, numbers_in_text_have_bounds);
    tcase_add_test(t, blanks_around_text_go);
    tcase_add_test(t, thousands_are_set_apart);
    tcase_add_test(t, no_zero_has_a_sign);
    tcase_add_test(t, base64_is_the_standards);
    tcase_add_test(t, near_misses_are_found_and_far_ones_not);
    tcase_add_test(t, names_keep_one_number_per_text);
    tcase_add_test(t, lines_come_with_numbers_offsets_and_either_end);
    tcase_add_test(t, a_line_beyond_the_cap_is_an_error_with_its_number);
    tcase_add_test(t, damaged_gzip_is_an_error);
    tcase_add_test(t, streams_depend_on_seed_purpose_and_key_alone);
    tcase_add_test(t, usage_classes_do_not_overlap);
    tcase_add_test(t, a_file_appears_whole_or_not_at_all);
    tcase_add_test(t, an_end_at_once_removes_what_is_half_written);
    suite_add_tcase(s, t);
    return testing_run(s);
}
