/* Plans: the ways to be billed, and price books, the files that hold them.
 *
 * A plan combines any of: token prices by class with context tiers and time windows, a price per
 * request with weights, tool and unit fees, service multipliers, a subscription with a quota,
 * provisioned hours, limits, fees, and what is billed for attempts that did not complete. One plan
 * may sell several models at different rates; the first rate that matches a request's model counts.
 *
 *     struct plan_book book = {0};
 *     if (plan_book_load("plans.json", &book, err) < 0) return err->code;
 *     const struct plan_rate *rate = plan_rate_for(&book.plans[0], "big-7b");
 *     if (rate) price_request(&book.plans[0], rate, &query, &charge);     // sim/cost/book/price.h
 *     plan_book_free(&book);
 *
 * All prices are exact and stand per single token, request, call: the division of a price per
 * million has happened. The book owns everything in it; a loaded book is never changed.
 * The form of the file: docs/billing.md and sim/cost/book/plan.schema.json.
 */
#ifndef FAREBOX_SIM_COST_BOOK_PLAN_H
#define FAREBOX_SIM_COST_BOOK_PLAN_H

#include "core/clock.h"
#include "core/error.h"
#include "core/money.h"
#include "core/usage/usage.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_BOOK_MAX_BYTES ((size_t)64 << 20)
#define PLAN_MICRO 1000000 /* weights and counts of units are kept in 1e-6 */

/* Token prices as written: bit c of `given` says that class c has a price of its own. */
struct token_prices {
    money price[USAGE_CLASSES];
    uint16_t given;
};

/* Prices that hold from a total input (uncached + cached + written) on, for the whole request. */
struct price_tier {
    uint64_t input_from; /* inclusive; "input_over": n is n + 1 here */
    bool by_output;      /* of output tokens instead */
    struct token_prices prices;
};

/* A complete set of token prices and, where has_per_request, a price per request. */
struct price_set {
    struct token_prices base;
    struct price_tier *tiers; /* ascending */
    size_t tier_count;
    bool by_output; /* the tiers go by the length of the answer: input_from is of output tokens */
    bool has_per_request;
    money per_request_micro; /* price of a millionth of a request: exact with weights */
};

/* A set or a multiplier that holds at certain hours or dates only. Of several, the last active
 * one wins. A set of its own replaces all token prices of the rate. */
struct price_window {
    bool timed;                   /* start_minute and end_minute count */
    int start_minute, end_minute; /* of the UTC day, [start, end); may wrap; equal = all day */
    int64_t from_unix_ns, until_unix_ns; /* [from, until); INT64_MIN and TIME_NEVER = open */
    uint8_t weekdays;                    /* bit 0 = Monday; 0x7f = every day */
    bool has_set;
    struct price_set set;
    money multiplier; /* MONEY_USD = 1 */
};

/* Hours of the UTC day, [start, end), on some weekdays. */
struct plan_hours {
    bool timed;                   /* start_minute and end_minute count */
    int start_minute, end_minute; /* may wrap; equal = all day */
    uint8_t weekdays;             /* bit 0 = Monday; 0x7f = every day */
};

/* Requests that count as more or less than one, for the price per request and for quotas. Empty
 * lists match everything. */
struct request_weight {
    char **models, **classes;
    size_t model_count, class_count;
    struct plan_hours hours; /* when they are due; weekdays 0 = always */
    uint64_t weight_micro;
};

/* A fee for one call of a tool or one unit (image, audio second, page). */
struct named_fee {
    char *name;
    money price_micro;                  /* for a millionth */
    uint64_t step_micro, minimum_micro; /* counted up to a multiple of step, at least minimum */
};

/* What one token of each class costs, look-up done: tier[class], base[class], tier[parent],
 * base[parent]; then multiplied. `priced` has a bit for every class that found a price. */
struct token_table {
    uint64_t input_from;
    money price[USAGE_CLASSES];
    uint16_t priced;
};

/* A service that goes by its own name ("scale", "fast"): a factor on token prices, or a set. */
struct named_service {
    char *name;
    struct price_set *set; /* NULL */
    money multiplier;      /* MONEY_USD = 1 */
};

/* The tables of one (window, service) pair, ascending by input_from; tables[0].input_from = 0. */
struct rate_prices {
    struct token_table *tables;
    size_t table_count;
    bool by_output; /* tables go by output tokens */
    money per_request_micro;
};

