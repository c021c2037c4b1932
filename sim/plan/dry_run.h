/* What a live run would send, told without sending.
 *
 *     struct dry_run d = {.subject = "--sweep rate=1,2"};
 *     dry_run_init(&d, endpoints, 1);
 *     dry_run_add(&d, &part, err);                     // each run of a series
 *     dry_run_write(&d, &json);
 *     dry_run_free(&d);
 *
 * Each run's own schedule is driven through virtual time by an endpoint that answers at once: the
 * arrivals, their order and the endpoints that they go to are those of the run with the same seed.
 * What waits for answers (a closed loop, requests with parents) comes later in the run, so there
 * the endpoint decides how long it lasts and, where it ends by time, how many are sent.
 */
#ifndef FAREBOX_SIM_PLAN_DRY_RUN_H
#define FAREBOX_SIM_PLAN_DRY_RUN_H

#include "core/json/json_write.h"
#include "sim/cost/book/budget.h"
#include "workloads/load/schedule.h"

enum dry_requests {
    DRY_EXACT,
    DRY_AT_MOST,
    DRY_EACH_PASS, /* as many as are answered in the time; the figures are of the workload once */
};

enum dry_span {
    DRY_TO_LAST_ARRIVAL, /* the answers' own time comes behind it */
    DRY_SPAN_AT_MOST,    /* to the last sending */
    DRY_SPAN_AT_LEAST,
    DRY_SPAN_UNKNOWN, /* the endpoint's */
};

/* How the runs that were added stand to those that would be made. */
enum dry_runs {
    DRY_ALL,
    DRY_MOST,  /* as many at most, at rates that the answers decide */
    DRY_FIRST, /* the first of a number that the answers decide */
};

struct dry_plan {
    char *name;
    money total;
    double mean, squares; /* Welford's running moments, for the interval only */
    uint64_t priced, unsold, unpriced;
    bool paid_otherwise; /* a subscription or hours come on top */
    bool guessed;        /* the model is not known: the dearest that the plan sells */
};

struct dry_endpoint {
    char *url;         /* as it may be shown; owned */
    const char *model; /* model NULL = the request's own, else the first that it lists */
    uint64_t requests;
};

/* One run of the series. */
struct dry_part {
    char label[32]; /* "rate 4", "2-1"; "" */
    uint64_t requests;
    double span_s; /* NAN = not known */
    money cost;    /* of the first plan */
};

struct dry_run {
    /* set by the caller, borrowed */
    const char *subject;  /* what it is of: "--sweep rate=1,2"; NULL = the load */
    const char *max_cost; /* as it was given; NULL */
    bool one_url;         /* the endpoints differ in their models only */
    enum dry_runs runs_are;
    enum dry_span span_is;

    char *workload, *load_text;
    const char *load; /* "trace", "open" or "closed" */
    enum dry_requests requests_are;
    uint64_t rows, requests, input_tokens, output_tokens;
    uint32_t anew;                 /* how often the workload is begun again in a run, at most */
    double first_s, span_s, end_s; /* first_s: when the first request is due */
    uint64_t not_due;              /* later turns of sessions that lie behind the end */
    double steady_rate_from_s;     /* of a load at a rate, answers apart; NAN = no rate */
    bool probes;                   /* small requests to each endpoint, before the first run */
    money limit, probe;
    struct dry_endpoint *endpoints;
    struct dry_plan *plans;
    struct dry_part *parts;
    size_t endpoint_count, plan_count, part_count, part_capacity;
};

/* A run to add; borrowed. */
struct dry_run_input {
    const char *label; /* NULL */
    size_t endpoint;   /* the only one of the run, of all; SIZE_MAX = all */
    const char *load, *load_text;
    double steady_rate_from_s;
    bool probes;
    struct schedule_config schedule;
    const struct workload *workload;
    struct budget *budget;
    /* The number of the endpoint that a request goes to. */
    size_t (*choose)(const void *context, const struct workload *w, const struct due *due);
    const void *context;
};

/* Takes the endpoints, of which the urls are owned and the rest is borrowed. */
void dry_run_init(struct dry_run *d, struct dry_endpoint *endpoints, size_t count);
void dry_run_free(struct dry_run *d);

/* ERR_INPUT where there is no schedule, ERR_WORK for costs that do not fit, ERR_INTERRUPTED by a
 * signal. */
int dry_run_add(struct dry_run *d, const struct dry_run_input *in, struct error *err);

/* 95 % limits of the cost of as many others from the same population: mean ± 1.96 standard errors
 * of the sum. */
void dry_plan_interval(const struct dry_plan *p, double *low, double *high);

/* The budget would end it before. */
bool dry_run_over_budget(const struct dry_run *d);

/* The object that docs/bench.md describes. */
void dry_run_write(const struct dry_run *d, struct json_writer *w);

#endif
