/* Any text, as each of the three price lists: what is taken adds up, and its book reads back. */
#include "sim/cost/book/plan.h"
#include "sim/cost/import/import.h"

#include <stdlib.h>

static void import(enum import_form form, const char *text, size_t length)
{
    struct import_options options = {.file = "fuzz", .book = "fuzz", .models = length % 2};
    struct import_report report;
    struct buffer book;
    buffer_init(&book, BUFFER_UNBOUNDED);
    if (prices_import(form, text, length, &options, &book, &report, NULL) == 0) {
        struct plan_book plans = {0};
        if (report.read != report.represented + report.partly + report.left_out ||
            plan_book_parse("book", book.data, book.length, &plans, NULL) < 0 ||
            plans.count != report.represented + report.partly)
            abort();
        plan_book_free(&plans);
        import_report_free(&report);
    }
    buffer_free(&book);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    for (int form = 0; form < 3; form++)
        import((enum import_form)form, (const char *)data, size);
    return 0;
}
