/* Text and tables in the columns of a terminal. */
#include "core/memory.h"
#include "core/screen/table.h"
#include "core/wrap.h"
#include "tests/unit/testing.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static size_t widest(const char *text)
{
    size_t most = 0;
    while (*text) {
        size_t length = strcspn(text, "\n");
        size_t columns = wrap_columns((struct text){text, length});
        most = columns > most ? columns : most;
        text += length + (text[length] == '\n');
    }
    return most;
}

static char *lines(const char *text, size_t width)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    wrap_lines(text_of(text), width, &out);
    return buffer_take(&out);
}

/* ---- columns ---- */

START_TEST(a_column_is_what_a_letter_takes)
{
    static const struct {
        const char *text;
        size_t columns;
    } cases[] = {
        {"", 0},     {"abc", 3},   {"p99 … ≤ 5", 9}, {"模型", 4},   {"e\xCC\x81t", 2},
        {"a模b", 4}, {"\xFFx", 2}, {"\xE6\xA8", 1},  {"한국어", 6},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(wrap_columns(text_of(cases[i].text)) == cases[i].columns, "%s: %zu",
                      cases[i].text, wrap_columns(text_of(cases[i].text)));
}
END_TEST

START_TEST(a_beginning_never_passes_its_columns)
{
    const char *text = "a模型 naïve 한국어";
    for (size_t width = 0; width < 24; width++) {
        struct text cut = wrap_beginning(text_of(text), width);
        size_t bad, columns = wrap_columns(cut);
        ck_assert_uint_le(columns, width);
        ck_assert(text_is_utf8(cut.at, cut.length, &bad));
        if (cut.length < strlen(text)) /* only a sign of two columns leaves one empty */
            ck_assert_uint_ge(columns + 1, width);
    }
}
END_TEST

/* ---- lines ---- */

START_TEST(what_fits_stays_and_what_is_longer_goes_on_under_its_text)
{
    char *text = lines("goodput      1.4 req/s, all of the requests within TTFT ≤ 500 ms\n"
                       "short   line\n"
                       "A sentence that is longer than the line goes on further in.\n",
                       40);
    ck_assert_str_eq(text, "goodput      1.4 req/s, all of the\n"
                           "             requests within TTFT ≤ 500\n"
                           "             ms\n"
                           "short   line\n"
                           "A sentence that is longer than the line\n"
                           "  goes on further in.\n");
    free(text);
}
END_TEST

START_TEST(no_line_is_longer_than_asked_but_for_a_word_that_is)
{
    static const char long_one[] =
        "  name              value with 模型 of any kind, and then 12 more words until it ends\n"
        "x /a/path/that/is/longer/than/every/line/that/is/asked/for/here/really/really and more\n";
    for (size_t width = 60; width < 90; width++) {
        char *text = lines(long_one, width);
        ck_assert_uint_le(widest(text), width > 77 ? width : 77);
        char *path = strstr(text, "/a/path");
        ck_assert_uint_eq(strcspn(path, " \n"), 75);
        free(text);
    }
}
END_TEST

START_TEST(a_command_may_be_copied_from_its_lines)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    wrap_command(text_of("  farebox bench --url URL --header 'X-Name: of two words' -o DIR\n"), 40,
                 6, &out);
    ck_assert_str_eq(out.data, "  farebox bench --url URL --header \\\n"
                               "      'X-Name: of two words' -o DIR\n");
    buffer_free(&out);
}
END_TEST

/* ---- tables ---- */

static char *table(const struct table_column *columns, size_t count, const char *const *cells,
                   size_t cell_count, const char *note, int width)
{
    struct buffer out;
    struct table *t = table_create(columns, count);
    for (size_t i = 0; i < cell_count; i++)
        table_cell(t, cells[i]);
    table_note(t, note);
    buffer_init(&out, BUFFER_UNBOUNDED);
    table_end(t, width, &out);
    return buffer_take(&out);
}

static const struct table_column figures[] = {
    {.head = "engine", .left = true}, {.head = "TTFT p50"},
    {.head = "TTFT p99", .rank = 1},  {.head = "lost", .optional = true},
    {.head = "in flight", .rank = 2},
};
static const char *const cells[] = {
    "rtx4090-with-a-long-name", "48.2", "190", "0", "3", "h100", "5", "16", "0", "1,234"};

