/* The steps of a bill; private to sim/cost. */
#ifndef FAREBOX_SIM_COST_BILL_BILL_PARTS_H
#define FAREBOX_SIM_COST_BILL_BILL_PARTS_H

#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/split/pick.h"

/* The lines beside the requests' own charges, and the totals, of `bought`: the plan so many times.
 * -1: beyond 128 bits. */
int bill_add_lines(struct plan_bill *p, const struct plan *bought, const struct bill *bill,
                   const struct tariff *t);

/* Until when one pays by the period: the last request is served. A month that was asked for ends
 * where it ends, unless a queue outlasts it: what of its last sessions goes beyond belongs to the
 * next, as the end of the month before lies in this one. */
int64_t bill_paid_until(const struct bill *bill, int64_t last_start_ns);

/* Periods that have begun when `elapsed_ns` have passed since `from_ns` of the workload. */
static inline uint64_t bill_periods(const struct bill *bill, int64_t period_ns, int64_t from_ns,
                                    int64_t elapsed_ns)
{
    return bought_periods(period_ns, bill->has_start, bill->start_unix_ns + from_ns, elapsed_ns);
}

/* The rows in the plan's own tokens; they borrow all else of `rows`. */
static inline struct serve_rows bill_rows_for(const struct serve_rows *rows,
                                              const struct plan_bill *p)
{
    struct serve_rows own = *rows;
    if (p->tokens)
        own.workload = &p->tokens->workload;
    return own;
}

/* Whose tokens the plan's requests count, and the requests in the plan's own: p->counts, p->tokens.
 */
void bill_count_tokens(struct bill *bill, struct plan_bill *p);

/* Bills the plans whose tokens are in doubt at both ends of it, and says whether that leaves a
 * winner. The plans must be ranked. -1: beyond 128 bits; *where is the plan. */
int bill_add_doubts(struct bill *bill, const struct serve_rows *rows,
                    const struct plan_bill **where);
bool bill_is_ranked(const struct bill *bill, const struct plan_bill *p);

/* True if how tokens are counted decides whether the best split saves anything. */
bool bill_split_is_undecided(const struct bill *bill, const struct bill_split *best);

/* The month that begins with the workload: 30 days where no start is known. */
int64_t bill_month_length(const struct bill *bill);

/* How many requests `length_ns` has at the rate of `requests` in `span_ns`. */
uint64_t bill_at_own_rate(uint64_t requests, int64_t span_ns, int64_t length_ns);

/* How many of the plan to buy: into p->subscriptions, with p->need. -1: beyond 128 bits. */
int bill_choose_count(struct plan_bill *p, const struct bill *bill, const struct serve_rows *rows);

static inline int64_t bill_known_start(const struct bill *bill)
{
    return bill->has_start ? bill->start_unix_ns : TIME_NEVER;
}

/* Quotas whose windows are longer than the workload, where that is scaled to a period ("long"),
 * would be filled anew with every repetition: the rows run through a plan without them, and they
 * are settled for the whole period instead. Sorts the long ones behind the others; `out` borrows
 * everything else of the plan. */
void bill_without_long_quotas(const struct bill *bill, const struct bought *bought,
                              struct plan *out);

bool bill_has_long_quotas(const struct plan *plan, const struct bill *bill);

/* The rows under so many of a plan: bought, served, ready to be charged. */
struct purchase {
    struct bought bought;
    struct plan plan; /* of it, without long quotas */
    struct serve_result served;
    struct tariff tariff;
};
void purchase_open(struct purchase *out, const struct plan_bill *p, const struct bill *bill,
                   const struct serve_rows *rows, uint64_t count);

/* Into p: what was served, whose arrays it borrows, and the sums of the charges. */
void purchase_charge(const struct purchase *b, struct plan_bill *p, unsigned workers,
                     struct charge_notes *notes);
void purchase_close(struct purchase *b);

/* What the long quotas ask for, into p->need; what one of the plan serves must be known, and its
 * sums where they are charged for: where some of them hold more than requests. */
void bill_need_of_period(struct plan_bill *p, const struct bill *bill);
bool bill_need_is_charged(const struct plan *plan, const struct bill *bill);

/* Scales the requests' charges to the period, and lets the long quotas cover their part. -1: beyond
 * 128 bits. */
int bill_scale(struct plan_bill *p, const struct plan *bought, const struct bill *bill);

/* What failed, was cut or retried; what the provider reported. */
void bill_add_waste(struct plan_bill *p, const struct tariff *t);
void bill_reconcile(struct plan_bill *p, const struct tariff *t);

/* The values of options.by, and what sessions cost. ERR_INPUT: no request has such a label. */
struct bill_grouping {
    uint32_t *group; /* by row; NAME_NONE = none */
    struct names names;
};
int bill_grouping_make(struct bill_grouping *g, const struct workload *w,
                       const struct serve_rows *rows, const char *by, int64_t start_unix_ns,
                       struct error *err);
void bill_grouping_free(struct bill_grouping *g);
void bill_add_sessions(struct plan_bill *p, const struct tariff *t);

/* A copy that the caller frees. */
int bill_copy_workload(const struct workload *from, struct workload *to, struct error *err);

/* The workload with every prefix that repeats served from a cache, where it says what repeats and
 * is not larger than this; else *out stays empty. */
