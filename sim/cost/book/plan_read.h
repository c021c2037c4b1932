/* Shared by the files that read a price book; private to sim/cost.
 *
 * All readers take the scanner at a value and leave it after it. Errors stick in the scanner, so
 * readers return nothing and the caller looks once at the end.
 */
#ifndef FAREBOX_SIM_COST_BOOK_PLAN_READ_H
#define FAREBOX_SIM_COST_BOOK_PLAN_READ_H

#include "core/json/json_scan.h"
#include "sim/cost/book/plan.h"

#define PLAN_TEXT_MAX 4096
#define PLAN_WHERE_SIZE 160

/* As written, no price may pass this many USD: charges of any request then fit in 128 bits. */
#define PLAN_PRICE_MAX ((money)1000000000 * MONEY_USD)
#define PLAN_WEIGHT_MAX 10000

/* A price as a string or a bare number, divided by 10^per. */
void plan_read_price(struct json_scan *s, enum money_per per, money *out);

/* A decimal factor ("0.5") between 0 and `max`, as money (0.5 USD stands for 0.5). */
void plan_read_factor(struct json_scan *s, unsigned max, money *out);

/* A factor in millionths. */
void plan_read_micro(struct json_scan *s, unsigned max, uint64_t *out);

/* A percentage ("5.5") in millionths of the whole: 55,000. */
void plan_read_percent(struct json_scan *s, uint32_t *out);

/* Owned text, replacing what was there. */
void plan_read_text(struct json_scan *s, char **out);

/* One pattern or a list of them. */
void plan_read_patterns(struct json_scan *s, char ***out, size_t *count);

/* "minute", "hour", "day", "week", "month", "year", or a number with s, m, h, d: "5h". A month is
 * 0 where `calendar_month` is true, else 30 days. */
void plan_read_length(struct json_scan *s, bool calendar_month, int64_t *out_ns);

/* One of the names, by index. */
void plan_read_choice(struct json_scan *s, const char *const *names, int *out);

/* True, and the value taken, if the key is a remark for people. */
bool plan_skip_remark(struct json_scan *s, struct text key);

/* An error at a place noted earlier (the scanner's `value` then). */
void plan_fail_at(struct json_scan *s, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the key's value if it belongs to a rate; false if it does not. */
bool plan_read_rate_key(struct json_scan *s, struct text key, struct plan_rate *rate,
                        const char *where);
extern const char *const plan_rate_keys[];

/* "rates": [ ... ]. */
void plan_read_rates(struct json_scan *s, struct plan *plan, const char *where);

/* Sorts tiers and works out every price after look-up and multipliers. */
void plan_resolve_rate(struct json_scan *s, const char *place, struct plan_rate *rate,
                       const char *where);

void plan_read_weights(struct json_scan *s, struct request_weight **out, size_t *count,
                       const char *where);

/* Terms other than prices. */
void plan_read_subscription(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_free(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_provisioned(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_limits(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_billed(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_rounding(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_credit_fee(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_minimum(struct json_scan *s, struct plan *plan, const char *where);
void plan_read_volume(struct json_scan *s, struct plan *plan, const char *where);

void plan_free(struct plan *plan);
void plan_free_rate(struct plan_rate *rate);

#endif
