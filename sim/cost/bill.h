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
 * total_usd is cash: every period begun is paid in full. prorated_usd takes of each period only
 * the share that the workload spans. Money is exact; whatever is a `double` here is a statistic
 * for people and never summed back. The bill borrows workload and plans.
 */
#ifndef FAREBOX_SIM_COST_BILL_H
#define FAREBOX_SIM_COST_BILL_H

#include "core/buffer.h"
#include "core/json_write.h"
#include "sim/cost/bill_stats.h"
#include "sim/cost/break_even.h"
#include "sim/cost/split.h"
#include "sim/cost/tariff.h"

struct what_if;

enum bill_period { PERIOD_TRACE, PERIOD_DAY, PERIOD_MONTH };

struct bill_options {
    enum bill_period period; /* other than TRACE: scaled to it, an extrapolation */
    bool has_start;          /* start_unix_ns overrides the workload's own */
    int64_t start_unix_ns;
    const char *by; /* "model", "class", "session", "day", or a label's key; NULL */
    unsigned workers;
    struct serve_duration duration;
    uint64_t units;             /* provisioned units instead of the plan's; 0 */
    uint64_t break_even_output; /* output tokens of the break-even requests; 0 = the mean */
    const struct earlier_attempts *earlier; /* of a run; NULL */
    bool both_caps; /* plans with unconfirmed caps a second time, without them */
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
    LINE_ROUNDING, /* of the whole bill */
    BILL_LINES,
};

/* "usage", "included_credit", "volume_discount", ... */
const char *bill_line_name(enum bill_line line);

/* One value of what the bill is split by. */
struct bill_group {
    char *name;
    uint64_t requests; /* served */
    money usage;
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

struct plan_bill {
    const struct plan *plan;
    bool without_caps;
    uint64_t requests;          /* asked */
    struct serve_result served; /* arrays dropped, counts kept */
    uint64_t served_requests, rejected;
    /* The same for the period billed: as above, or scaled; quotas longer than the workload then
     * hold for the period, and what they cannot take is not served. */
    uint64_t period_requests, period_served;
    struct charge_sums sums;
    money cash[BILL_LINES], prorated[BILL_LINES];
    money total, prorated_total;
    money per_request;      /* usage charges over served requests */
    money per_mtok;         /* prorated_total over a million served tokens: $/Mtok of GPU-hours */
    money per_used_request; /* prorated_total over served requests */
    bool has_full_use;      /* a flat price at full use of the quota */
    money full_use_price;   /* the fraction full_use_price / full_use_requests */
    uint64_t full_use_requests;
    money full_use;                /* that fraction, rounded at 1e-12 */
    money full_use_total;          /* the requests served in the period at it */
    struct serve_need need;        /* so many of the plan, that nobody waits or is turned away */
    uint64_t subscription_periods; /* begun, for the cash total */
    bool flat;                     /* what a request costs does not depend on the request */
    struct cost_stats stats;       /* of served requests' usage charges */
    struct cost_stats session_stats;
    struct bill_waste waste;
    struct bill_reconciled reconciled;
    struct bill_group *groups;
    size_t group_count;
    int rank; /* 1 = cheapest of those that serve everything; 0 = does not, or is hypothetical */
};

/* How a plan with token prices meets a flat one, and what both together would cost. */
struct break_even {
    size_t token_plan, flat_plan;     /* in bill.plans */
    struct flat_price flat;           /* at full use */
    uint64_t mean_input, mean_output; /* of the request that is varied */
    struct break_even_answer input, output, cache, volume, utilisation, steps;
    bool has_steps;     /* the workload has sessions of several turns */
    uint64_t dearer;    /* requests of the workload above the flat price */
    bool has_split;     /* of large workloads only the cheapest token plan has one */
    struct split split; /* dearest to the flat plan, as its quota and limits allow */
    money split_total;  /* token charges of the rest, and the flat plan prorated */
    money split_saved;  /* against the token plan alone; negative: it costs more */
};

struct bill {
    const struct workload *workload;
    struct bill_options options;
    int64_t span_ns;        /* of the workload as billed */
    int64_t billed_span_ns; /* the period scaled to, else span_ns */
    bool has_start;
    int64_t start_unix_ns;
    uint64_t input_tokens, output_tokens, peak_minute, peak_day;
    bool has_reported; /* some requests carry what the provider charged */
    money reported;
    uint64_t reported_requests;
    bool recorded;      /* some requests failed, were cut or retried */
    uint64_t completed; /* requests; 0: nothing was served, and no plan is ranked or compared */
    struct plan_bill *plans;
    size_t plan_count;
    struct break_even *break_even;
    size_t break_even_count;
    const struct break_even *best_split; /* the cheapest that leaves nobody out; NULL */
    struct cheapest_map map;
    const struct what_if *what_if; /* written into the JSON where the caller sets it; borrowed */
    size_t *ranking;               /* plans that serve everything, cheapest first */
    size_t ranking_count;
};

/* Bills the workload under every plan. ERR_INPUT: a plan with dated or timed prices and no start,
 * an unknown label, rows in a ring, charges beyond 1.7e14 USD. */
int bill_make(struct bill *out, const struct workload *w, const struct plan *const *plans,
              size_t count, const struct bill_options *options, struct error *err);
void bill_free(struct bill *bill);

/* Used over included requests of the plan's quota, or tokens over the capacity of provisioned
 * units; NaN where the plan has neither. */
double bill_utilisation(const struct plan_bill *p, const struct bill *bill);

/* True for a plan without its caps where they make no difference: it is not shown a second
 * time. */
bool bill_repeats(const struct bill *bill, size_t plan);

/* The object of bill.json. */
void bill_write_json(const struct bill *bill, struct json_writer *w);

/* What a person reads, `width` columns wide. */
void bill_write_table(const struct bill *bill, int width, struct buffer *out);

/* The plan's name, with a remark where its caps are left out. */
#define BILL_NAME_SIZE 160
const char *bill_plan_name(const struct plan_bill *p, char out[BILL_NAME_SIZE]);

#endif
