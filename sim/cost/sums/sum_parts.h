/* The steps of a bill of sums; private to sim/cost/sums. */
#ifndef FAREBOX_SIM_COST_SUMS_SUM_PARTS_H
#define FAREBOX_SIM_COST_SUMS_SUM_PARTS_H

#include "sim/cost/sums/sum_bill.h"

#define SUM_NOT_COUNTED UINT64_MAX

/* A row: so many requests, from `from_ns` on and before `until_ns`, both from the workload's start.
 */
struct sum_row {
    const struct plan_rate *rate; /* NULL: the plan does not sell it */
    struct usage usage;           /* of all together */
    uint64_t least, most;         /* requests; most may be SUM_NOT_COUNTED */
    int64_t from_ns, until_ns;
    int64_t start_unix_ns; /* TIME_NEVER: not known */
    bool whenever;         /* limits may put some of them off to any later hour */
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER */
    enum request_status status;
    money uplift; /* of its labels, on token prices */
    const char *model, *class_name;
};
void sum_row_get(const struct sum_bill *bill, const struct plan *plan, size_t i,
                 struct sum_row *out);

/* What the plan's models and caps on tokens say to the requests of a row: all may be let in, some
 * may not, or none is. */
enum sum_caps { CAPS_LET_IN, CAPS_MAY_NOT, CAPS_DO_NOT };
enum sum_caps sum_caps_of(const struct plan *plan, const struct sum_row *row);

/* The first term of the plan that sums neither decide nor bound ("set-up fee"), or NULL. */
const char *sum_unknown_term(const struct plan *plan);

/* Range arithmetic; -1: beyond 128 bits. */
int range_add(struct money_range *to, struct money_range more);
int range_times(struct money_range one, uint64_t least, uint64_t most, struct money_range *out);

/* What the plan charges for the row where no quota takes it, with the reasons of a spread and what
 * has no price. -1: beyond 128 bits. */
int sum_charge(const struct plan *plan, const struct sum_row *row, struct money_range *out,
               uint32_t *why, uint32_t *unpriced);

/* What the plan's quotas and limits do to the rows. */
struct sum_limits {
    uint64_t need_least, need_most; /* how many of the plan, that nobody waits or is turned away */
    bool has_quota;  /* some quota includes what it lets in: such requests cost nothing more */
    bool fits;       /* one of the plan holds all of those that charge */
    bool may_lack;   /* more than one of it might be needed, and more than one cannot be had */
    bool may_wait;   /* a limit that queues might make wait, where more cannot be had */
    bool may_refuse; /* one request might be larger than a whole window allows */
    uint32_t why;
};
void sum_limits_of(const struct sum_bill *bill, const struct sum_plan *p, uint64_t units,
                   struct sum_limits *out);

/* Of a plan whose one quota counts requests and that charges the same for each beyond it, where
 * every row lies in one window: the cheapest count of it and what that costs. False: not so. */
bool sum_cheapest_count(const struct sum_bill *bill, const struct sum_plan *p, uint64_t periods,
                        uint64_t *count, money *total);

#endif
