/* Tables for a spreadsheet: columns are named once, and no text of others becomes a formula. */
#include "testing.h"

#include "core/csv/csv.h"
#include "core/csv/sheet.h"
#include "core/memory.h"

#include <math.h>
#include <string.h>

static void assert_text_cell(const char *text, const char *written)
{
    struct buffer out;
    struct sheet s;
    char want[200];
    buffer_init(&out, BUFFER_UNBOUNDED);
    sheet_init(&s, &out);
    for (int row = 0; row < 2; row++) {
        sheet_put_text(&s, "t", text);
        sheet_end_row(&s);
    }
    snprintf(want, sizeof want, "t\r\n%s\r\n", written);
    ck_assert_msg(strcmp(out.data, want) == 0, "%s became %s", text, out.data);
    buffer_free(&out);
}

START_TEST(text_that_a_spreadsheet_would_run_gets_an_apostrophe)
{
    static const char *const cells[][2] = {
        {"plain", "plain"},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@SUM(A1)", "\"'@SUM(A1)\""},
        {"\t=1", "\"'\t=1\""},
        {"  =1", "\"'  =1\""},
        {"a=1", "a=1"},
        {"a,b", "\"a,b\""},
        {"a\"b", "\"a\"\"b\""},
        {"=\"x\"", "\"'=\"\"x\"\"\""},
        {"a\nb", "\"a\nb\""},
        {"\uFF1D1", "\"'\uFF1D1\""},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cells); i++)
        assert_text_cell(cells[i][0], cells[i][1]);
    assert_text_cell("bad\xFF\xC3", "bad\uFFFD\uFFFD");
}
END_TEST

/* A table that farebox reads too: the apostrophe is no part of a name. */
START_TEST(an_apostrophe_before_a_formula_is_taken_away_again)
{
    static const char *const texts[] = {"=1+1", "  @x", "-1",   "\t", "\uFF0D1", "'=1",
                                        "'",    "'a",   "it's", "",   "a,b",     "'"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buffer out;
        buffer_init(&out, BUFFER_UNBOUNDED);
        csv_add_text(&out, text_of(texts[i]));
        struct text cell = {out.data, out.length};
        if (cell.length && cell.at[0] == '"')
            cell = (struct text){cell.at + 1, cell.length - 2};
        ck_assert(csv_is_formula(text_of(texts[i])) == (i < 5));
        ck_assert(text_equal(csv_plain_text(cell), texts[i]));
        buffer_free(&out);
    }
}
END_TEST

START_TEST(the_first_row_is_titles_and_what_is_not_known_is_empty)
{
    struct buffer out;
    struct sheet s;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_text(&out, "before");
    sheet_init(&s, &out);
    for (int row = 0; row < 3; row++) {
        ck_assert(sheet_in_titles(&s) == (row == 0));
        sheet_put_text(&s, "name", row == 1 ? "x" : NULL);
        sheet_put_u64(&s, "count", 1234567);
        sheet_put_known_money(&s, "usd", row == 1, -MONEY_USD * 1234 - MONEY_USD / 4);
        sheet_put_number(&s, "cv", row == 1 ? 0.125 : NAN);
        sheet_put_seconds(&s, "s", -1500000000);
        sheet_end_row(&s);
    }
    sheet_end(&s);
    ck_assert_str_eq(out.data, "beforename,count,usd,cv,s\r\nx,1234567,-1234.25,0.125,-1.500000\r\n"
                               ",1234567,,,-1.500000\r\n");
    buffer_free(&out);
}
END_TEST

START_TEST(a_mark_stands_before_what_is_not_ascii)
{
    struct buffer out;
    struct sheet s;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_text(&out, "é\n");
    sheet_init(&s, &out);
    sheet_put_text(&s, "größe", NULL);
    sheet_end_row(&s);
    sheet_end(&s);
    ck_assert_str_eq(out.data, "é\n\xEF\xBB\xBFgröße\r\n");
    buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sheet");
    TCase *t = tcase_create("all");
    tcase_add_test(t, an_apostrophe_before_a_formula_is_taken_away_again);
    tcase_add_test(t, text_that_a_spreadsheet_would_run_gets_an_apostrophe);
    tcase_add_test(t, the_first_row_is_titles_and_what_is_not_known_is_empty);
    tcase_add_test(t, a_mark_stands_before_what_is_not_ascii);
    suite_add_tcase(s, t);
    return testing_run(s);
}