/* A factor on token prices by the value of a label of the request, such as its region. */
struct label_uplift {
    char *label;
    char **values;  /* patterns; the first that matches counts */
    money *factors; /* MONEY_USD = 1 */
    size_t count;
};
#define PLAN_UPLIFTS_MOST 4 /* labels of one rate; factors have at most 6 decimals */

struct plan_rate {
    char **models; /* patterns with * and ?; none = every model */
    size_t model_count;
    struct price_set base;
    struct price_set *services[SERVICE_COUNT]; /* a set of its own, or NULL */
    money multipliers[SERVICE_COUNT];          /* on token prices; MONEY_USD = 1 */
    uint8_t services_priced; /* bit s: service s has a set or a multiplier of its own */
    struct named_service *other_services;
    size_t other_service_count;
    struct price_window *windows;
    size_t window_count;
    struct request_weight *weights; /* first match counts */
    size_t weight_count;
    struct named_fee *tools, *units;
    size_t tool_count, unit_count;
    struct label_uplift *uplifts; /* all of them multiply */
    size_t uplift_count;
    money cache_storage; /* of a written token, for as long as it is kept */
    /* [(window + 1) × plan_rate_services() + service]; window 0 = none. Services are the known ones
     * by their enum, then the others in their order. */
    struct rate_prices *resolved;
};

/* How quota and rate windows lie in time. */
enum plan_alignment {
    WINDOW_CALENDAR, /* UTC minutes, hours, days, weeks from Monday, months */
    WINDOW_ROLLING,  /* the last `length` up to now */
    WINDOW_ANCHORED, /* from the subscription's start, which is the workload's */
    WINDOW_SESSION,  /* from the first request that is served after the last one's end */
};

enum plan_unit {
    QUOTA_REQUESTS, /* weighted, in millionths */
    QUOTA_TOKENS,   /* input + output */
    QUOTA_INPUT_TOKENS,
    QUOTA_OUTPUT_TOKENS,
    QUOTA_USD,   /* of usage charges */
    QUOTA_CALLS, /* of the tool `of`, in millionths; settled on the bill */
    QUOTA_UNITS, /* units `of`, the same */
};

/* What happens to a request that finds no room. */
enum plan_beyond {
    BEYOND_QUEUE,  /* first in, first out, at the next opening */
    BEYOND_REJECT, /* not served */
    BEYOND_PAY,    /* served, and billed at the plan's rate */
};

/* So much of something per window. length_ns 0 = a calendar month (30 days where not calendar). */
struct plan_quota {
    enum plan_unit unit;
    uint64_t amount;        /* micro-requests, tokens, micro-calls, micro-units */
    money usd;              /* for QUOTA_USD */
    uint64_t credits_micro; /* of the seller's, that `usd` stands for; 0 */
    int64_t length_ns;
    enum plan_alignment alignment;
    enum plan_beyond beyond;
    bool pooled;     /* several of the plan make one larger allowance: units of one deployment */
    bool rolls_over; /* what a window leaves unused is added to the next one */
    money_magnitude most; /* of several that are not pooled: what one request may take; 0 = all */
    const char *label;    /* "quota", "rpm", "tpm", ...: static */
    char *of;             /* the tool or unit; NULL */
    char **models, **classes; /* patterns of the requests that it is for; none = all */
    size_t model_count, class_count;
    uint64_t *counts; /* what a token counts for, in millionths by class; NULL = 1 */
};

struct plan_subscription {
    bool present;
    money price;
    int64_t period_ns; /* month = 30 days, year = 365 */
    uint64_t seats;    /* 1: price and includes are multiplied by it */
    money setup;       /* once, of each that is bought, its seats together */
};

/* GPU-hours and provisioned units: paid by the hour, used or not. */
struct plan_provisioned {
    bool present;
    char *unit;  /* "H100", "PTU"; NULL */
    money price; /* of one unit per period */
    int64_t period_ns;
    uint64_t units;
    bool units_given;           /* the plan says how many; else it is bought in units of one */
    money setup;                /* once, of one unit */
    uint64_t tokens_per_minute; /* capacity of one unit; 0 = unknown. It stands among the plan's
                                   rate limits too, or its quotas where what spills over is paid */
};

