/* The exact charge of one request.
 *
 *     const struct plan_rate *rate = plan_rate_for(plan, "big-7b");
 *     struct price_query q = {.usage = &usage, .at_unix_ns = TIME_NEVER};
 *     struct charge c;
 *     if (price_request(plan, rate, &q, &c) < 0) ...     // passes 1.7e14 USD
 *     money_format(c.total, text);
 *
 * Everything here is sums and products of integers: no rounding but the plan's own. Quotas,
 * subscriptions and what depends on other requests are the bill's business (sim/cost/bill/bill.h).
 */
#ifndef FAREBOX_SIM_COST_BOOK_PRICE_H
#define FAREBOX_SIM_COST_BOOK_PRICE_H

#include "core/runs/record/record.h"
#include "sim/cost/book/plan.h"

struct price_query {
    const struct usage *usage;
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER */
    int64_t at_unix_ns;        /* when it was sent; TIME_NEVER = unknown: windows do not apply */
    const char *model, *class_name; /* for weights; NULL */
    money uplift;    /* on token prices, by the labels: plan_rate_uplift(); 0 = none */
    bool goes_along; /* with a turn or session that is charged already: no price per request */
};

/* What the charges of a bill are shown as; retries are attempts before the last. */
enum charge_part {
    PART_INPUT, /* uncached input and cache writes */
    PART_CACHED,
    PART_OUTPUT,
    PART_REASONING,
    PART_RETRIES,
    PART_FEES, /* what is not by the token */
    CHARGE_PARTS,
};

/* "input", "cached", "output", "reasoning", "retries", "fees". */
const char *charge_part_name(enum charge_part part);

/* The lines of a charge: those of the token classes come first, by enum usage_class. A line more
 * is a row in price.c, with its name and its part. */
enum charge_line {
    CHARGE_REQUEST = USAGE_CLASSES,
    CHARGE_TOOLS,
    CHARGE_UNITS,
    CHARGE_ADJUSTMENT, /* what the plan's rounding and minimum added */
    CHARGE_LINES,
};

/* "uncached_input", ..., "request", "tools", "units", "adjustment". */
const char *charge_line_name(int line);

/* Which part a line of text belongs to. */
static inline enum charge_part charge_part_of_text(enum usage_class c)
{
    return c == USAGE_CACHED_INPUT ? PART_CACHED
           : c == USAGE_OUTPUT     ? PART_OUTPUT
           : c == USAGE_REASONING  ? PART_REASONING
                                   : PART_INPUT;
}

/* Adds the lines to the parts that they belong to. */
void charge_lines_add(const money line[CHARGE_LINES], money part[CHARGE_PARTS]);

/* What was used and has no price in the plan. Bits 0 to USAGE_CLASSES - 1: tokens of that class,
 * where the rate sells other tokens; 0 where it sells no tokens but requests. */
enum unpriced {
    UNPRICED_EXTRAS = 1 << USAGE_CLASSES,        /* tools, units */
    UNPRICED_SERVICE = 1 << (USAGE_CLASSES + 1), /* a service that the rate says nothing of: the
                                                    standard price is a guess */
};
#define UNPRICED_NAMES (USAGE_CLASSES + 2)

/* Of a bit's number: "input tokens", ..., "tools or units", "its service". */
const char *unpriced_name(int bit);

/* The query of a record's attempt that used so much; `u` is borrowed. */
struct price_query price_query_of(const struct record *r, const struct usage *u);

struct charge {
    money line[CHARGE_LINES];
    money total;
    uint32_t unpriced; /* bits of enum unpriced */
};

/* Fills *out. Returns 0, or -1 where a product or the total does not fit. */
int price_request(const struct plan *plan, const struct plan_rate *rate,
                  const struct price_query *query, struct charge *out);

/* The total alone of a request of text at the standard service, from a plan that weighs, rounds and
 * adds nothing: no sum of so few products of at most 1e27 and 2^32 passes 128 bits, with the price
 * of a request it may: -1. *unpriced as in a charge. */
int price_text_total(const struct plan_rate *rate, const struct usage *u, int64_t at_unix_ns,
                     money *out, uint32_t *unpriced);

/* What so many millionths of a call or unit cost: 0 where the rate has no price for it. -1: it does
 * not fit. */
int price_fee(const struct plan_rate *rate, bool is_unit, const char *name, uint64_t count_micro,
              money *out);

/* The rate's fee for a tool or unit; NULL: it has none. */
const struct named_fee *price_fee_of(const struct plan_rate *rate, bool is_unit, const char *name);

/* True if some rate of the plan has a price for tokens. */
bool price_is_by_token(const struct plan *plan);

/* True if no price depends on the request: the plan is paid by the period, or all cost the same. */
bool price_is_flat(const struct plan *plan);

/* True if no request is charged anything, whatever it uses: all is paid by the period. */
bool price_is_nothing(const struct plan *plan);

/* The prices in force for a service, by its place in the rate (PLAN_NO_SERVICE: the standard ones),
 * at an instant (TIME_NEVER: windows do not apply): the last active window's. */
const struct rate_prices *price_in_force(const struct plan_rate *rate, size_t service,
                                         int64_t at_unix_ns);

/* Counts are billed in steps, from a minimum on. */
uint64_t price_billed_count(const struct named_fee *fee, uint64_t count_micro);

/* What of the usage has no price there but tools and units: bits of enum unpriced. */
uint32_t price_unpriced(const struct plan_rate *rate, size_t service,
                        const struct token_table *table, const struct usage *u);

/* The table times an uplift, exactly: the plan was checked for that when it was read. 0 = none. */
struct token_table price_lifted(const struct token_table *table, money uplift);

/* The token table for a total input: the highest passed threshold wins. */
const struct token_table *price_table(const struct rate_prices *prices, uint64_t input);

/* What the plan charges for one attempt, by its billing of failed, aborted and retried attempts;
 * `start_unix_ns` is the wall clock at the run's start (TIME_NEVER = unknown). Quota is taken as
 * not used up: the subscription's price is no part of it, and where requests are included and
 * excess queues or is rejected the charge is 0. *out is 0 for a model that the plan does not
 * serve. Returns 1 if billed, 0 if not, -1 where it does not fit. */
int price_record(const struct plan *plan, const struct record *r, int64_t start_unix_ns,
                 money *out);

/* How the plan bills an attempt. */
enum billed price_billed(const struct plan *plan, enum record_status status, int http_status);

/* The usage that is billed: nothing, the input, what was delivered, or all that was asked. */
struct usage price_billed_usage(enum billed what, const struct usage *delivered,
                                uint64_t asked_output);

/* The discount on the usage charges of one volume period, where it goes by USD, and the fee for
 * buying the credits that pay `net`. -1: it does not fit. */
int price_volume_discount(const struct plan_volume *v, money usage, money *out);
int price_credit_fee(const struct plan_fees *f, money net, money *out);

/* Rounds an amount as the plan says. */
money price_round(const struct plan_rounding *rounding, money amount);

#endif
