#include "sim/plan/forecast_parts.h"
#include "testing.h"

#include <string.h>
#include <unistd.h>

static int read_history(const char *text, struct demand_history *h, struct error *err)
{
    char path[64];
    int fd = testing_text_file(text, path);
    int code = demand_history_read(path, h, err);
    close(fd);
    return code;
}

START_TEST(bad_history_is_refused)
{
    static const struct {
        const char *text, *words;
        long line;
    } bad[] = {
        {"", "expected a header", 0},
        {"day,requests\n", "expected the columns", 1},
        {"date,requests,input_tokens\n", "both or none", 1},
        {"date,requests\n2026-11-01,5\n2026-11-03,5\n", "day after", 3},
        {"date,requests\n2026-11-01,-5\n", "whole number", 2},
        {"date,requests\n2026-11-01\n", "as many fields", 2},
        {"date,requests\nyesterday,5\n", "expected a date", 2},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct demand_history h;
        struct error err = {0};
        ck_assert_int_eq(read_history(bad[i].text, &h, &err), ERR_INPUT);
        ck_assert_msg(strstr(err.message, bad[i].words) != NULL, "%s", err.message);
        ck_assert_int_eq(err.line, bad[i].line);
    }
}
END_TEST

#define FOCUS_HEAD "ChargeCategory,ChargePeriodStart,ChargePeriodEnd,BilledCost,"
#define DAY_2 "2026-11-02T00:00:00Z,2026-11-03T00:00:00Z,0,"
#define DAY_4 "2026-11-04T09:00:00Z,2026-11-04T10:00:00Z,0,"

START_TEST(a_bill_in_focus_rows_is_a_history)
{
    static const struct {
        const char *text;
        uint64_t requests[3], tokens[3];
    } same[] = {
        /* anybody's: what is consumed, in any order; what is unused or no usage does not count */
        {FOCUS_HEAD "ConsumedQuantity,ConsumedUnit,CommitmentDiscountStatus\n"
                    "Usage," DAY_4 "1500,Tokens,\nUsage," DAY_2 "2,1K Tokens,Used\n"
                    "Usage," DAY_2 "7,Requests,\nUsage," DAY_2 "900,Tokens,Unused\n"
                    "Usage," DAY_2 "-100,Tokens,\nPurchase," DAY_2 ",,\nUsage," DAY_2 "5,GB,\n",
         {7, 0, 0},
         {1900, 0, 1500}},
        /* ours: the units say nothing more */
        {FOCUS_HEAD "ConsumedQuantity,ConsumedUnit,x_RequestCount,x_InputTokens,x_OutputTokens\n"
                    "Usage," DAY_2 "100,Tokens,3,100,20\nUsage," DAY_2 "20,Tokens,,,\n"
                    "Usage," DAY_4 "4,Requests,4,50,50\n",
         {3, 0, 4},
         {120, 0, 100}},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct demand_history h;
        struct error err = {0};
        ck_assert_msg(read_history(same[i].text, &h, &err) == 0, "%s", err.message);
        ck_assert_uint_eq(h.days, 3);
        ck_assert_int_eq(h.first_day, clock_days_from_civil(2026, 11, 2));
        ck_assert(h.has_tokens);
        for (size_t d = 0; d < 3; d++) {
            ck_assert_uint_eq(h.requests[d], same[i].requests[d]);
            ck_assert_uint_eq(h.tokens[d], same[i].tokens[d]);
        }
        demand_history_free(&h);
    }
}
END_TEST

START_TEST(focus_rows_that_tell_no_days_are_refused)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        {FOCUS_HEAD "ConsumedQuantity,ConsumedUnit\n"
                    "Usage,2026-11-01,2026-12-01,1,5,Tokens\n",
         "for a day or an hour"},
        {FOCUS_HEAD "ConsumedQuantity,ConsumedUnit\nUsage," DAY_2 "5,GB\n", "no charge says"},
        {FOCUS_HEAD "ConsumedQuantity,ConsumedUnit\nUsage," DAY_2 "5,Tokens\n"
                    "Usage,2046-11-01,2046-11-02,1,5,Tokens\n",
         "at most 4096 days"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct demand_history h;
        struct error err = {0};
        ck_assert_int_eq(read_history(bad[i].text, &h, &err), ERR_INPUT);
        ck_assert_msg(strstr(err.message, bad[i].words) != NULL, "%s", err.message);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("demand_history");
    TCase *t = tcase_create("demand_history");
    tcase_add_test(t, bad_history_is_refused);
    tcase_add_test(t, a_bill_in_focus_rows_is_a_history);
    tcase_add_test(t, focus_rows_that_tell_no_days_are_refused);
    suite_add_tcase(s, t);
    return testing_run(s);
}
