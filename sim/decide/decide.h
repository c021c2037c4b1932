/* Hosted by the token, flat by the request, or replicas of one's own: which is the cheapest for a
 * workload that has to meet objectives, and how sure that is.
 *
 *     struct decide_options o = {.workload = &w, .candidates = &list, .slos = &slos,
 *                                .goodput = 0.99, .volume = 20000, .draws = 200, ...};
 *     struct decide d;
 *     if (decide_make(&d, &o, err) == 0)
 *         decide_write_json(&d, NULL, &writer);
 *     decide_free(&d);                                 // also after an error
 *
 * Candidates are compared by the money for each request that meets the objectives: a month's cash
 * over the good requests of the month, in the same draws for all. What is drawn: the sample's
 * sessions, users and days (redraw.h); the error that an engine's preset states, as a normal factor
 * on its times of which the 90th percentile is that error; a run's share of good requests, in
 * blocks; how a plan counts tokens that another model's counter counted, evenly over the doubt;
 * whether a cap that nobody confirmed holds, with even odds. A plan that nobody measured is listed
 * with its money and takes no part.
 */
#ifndef FAREBOX_SIM_DECIDE_DECIDE_H
#define FAREBOX_SIM_DECIDE_DECIDE_H

#include "core/json/json_write.h"
#include "sim/cost/bill/bill.h"
#include "sim/decide/candidate.h"
#include "sim/decide/own.h"
#include "sim/decide/redraw.h"
#include "sim/decide/verdict.h"

#define DECIDE_DRAWS 200
#define DECIDE_DRAW_ROWS 20000 /* requests of a month that is drawn; larger ones are scaled */
#define DECIDE_BLOCKS 10       /* of fewer sessions, users or days no doubt can be drawn */
#define DECIDE_MONTH_S (30 * 86400.0)

struct decide_options {
    const struct workload *workload;
    const struct candidate_list *candidates;
    const struct slo_list *slos;
    double goodput;  /* share of requests that must meet all of them */
    uint64_t volume; /* requests a month; 0: the workload's own rate */
    uint64_t draws, seed;
    double headroom; /* of a replica, that stays free */
    double peak;     /* busiest hour over the mean; 0: by the workload's hours of the week */
    int64_t max_wait_ns;
    bool has_start;
    int64_t start_unix_ns;
    unsigned workers, capacity_seeds;
    uint64_t capacity_requests;                                         /* of one simulation */
    const struct token_scales *scales;                                  /* NULL */
    void (*on_progress)(void *context, const char *what, double share); /* NULL */
    void *context;
};

/* One candidate. Money in USD: statistics of exact bills. */
struct decide_row {
    const struct candidate *candidate;
    size_t plan;         /* in bill.plans; SIZE_MAX of one's own */
    bool serves;         /* all requests, within the longest wait */
    const char *why_not; /* static; NULL where it serves */
    bool without_caps;  /* it does not serve, but would if its caps, which nobody confirmed, did not
                           hold: cash, unit and count are those */
    double cash;        /* of the month */
    double goodput;     /* NAN of a plan that nobody measured */
    double unit;        /* cash for each good request; NAN likewise */
    uint64_t count;     /* replicas, or subscriptions; 0: neither */
    double replica_rps; /* sustained by a replica; NAN */
    bool judged;        /* takes part in the verdict */
};

/* Requests a month from which on another one leads. */
struct decide_step {
    uint64_t from;
    size_t leader; /* of the rows; VERDICT_NOBODY */
    double probability;
};

/* What the candidates cost at some number of requests a month. */
struct decide_point {
    uint64_t requests;
    double *units; /* by row, USD for each good request; NAN where it is not judged, does not serve
                      or does not meet the objectives often enough */
    double *open;  /* likewise, of plans that serve only if their unconfirmed caps do not hold */
};

/* What the choice hinges on: one thing that may be less, or more, than it was taken to be. */
struct decide_end {
    const char *label; /* "half" */
    bool known;
    size_t leader;
    double advantage; /* of the expected cheapest over the cheapest other, as a share; negative: it
                         loses; -INFINITY: it serves no more */
};

struct decide_hinge {
    const char *what; /* "volume" */
    struct decide_end less, more;
};
#define DECIDE_HINGES 8

struct decide {
    struct decide_options options;
    struct redraw sample;        /* the workload, looked at once for all months made of it */
    struct week_profile profile; /* its own; not known before the month's bill */
    struct bill bill;            /* the month's, of all plans */
    uint64_t volume;
    double mean_rps, peak; /* of the month */
    bool by_hour, scaled;  /* scaled: months of fewer requests were drawn */
    bool too_few;          /* blocks of the sample, to tell how sure the answer is */
    struct decide_row *rows;
    struct own *own; /* by row */
    size_t count, judged;
    struct verdict verdict; /* of all rows; those that are not judged are never acceptable */
    double sample_factor;   /* so many times the sample would decide; INFINITY: no sample would */
    double sampled_share;   /* of the variance between the first two, that is the sample's */
    size_t expected; /* the cheapest of the month as it is expected, caps that nobody confirmed
                        held; VERDICT_NOBODY */
    double expected_advantage; /* its, there, over the cheapest other, as a share; NAN: no other */
    struct decide_step *steps;
    size_t step_count;
    uint64_t steps_end;          /* requests a month */
    struct decide_point *points; /* that were looked at for the steps, by rising requests */
    size_t point_count, point_capacity;
    uint64_t flips_below, flips_above; /* requests a month at which another leads; 0: not looked
                                          that far */
    size_t below, above;               /* who leads there */
    struct decide_hinge hinges[DECIDE_HINGES];
    size_t hinge_count;
};

/* ERR_INPUT: no candidate, no request, no rate without a volume, and as bill_make and
 * capacity_find; ERR_INTERRUPTED. */
int decide_make(struct decide *out, const struct decide_options *options, struct error *err);
void decide_free(struct decide *d);

/* decide.json. `more` adds members of its own; NULL. */
typedef void decide_member(const struct decide *d, struct json_writer *w);
void decide_write_json(const struct decide *d, decide_member *more, struct json_writer *w);

#endif