struct plan_limits {
    uint64_t max_input_tokens, max_output_tokens, max_total_tokens; /* 0 = none */
    uint64_t concurrency;                                           /* 0 = none */
    uint64_t
        concurrency_most;    /* of several of the plan: units that one request may take; 0 = all */
    enum plan_beyond beyond; /* QUEUE or REJECT */
    bool unconfirmed; /* the caps come from one source only: bills are shown with and without */
    struct request_weight *units; /* concurrency units by model; first match, else 1 */
    size_t unit_count;
};

/* What is billed for an attempt that did not complete. */
enum billed {
    BILLED_NONE,
    BILLED_INPUT,     /* the prompt only */
    BILLED_DELIVERED, /* the prompt and what was delivered */
    BILLED_FULL,      /* the prompt and all the output that was asked for */
};

struct billed_status {
    int http_from, http_to;
    enum billed what;
};

struct plan_billing {
    enum billed failed, aborted;
    bool retried_each;              /* every attempt counts; else only the final one */
    struct billed_status *statuses; /* by HTTP status, before `failed` */
    size_t status_count;
};

enum rounding_mode { ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, ROUND_DOWN };
enum rounding_scope { ROUND_NOTHING, ROUND_CLASSES, ROUND_REQUESTS, ROUND_BILL };

struct plan_rounding {
    enum rounding_scope scope;
    enum rounding_mode mode;
    money unit;
};

/* A discount on what is above so many USD of usage charges, or so many tokens. */
struct volume_step {
    money over;
    uint64_t over_tokens;
    uint32_t off_millionths;
};

/* A volume discount: ascending steps, counted anew each period. By the token it is of the charges
 * of tokens, in the order in which the requests started. */
struct plan_volume {
    struct volume_step *steps;
    size_t step_count;
    int64_t period_ns;
    enum plan_alignment alignment; /* WINDOW_ANCHORED or WINDOW_CALENDAR */
    bool by_tokens;
    bool all_units; /* the step reached holds for all of the period, not for what is above it */
    bool per_model; /* each model counts by itself */
    char **models;  /* of these only; none = all */
    size_t model_count;
};

struct plan_fees {
    uint32_t credit_fee_millionths;   /* on the credits that pay the usage */
    money credit_fee_minimum;         /* of each purchase */
    money credit_top_up;              /* credits come in multiples of this; 0 = as needed */
    uint32_t credit_bonus_millionths; /* given on top of the credits that are bought */
    money minimum_per_request;
    money minimum; /* usage charges of a period are at least this */
    int64_t minimum_period_ns;
    struct plan_volume *volumes; /* each takes its own off */
    size_t volume_count;
};

/* What one charge per request, and one of a quota of requests, counts. */
enum plan_charged {
    CHARGED_REQUEST,
    CHARGED_TURN,    /* what a user began */
    CHARGED_SESSION, /* the first request of each */
};

struct plan {
    char *name, *seller, *source, *note, *as_of;
    char *currency; /* "CNY at 0.1385 USD (2026-11-02)" where the book is not in USD; NULL */
    struct plan_rate *rates;
    size_t rate_count;
    struct plan_subscription subscription;
    struct plan_quota *quotas; /* what the subscription or a free allowance includes */
    size_t quota_count;
    struct plan_quota *rate_limits; /* rpm, tpm, rpd, ... */
    size_t rate_limit_count;
    struct plan_provisioned provisioned;
    struct plan_limits limits;
    enum plan_charged charged;
    struct plan_billing billed;
    struct plan_rounding rounding;
    struct plan_fees fees;
    long line; /* where it starts in its file, for messages */
};

/* A currency that is not USD: prices are multiplied by what one of it is in USD. */
struct plan_currency {
    char *code, *as_of;
    money usd; /* 0: the book is in USD */
};

struct plan_book {
    char *file, *name, *as_of, *source;
    struct plan_currency currency;
    struct plan *plans;
    size_t count;
};

/* Reads a book and checks it. ERR_INPUT with file, line and column: an unknown key (with the
 * nearest known one), a price that is no number, negative, too large or finer than 1e-24 USD,
 * tiers with the same threshold, a window without start, a currency without its rate, two plans of
 * one name, a plan without a way to be paid. *out must be zero before, and is so after an error. An
 * allowance that is a range makes two plans, named "... (at least)" and "... (at most)". */
