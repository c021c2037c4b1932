/* The bill: a workload under plans.
 *
 *     struct bill bill;
 *     const struct plan *plans[] = {&book.plans[0], &book.plans[1]};
 *     struct bill_options options = {.workers = 2};
 *     if (bill_make(&bill, &workload, plans, 2, &options, err) < 0) return err->code;
 *     bill_write_json(&bill, &writer);
 *     bill_write_table(&bill, width, &buffer);
 *     bill_free(&bill);
 *
 * total_usd is cash: n × the price of every period begun, from the first request until the last one
 * is served, and the usage; n is the cheapest number of subscriptions that serves everything within
 * options.max_wait_ns. Ranks, splits and break-evens go by it. prorated_usd takes of each period
 * only the share that the workload spans: information, never a rank. Money is exact; whatever is a
 * `double` here is a statistic for people and never summed back. The bill borrows workload and
 * plans.
 */
#ifndef FAREBOX_SIM_COST_BILL_BILL_H
#define FAREBOX_SIM_COST_BILL_BILL_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "sim/cost/bill/bill_stats.h"
#include "sim/cost/bill/break_even.h"
#include "sim/cost/bill/extrapolate.h"
#include "sim/cost/bill/tariff.h"
#include "sim/cost/tokens/token_view.h"

struct ladder;  /* sim/cost/ladder/ladder.h */
struct what_if; /* sim/cost/what_if/what_if.h */

enum bill_period { PERIOD_TRACE, PERIOD_DAY, PERIOD_MONTH };

struct bill_options {
    enum bill_period period; /* other than TRACE: an extrapolation to it, at the workload's rate */
    uint64_t volume;         /* requests a month instead: PERIOD_MONTH at another rate; 0 */
    int64_t max_wait_ns;     /* how long a request may queue for a plan that is to be ranked */
    bool has_start;          /* start_unix_ns overrides the workload's own */
    int64_t start_unix_ns;
    const char *by; /* "model", "class", "session", "day", or a label's key; NULL: for shares.h */
    unsigned workers;
    struct serve_duration duration;
    uint64_t units;             /* provisioned units instead of the plan's; 0 */
    uint64_t break_even_output; /* output tokens of the break-even requests; 0 = the mean */
    bool both_caps;             /* plans with unconfirmed caps a second time, without them */
    bool totals_only; /* for who reads nothing else: no statistics, waste, groups, comparison */
    const struct token_scales *scales; /* counts of one model as another's; NULL. Borrowed */
    const struct extrapolation_sample *sample; /* the workload, for a period that is made of it,
                                                  where that is known; NULL. Borrowed */
    const uint32_t *drawn; /* a period is made of these sessions (extrapolate.h); NULL. Borrowed */
    size_t drawn_count;
};

/* The lines of a bill, in order; each as cash and prorated. */
enum bill_line {
    LINE_USAGE,    /* the requests' charges */
    LINE_INCLUDED, /* credit included in the subscription, negative */
    LINE_VOLUME,   /* volume discount, negative */
    LINE_MINIMUM,  /* what the minimum spend adds */
    LINE_CREDIT_FEE,
    LINE_SUBSCRIPTION,
    LINE_PROVISIONED,
    LINE_SETUP,    /* once, of each that is bought */
    LINE_ROUNDING, /* of the whole bill */
    BILL_LINES,
};

/* "usage", "included_credit", "volume_discount", ... */
const char *bill_line_name(enum bill_line line);

/* One value of what the bill is divided by, or what no value bears. */
enum bill_group_kind {
    GROUP_VALUE,
    GROUP_NONE,   /* requests without a value */
    GROUP_UNUSED, /* paid for, and used by nobody */
};

/* What it bears of a plan's bill: sim/cost/shares. */
struct bill_group {
    char *name;
    enum bill_group_kind kind;
    uint64_t requests;       /* served; of a period that is scaled, of all of it */
    money usage;             /* their charges */
    money total;             /* its part of the bill's total: the parts add up to that */
    money shown;             /* the same in whole units of what a table shows, and so do these */
    int64_t share_tenths;    /* of a percent of the total; they add up to 1,000 */
    struct cost_stats stats; /* of its requests' charges */
    bool has_trend;
    money trend_now, trend_before; /* charges, or requests (1 each) where nothing is charged by use:
                                      of the last seven days, and of the seven before */
};

/* What divides that which is paid by the period. Quantities are exact: 1 USD of money is one. */
struct bill_meter {
    const char *of; /* "requests", "tokens", "credits", ...; NULL: nothing is paid by the period */
    bool is_allowance; /* the plan itself counts it */
    money used, capacity;
};

/* Money spent on what did not help. */
struct bill_waste {
    money retries, failed, aborted;
    bool has_slo, has_cache;
    money slo_missed; /* completed, but later than an objective allows */
    uint64_t slo_missed_requests;
    money cache_misses;     /* what an infinite prefix cache would have saved */
    uint64_t good_requests; /* completed, within the objectives */
    money usage_per_good;   /* usage charges over good requests, rounded at 1e-12 */
};

