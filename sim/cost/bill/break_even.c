#include "sim/cost/bill/break_even.h"

#define MILLION 1000000

const char *break_even_kind_name(enum break_even_kind kind)
{
    static const char *const names[] = {"at", "never", "beyond the cap", "always", "undecided"};
    return names[kind];
}

static struct break_even_answer answer(enum break_even_kind kind, uint64_t value)
{
    return (struct break_even_answer){kind, value};
}

static struct break_even_answer within(uint64_t value, uint64_t cap)
{
    return answer(cap > 0 && value > cap ? BREAK_EVEN_BEYOND : BREAK_EVEN_AT, value);
}

/* The least n ≥ from with requests × (n × slope + fixed) > price; UINT64_MAX if none. */
static uint64_t first_above(money slope, money fixed, const struct flat_price *flat, uint64_t from)
{
    money step, at;
    if (money_multiply(fixed, flat->requests, &at) < 0 || at > flat->price)
        return from;
    if (slope == 0)
        return UINT64_MAX;
    if (money_multiply(slope, flat->requests, &step) < 0)
        return from > 0 ? from : 1;
    money n = (flat->price - at) / step + 1;
    if (n > (money)BREAK_EVEN_LONGEST)
        return UINT64_MAX;
    return (uint64_t)n > from ? (uint64_t)n : from;
}

static const struct rate_prices *standard(const struct plan_rate *rate)
{
    return &rate->resolved[SERVICE_STANDARD];
}

static money fixed_price(const struct rate_prices *prices, money per_token, uint64_t count)
{
    return per_token * (money)count + prices->per_request_micro * PLAN_MICRO;
}

/* The table for a request: tiers go by its input or by its output. */
static const struct token_table *table_for(const struct rate_prices *prices, uint64_t input,
                                           uint64_t output)
{
    return price_table(prices, prices->by_output ? output : input);
}

/* The first count of `class` at which it is dearer, beside `fixed` tokens of `other`. */
static struct break_even_answer first_dearer(const struct rate_prices *prices,
                                             const struct flat_price *flat, enum usage_class class,
                                             enum usage_class other, uint64_t fixed, uint64_t cap)
{
    bool tiers = prices->by_output == (class == USAGE_OUTPUT); /* they go by what is varied */
    const struct token_table *only = price_table(prices, fixed);
    for (size_t i = 0; i < (tiers ? prices->table_count : 1); i++) {
        const struct token_table *t = tiers ? &prices->tables[i] : only;
        uint64_t last =
            tiers && i + 1 < prices->table_count ? t[1].input_from - 1 : BREAK_EVEN_LONGEST;
        uint64_t n = first_above(t->price[class], fixed_price(prices, t->price[other], fixed), flat,
                                 tiers ? t->input_from : 0);
        if (n <= last)
            return n == 0 ? answer(BREAK_EVEN_ALWAYS, 0) : within(n, cap);
    }
    return answer(BREAK_EVEN_NEVER, 0);
}

struct break_even_answer break_even_input(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t output,
                                          uint64_t cap)
{
    return first_dearer(standard(rate), flat, USAGE_UNCACHED_INPUT, USAGE_OUTPUT, output, cap);
}

struct break_even_answer break_even_output(const struct plan_rate *rate,
                                           const struct flat_price *flat, uint64_t input,
                                           uint64_t cap)
{
    return first_dearer(standard(rate), flat, USAGE_OUTPUT, USAGE_UNCACHED_INPUT, input, cap);
}

/* N(n(p − h(p − r)) + mq + c) ≤ F, with r the price of a cached token, is
 * h ≥ (N(np + mq + c) − F) / (Nn(p − r)). */
struct break_even_answer break_even_cache(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t input,
                                          uint64_t output)
{
    const struct rate_prices *prices = standard(rate);
    const struct token_table *t = table_for(prices, input, output);
    money saved = t->price[USAGE_UNCACHED_INPUT] - t->price[USAGE_CACHED_INPUT], all, most;
    all = fixed_price(prices, t->price[USAGE_OUTPUT], output) +
          t->price[USAGE_UNCACHED_INPUT] * (money)input;
    if (money_multiply(all, flat->requests, &all) < 0)
        return answer(BREAK_EVEN_NEVER, 0);
    if (all <= flat->price)
        return answer(BREAK_EVEN_ALWAYS, 0);
    if (saved <= 0 || input == 0 || money_multiply(saved, input, &most) < 0 ||
        money_multiply(most, flat->requests, &most) < 0 || all - flat->price > most)
        return answer(BREAK_EVEN_NEVER, 0);
    money unit = most / MILLION; /* a millionth of all the cache could save */
    if (unit == 0)
        return answer(BREAK_EVEN_NEVER, 0);
    return answer(BREAK_EVEN_AT, (uint64_t)((all - flat->price + unit - 1) / unit));
}

struct break_even_answer break_even_steps(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t first,
                                          uint64_t growth, uint64_t output)
{
    const struct rate_prices *prices = standard(rate);
    money run = 0, times, paid;
    for (uint64_t k = 1; k <= BREAK_EVEN_MOST_STEPS; k++) {
        uint64_t input = first + (k - 1) * growth;
        const struct token_table *t = table_for(prices, input, output);
        run += fixed_price(prices, t->price[USAGE_OUTPUT], output) +
               t->price[USAGE_UNCACHED_INPUT] * (money)input;
        if (money_multiply(run, flat->requests, &times) < 0 ||
            money_multiply(flat->price, k, &paid) < 0)
            break;
        if (times > paid)
            return answer(k == 1 ? BREAK_EVEN_ALWAYS : BREAK_EVEN_AT, k);
        if (growth == 0)
            break;
    }
    return answer(BREAK_EVEN_NEVER, 0);
}

struct break_even_answer break_even_volume(const struct plan *flat, money usage, uint64_t requests)
{
    const struct plan_subscription *s = &flat->subscription;
    uint64_t days = (uint64_t)(s->period_ns / (86400 * NS_PER_S)), included;
    money price, bought, daily;
    if (!s->present || days == 0 || requests == 0 || usage <= 0)
        return answer(BREAK_EVEN_NEVER, 0);
    bool quota = plan_full_use(flat, &price, &included);
    if (money_multiply(price, requests, &bought) < 0 || money_multiply(usage, days, &daily) < 0)
        return answer(BREAK_EVEN_NEVER, 0);
    money n = bought / daily + 1;
    if (n > INT64_MAX)
        return answer(BREAK_EVEN_NEVER, 0);
    return within((uint64_t)n, quota ? included / days : 0);
}

struct break_even_answer break_even_utilisation(const struct flat_price *flat, money usage,
                                                uint64_t requests)
{
    money mean, millionths;
    if (requests == 0 || money_prorate(usage, flat->requests, requests, &mean) < 0 || mean <= 0 ||
        money_multiply(flat->price, MILLION, &millionths) < 0)
        return answer(BREAK_EVEN_NEVER, 0);
    money share = millionths / mean + 1;
    return share > MILLION ? answer(BREAK_EVEN_NEVER, 0) : answer(BREAK_EVEN_AT, (uint64_t)share);
}
