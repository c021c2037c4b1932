/* Forecast: what the months to come would cost under every plan, from a sample of the workload.
 *
 *     struct forecast_scenario grows[] = {{"base", true, 5}};
 *     struct forecast_options o = {.months = 1, .samples = 1000, .scenarios = grows,
 *                                  .scenario_count = 1};
 *     struct forecast f;
 *     if (forecast_make(&f, &workload, plans, plan_count, &o, err) < 0) return err->code;
 *     forecast_write_json(&f, NULL, &writer);
 *     forecast_free(&f);
 *
 * A day is 24 hours from the sample's first instant, a month 30 days; the forecast begins where the
 * sample (or the demand history) ends. Requests per day follow a model of level, weekday and trend,
 *
 *     log(requests of day t) = level[weekday of t] + slope × t + residual,
 *
 * least squares. Every sampled future refits it to a history whose residuals were drawn anew in
 * blocks of days (Künsch, 1989; circular as Politis and Romano, 1992), and draws the residuals of
 * its own days likewise: the band holds the uncertainty of the fit as well as the days' noise.
 * What a day consists of comes from a day of the sample, of the same weekday in a week drawn for
 * each week. Blocks of whole sessions, all of a user where requests have a label `user`, are taken
 * again and again as a Poisson variate says, one draw per block and week, so that a heavy user is
 * there on all of his days or on none.
 *
 * Each sampled future is charged exactly: sums of the blocks' exact charges, settled day by day
 * against quotas, credits, minimum spend and subscriptions. Only statistics over the samples are
 * floating point. Windows shorter than a day hold their share of a day; rate limits below a day
 * and concurrency are not looked at (short_limits says so).
 *
 * The forecast owns its results and borrows workload, plans and options.
 */
#ifndef FAREBOX_SIM_PLAN_FORECAST_H
#define FAREBOX_SIM_PLAN_FORECAST_H

#include "core/buffer.h"
#include "core/farm/tasks.h"
#include "core/json/json_write.h"
#include "sim/cost/bill/run_workload.h"
#include "sim/cost/book/plan.h"
#include "sim/cost/tokens/token_view.h"
#include "sim/plan/forecast_history.h"

#define FORECAST_DAY_NS (86400 * NS_PER_S)
#define FORECAST_MONTH_DAYS 30
#define FORECAST_MAX_MONTHS 24
#define FORECAST_MAX_SAMPLES 100000
#define FORECAST_NEVER SIZE_MAX

/* How demand grows. Without an assumption the trend of the sample goes on, where it is long
 * enough (three weeks) to have one. */
struct forecast_scenario {
    const char *name;
    bool assumed;
    double percent; /* per month; assumed instead of the sample's trend */
};

struct forecast_options {
    unsigned months, samples;
    uint64_t seed;
    bool no_season;         /* every day alike */
    bool commits;           /* also: how many to commit to of plans paid by the period */
    bool assume_stationary; /* allows less than a week of sample, taken as without a season */
    bool has_start;         /* start_unix_ns overrides the workload's own */
    int64_t start_unix_ns;
    int64_t span_ns; /* how long the sample was recorded; 0 = to its last request */
    bool has_budget;
    money budget; /* for the whole horizon */
    const struct forecast_scenario *scenarios;
    size_t scenario_count;
    const struct demand_history *history; /* NULL: the sample is the history */
    const struct token_scales *scales;    /* counts of one model as another's; NULL. Borrowed */
    const struct farm *farm;              /* who else draws futures (core/farm/tasks.h); NULL */
};
extern const struct task_kind forecast_futures;

/* Of the sampled values: statistics, in USD or requests. */
struct forecast_band {
    double mean, p5, p50, p95;
};

/* When something is used up: the share of samples in which it is within the horizon, and quantiles
 * of the day (from 0 at the horizon's start), FORECAST_NEVER where that quantile is not. */
struct forecast_end {
    double probability;
    size_t p5, p50, p95;
};

/* Terms of a plan that a forecast does not settle as farebox bill does. */
enum forecast_term {
    FORECAST_TERM_SESSIONS, /* windows that begin with a request: taken as anchored ones */
    FORECAST_TERM_SHARES,   /* quotas for some models or classes: of the day, their mean share */
    FORECAST_TERM_VOLUME,   /* volume discounts by tokens, models or calendar: left out */
    FORECAST_TERM_QUOTAS,   /* more such quotas than are looked at */
    FORECAST_TERMS,
};

/* Bits of the plan's terms of these kinds, and what is said of one. */
uint32_t forecast_terms(const struct plan *plan);
const char *forecast_term_key(enum forecast_term term);
const char *forecast_term_words(enum forecast_term term);