/* What the provider reported, against what we charge for the same requests. */
struct bill_reconciled {
    uint64_t requests, equal;
    money ours, reported, largest_difference;
};

/* What a plan comes to if its tokens are counted so. */
struct bill_point {
    bool ranked, truncated;
    money total;
};

struct plan_bill {
    const struct plan *plan; /* as it is sold; limits and prices below are of `subscriptions` */
    uint64_t subscriptions;  /* of it that are bought (units of provisioned capacity) */
    bool without_caps;
    uint64_t requests;          /* asked */
    struct serve_result served; /* arrays dropped, counts kept */
    uint64_t served_requests, rejected;
    /* The same for the period billed: as above, unless bill.scale_ns is set; quotas longer than the
     * sample then hold for the period, and what they cannot take is not served. */
    uint64_t period_requests, period_served;
    struct charge_sums sums;
    money cash[BILL_LINES], prorated[BILL_LINES];
    money total, prorated_total;
    money per_request;      /* usage charges over served requests */
    money per_mtok;         /* total over a million served tokens: $/Mtok of GPU-hours */
    money per_used_request; /* total over served requests */
    bool has_full_use;
    money full_use;          /* a flat price at full use of the quota, rounded at 1e-12 */
    struct serve_need need;  /* so many of the plan, that nobody waits or is turned away */
    uint64_t alone_rejected; /* requests that one of it would turn away, where more are bought */
    uint64_t periods;        /* begun, of the subscription or the provisioned hours */
    bool flat;               /* what a request costs does not depend on the request */
    struct cost_stats stats; /* of served requests' usage charges */
    struct cost_stats session_stats;
    struct bill_waste waste;
    struct bill_reconciled reconciled;
    struct bill_group *groups; /* of options.by, once bill_shares_make() has made them */
    size_t group_count;
    int shown_decimals; /* of their `shown` */
    struct bill_meter meter;
    int rank; /* 1 = cheapest of those that serve everything within the longest wait, with a price
                 for all of it; 0 = does not, or is hypothetical */
    struct token_counts counts;        /* whose tokens the requests count */
    const struct token_view *tokens;   /* the requests in the plan's tokens; NULL: as they are */
    struct bill_point at[TOKEN_SIDES]; /* where counts are in doubt: at either end of it */
    bool contested; /* it is first, or may be: how it counts tokens decides that, and nobody said */
};

/* True if what requests cost under the plan has a distribution. */
static inline bool plan_bill_varies(const struct plan_bill *p)
{
    return !p->flat && p->sums.total > 0;
}

/* How a plan with token prices meets a flat one, and what both together would cost. */
struct break_even {
    size_t token_plan, flat_plan;     /* in bill.plans */
    struct flat_price flat;           /* what was paid, for the requests served */
    const char *model;                /* whose rates are compared where there are several; NULL */
    uint64_t mean_input, mean_output; /* of the request that is varied */
    struct break_even_answer input, output, cache, volume, utilisation, steps;
    bool has_steps;  /* the workload has sessions of several turns */
    uint64_t dearer; /* requests of the workload that cost more by the token than flat */
    bool undecided;  /* how the token plan counts decides which of the two is cheaper */
};

/* Requests shared by two plans: one with an allowance, a price by the period or a flat price, and
 * one by the token. Which requests, and how many of the first one, are free to choose. */
struct bill_split {
    size_t token_plan, flat_plan;         /* in bill.plans */
    uint64_t to_flat, to_token, unserved; /* requests; unserved: neither has room or a price */
    money token_usage;                    /* of what goes to the token plan */
    money moved_usage;                    /* what the others would have cost by the token */
    money least_moved;                    /* the cheapest of them */
    uint64_t subscriptions;               /* of the flat plan that are bought; 0: none */
    money flat;                           /* cash for the flat plan's part */
    money total;                          /* that, and the token charges of the rest */
    bool undecided; /* how the token plan counts decides which of the two is cheaper */
    bool has_alone;
    money saved; /* against the cheaper of the two alone that serves everything; negative: it costs
                    more */
    bool has_below;
    money below; /* proven: no split of the two that serves everything costs less. total == below:
                    there is no better one */
};

/* A plan that no split was looked for with, and why; `why` is static. */
struct bill_left_out {
    size_t plan;
    const char *why;
};

/* What another room has to say of a bill in bill.json, under a key of its own. */
struct bill_addition {
    const char *key;
    const void *of; /* borrowed */
    void (*write_json)(const void *of, struct json_writer *w);
};
#define BILL_ADDITIONS 8

