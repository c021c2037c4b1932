/* libFuzzer entry: a line of usages to be priced: refused with words, or charged no less than 0. */
#include "fuzzing.h"

#include "sim/cost/book/plan.h"
#include "sim/cost/book/quote.h"

static const char book_text[] =
    "{\"book\": \"fuzz\", \"as_of\": \"2026-08-01\", \"currency\": \"USD\", \"source\": \"own\", "
    "\"plans\": "
    "[{\"name\": \"a\", \"seller\": \"S\", \"source\": \"own\", \"per_mtok\": {\"input\": \"1\", "
    "\"cached_input\": \"0.1\", \"output\": \"4\"}}]}";

static void price(const char *text, size_t length)
{
    static struct plan_book book;
    struct error err = {0};
    struct quote q;
    struct charge c;
    if (!book.count && plan_book_parse("book", book_text, sizeof book_text - 1, &book, &err) < 0)
        abort();
    if (quote_parse("usages.jsonl", (struct text){text, length}, 1, &q, &err) < 0) {
        if (!err.message[0])
            abort();
        return;
    }
    if (quote_price(&book.plans[0], &q, &c, &err) == 0 && c.total < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_copy_text((const char *)data, size);
    price(text, size);
    free(text);
    return 0;
}