struct forecast_plan {
    const struct plan *plan;
    money sample_usd;  /* exact usage charges of the sample, before quotas and subscription */
    uint64_t rejected; /* requests of the sample that the plan never serves: model or caps */
    struct token_counts counts; /* whose tokens the sample counts */
    money least_usd, most_usd;  /* of sample_usd, where that is in doubt */
    bool short_limits; /* has limits below a day, or on concurrency, that are not looked at */
    uint32_t terms;    /* bits of enum forecast_term */
    struct forecast_band bill;
    double *p5, *p50, *p95; /* of the spend up to the end of each day */
    double *month_usd;      /* mean by month */
    struct forecast_end budget, quota;
    double over_budget;    /* probability */
    double unserved_share; /* of requests, mean */
    double delayed_share;
    double subscriptions; /* of the plan that are bought, mean */
};

/* How many of a plan that is paid by the period to commit to, before the future is known. What
 * they have no room for goes elsewhere: to the plan by use that is expected to cost least. Money is
 * of the horizon, in USD. */
struct commitment {
    size_t plan, elsewhere; /* of the plans; elsewhere FORECAST_NEVER: there is none */
    const char *why_not;    /* nothing is worked out; static. NULL: it is */
    bool pays_beyond;       /* what is beyond is paid as the plan asks: less than elsewhere */
    uint64_t count;         /* of least expected cost; 0: none pays */
    struct forecast_band usd, without; /* with so many, and with none */
    double saves;       /* share of the futures in which so many cost less than none */
    double one_usd;     /* what one costs though nothing is asked of it */
    double worth_usd;   /* the most that one could cost and pay; below one_usd: the first does
                           not */
    uint64_t *by_month; /* best of each month, were it decided for it alone */
    size_t turns;       /* day of the first month from which on some pay where none did, or the
                           reverse; FORECAST_NEVER */
    struct forecast_end turn; /* the same in each future */
    bool has_last;            /* the sample has days to go by: */
    size_t last_days;         /* so many, at most a month */
    uint64_t last_count;      /* best for them, come again and again */
    double last_usd;          /* what that count is expected to cost in these futures */
};

/* Off its price, from which on the first one is signed; NAN where it pays as it is, or is free. */
double commitment_discount(const struct commitment *c);

struct forecast_result {
    struct forecast_scenario scenario;
    double percent; /* growth per month, assumed or of the fitted trend */
    struct forecast_band requests;
    struct forecast_plan *plans;
    size_t *schedule;    /* the cheapest plan of each month that serves all; FORECAST_NEVER: none */
    double schedule_usd; /* expected, where every month has one */
    size_t cheapest;     /* over the whole horizon; FORECAST_NEVER */
    bool undecided;      /* how plans count tokens decides which is the cheapest: none is named */
    struct commitment *commitments;
    size_t commitment_count;
};

/* The best split of requests between a flat and a token plan (struct bill_split), on the
 * sample. */
struct forecast_split {
    bool present;
    const struct plan *flat, *token;
    double to_flat_share; /* of requests */
    money least_moved;    /* requests from about this price on go to the flat plan */
    money saved;          /* on the sample, against the token plan alone */
    double saved_share;
};

struct forecast {
    struct forecast_options options;
    const struct workload *workload;
    size_t plan_count;
    size_t sample_days;  /* whole days used; 0 = less than one */
    double span_days;    /* of the sample */
    uint64_t peak_milli; /* its busiest hour of the day over a mean one, in thousandths; 0 */
    uint64_t left_out;   /* requests of the last day, which is not whole */
    size_t model_days;   /* of the history or sample that level and trend come from */
    bool weekly, has_trend, has_start;
    double trend_percent;            /* per month, fitted */
    double noise;                    /* standard deviation of a day's residual, in the logarithm */
    int64_t begin_unix_ns;           /* of the horizon, where has_start */
    size_t days;                     /* of the horizon */
    struct forecast_result *results; /* by scenario */
    struct forecast_split split;
};

/* ERR_INPUT: less than a week without assume_stationary, nothing to sample, charges that do not
 * fit, a plan with dated prices and no start, too many samples × days × plans (2^27).
 * ERR_INTERRUPTED when stop_level() rose. */
int forecast_make(struct forecast *out, const struct workload *w, const struct plan *const *plans,
                  size_t count, const struct forecast_options *options, struct error *err);
void forecast_free(struct forecast *f);

/* "2026-11-14", or "day 14" where no start is known; "-" for FORECAST_NEVER. */
#define FORECAST_DATE_SIZE 32
const char *forecast_date(const struct forecast *f, size_t day, char out[FORECAST_DATE_SIZE]);

/* NULL for FORECAST_NEVER. */
const char *forecast_plan_name(const struct forecast_result *r, size_t plan);

/* The plan has an allowance that may run out. */
bool forecast_has_allowance(const struct plan *p);

/* forecast.json. `more` adds members of its own to each scenario; NULL. */
typedef void forecast_member(const struct forecast *f, const struct forecast_result *r,
                             struct json_writer *w);
void forecast_write_json(const struct forecast *f, forecast_member *more, struct json_writer *w);

#endif