static char *of_figures(const char *note, int width)
{
    return table(figures, COUNT_OF(figures), cells, COUNT_OF(cells), note, width);
}

START_TEST(a_table_is_as_wide_as_its_content_where_there_is_room)
{
    char *text = of_figures("<- knee", 80);
    ck_assert_str_eq(text, "engine                    TTFT p50  TTFT p99  in flight\n"
                           "rtx4090-with-a-long-name      48.2       190          3\n"
                           "h100                             5        16      1,234  <- knee\n");
    free(text);
}
END_TEST

START_TEST(heads_are_stacked_before_columns_are_left_out)
{
    char *text = of_figures("", 46);
    ck_assert_str_eq(text, "                          TTFT  TTFT      in\n"
                           "engine                     p50   p99  flight\n"
                           "rtx4090-with-a-long-name  48.2   190       3\n"
                           "h100                         5    16   1,234\n");
    free(text);
}
END_TEST

START_TEST(what_is_left_out_is_said_and_comes_back)
{
    for (int width = 24; width < 60; width++) {
        char *text = of_figures("", width);
        ck_assert_msg(widest(text) <= (size_t)width || width < 34, "%d:\n%s", width, text);
        ck_assert_ptr_nonnull(strstr(text, "48.2"));
        bool shows = strstr(text, "1,234") != NULL;
        ck_assert_int_eq(shows, strstr(text, "--wide shows") == NULL);
        ck_assert_ptr_null(strstr(text, "lost"));
        free(text);
    }
}
END_TEST

START_TEST(a_note_that_has_no_room_stands_below_its_row)
{
    char *text = of_figures("the client was the limit of this point", 60);
    ck_assert_ptr_nonnull(strstr(text, "1,234\n    the client was the limit of this point\n"));
    ck_assert_uint_le(widest(text), 60);
    free(text);
}
END_TEST

/* ---- numbers ---- */

START_TEST(a_short_number_has_no_exponent)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {
        {0, 3, "0"},
        {48.23, 3, "48.2"},
        {1234, 3, "1,234"},
        {999.9, 3, "1,000"},
        {1e6, 6, "1,000,000"},
        {1234567.8, 6, "1,234,568"},
        {-20000, 3, "-20,000"},
        {0.00001234, 3, "0.0000123"},
        {0.0123, 3, "0.0123"},
        {1234.5, 6, "1,234.5"},
        {1.2e30, 3, "1.20 × 10^30"},
        {INFINITY, 3, "inf"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_str_eq(TEXT_SHORT(cases[i].value, cases[i].digits), cases[i].text);
    for (double v = 1e-11; v < 1e15; v *= 1.7)
        for (int digits = 2; digits <= 6; digits++) {
            const char *text = TEXT_SHORT(v, digits);
            char plain[TEXT_SHORT_SIZE], *to = plain;
            for (const char *c = text; *c; c++)
                if (*c != ',')
                    *to++ = *c;
            *to = '\0';
            ck_assert_msg(fabs(strtod(plain, NULL) / v - 1) <= 0.5 * pow(10, 1 - digits) + 1e-9,
                          "%g: %s", v, text);
            ck_assert_ptr_null(strchr(text, 'e'));
        }
}
END_TEST

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8"); /* as main of the program does */
    Suite *suite = suite_create("screen");
    TCase *test = tcase_create("screen");
    tcase_add_test(test, a_column_is_what_a_letter_takes);
    tcase_add_test(test, a_beginning_never_passes_its_columns);
    tcase_add_test(test, what_fits_stays_and_what_is_longer_goes_on_under_its_text);
    tcase_add_test(test, no_line_is_longer_than_asked_but_for_a_word_that_is);
    tcase_add_test(test, a_command_may_be_copied_from_its_lines);
    tcase_add_test(test, a_table_is_as_wide_as_its_content_where_there_is_room);
    tcase_add_test(test, heads_are_stacked_before_columns_are_left_out);
    tcase_add_test(test, what_is_left_out_is_said_and_comes_back);
    tcase_add_test(test, a_note_that_has_no_room_stands_below_its_row);
    tcase_add_test(test, a_short_number_has_no_exponent);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
