/* The steps of a forecast; private to sim/plan. */
#ifndef FAREBOX_SIM_PLAN_FORECAST_PARTS_H
#define FAREBOX_SIM_PLAN_FORECAST_PARTS_H

#include "core/farm/tasks.h"
#include "core/random.h"
#include "sim/cost/bill/tariff.h"
#include "sim/plan/forecast.h"

/* What is taken of a quota that is not for all requests alike: classes of tokens that count apart,
 * some models or classes, calls of a tool, units. */
struct block_need {
    uint64_t amount; /* in the quota's unit */
    money usage;     /* the charges of the requests that it is for; of calls and units, their own */
    uint64_t weight_micro;
};
#define FORECAST_NEEDS 4 /* such quotas of one plan; more are not looked at */

/* What one plan charges for one block, and what the block takes of its quotas. */
struct block_charge {
    money usage;
    uint64_t weight_micro, input, output; /* of the served requests */
    struct block_need need[FORECAST_NEEDS];
};

/* The quotas of the plan that have needs of their own, in the order of their places in `need`. */
size_t forecast_needs(const struct plan *plan, const struct plan_quota *out[FORECAST_NEEDS]);

/* Takes a row of the sample in, which was charged so much. -1: beyond 128 bits. */
int block_needs_add(struct block_need *needs, const struct plan *plan, const struct tariff *t,
                    size_t row, struct serve_ask *ask, money charge);

/* Requests of one day of the sample that are drawn together: whole sessions. */
struct forecast_block {
    uint64_t unit; /* the user or session, or a hash of several */
    uint64_t requests, tokens;
};

struct sample_day {
    size_t first, count; /* blocks */
    double requests, tokens;
};

/* A block_charge without needs, of which few plans have any. */
struct block_sum {
    money usage;
    uint64_t weight_micro, input, output;
};

/* Adds so many times a sum with its first `need_count` needs, and once what `from` takes. -1:
 * beyond 128 bits. */
int block_charge_add_sum(struct block_charge *to, const struct block_sum *sum,
                         const struct block_need *needs, size_t need_count, uint64_t times);
int block_charge_add(struct block_charge *to, const struct block_charge *from);

struct forecast_sample {
    struct sample_day *days;
    size_t day_count;
    double day_length; /* in days: 1, or less where the sample is shorter than a day */
    int64_t origin_ns; /* of the first day, in the workload's time */
    uint64_t left_out; /* requests on the last day that is not whole */
    struct forecast_block *blocks;
    struct block_sum *charges; /* [block × plan_count + plan] */
    struct block_need *needs;  /* [block × need_count + place] */
    size_t *need_first;        /* by plan, its first place; [plan_count] = need_count */
    size_t need_count;
    size_t block_count, plan_count;
};

/* Cuts the sample into days and blocks and charges them under every plan; sample_usd and rejected
 * of `plans` are set. */
int forecast_sample_make(struct forecast_sample *out, const struct workload *w,
                         const struct forecast_options *options, struct forecast_plan *plans,
                         size_t plan_count, struct error *err);
void forecast_sample_free(struct forecast_sample *s);

/* Adds so many times what a block charges under a plan, needs included. -1: beyond 128 bits. */
int forecast_sample_add(const struct forecast_sample *s, size_t block, size_t plan, uint64_t times,
                        struct block_charge *to);

/* Demand by day, its fit, and futures drawn from it. */
struct demand_model {
    double *y; /* log demand by day */
    size_t days;
    int phase;    /* day 0's place in the week: 0 = Monday where the calendar is known */
    int group[7]; /* group of each place in the week */
    int groups;
    bool weekly, trend;
    double level[7], slope;
    double trust;     /* of the trend that the days show, so much goes on: 0 to 1 */
    double *residual; /* inflated for the degrees of freedom that the fit took */
    double smear;     /* taken off every drawn residual, see set_smear */
    size_t block;     /* days drawn together */
    double noise;
};

