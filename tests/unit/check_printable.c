/* What a terminal would obey is shown as U+FFFD, wherever the bytes are cut. */
#include "core/printable.h"
#include "tests/unit/testing.h"

#include <string.h>

#define BAD "\xef\xbf\xbd"

static const struct {
    const char *given, *shown;
} cases[] = {
    {"plain, 0.42 ± 0.1 — 日本 😀\n\ttab", "plain, 0.42 ± 0.1 — 日本 😀\n\ttab"},
    {"\x1b[31mRED\x1b]0;title\a", BAD "[31mRED" BAD "]0;title" BAD},
    {"over\rwritten\b\x7f", "over" BAD "written" BAD BAD},
    {"\xc2\x9b"
     "31m no-break\xc2\xa0space",
     BAD "31m no-break\xc2\xa0space"},
    {"\xe2\x80\xae"
     "desrever\xe2\x81\xa9 \xe2\x80\x93",
     BAD "desrever" BAD " \xe2\x80\x93"},
    {"\xff\xfe\xc0\xaf\xed\xa0\x80", BAD BAD BAD BAD BAD BAD BAD},
    {"cut \xe2\x82", "cut " BAD BAD},
    {"cut \xf0\x9f\x98 here", "cut " BAD BAD BAD " here"},
};

START_TEST(test_every_cut)
{
    const char *given = cases[_i].given;
    size_t length = strlen(given);
    for (size_t cut = 0; cut <= length; cut++) {
        struct printable p = {0};
        struct buffer out;
        buffer_init(&out, BUFFER_UNBOUNDED);
        printable_add(&p, given, cut, &out);
        printable_add(&p, given + cut, length - cut, &out);
        printable_end(&p, &out);
        buffer_add_byte(&out, '\0');
        ck_assert_str_eq(out.data, cases[_i].shown);
        buffer_free(&out);
    }
}
END_TEST

START_TEST(a_name_in_a_line_breaks_it_nowhere)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    printable_add_line("a\nb\tc\r\n\xe2\x82\n\xe2\x80\xae\xe6\x97\xa5", &out);
    ck_assert_str_eq(out.data, "a" BAD "b" BAD "c" BAD BAD BAD BAD BAD BAD "\xe6\x97\xa5");
    buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("printable");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, test_every_cut, 0, sizeof cases / sizeof cases[0]);
    tcase_add_test(c, a_name_in_a_line_breaks_it_nowhere);
    suite_add_tcase(s, c);
    return testing_run(s);
}
