/* Serving under limits: which requests a plan takes, when, and at whose expense.
 *
 * Requests come in the order of their due times, ties in the workload's order. Caps are looked at
 * first: a request beyond them is never served and uses up nothing. All that queue form one line,
 * first in, first out: a request starts no earlier than the one before it, at the earliest instant
 * at which every window that queues has room for it. At that instant the windows that reject are
 * asked, then those beyond which one pays. A request uses up its share at its start.
 *
 *     struct serve_rows rows;
 *     serve_rows_make(&rows, &workload, duration, err);
 *     struct serve_result result;
 *     serve_plan(plan, &rows, &conditions, &result);
 *     ... result.fate[i], result.start_ns ...
 *     serve_result_free(&result);
 *     serve_rows_free(&rows);
 *
 * Rows and results own their arrays.
 */
#ifndef FAREBOX_SIM_COST_BILL_SERVE_H
#define FAREBOX_SIM_COST_BILL_SERVE_H

#include "sim/cost/book/plan.h"

enum serve_fate {
    SERVE_PAID,      /* served, billed at the plan's rate */
    SERVE_INCLUDED,  /* served out of a quota: nothing more to pay */
    SERVE_MODEL,     /* not served: no rate matches its model */
    SERVE_UNNAMED,   /* not served: the plan prices by model, and the request names none */
    SERVE_INPUT,     /* not served: input above the cap, or input and output above the context */
    SERVE_LARGE,     /* not served: alone more than a whole window allows */
    SERVE_QUOTA,     /* not served: the quota was used up */
    SERVE_RATE,      /* not served: a rate limit or the concurrency was reached */
    SERVE_UNBEGUN,   /* not served: the plan charges by turns, and nothing says who began it */
    SERVE_ELSEWHERE, /* not asked: a split sends it to another plan */
    SERVE_FATES,
};

/* "paid", "included", "model", "no_model", "input_cap", "too_large", "quota", "rate",
 * "no_initiator", "elsewhere". */
const char *serve_fate_name(enum serve_fate fate);

static inline bool serve_is_served(enum serve_fate fate)
{
    return fate <= SERVE_INCLUDED;
}

/* How long a request runs: first + per_output × output tokens. Zero where nobody knows. */
struct serve_duration {
    bool known;
    int64_t first_ns, per_output_ns;
};

/* When each request of a workload is due, and the rows in that order. */
struct serve_rows {
    const struct workload *workload;
    struct serve_duration duration;
    int64_t *due_ns; /* by row; NULL = the workload's own timestamps */
    uint32_t *order; /* NULL = file order is time order */
    uint8_t *later;  /* by row: its session has begun before; NULL where there are no sessions */
    int64_t span_ns; /* the last due time */
    const uint8_t *elsewhere; /* by row: another plan has it; borrowed, NULL = none of them */
};

/* Rows that wait for others are due `delay` after the last of them has ended. Returns 0, or
 * ERR_INPUT where rows wait for each other in a ring. */
int serve_rows_make(struct serve_rows *out, const struct workload *w,
                    struct serve_duration duration, struct error *err);
void serve_rows_free(struct serve_rows *rows);

static inline int64_t serve_due(const struct serve_rows *rows, size_t row)
{
    return rows->due_ns ? rows->due_ns[row] : rows->workload->timestamp_ns[row];
}

struct serve_conditions {
    int64_t start_unix_ns; /* wall clock at due time 0, for calendar windows; 0 = as if midnight */
    bool ignore_caps;      /* as if the plan had no caps on tokens */
};

/* What a request asks of a plan. */
struct serve_ask {
    const char *model, *class_name; /* NULL */
    const struct plan_rate *rate;   /* NULL: the plan does not sell the model */
    money_magnitude charge; /* when it is due, while a plan serves whose quotas of money hold it */
    struct usage usage;     /* only where some quota counts classes apart */
    uint64_t input, output; /* the output as the plan's cap leaves it */
    uint64_t weight_micro, units_micro;
    bool unbegun; /* a plan by turns does not know whose it is */
    int64_t due_ns, duration_ns;
};

/* True if the plan charges the row together with another one: a call of a turn, a request of a
 * session that has begun. */
bool serve_goes_along(const struct plan *plan, const struct serve_rows *rows, size_t row);

/* True if what requests ask of the plan differs by their lengths and times only: no model, class,
 * weight or retry makes one of them count for more. */
bool serve_asks_alike(const struct plan *plan, const struct serve_rows *rows);