/* `calendar` says that phase 0 is a Monday. Takes a copy of demand[0 … days−1].
 *
 * The trend of few days is mostly noise, and a month ahead multiplies it. So the slope is shrunk
 * as the posterior mean under a normal prior around 0 does: by trust = τ² / (τ² + se²), τ being
 * growth of 20% a month and se the standard error that the block bootstrap gives; and drawn slopes
 * spread around it by √trust × their own spread. */
void demand_model_fit(struct demand_model *m, const double *demand, size_t days, int phase,
                      bool calendar, bool weekly, uint64_t seed);
void demand_model_free(struct demand_model *m);

/* One future: the demand of `horizon` days after the last. `growth`: NULL = the fitted trend, else
 * the slope of log demand per day. `scratch` holds days values. */
void demand_model_draw(const struct demand_model *m, struct random *r, const double *growth,
                       double *scratch, double *out, size_t horizon);

/* A plan's demand by day of one sampled future, and what it comes to. */
struct plan_course {
    const struct plan *plan;
    const struct block_charge *demand; /* by day */
    size_t days;
    int64_t begin_unix_ns;
    money *spend;        /* by day, not cumulative */
    uint64_t *left;      /* by day: demand that is not served on its day, in micro-requests; NULL */
    bool holds_capacity; /* what units take a minute counts, by the day */
    uint64_t peak_milli; /* then: the busiest hour over the mean, in thousandths; 0 = even days */
    money total;
    size_t quota_end; /* first day on which a quota or credit was not enough; FORECAST_NEVER */
    double unserved, delayed; /* micro-requests */
    uint64_t subscriptions;   /* of the plan that were bought */
};

/* Settles the course with the cheapest number of subscriptions that serves each day's demand on its
 * day; quota_end is that of a single one. -1: beyond 128 bits. */
int plan_course_settle(struct plan_course *c);

/* The same with so many, 1 at least. */
int plan_course_settle_count(struct plan_course *c, uint64_t count);

/* What futures are drawn from, by forecast_futures: their context. */
struct future_source {
    struct forecast_sample sample;
    struct demand_model model;
    const struct plan *const *plans;
    size_t plan_count, days; /* days of the horizon */
    uint64_t seed;
    int64_t begin_unix_ns;
    uint64_t peak_milli; /* of plan_course */
    money budget;
    size_t weeks; /* of the sample, to choose days from */
    int sample_phase;
    bool has_budget, weekly;
    bool aligned;   /* model and sample agree on the days of the week */
    bool by_tokens; /* demand is measured in tokens */
    bool few_days;  /* the days cannot show how uncertain the level is: the blocks must */
};

/* Which futures, and how demand grows: the slope of log demand per day, or the fitted trend. The
 * answer has for each future its requests (double), and for each plan a struct future_plan and the
 * spend in USD up to the end of each day. ERR_INPUT: beyond what can be charged. */
struct future_question {
    uint64_t first, count;
    double growth;
    bool has_growth;
};
struct future_plan {
    size_t quota_end, budget_end; /* day, or FORECAST_NEVER */
    uint64_t subscriptions;
    double unserved_share, delayed_share; /* of what was asked for */
    bool over_budget;
};

/* What n futures come to: their mean and quantiles. The values are put in order. */
struct forecast_band forecast_band_of(double *values, size_t n);

/* The same of days on which something ends, FORECAST_NEVER where it does not. */
struct forecast_end forecast_end_of(size_t *days, size_t n);

/* The futures of a scenario once more, for those who choose how many to commit to: the demand of
 * plans that can be bought in numbers, and what a plan by use charges for each day. */
struct kept_futures {
    struct block_charge **demand; /* by plan, [sample × days + day]; NULL: not asked */
    size_t spend_of;              /* a plan by use */
    money *spend;                 /* of it, likewise */
};

/* Fills what is asked. -1: beyond what can be charged. */
int forecast_keep_futures(const struct future_source *from, size_t samples, const double *growth,
                          struct kept_futures *out);

/* What to commit to, into the result, whose plans are summed up. ERR_INPUT: too many samples × days
 * × such plans. `growth` as of the futures drawn. */
int forecast_commit(const struct forecast *f, const struct future_source *from,
                    const double *growth, struct forecast_result *r, struct error *err);

#endif
