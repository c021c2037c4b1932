/* The bill of a usage report: rows that stand for many requests, under plans.
 *
 * Of such a row the sums are known (tokens, requests) and the time in which it all happened, not
 * the single requests. Many prices depend on the sums alone: then the bill is exact, to the digit
 * that the requests one by one would give. Where something depends on how the requests lie (tiers,
 * hours, limits, roundings, ...) it says what, and gives the least and the most that any requests
 * of these sums can cost.
 *
 *     struct sum_bill bill;
 *     if (sum_bill_make(&bill, &workload, plans, count, &options, err) < 0) return err->code;
 *     sum_bill_write_json(&bill, &writer);
 *     sum_bill_write_table(&bill, width, &buffer);
 *     sum_bill_free(&bill);
 *
 * The total is cash, as bill_make() has it with a longest wait of 0. The bill borrows workload and
 * plans.
 */
#ifndef FAREBOX_SIM_COST_SUMS_SUM_BILL_H
#define FAREBOX_SIM_COST_SUMS_SUM_BILL_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "sim/cost/book/plan.h"

/* Why a plan's bill of sums is not one figure; bits. */
enum sum_reason {
    SUM_TIERS = 1 << 0,
    SUM_HOURS = 1 << 1,
    SUM_COUNT = 1 << 2,
    SUM_ROUNDING = 1 << 3,
    SUM_MINIMUM = 1 << 4,
    SUM_UNITS = 1 << 5,
    SUM_INPUT_CAP = 1 << 6,
    SUM_OUTPUT_CAP = 1 << 7,
    SUM_QUOTA = 1 << 8,
    SUM_LIMIT = 1 << 9,
    SUM_PERIODS = 1 << 10,
    SUM_FEES = 1 << 11,
    SUM_REASONS = 12, /* how many */
};

/* From the least to the most; open: there is no most. */
struct money_range {
    money least, most;
    bool open;
};

struct sum_plan {
    const struct plan *plan;
    struct money_range usage, total;
    uint32_t why;          /* bits of enum sum_reason: what keeps the total from being one figure */
    bool serves;           /* all of it, whatever the requests are like */
    bool limits_unchecked; /* rate limits may make wait: nobody knows */
    uint64_t rows_unserved; /* rows that no rate matches, or that are beyond a cap for certain */
    uint32_t unpriced_what; /* bits of enum unpriced */
    uint64_t subscriptions_least, subscriptions_most, periods_least, periods_most;
    int rank; /* 1 = cheapest of those with one figure that serve everything; 0 */
};

struct sum_bill {
    const struct workload *workload;
    uint64_t requests;
    bool requests_known; /* else so many at least */
    uint64_t input_tokens, output_tokens;
    int64_t begin_ns, end_ns; /* of the rows' times */
    bool has_start;
    int64_t start_unix_ns;
    bool has_reported;
    money reported;
    struct sum_plan *plans;
    size_t plan_count;
    size_t *ranking;
    size_t ranking_count;
};

struct sum_options {
    bool has_start; /* start_unix_ns overrides the workload's own */
    int64_t start_unix_ns;
    uint64_t units; /* provisioned units instead of the plan's; 0 */
};

/* True where the plan's total is one figure. */
static inline bool sum_is_exact(const struct sum_plan *p)
{
    return !p->total.open && p->total.least == p->total.most;
}

/* ERR_INPUT: a plan with dated or timed prices and no start, one with a term that sums cannot tell
 * (turns, sessions, set-up fees, ...), charges beyond 1.7e14 USD. */
int sum_bill_make(struct sum_bill *out, const struct workload *w, const struct plan *const *plans,
                  size_t count, const struct sum_options *options, struct error *err);
void sum_bill_free(struct sum_bill *bill);

/* The object of bill.json, and what a person reads, `width` columns wide. */
void sum_bill_write_json(const struct sum_bill *bill, struct json_writer *w);
void sum_bill_write_table(const struct sum_bill *bill, int width, struct buffer *out);

#endif
