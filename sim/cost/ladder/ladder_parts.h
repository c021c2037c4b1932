/* The parts of a ladder; private to its room.
 *
 * S is the number of sessions that a month places: session j of it is the sample's session j mod s.
 * Arrays "by place" go by the sample's rows in the order of its sessions.
 */
#ifndef FAREBOX_SIM_COST_LADDER_LADDER_PARTS_H
#define FAREBOX_SIM_COST_LADDER_LADDER_PARTS_H

#include "sim/cost/bill/bill_parts.h"
#include "sim/cost/ladder/ladder.h"

/* What all plans of a ladder share. */
struct ladder_month {
    const struct bill *bill;
    const struct workload *sample;
    struct serve_rows rows;
    struct session_list sessions;
    struct week_profile profile;
    struct placing_shares shares;
    int64_t length_ns;
    int64_t tail_ns;      /* the longest session, from its first request to its last */
    size_t used;          /* sessions of the sample that some month needs */
    uint64_t most;        /* S at the ladder's end, or at EXTRAPOLATE_MOST requests */
    uint64_t here;        /* S of the bill's own volume */
    uint64_t first_done;  /* least S with a request that completed; UINT64_MAX */
    struct bill as_month; /* stands for the bill of a month where lines are made */
    struct workload placed;
    int64_t allowance; /* rows that may be visited beside what is summed up */
    int64_t work;      /* of them that are left */
};

int ladder_month_make(struct ladder_month *m, const struct bill *bill, struct error *err);
/* To requests at the ladder's end, and here. */
void ladder_month_extend(struct ladder_month *m, uint64_t end, uint64_t here);
void ladder_month_free(struct ladder_month *m);

/* S of a month of so many requests, and the first and the last such month for an S. */
uint64_t ladder_sessions(const struct ladder_month *m, uint64_t requests);
uint64_t ladder_first_requests(const struct ladder_month *m, uint64_t sessions);

/* Rows that S sessions have. */
uint64_t ladder_rows(const struct ladder_month *m, uint64_t sessions);

/* A month that is laid out: `session` NULL is j mod s. */
struct ladder_layout {
    uint64_t count;
    int64_t *start;
    uint32_t *session;
    uint64_t drawing; /* months with this number, if not 0, have the same sessions, which are
                         borrowed, up to the count of each */
};
void ladder_lay_out(const struct ladder_month *m, uint64_t sessions, struct ladder_layout *out);
void ladder_layout_free(struct ladder_layout *l);

static inline size_t ladder_session(const struct ladder_month *m, const struct ladder_layout *l,
                                    uint64_t j)
{
    return l->session ? l->session[j] : (size_t)(j % m->sessions.count);
}

/* What sessions take of a limit. */
struct ladder_takes {
    uint64_t *before; /* by session: what those before take; NULL: all take the same, */
    uint64_t each;    /* so much */
    uint64_t *runs;   /* the most that runs of some lengths take, and 1; 0: not known yet */
};

/* One quota or rate limit whose windows do not depend on the requests. */
struct ladder_limit {
    struct plan_quota quota;
    int64_t length_ns, phase_ns; /* t lies in window (t + phase) / length, */
    int64_t *ends;               /* or before the first of these that is later: calendar months */
    size_t windows;              /* of the month and its tail */
    uint64_t amount;
    uint64_t each;                                      /* what every row takes; else: */
    uint64_t *need;                                     /* by place */
    struct ladder_takes whole;                          /* what sessions take in all, */
    struct ladder_takes peak;                           /* and at most in any window */
    int64_t outer_from, outer_to, inner_from, inner_to; /* of the window that most may start in */
};

/* Plain charges of requests, whatever quotas there are, at one of the prices that hold by the hour.
 */
struct ladder_charging {
    struct plan plan;
    struct plan_rate *rates;
    struct serve_result served;
    struct tariff tariff;
};

/* What a plan costs whose prices go by the hour or the date (ladder_hours.c). Window 0: none of
 * those that the plan names. */
