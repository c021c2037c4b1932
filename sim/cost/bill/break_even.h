/* Where one plan overtakes another: a price by the token against a flat price a request.
 *
 *     struct flat_price flat = {80 * MONEY_USD, 30000};        // $80 for 30,000 requests
 *     struct break_even_answer a = break_even_input(rate, &flat, 500, 16000);
 *     if (a.kind == BREAK_EVEN_AT) printf("from %" PRIu64 " input tokens on\n", a.value);
 *
 * With p the price of an input token, q of an output token, c the price per request and F/N the
 * flat price, a request of n tokens in and m out is dearer by the token where N(np + mq + c) > F.
 * Each answer solves that for one of its terms. All of them have closed forms, and all comparisons
 * are of integers, never of quotients.
 */
#ifndef FAREBOX_SIM_COST_BILL_BREAK_EVEN_H
#define FAREBOX_SIM_COST_BILL_BREAK_EVEN_H

#include "sim/cost/book/price.h"
#include "sim/cost/tokens/token_scale.h"

struct flat_price {
    money price;
    uint64_t requests; /* the price buys so many */
};

enum break_even_kind {
    BREAK_EVEN_AT,
    BREAK_EVEN_NEVER,     /* no value makes the two meet */
    BREAK_EVEN_BEYOND,    /* only above the flat plan's cap or quota: never within it */
    BREAK_EVEN_ALWAYS,    /* already at the least value */
    BREAK_EVEN_UNDECIDED, /* how the token plan counts decides which of the two is cheaper */
};

struct break_even_answer {
    enum break_even_kind kind;
    uint64_t value;
};

/* "at", "never", "beyond the cap", "always", "undecided". */
const char *break_even_kind_name(enum break_even_kind kind);

#define BREAK_EVEN_LONGEST UINT32_MAX

/* The first input length at which the token price is strictly higher: uncached input of a standard
 * request with `output` visible tokens, at the rate's prices outside of windows. Tiers re-price the
 * whole request. cap 0 = none. */
struct break_even_answer break_even_input(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t output,
                                          uint64_t cap);

/* The same for the output length of a request with `input` tokens. */
struct break_even_answer break_even_output(const struct plan_rate *rate,
                                           const struct flat_price *flat, uint64_t input,
                                           uint64_t cap);

/* The share of the input served from the cache, in millionths, from which on the token price is
 * no longer higher. ALWAYS: not higher even without a cache. */
struct break_even_answer break_even_cache(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t input,
                                          uint64_t output);

/* The steps of an agent run from which on the whole run is strictly dearer by the token. Step k
 * (from 1) has first + (k − 1) × growth tokens in and `output` out; all of it uncached. */
struct break_even_answer break_even_steps(const struct plan_rate *rate,
                                          const struct flat_price *flat, uint64_t first,
                                          uint64_t growth, uint64_t output);
#define BREAK_EVEN_MOST_STEPS 100000

/* Requests a day from which on a subscription is cheaper than `usage` for `requests` by the token;
 * quota: how many a day it includes (0 = any number). */
struct break_even_answer break_even_volume(const struct plan *flat, money usage, uint64_t requests);

/* The utilisation, in millionths, from which on the flat price of a used request is below the mean
 * token price. NEVER: even at full use. */
struct break_even_answer break_even_utilisation(const struct flat_price *flat, money usage,
                                                uint64_t requests);

/* A plan as a map compares it: what one request of given lengths costs under it. */
struct map_plan {
    const struct plan *plan;
    const char *model;               /* whose rate counts; NULL = the first */
    const struct token_scale *scale; /* of the lengths, into the plan's tokens; NULL */
    bool doubt;         /* they may be others: within the scale's interval, or that of nobody's */
    const char *priced; /* the model that is in doubt: plans of one count alike; NULL */
    struct flat_price paid; /* cash for so many requests whatever their lengths; requests 0: the
                               plan charges each request, by its rate */
};

/* The cheapest plan by input and output length; plans whose caps do not let the request in, and
 * those that are paid by the period and charge by the token as well, are left out. */
struct cheapest_map {
    size_t input_count, output_count;
    uint64_t *inputs, *outputs;
    int *cheapest; /* [input × output_count + output]: a plan's number, -1 = none serves it, -2 =
                      how plans count tokens decides */
};

void cheapest_map_make(const struct map_plan *plans, size_t count, struct cheapest_map *out);
void cheapest_map_free(struct cheapest_map *map);

/* What one request of these lengths costs, as a fraction. False: the plan does not serve it, or has
 * no price that stands for a single request. */
bool price_of_lengths(const struct map_plan *plan, uint64_t input, uint64_t output,
                      struct flat_price *out);

#endif