struct bill {
    const struct workload *sample;      /* as it was given */
    const struct workload *workload;    /* as billed: the sample, or the period made of it */
    struct workload *period;            /* made of the sample; NULL where that is billed itself */
    struct extrapolation extrapolation; /* sessions 0 where there is none */
    struct bill_options options;
    int64_t first_ns;         /* the first due time */
    int64_t span_ns;          /* the last due time */
    int64_t billed_span_ns;   /* the period, else span_ns */
    uint64_t scaled_requests; /* of the period where scale_ns is set */
    int64_t scale_ns; /* too many requests to place: this stretch of the period was billed and
                         scaled to it; 0 */
    bool has_start;
    int64_t start_unix_ns;
    uint64_t input_tokens, output_tokens, peak_minute, peak_day;
    bool has_reported; /* some requests of the sample carry what the provider charged */
    money reported;
    uint64_t reported_requests;
    uint64_t completed; /* requests; 0: nothing was served, and no plan is ranked or compared */
    struct plan_bill *plans;
    size_t plan_count;
    struct break_even *break_even;
    size_t break_even_count;
    struct bill_split *splits; /* of pairs; of large workloads only with the cheapest token plan */
    size_t split_count;
    const struct bill_split *best_split; /* the cheapest that leaves nobody out; NULL */
    bool split_undecided;   /* whether it saves anything depends on how its token plan counts */
    money best_split_saved; /* against the cheapest plan */
    bool has_split_below;
    money split_below; /* proven: no split of any of these pairs costs less */
    struct bill_left_out *left_out;
    size_t left_out_count;
    struct cheapest_map map;
    const char *generated; /* the scenario, set by the caller, where nobody sent the requests */
    uint64_t generated_seed;
    const struct ladder *ladder;   /* NULL unless the caller made one; borrowed */
    const struct what_if *what_if; /* the same */
    bool no_ladder; /* none was made although asked for: how tokens are counted decides it, too */
    struct bill_addition additions[BILL_ADDITIONS];
    size_t addition_count;
    size_t *ranking; /* plans that serve everything, cheapest first */
    size_t ranking_count;
    bool undecided; /* no winner: some plans count other tokens than the requests were counted in,
                       and within that doubt another one may be first (plan_bill.contested) */
    struct token_view **views; /* that plans share */
    size_t view_count;
};

/* Bills the workload under every plan. ERR_INPUT: a plan with dated or timed prices and no start,
 * an unknown label, rows in a ring, charges beyond 1.7e14 USD. */
int bill_make(struct bill *out, const struct workload *w, const struct plan *const *plans,
              size_t count, const struct bill_options *options, struct error *err);
void bill_free(struct bill *bill);

/* Used over included requests of the plan's quota, or tokens over the capacity of provisioned
 * units; NaN where the plan has neither. */
double bill_utilisation(const struct plan_bill *p, const struct bill *bill);

/* True if a doubt about token counts turns the order of two plans round. */
bool bill_is_undecided(const struct bill *bill, size_t a, size_t b);

/* A count of the rows as billed, for the whole period: to the nearest where that was scaled. */
uint64_t bill_scaled(const struct bill *bill, uint64_t count);

/* What retries, failed, cut and late requests cost together. */
money bill_wasted(const struct bill_waste *waste);

/* True if there is a best split that costs less than the cheapest plan alone, where one is ranked.
 */
bool bill_split_saves(const struct bill *bill);

/* True if a better split than the best one found is not ruled out, and would save something against
 * the cheapest plan alone. */
bool bill_split_may_save(const struct bill *bill);

/* True if a request waits longer than the options allow. */
bool bill_waits_too_long(const struct plan_bill *p, const struct bill *bill);

/* True if a plan would be ranked but for how long it makes wait. */
bool bill_only_waits(const struct bill *bill);

/* True for a plan without its caps where they make no difference: it is not shown a second
 * time. */
bool bill_repeats(const struct bill *bill, size_t plan);

/* What a plan's limits were in its bill: "applied", "unconfirmed", or "ignored". */
const char *bill_caps_name(const struct plan_bill *p);

/* From now on bill.json has what `write_json` makes of it; it must outlive that use. */
void bill_attach(struct bill *bill, const char *key, const void *of,
                 void (*write_json)(const void *of, struct json_writer *w));

/* The object of bill.json. */
void bill_write_json(const struct bill *bill, struct json_writer *w);

/* What a person reads, `width` columns wide. */
void bill_write_table(const struct bill *bill, int width, struct buffer *out);

/* The plans that people see, the ranked ones first: into `out`, with room for all. How many. */
size_t bill_shown(const struct bill *bill, size_t *out);

/* Its parts, for who shows them elsewhere. Of one line without its end: "2,000 requests in 17 min
 * ..."; what of a plan's requests it serves. Lines that may be none: that the rows were generated;
 * what was paid, as the rows report it, and how the cheapest plan compares with that, where all do.
 * Notes, a line each: why prices vary and why one buys several of a plan, how plans compare pair by
 * pair, waste, what is to be known of the figures. */
void bill_put_extent(const struct bill *bill, struct buffer *out);
void bill_put_served(const struct bill *bill, const struct plan_bill *p, struct buffer *out);
void bill_put_origin(const struct bill *bill, struct buffer *out);
void bill_put_paid(const struct bill *bill, struct buffer *out);
void bill_put_against_paid(const struct bill *bill, struct buffer *out);
void bill_put_notes(const struct bill *bill, struct buffer *out);

/* The plan's name, with a remark where its caps are left out. */
#define BILL_NAME_SIZE 160
const char *bill_plan_name(const struct plan_bill *p, char out[BILL_NAME_SIZE]);

#endif