struct ladder_hours {
    size_t window_count, minutes;     /* 0: it is not one of them */
    int64_t offset_ns;                /* of the month's begin in its minute */
    uint8_t *window;                  /* by minute of the month and its tail: which one holds, */
    uint32_t *until;                  /* and before which minute */
    struct ladder_charging *charging; /* by window; */
    money **before;                   /* by session, of those before; NULL: nothing is charged */
};

enum ladder_how { LADDER_SUMS, LADDER_WINDOWS, LADDER_BILL };

/* One plan. */
struct ladder_plan {
    size_t number; /* in bill.plans */
    const struct plan *plan;
    enum ladder_how how;
    bool in_numbers;
    uint64_t first_bad; /* least S with a request that it does not serve, or has no price for */
    uint64_t first_cut; /* least S with an answer that it cuts */
    bool charged;       /* `usage` is known: */
    money *usage;       /* by session: charges of those before. NULL: nothing is charged */
    struct ladder_hours hours;
    bool linear; /* its total is `fixed` and the usage */
    money fixed;
    struct ladder_limit *limits;
    size_t limit_count;
    uint64_t *counts; /* room to count windows in: the largest limit's */
    size_t count_room;
    struct {
        uint64_t subscriptions;
        money usage, total;
        bool known;
    } last; /* of ladder_total */
    struct {
        uint64_t drawing, count;
        money usage;
    } drawn; /* of the first so many sessions of a month that is drawn */
};

/* How the plan can be asked, and what the classes of its rows are; without usage. */
void ladder_plan_make(struct ladder_plan *p, struct ladder_month *m, size_t number);
void ladder_plan_free(struct ladder_plan *p);

/* Of a plan and its charges while they are kept: at the prices of window n of each rate (0: none);
 * of rates that have fewer their last. */
void ladder_charging_open(struct ladder_charging *c, const struct ladder_plan *p,
                          const struct ladder_month *m, size_t window);
void ladder_charging_close(struct ladder_charging *c);

/* True of a plan that is billed for no other reason than prices by the hour or the date: what it
 * charges is a sum over sessions. Then how its month lies in time; h->before is left to fill. */
bool ladder_goes_by_hours(const struct ladder_plan *p, const struct ladder_month *m);
void ladder_hours_make(struct ladder_hours *h, const struct ladder_plan *p,
                       const struct ladder_month *m);
void ladder_hours_free(struct ladder_hours *h);

/* Fills p->usage; of a plan that is billed, with what its usage costs at least. */
void ladder_plan_charge(struct ladder_plan *p, const struct ladder_month *m);
void ladder_plan_drop_charges(struct ladder_plan *p);

/* Bytes of charges that a ladder keeps. */
#define LADDER_KEPT ((size_t)192 << 20)

/* Charges of the first S sessions, and of a month that is laid out. */
money ladder_usage(const struct ladder_plan *p, const struct ladder_month *m, uint64_t sessions);
money ladder_usage_of(const struct ladder_plan *p, const struct ladder_month *m,
                      const struct ladder_layout *l);

/* The same, exactly, where prices go by the hour. -1: it does not fit in 128 bits. */
int ladder_hours_usage(const struct ladder_plan *p, const struct ladder_month *m,
                       const struct ladder_layout *l, money *out);

/* Total of so many of the plan with that usage; MONEY_MAX beyond 128 bits. */
money ladder_total(struct ladder_plan *p, const struct ladder_month *m, uint64_t subscriptions,
                   money usage);

/* What one of the plan costs in one period, if its total is that at least; else 0. */
money ladder_least_period(const struct ladder_plan *p);

/* The same of `requests` that are scaled from `placed` ones. */
money ladder_scaled_total(const struct ladder_plan *p, const struct ladder_month *m, money usage,
                          uint64_t requests, uint64_t placed);

/* Windows of the quota in which a request of the month may start. */
uint64_t ladder_windows_touched(const struct ladder_month *m, const struct plan_quota *q);

/* The limits of a plan that goes by windows. False: some of them cannot be counted so. */
bool ladder_limits_make(struct ladder_plan *p, struct ladder_month *m);
void ladder_limits_free(struct ladder_plan *p);

