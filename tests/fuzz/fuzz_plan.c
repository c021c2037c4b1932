/* Any bytes as a price book: an error with a place in the text, or plans that bill a few requests
 * without a charge below zero. */
#include "sim/cost/bill/bill.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_PLANS 8

/* `plain`: rows of two lengths and nothing else, as most traces hold. */
static void bill(const struct plan_book *book, bool plain)
{
    const struct plan *plans[MOST_PLANS];
    struct bill_options options = {
        .has_start = true, .both_caps = true, .duration = {true, NS_PER_S, NS_PER_MS}};
    struct workload w;
    struct bill b;
    struct error err = {0};
    size_t count = book->count < MOST_PLANS ? book->count : MOST_PLANS;
    workload_init(&w);
    for (uint32_t i = 0; i < 12; i++) {
        struct request r = {.timestamp_ns = i * 7 * NS_PER_S,
                            .input_tokens = i * i * 5000,
                            .output_tokens = i * 300,
                            .attempts = 1};
        if (!plain) {
            r.model = i % 2 ? "big-1" : "small";
            r.service = (enum service)(i % (SERVICE_COUNT + 1));
            r.other_service = i % 2 ? "fast" : "scale";
            r.labels = i % 3 ? "{\"region\": \"eu\", \"speed\": \"fast\"}" : NULL;
            r.attempts = 1 + i % 3;
            r.status = (enum request_status)(i % 3);
        }
        if (workload_add(&w, &r, &err) < 0)
            abort();
    }
    for (size_t i = 0; i < count; i++)
        plans[i] = &book->plans[i];
    if (bill_make(&b, &w, plans, count, &options, &err) == 0) {
        for (size_t i = 0; i < b.plan_count; i++)
            if (b.plans[i].sums.total < 0 || b.plans[i].cash[LINE_VOLUME] > 0 ||
                -b.plans[i].cash[LINE_VOLUME] > b.plans[i].cash[LINE_USAGE] ||
                b.plans[i].served_requests + b.plans[i].rejected != w.count)
                abort();
        bill_free(&b);
    }
    workload_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan_book book = {0};
    struct error err = {0};
    if (size > 16384)
        return 0;
    if (plan_book_parse("fuzz", (const char *)data, size, &book, &err) < 0) {
        if (err.line < 1 || book.plans)
            abort();
        return 0;
    }
    bill(&book, true);
    bill(&book, false);
    plan_book_free(&book);
    return 0;
}
