/* Where one plan overtakes another.
 *
 *     money price; uint64_t requests;
 *     plan_full_use(flat, &price, &requests);                  // $80 for 30,000
 *     struct break_even_input b;
 *     break_even_input(token, price, requests, 500, &b);       // 500 output tokens
 *     if (!b.never) printf("from %" PRIu64 " input tokens on\n", b.input_tokens);
 *
 * All answers are exact: comparisons are of integers, never of quotients.
 */
#ifndef FAREBOX_SIM_COST_BREAK_EVEN_H
#define FAREBOX_SIM_COST_BREAK_EVEN_H

#include "sim/cost/price.h"

struct break_even_input {
    bool never;
    uint64_t input_tokens; /* the first length at which the token price is strictly higher */
};

#define BREAK_EVEN_LONGEST UINT32_MAX

/* Uncached input of a standard request with `output` visible tokens, at the first rate's prices
 * outside of windows, against price / requests per request. */
void break_even_input(const struct plan_rate *rate, money price, uint64_t requests, uint64_t output,
                      struct break_even_input *out);

#endif