/* How many of the plan its busiest window needs: bounds, and exactly by counting. At least 1. */
void ladder_need_bounds(const struct ladder_plan *p, const struct ladder_month *m,
                        uint64_t sessions, uint64_t *least, uint64_t *most);
uint64_t ladder_need(struct ladder_plan *p, struct ladder_month *m, const struct ladder_layout *l);

/* What the first S sessions take of a limit. */
uint64_t ladder_demand(const struct ladder_limit *l, const struct ladder_month *m,
                       uint64_t sessions);

/* True if the plan is ranked in a month that needs so many of it at its busiest. */
static inline bool ladder_serves(const struct ladder_plan *p, uint64_t need)
{
    return p->in_numbers || need <= 1;
}

static inline uint64_t ladder_count(const struct ladder_plan *p, uint64_t need)
{
    return p->in_numbers ? need : plan_is_paid_by_period(p->plan);
}

/* What the cheapest plan of a month is. */
struct ladder_spot {
    money total;
    uint64_t subscriptions;
    uint32_t plan; /* in `plans` of the search; LADDER_NONE */
    uint8_t cut;
    uint8_t settled; /* enum ladder_settled */
};
#define LADDER_NONE UINT32_MAX

enum ladder_settled {
    LADDER_PROVEN,  /* no plan can be cheaper */
    LADDER_OPEN,    /* some plan may be */
    LADDER_ASSUMED, /* as its neighbours that were worked out */
    LADDER_SURE,    /* the same, but the plan is proven: only its number is assumed */
};

struct ladder_search {
    struct ladder_month *m;
    struct ladder_plan *plans;
    size_t count;
    struct ladder_spot *spots; /* by S, 1 .. m->most */
    uint64_t *open;            /* by S: bits of plans that may be cheaper */
    money *scaled_usage;       /* by plan: of the first m->most sessions, if by sums */
    bool keeps_charges;        /* until the end: of so many plans and sessions there is room */
    struct ladder_run *large;  /* runs beyond EXTRAPOLATE_MOST requests */
    size_t large_count;
    bool gave_up; /* the runs end before the ladder should: more would be too much work */
    struct error *err;
    int code;
};

/* The plan with that number in bill.plans, in `plans`; LADDER_NOBODY: it is none of them. */
size_t ladder_plan_of(const struct ladder_search *s, size_t number);

/* The bit of a plan where some of them are asked for. */
static inline uint64_t ladder_bit(size_t plan)
{
    return (uint64_t)1 << plan % 64;
}

/* True if a plan that costs `least` at least, and cuts answers or not, may rank before what is
 * there. */
static inline bool ladder_may_be_cheaper(const struct ladder_spot *spot, bool cut, money least)
{
    if (spot->plan == LADDER_NONE || cut < spot->cut)
        return true;
    return cut == spot->cut && least <= spot->total;
}

/* Puts the plan in its place of the spot if it ranks before what is there. */
void ladder_offer(const struct ladder_search *s, struct ladder_spot *spot, size_t plan, bool cut,
                  money total, uint64_t subscriptions);

/* The cheapest for every S up to m->most. */
void ladder_scan(struct ladder_search *s);

/* The cheapest in months whose requests are scaled from EXTRAPOLATE_MOST, up to `end`. */
void ladder_scan_large(struct ladder_search *s, uint64_t end, uint64_t here);

/* The cheapest of the plans in `which` (bits) in a month of so many requests, as the bill has it,
 * offered to `spot`. */
void ladder_bill_spot(struct ladder_search *s, uint64_t requests, uint64_t which,
                      struct ladder_spot *spot);

/* Total of one plan for S; MONEY_MAX: it does not serve it all, or that is too much work to know.
 */
money ladder_ask(struct ladder_search *s, size_t plan, uint64_t sessions);

/* How sure the ends are, and the same points in other terms. */
void ladder_redraw(struct ladder *l, struct ladder_search *s, const struct ladder_options *o);
void ladder_add_break_evens(struct ladder *l, struct ladder_search *s);

/* Every pair that the bill compares, by itself. */
void ladder_add_pairs(struct ladder *l, struct ladder_search *s);

#endif