int plan_book_load(const char *path, struct plan_book *out, struct error *err);

/* As plan_book_load from text in memory; `file` is what messages call it. */
int plan_book_parse(const char *file, const char *text, size_t length, struct plan_book *out,
                    struct error *err);

void plan_book_free(struct plan_book *book);

/* What a class is called in per_mtok: "input" for uncached input, else as usage_class_name. */
const char *plan_class_key(enum usage_class c);

/* The plan of that name, or NULL. */
const struct plan *plan_book_find(const struct plan_book *book, const char *name);

/* The first rate for a model; model NULL matches any. NULL: the plan does not serve that model. */
const struct plan_rate *plan_rate_for(const struct plan *plan, const char *model);

/* How many services the rate's prices are worked out for: the known ones and its own others. */
static inline size_t plan_rate_services(const struct plan_rate *rate)
{
    return SERVICE_COUNT + rate->other_service_count;
}

/* The place of a service among them; `other` is the name of SERVICE_OTHER. PLAN_NO_SERVICE: the
 * rate says nothing of that name. */
#define PLAN_NO_SERVICE SIZE_MAX
size_t plan_rate_service(const struct plan_rate *rate, enum service service, const char *other);

/* What the rate's token prices are multiplied by for a request with these labels (a JSON object as
 * text, or NULL): the product of its uplifts. MONEY_USD = 1. */
money plan_rate_uplift(const struct plan_rate *rate, const char *labels);

/* Adds the labels that the plan has an uplift by and that no row of the workload has. */
void plan_labels_unseen(const struct plan *plan, const struct workload *w, struct names *out);

/* What a place among a rate's services is called. */
const char *plan_rate_service_name(const struct plan_rate *rate, size_t place);

/* The weight of a request in millionths: the first matching entry's, else 1,000,000. Without a time
 * (TIME_NEVER) entries for some hours match none. */
uint64_t plan_weight(const struct request_weight *weights, size_t count, const char *model,
                     const char *class_name, int64_t at_unix_ns);

/* True if the instant lies in the hours and on one of the weekdays. */
bool plan_hours_hold(const struct plan_hours *hours, int64_t at_unix_ns);

/* True if some price depends on the date or the hour: the workload's start must be known. */
bool plan_needs_start(const struct plan *plan);

/* The price of one request where quota and subscription are used to the full, as the fraction
 * price / requests. False where the plan includes no such quota. */
bool plan_full_use(const struct plan *plan, money *price, uint64_t *requests);

/* The plan's quotas and, behind them, its rate limits: by i below plan_limit_count. */
static inline size_t plan_limit_count(const struct plan *plan)
{
    return plan->quota_count + plan->rate_limit_count;
}

static inline const struct plan_quota *plan_limit_at(const struct plan *plan, size_t i)
{
    return i < plan->quota_count ? &plan->quotas[i] : &plan->rate_limits[i - plan->quota_count];
}

/* Length of a quota's window in ns, a calendar month taken as 30 days. */
int64_t plan_quota_length(const struct plan_quota *quota);

/* True if the discount counts the usage charges of all requests together, in anchored periods. */
bool plan_volume_is_plain(const struct plan_volume *volume);

/* True if the discount is for requests of that model (NULL: none is named). */
bool plan_volume_is_for(const struct plan_volume *volume, const char *model);

/* The periods of a discount, as the windows of a quota. */
struct plan_quota plan_volume_windows(const struct plan_volume *volume);

/* True if the quota is for requests of that model and class (NULL: none is named). */
bool plan_quota_is_for(const struct plan_quota *quota, const char *model, const char *class_name);

/* True of what the bill settles, and no request waits for: included credit beyond which one pays,
 * free calls of tools and free units. */
bool plan_quota_is_settled(const struct plan_quota *quota);

/* The whole amount as it is counted: 1e-24 USD, micro-requests, tokens (millionths of them where
 * the quota has `counts`). */
money_magnitude plan_quota_amount(const struct plan_quota *quota);

/* How much of a quota these requests take, in its unit; `weight_micro` is all their weight. 0 of
 * money, and of what the bill settles. */
uint64_t plan_quota_need(const struct plan_quota *quota, uint64_t weight_micro, uint64_t input,
                         uint64_t output);

#endif
