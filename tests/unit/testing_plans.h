/* Helpers of the tests about money: plans from text, bills under all of them, exact amounts. */
#ifndef FAREBOX_TESTS_TESTING_PLANS_H
#define FAREBOX_TESTS_TESTING_PLANS_H

#include "testing.h"

#include "sim/cost/bill/bill.h"

#include <string.h>

/* A price book that must be good. The caller frees it. */
static inline struct plan_book testing_plans(const char *text)
{
    struct plan_book book = {0};
    struct error err = {0};
    int code = plan_book_parse("test", text, strlen(text), &book, &err);
    ck_assert_msg(code == 0, "%s in %s", err.message, text);
    return book;
}

/* The workload's bill under all plans of the book. The caller frees it. */
static inline struct bill testing_bill(const struct workload *w, const struct plan_book *book,
                                       struct bill_options options)
{
    const struct plan *plans[16];
    struct bill bill;
    struct error err = {0};
    for (size_t i = 0; i < book->count; i++)
        plans[i] = &book->plans[i];
    int code = bill_make(&bill, w, plans, book->count, &options, &err);
    ck_assert_msg(code == 0, "%s", err.message);
    return bill;
}

/* The amount to the last digit; `what` names it in the message. */
static inline void testing_money(money value, const char *expected, const char *what)
{
    char text[MONEY_TEXT_SIZE];
    money_format(value, text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s: %s, expected %s", what, text, expected);
}

#endif