void serve_ask_of(const struct plan *plan, const struct serve_rows *rows,
                  const struct serve_conditions *conditions, size_t row, struct serve_ask *out);

/* How much of a quota the request takes, as plan_quota_amount counts it; 0 where the quota is not
 * for it. */
money_magnitude serve_need(const struct plan_quota *quota, const struct serve_ask *ask);

/* True if the plan sells the model and its caps on tokens let the request in. */
bool serve_within_caps(const struct plan *plan, const struct serve_conditions *conditions,
                       const struct serve_ask *ask);

struct serve_result {
    uint8_t *fate;     /* enum serve_fate by row; NULL: all SERVE_PAID */
    int64_t *start_ns; /* by row; NULL: all when due */
    uint64_t count[SERVE_FATES];
    uint64_t delayed, truncated;
    int64_t delay_max_ns, last_start_ns;
    money_magnitude delay_sum_ns;
    money_magnitude quota_used; /* of the first quota, as plan_quota_amount counts it */
    uint64_t quota_windows;     /* of it that have begun */
    bool concurrency_unchecked; /* limited, but no durations are known */
};

/* Runs the plan over the rows. Sequential: every start depends on those before. */
void serve_plan(const struct plan *plan, const struct serve_rows *rows,
                const struct serve_conditions *conditions, struct serve_result *out);
void serve_result_free(struct serve_result *result);

/* How many of the rows the plan serves, for who wants to know no more. */
uint64_t serve_count(const struct plan *plan, const struct serve_rows *rows,
                     const struct serve_conditions *conditions);

/* Most requests due in any one window of `length_ns` counted from the workload's start. */
uint64_t serve_peak_requests(const struct serve_rows *rows, int64_t length_ns);

/* How many of a plan it takes so that every request which its caps let in starts when it is due. */
struct serve_need {
    uint64_t count;           /* 0: the plan has no limit that makes wait or turns away */
    bool concurrency;         /* the limit that asks for so many: this, or ... */
    struct plan_quota window; /* ... this quota or rate limit */
};

/* The largest need of any limit, as if all that is bought were one: what is due in the busiest
 * window, or runs at the busiest instant, over what the plan allows, rounded up. Limits beyond
 * which one pays make nobody wait. A request that is alone more than a limit allows is left out: no
 * number of plans serves it. Concurrency counts where durations are known. For a plan that has
 * quotas of both kinds it is an upper bound: what is paid beyond one does not count in the other.
 */
void serve_plans_needed(const struct plan *plan, const struct serve_rows *rows,
                        const struct serve_conditions *conditions, struct serve_need *out);

/* True if a limit counts requests, whole ones of any kind, in windows on a grid. */
bool serve_is_counted(const struct plan_quota *quota);

/* Plans with such limits only, and requests that ask alike: the common case, which serve.c leaves
 * to serve_plain.c. Fills fates, counts, delays and use of a result that has its last start, and
 * starts only where some request is late; *out of the second is zero. */
bool serve_is_plain(const struct plan *plan, const struct serve_rows *rows);
void serve_plainly(const struct plan *plan, const struct serve_rows *rows,
                   const struct serve_conditions *conditions, struct serve_result *out);
void serve_plainly_needed(const struct plan *plan, const struct serve_rows *rows,
                          const struct serve_conditions *conditions, struct serve_need *out);

/* Output tokens that the plan's cap leaves of `output`. */
static inline uint64_t serve_capped_output(const struct plan *plan, bool ignore_caps,
                                           uint64_t output)
{
    uint64_t cap = plan->limits.max_output_tokens;
    return !ignore_caps && cap > 0 && output > cap ? cap : output;
}

/* True if the plan's caps on tokens let a request in; `output` as it is capped. */
static inline bool serve_lets_in(const struct plan *plan, const struct serve_conditions *conditions,
                                 uint64_t input, uint64_t output)
{
    const struct plan_limits *m = &plan->limits;
    return conditions->ignore_caps ||
           ((m->max_input_tokens == 0 || input <= m->max_input_tokens) &&
            (m->max_total_tokens == 0 || input + output <= m->max_total_tokens));
}

/* The same of a row. */
static inline bool serve_row_within(const struct plan *plan,
                                    const struct serve_conditions *conditions,
                                    const struct workload *w, size_t row)
{
    return serve_lets_in(plan, conditions, w->input_tokens[row],
                         serve_capped_output(plan, conditions->ignore_caps, w->output_tokens[row]));
}

#endif
