/* Importing a text and pricing usages by what came of it. */
#ifndef FAREBOX_TESTS_TESTING_IMPORT_H
#define FAREBOX_TESTS_TESTING_IMPORT_H

#include "core/memory.h"
#include "sim/cost/book/price.h"
#include "sim/cost/import/import.h"
#include "sim/cost/import/import_parts.h"
#include "tests/unit/testing.h"

#include <string.h>

static struct buffer book_json;
static struct import_report report;
static struct plan_book book;
static struct error err;

static void setup(void)
{
    buffer_init(&book_json, BUFFER_UNBOUNDED);
}

static void teardown(void)
{
    buffer_free(&book_json);
    import_report_free(&report);
    plan_book_free(&book);
    err = (struct error){0};
}

static int import(enum import_form form, const char *text)
{
    struct import_options options = {.file = "list.json", .book = "test", .as_of = "2026-08-01"};
    teardown();
    setup();
    int code = prices_import(form, text, strlen(text), &options, &book_json, &report, &err);
    if (code == 0) {
        int read = plan_book_parse("book", book_json.data, book_json.length, &book, &err);
        ck_assert_msg(read == 0, "%s", err.message);
        ck_assert_uint_eq(report.read, report.represented + report.partly + report.left_out);
        ck_assert_uint_eq(book.count, report.represented + report.partly + report.variants);
    }
    return code;
}

/* The charge of a usage, as text. */
static const char *charge(const char *plan_name, struct usage u, enum service service,
                          const char *at)
{
    static char text[MONEY_TEXT_SIZE];
    const struct plan *plan = plan_book_find(&book, plan_name);
    struct price_query q = {.usage = &u, .service = service, .at_unix_ns = TIME_NEVER};
    struct charge c;
    ck_assert_msg(plan != NULL, "no plan %s", plan_name);
    if (at)
        ck_assert_int_eq(clock_parse_instant(at, strlen(at), &q.at_unix_ns), 0);
    ck_assert_int_eq(price_request(plan, plan_rate_for(plan, NULL), &q, &c), 0);
    money_format(c.total, text);
    return text;
}

static const struct import_finding *finding(const char *entry, const char *field)
{
    for (size_t i = 0; i < report.finding_count; i++) {
        const struct import_finding *f = &report.findings[i];
        if (strcmp(f->entry, entry) == 0 &&
            (field ? f->field && strcmp(f->field, field) == 0 : !f->field))
            return f;
    }
    return NULL;
}

#endif
