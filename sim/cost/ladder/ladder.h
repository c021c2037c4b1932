/* The volume ladder: the cheapest plan for each number of requests a month.
 *
 *     struct ladder ladder;
 *     struct ladder_options options = {.seed = 1, .redraws = 100};
 *     if (ladder_make(&ladder, &bill, &options, err) < 0) return err->code;
 *     ladder_attach(&ladder, &bill);                    // for bill.json and the plots
 *     ladder_write_table(&ladder, width, &buffer);
 *     ladder_free(&ladder);
 *
 * A month of N requests is the one that `--volume N` bills: the sample's sessions again and again,
 * S of them, placed evenly or by the hours of the week. The ladder goes from one request to ten
 * times "here", the volume of the bill, and its ends are such that `--volume` below and above an
 * end names the two plans. An interval is a run of N with one cheapest plan, a step a run with one
 * number of subscriptions as well.
 *
 * How it is found: plans whose charges do not depend on other requests are summed up for every S.
 * For plans with quotas and limits in calendar or anchored windows, bounds on how many of the plan
 * the busiest window asks for follow from the numbers of sessions that can start in it; where they
 * leave the answer open, the windows are counted. All other plans (rolling windows and those of
 * sessions, waits, what is paid beyond a quota, prices by the hour) are billed, where a bound on
 * what they cost at least does not rule them out: as ever, but where prices by the hour are all
 * that keeps them from being summed up; then from sums at each of those prices. That is dear, so
 * there is an allowance of work: what it does not reach is halved until the ends are found, and
 * marked as not proven.
 */
#ifndef FAREBOX_SIM_COST_LADDER_LADDER_H
#define FAREBOX_SIM_COST_LADDER_LADDER_H

#include "sim/cost/bill/bill.h"

#define LADDER_TIMES 10 /* the ladder ends at so many times here */
#define LADDER_NOBODY SIZE_MAX
#define LADDER_REDRAWS 100 /* months, as commands show it */

/* A run of requests a month with one answer. */
struct ladder_run {
    uint64_t from, to;                   /* requests a month, both inclusive */
    uint64_t sessions_from, sessions_to; /* that are placed */
    size_t plan;                         /* in bill.plans; LADDER_NOBODY: none serves it all */
    uint64_t subscriptions;              /* at `from`; 0: the plan has no number */
    money total_from, total_to; /* what it costs at both ends; MONEY_MAX: not worked out there */
    bool plan_proven; /* no other plan is cheaper anywhere in it; else: at none of those tried */
    bool proven;      /* nor is another number of this one bought */
};

/* How sure it is from where a plan is cheaper than the one before it, by months that are drawn
 * anew. */
struct ladder_surety {
    bool known;
    bool by_days;       /* whole days were drawn; else sessions only */
    uint64_t redraws;   /* months drawn */
    uint64_t low, high; /* requests a month: in 95 % of them the second begins to pay between */
    uint64_t beyond;    /* of them it never does, up to the ladder's end */
};

/* How far it is from here to where a flat plan begins to pay against one by the token, along other
 * axes than requests: what a request would have to be like, at what the flat plan costs for each
 * here. */
struct ladder_break_even {
    size_t token_plan, flat_plan;
    uint64_t requests;                /* a month: from here on the ladder has the flat one */
    uint64_t mean_input, mean_output; /* of the request that is varied */
    struct flat_price flat;           /* paid here, for so many requests */
    struct break_even_answer input, output, cache;
    bool has_use; /* of what the flat plan's quota allows in the month: */
    uint64_t use_millionths, use_here_millionths; /* where they change places, and here */
};

/* From where on a flat plan is cheaper than one by the token, whatever other plans there are. */
struct ladder_pair {
    bool known, never; /* never: not up to the ladder's end, while both serve everything */
    uint64_t requests; /* a month */
};

/* A run with one cheapest plan, and what is known of where it begins. */
struct ladder_interval {
    struct ladder_run run;
    uint64_t least_subscriptions, most_subscriptions;
    size_t first_step, step_count;
    bool left; /* the plan before it does not serve all of so many: it is no matter of price */
    struct ladder_surety surety;
};

/* What plans cost along the ladder, for a plot. */
struct ladder_point {
    uint64_t requests;
    money total; /* MONEY_MAX: not known, or the plan does not serve it all */
};
struct ladder_curve {
    size_t plan;
    struct ladder_point *points;
    size_t count;
};

struct ladder_options {
    uint64_t seed;
    uint64_t redraws; /* of the month, to tell how sure an end is; 0: none */
    uint64_t work;    /* rows that may be visited beside what is summed up; 0: LADDER_WORK */
};
#define LADDER_WORK 100000000

struct ladder {
    const struct bill *bill;
    uint64_t here, end; /* requests a month */
    bool ends_early;    /* before ten times here: more would be too much work */
    bool at_own_rate;   /* here is the workload's own rate */
    bool by_hour;       /* the sample's hours of the week were followed, else even */
    int64_t month_ns;
    struct ladder_run *steps;
    size_t step_count;
    struct ladder_interval *intervals;
    size_t interval_count;
    struct ladder_curve *curves; /* of plans that are the cheapest somewhere */
    size_t curve_count;
    struct ladder_break_even break_even[2]; /* at the end above here, and at the one below */
    size_t break_even_count;
    struct ladder_pair *pairs;   /* by number of the bill's break_even */
    bool plans_proven, proven;   /* all of it */
    bool by_days;                /* months were drawn of whole days, else of sessions */
    uint64_t redraws, here_same; /* months drawn; with the same cheapest plan here */
};

/* ERR_INPUT: a workload without a duration, whose rate is not known, where the bill is of no
 * month. The ladder borrows the bill. */
int ladder_make(struct ladder *out, const struct bill *bill, const struct ladder_options *options,
                struct error *err);
void ladder_free(struct ladder *ladder);

/* The interval of so many requests a month; NULL beyond the end. */
const struct ladder_interval *ladder_at(const struct ladder *ladder, uint64_t requests);

/* True of an interval so narrow that its ends are within 1 in 128 of each other: there two plans
 * take turns, as the requests happen to fall into windows. */
static inline bool ladder_is_narrow(const struct ladder_interval *i)
{
    return (i->run.to - i->run.from + 1) * 128 < i->run.from;
}

/* From now on bill.json has the ladder, and plots of the bill find it; it must outlive that use.
 * The requests a day in the bill's break-evens become those of the ladder, where it knows them. */
void ladder_attach(const struct ladder *ladder, struct bill *bill);

/* The object of bill.json. */
void ladder_write_json(const struct ladder *ladder, struct json_writer *w);

/* What a person reads, `width` columns wide. */
void ladder_write_table(const struct ladder *ladder, int width, struct buffer *out);

#endif