#define IDEAL_CACHE_ROWS 200000
int bill_ideal_cache(const struct workload *w, struct workload *out, struct error *err);
void bill_add_cache_misses(struct plan_bill *p, const struct tariff *t,
                           const struct workload *ideal, const struct bill *bill);

/* "17 min": how long a person says that is. */
const char *bill_duration(int64_t ns, char out[32]);

/* Text, bill_table_rows.c: the head and a row for each plan, `width` columns wide; a column of
 * money. */
void bill_put_head(const struct bill *bill, int width, struct buffer *out);
void bill_put_rows(const struct bill *bill, int width, struct buffer *out);
void bill_put_money_cell(struct buffer *out, money value, int width, int decimals);

/* Requests that cost more by the token than under a flat plan, by pair (bill_dearer.c). Where a
 * flat plan is billed before a token plan, they are counted as that is billed; the others when they
 * are asked for, which takes all charges of both plans once more. */
struct dearer {
    size_t plans;
    uint64_t *count; /* [token plan x plans + flat plan] */
};
void dearer_init(struct dearer *d, size_t plans);
void dearer_free(struct dearer *d);
void dearer_note(struct dearer *d, const struct bill *bill, size_t plan, const struct tariff *t,
                 const int64_t *quanta);
void dearer_tell(const struct dearer *d, struct bill *bill, const struct serve_rows *rows);

/* Break-evens and splits of every pair, and the map of the cheapest. */
void bill_compare(struct bill *bill, const struct serve_rows *rows, const struct dearer *dearer);

/* True if the plan is compared as one by the token. */
bool bill_is_token_plan(const struct plan_bill *p);

/* What each row costs under one of a plan; MONEY_MAX: it is not served, or has no price (unpriced:
 * what has a price of it counts). limited: under the plan's quotas and limits, else each when it is
 * due. The caller frees it. */
money *bill_charge_rows(const struct bill *bill, const struct serve_rows *rows,
                        const struct plan_bill *p, bool limited, bool unpriced);

/* The best split of every pair of plans, the best of all, and what none can be below. Of large
 * workloads only with `cheapest` as the token plan (SIZE_MAX: none). */
void bill_split_all(struct bill *bill, const struct serve_rows *rows, size_t cheapest);

/* What so many of the flat plan of a split are paid for. */
struct split_price {
    money fee, setup; /* of one: of a period, once */
    uint64_t periods;
    bool in_numbers; /* else there is one of it */
    money saved;     /* more than any choice saves is not worth paying */
};
struct split_price split_price_of(const struct plan *plan, uint64_t units);
money split_paid_for(const struct split_price *price, uint64_t n);

/* Makes the bill one of the requests from `first` to `last` only. */
void split_cut_bill(struct bill *part, int64_t first_ns, int64_t last_ns);

/* The rows of splits with one token plan: what they cost under it, which is borrowed. */
struct split_rows {
    const money *token;
    size_t count;
    bool plain;      /* it serves all of them, and they stand in the order of time; then: */
    money sum;       /* of all */
    uint32_t *order; /* NULL until somebody asked: those that cost something, dearest first, */
    money *sorted;   /* with what they cost */
    money *sums;     /* NULL until somebody asked: of so many dearest, from 1 on */
    size_t valued;
};
void split_rows_make(struct split_rows *r, const struct serve_rows *rows, const money *token);
void split_rows_free(struct split_rows *r);

/* The best split of a pair that needs no search (bill_split_plain.c). False: it does. *found is set
 * if the flat plan takes something, and *below to what none can be below. `price` is of one of the
 * periods that all rows together take; its `saved` is set. */
bool split_plain(const struct bill *bill, const struct plan_bill *flat,
                 const struct serve_rows *rows, struct split_rows *token, struct split_price *price,
                 struct bill_split *found, money *below);

/* ---- a split as a choice (split.c) ---- */

/* Why a split cannot hold the plan, as what it charges for one request depends on the others;
 * static. NULL: it can. */
const char *split_why_alone(const struct plan *p);

/* What each row costs; lent. MONEY_MAX: the plan does not serve it, or has no price for it. */
struct split_charges {
    const money *token;
    const money *flat; /* at the flat plan's own prices, whatever its quotas include */
    size_t count;
};

/* Rows that may go to the flat plan, in the order of time. */
struct split_problem {
    const struct serve_rows *rows;
    int64_t start_unix_ns, max_wait_ns;
    bool pays;  /* beyond its quotas one pays */
    bool waits; /* requests may wait: `loose` allows more than `strict`, where nobody does */
    size_t count;
    uint32_t *row;
    int64_t *at_ns;
    money *own;   /* the flat plan's own charge; MONEY_MAX */
    money *gain;  /* what it saves there without any room */
    money *value; /* what room for it saves on top */
    struct pick strict, loose;
    money base; /* all rows by the token; `most` for each that it does not serve */
    money most; /* more than all charges together: a choice that leaves nobody out is the best */
};

/* `flat` is one of the plan; it and the rows are borrowed, the charges only read. False: sums of so
 * many charges pass 1.7e14 USD. */
bool split_problem_make(struct split_problem *out, const struct plan *flat,
                        const struct split_charges *charges, const struct serve_rows *rows,
                        int64_t start_unix_ns, int64_t max_wait_ns);
void split_problem_free(struct split_problem *p);

/* More than so many of the plan give no more room that is of use. */
uint64_t split_problem_enough(const struct split_problem *p);

#endif
