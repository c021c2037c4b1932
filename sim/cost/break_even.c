#include "sim/cost/break_even.h"

/* The least n ≥ from with requests × (n × slope + fixed) > price; UINT64_MAX if none. */
static uint64_t first_above(money slope, money fixed, money price, uint64_t requests, uint64_t from)
{
    money left, step, at;
    if (money_multiply(fixed, requests, &at) < 0 || at > price)
        return from;
    left = price - at;
    if (slope == 0)
        return UINT64_MAX;
    if (money_multiply(slope, requests, &step) < 0)
        return from > 0 ? from : 1;
    money n = left / step + 1;
    if (n > (money)BREAK_EVEN_LONGEST)
        return UINT64_MAX;
    return (uint64_t)n > from ? (uint64_t)n : from;
}

void break_even_input(const struct plan_rate *rate, money price, uint64_t requests, uint64_t output,
                      struct break_even_input *out)
{
    const struct rate_prices *prices = &rate->resolved[SERVICE_STANDARD];
    *out = (struct break_even_input){.never = true};
    for (size_t i = 0; i < prices->table_count && out->never; i++) {
        const struct token_table *t = &prices->tables[i];
        money fixed;
        if (money_multiply(t->price[USAGE_OUTPUT], output, &fixed) < 0)
            return;
        fixed += prices->per_request_micro * PLAN_MICRO;
        uint64_t last = i + 1 < prices->table_count ? t[1].input_from - 1 : BREAK_EVEN_LONGEST;
        uint64_t n =
            first_above(t->price[USAGE_UNCACHED_INPUT], fixed, price, requests, t->input_from);
        if (n <= last)
            *out = (struct break_even_input){false, n};
    }
}
