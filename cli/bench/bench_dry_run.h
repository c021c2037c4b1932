/* What a bench would send, told without sending: --dry-run.
 *
 *     struct bench_dry_run d;
 *     bench_dry_run_init(&d, options);
 *     bench_dry_run_add(&d, &run, err);          // each run of a series
 *     bench_dry_run_show(&d, &text);
 *     bench_dry_run_write(&d, &json);
 *     bench_dry_run_free(&d);
 *
 * Each run's own schedule is driven through virtual time by an endpoint that answers at once: the
 * arrivals, their order and the endpoints that they go to are those of the run with the same seed.
 * What waits for answers (a closed loop, requests with parents) comes later in the run, so there
 * the endpoint decides how long it lasts and, where it ends by time, how many are sent.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_DRY_RUN_H
#define FAREBOX_CLI_BENCH_BENCH_DRY_RUN_H

#include "cli/bench/bench_options.h"
#include "sim/cost/book/budget.h"

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
    char *url;         /* as it may be shown */
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

struct bench_dry_run {
    const struct bench_options *options;
    char *workload, *load_text;
    const char *load; /* "trace", "open" or "closed" */
    enum dry_runs runs_are;
    enum dry_requests requests_are;
    enum dry_span span_is;
    uint64_t rows, requests, input_tokens, output_tokens;
    uint32_t anew;                 /* how often the workload is begun again in a run, at most */
    double first_s, span_s, end_s; /* first_s: when the first request is due */
    uint64_t not_due;              /* later turns of sessions that lie behind the end */
    double steady_rate_from_s;     /* of a load at a rate, answers apart; NAN = no rate */
    bool probes;                   /* two requests to each endpoint of a run, before it */
    money limit, probe;
    struct dry_endpoint *endpoints;
    struct dry_plan *plans;
    struct dry_part *parts;
    size_t endpoint_count, plan_count, part_count, part_capacity;
};

/* A run to add. */
struct dry_run_input {
    const char *label; /* NULL */
    size_t endpoint;   /* the only one of the run, of all; SIZE_MAX = all */
    const struct bench_options *options;
    const struct bench_setup *setup;
    const struct workload *workload;
    struct budget *money;
};

/* The options are those of the whole series, and borrowed. */
void bench_dry_run_init(struct bench_dry_run *d, const struct bench_options *o);

/* ERR_INPUT where there is no schedule, ERR_WORK for costs that do not fit, ERR_INTERRUPTED by a
 * signal. */
int bench_dry_run_add(struct bench_dry_run *d, const struct dry_run_input *in, struct error *err);

void bench_dry_run_show(const struct bench_dry_run *d, struct buffer *out);

/* The object that docs/bench.md describes. */
void bench_dry_run_write(const struct bench_dry_run *d, struct buffer *out);
void bench_dry_run_free(struct bench_dry_run *d);

#endif
