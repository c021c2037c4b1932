/* FOCUS files are read: costs, periods and quantities exactly, with what is wrong told by place. */
#include "sim/cost/focus/focus.h"

#include "testing_plans.h"

#define HEAD "ChargeCategory,ChargePeriodStart,ChargePeriodEnd,BilledCost"
#define DAY "2026-11-02T00:00:00Z,2026-11-03T00:00:00Z"

static int read_one(const char *text, struct focus_charge *c, struct focus_reader *r,
                    struct error *err)
{
    char path[64];
    int fd = testing_text_file(text, path);
    int code = focus_reader_open(r, path, err);
    if (code == 0) {
        code = focus_reader_next(r, c, err);
        if (code <= 0)
            focus_reader_close(r);
    }
    close(fd);
    return code;
}

START_TEST(a_charge_is_read_with_all_that_it_says)
{
    struct focus_reader r;
    struct focus_charge c;
    struct error err = {0};
    int code =
        read_one("x_Other,Tags," HEAD ",EffectiveCost,ConsumedQuantity,ConsumedUnit,SkuId\r\n"
                 "1,\"{\"\"team\"\":\"\"a, b\"\"}\",Usage," DAY
                 ",0,0.000000000000000000000001,1500.5,Tokens,NULL\r\n",
                 &c, &r, &err);
    ck_assert_msg(code == 1, "%s", err.message);
    ck_assert_int_eq(c.category, FOCUS_USAGE);
    ck_assert(text_equal(c.text[FOCUS_TAGS], "{\"team\":\"a, b\"}"));
    testing_money(c.cost[FOCUS_BILLED], "0", "billed");
    testing_money(c.cost[FOCUS_EFFECTIVE], "0.000000000000000000000001", "effective");
    testing_money(c.consumed.value, "1500.5", "quantity");
    ck_assert(c.consumed.known && !c.requests.known);
    ck_assert_uint_eq(c.text[FOCUS_SKU_ID].length, 0);
    ck_assert_int_eq(c.end_ns - c.begin_ns, 86400 * NS_PER_S);
    ck_assert(c.billing_begin_ns == TIME_NEVER && c.line == 2);
    ck_assert_int_eq(focus_reader_next(&r, &c, &err), 0);
    focus_reader_close(&r);
}
END_TEST

static const struct {
    const char *text, *message;
    long line, column;
} wrong[] = {
    {"", "found nothing", 1, 1},
    {"ChargeCategory,ChargePeriodStart,BilledCost\n", "no ChargePeriodEnd", 1, 1},
    {"ChargeCategory,ChargePeriodStart,ChargePeriodEnd\n", "no BilledCost", 1, 1},
    {HEAD ",BilledCost\n", "BilledCost stands twice", 1, 61},
    {HEAD "\nUse," DAY ",1\n", "found \"Use\"", 2, 1},
    {HEAD "\nUsage," DAY ",1 USD\n", "expected a number, found \"1 USD\"", 2, 49},
    {HEAD "\nUsage," DAY ",1e-25\n", "at most 24 decimals", 2, 49},
    {HEAD "\nUsage," DAY ",\n", "expected a cost", 2, 1},
    {HEAD "\nUsage," DAY "\n", "expected 4 fields as in the header, found 3", 2, 1},
    {HEAD "\nUsage,yesterday,2026-11-03,1\n", "an instant", 2, 7},
    {HEAD "\nUsage,2026-11-03,2026-11-02,1\n", "not before the ChargePeriodStart", 2, 18},
    {HEAD "\nUsage,\"2026-11-03,2026-11-02,1\n", "not closed", 2, 1},
    {HEAD "\nUsage,\"2026-11-03\"x,2026-11-04,1\n", "behind the closing quote", 2, 19},
};

START_TEST(what_is_wrong_is_told_by_line_and_column)
{
    struct focus_reader r;
    struct focus_charge c;
    struct error err = {0};
    ck_assert_int_eq(read_one(wrong[_i].text, &c, &r, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, wrong[_i].message) != NULL, "%s", err.message);
    ck_assert_int_eq(err.line, wrong[_i].line);
    ck_assert_int_eq(err.column, wrong[_i].column);
}
END_TEST

START_TEST(a_field_may_hold_lines_and_is_written_so_that_it_is_read_back)
{
    static const char *const texts[] = {"", "plain", "a,b", "say \"so\"", "two\nlines", " blanks "};
    struct csv_reader r;
    struct error err = {0};
    struct buffer out;
    char path[64];
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_text(&out, "first");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buffer_add_byte(&out, ',');
        csv_add_field(&out, text_of(texts[i]));
    }
    buffer_add_text(&out, "\nlast");
    int fd = testing_memory_file(out.data, out.length, path);
    ck_assert_int_eq(csv_reader_open(&r, path, &err), 0);
    ck_assert_int_eq(csv_reader_next(&r, &err), 1);
    ck_assert_uint_eq(r.count, 1 + sizeof texts / sizeof *texts);
    for (size_t i = 1; i < r.count; i++)
        ck_assert(text_equal(r.fields[i], texts[i - 1]));
    ck_assert_int_eq(csv_reader_next(&r, &err), 1);
    ck_assert_int_eq(r.line, 3);
    ck_assert_int_eq(csv_reader_next(&r, &err), 0);
    csv_reader_close(&r);
    close(fd);
    buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("focus_read");
    TCase *c = tcase_create("files");
    tcase_add_test(c, a_charge_is_read_with_all_that_it_says);
    tcase_add_loop_test(c, what_is_wrong_is_told_by_line_and_column, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(c, a_field_may_hold_lines_and_is_written_so_that_it_is_read_back);
    suite_add_tcase(suite, c);
    return testing_run(suite);
}
