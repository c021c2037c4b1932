/* Shared by the files that read a price book; private to sim/cost/book.
 *
 * What an object of a book may hold stands in tables, a row a key (core/json/json_fields.h); what
 * no kind of row covers has a reader here. A key more is a member of struct plan and a row, and its
 * line in plan.schema.json, which a test holds against the tables.
 */
#ifndef FAREBOX_SIM_COST_BOOK_PLAN_READ_H
#define FAREBOX_SIM_COST_BOOK_PLAN_READ_H

#include "core/json/json_fields.h"
#include "sim/cost/book/plan.h"

#define PLAN_TEXT_MAX 4096

/* As written, no price may pass this many USD: charges of any request then fit in 128 bits. */
#define PLAN_PRICE_MAX ((money)1000000000 * MONEY_USD)
#define PLAN_TOKEN_PRICE_MAX ((money)1000 * MONEY_USD) /* a token; times 2^32 it still fits */
#define PLAN_WEIGHT_MAX 10000
#define PLAN_COUNT_MAX 1e12

/* A plan as it is read. The scanner's context is the one under way. */
struct plan_reading {
    struct plan plan;
    struct plan_rate own; /* the rate that stands in the plan itself, until it is one of `rates` */
    size_t number;        /* in the book, from 0 */
    enum plan_alignment limit_alignment;
    money usd_rate;    /* of the book's currency; 0 = it is USD */
    bool high, ranges; /* which end of a range counts; whether there was one */
};

/* Rows of these kinds, and readers. A price is a string or a bare number, here of one and of a
 * million; a factor a decimal number from 0 to .max, kept as money (0.5 USD stands for 0.5) or in
 * millionths; a percentage ("5.5") is kept in millionths of the whole (55,000). A period is
 * "minute", "hour", "day", "week", "month", "year", or a number with s, m, h, d: "5h"; a month is
 * 30 days, and 0 where it is a window of the calendar. Patterns are one text or a list of them. */
#define PLAN_PRICE(member) JSON_AS_OTHER, member, .read = plan_read_price
#define PLAN_MTOK_PRICE(member) JSON_AS_OTHER, member, .read = plan_read_mtok_price
#define PLAN_FACTOR(member, most) JSON_AS_OTHER, member, 0, most, .read = plan_read_factor
#define PLAN_MICRO_FACTOR(member, most) JSON_AS_OTHER, member, 0, most, .read = plan_read_micro
#define PLAN_PERCENT(member) JSON_AS_OTHER, member, 0, 100, .read = plan_read_percent
#define PLAN_PERIOD(member) JSON_AS_OTHER, member, .read = plan_read_period
#define PLAN_WINDOW(member) JSON_AS_OTHER, member, .read = plan_read_window_length
#define PLAN_PATTERNS(type, list, number) \
    JSON_AS_OTHER, JSON_AT(type, list), .count = offsetof(type, number), .read = plan_read_patterns
json_field_read plan_read_price, plan_read_mtok_price, plan_read_factor, plan_read_micro,
    plan_read_percent, plan_read_period, plan_read_window_length, plan_read_patterns;

/* Rows of remarks for people. */
#define PLAN_REMARKS      \
    {.name = "note"},     \
    {                     \
        .name = "comment" \
    }

/* The object that the row's member belongs to. */
static inline void *plan_owner(const struct json_field *f, void *member)
{
    return (char *)member - f->offset;
}

/* An object's name in messages: the plan's. */
void plan_read_name(const struct json_scan *s, const void *object, char out[JSON_WHERE_SIZE]);

/* A book; a rate's keys; an entry of "rates" and one of a list of weights. */
extern const struct json_table plan_book_table, plan_prices_table;
extern const struct json_field plan_rate_item, plan_weight_item;

/* A time of day and weekdays, of windows and weights. */
json_field_read plan_read_minute, plan_read_weekdays;

/* A rate with the multipliers that it has where nothing is said. */
void plan_rate_init(void *rate);

/* Sorts tiers and works out every price after look-up and multipliers. Findings are told at the
 * scanner's place, which is the object that is being checked. */
void plan_resolve_rate(struct json_scan *s, struct plan_rate *rate);

/* Factors by labels: reading them; after the prices are worked out, that every product is exact. */
#define PLAN_UPLIFT_NEEDS                                                                     \
    "\"uplift\" needs \"label\" and \"values\", such as {\"label\": \"region\", \"values\": " \
    "{\"eu\": \"1.1\"}}"
extern const struct json_table plan_uplift_table;
json_field_read plan_read_uplifts;
void plan_uplifts_check(struct json_scan *s, const struct plan_rate *rate);
void plan_free_uplifts(struct plan_rate *rate);

/* Volume discounts. */
extern const struct json_table plan_volume_table;
json_field_read plan_read_volumes;
void plan_free_volumes(struct plan_fees *fees);

/* The keys of a plan that are no prices, and stand in a reading. */
extern const struct json_table plan_terms_table;

void plan_free(struct plan *plan);
void plan_free_rate(struct plan_rate *rate);

#endif
