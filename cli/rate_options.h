/* Loads at a rate: --rate, --arrival and --burstiness, for every command that takes them.
 *
 * A rate is in requests per second, whatever the workload's sessions are like. A scenario is
 * generated at the rate, for as long as it lasts. A trace, and a scenario that --transform changes,
 * is taken row by row as the arrival process says, and begun anew where no row waits for another.
 *
 *     struct rate_load rate;
 *     struct rate_options given = {o->rate, o->arrival, o->burstiness, .source = &o->source};
 *     if (rate_load_read(&given, &rate, err) < 0) return err->code;
 *     if (rate_is_generated(&rate, &o->source)) rate_load_apply(&rate, seed, &limits);
 *     rate_load_free(&rate);
 */
#ifndef FAREBOX_CLI_RATE_OPTIONS_H
#define FAREBOX_CLI_RATE_OPTIONS_H

#include "cli/workload_source.h"
#include "workloads/load/profile.h"

#define ARRIVAL_HELP                                                                           \
    "arrivals at --rate: poisson (default), constant, gamma, or scenario: the scenario's own " \
    "process, bursts and day curve, at the rate on average"
#define BURSTINESS_HELP "shape of gamma arrivals: below 1 bursty, above 1 regular"

struct rate_options {
    const char *rate, *arrival;
    double burstiness;
    const struct workload_source *source; /* NULL: a scenario as it is */
    const char *sweep;                    /* NULL; one of rates brings them */
    bool search;                          /* for the highest rate */
};

/* The load (owned): without stages where no rate was given. */
struct rate_load {
    struct profile load;  /* requests per second */
    struct profile slots; /* closed loop: requests at a time */
    enum arrivals_kind arrivals;
    double burstiness;
    bool own_arrivals;
};

/* ERR_INPUT for a rate, process or transform that cannot be, or options without effect. */
int rate_load_read(const struct rate_options *o, struct rate_load *out, struct error *err);
void rate_load_free(struct rate_load *l);

/* True where a rate was given and the generator makes the arrivals; else the schedule does. */
bool rate_is_generated(const struct rate_load *l, const struct workload_source *source);

/* The load as the generator takes it; borrowed. */
void rate_load_apply(const struct rate_load *l, uint64_t arrival_seed,
                     struct generate_options *out);

/* The extent of a scenario that is taken at a load after transforms: as many requests as are
 * expected by the load's end or `duration_ns` (0 = none) and some to spare. 0 where neither ends.
 */
uint64_t rate_load_requests(const struct rate_load *l, int64_t duration_ns);

/* True where options name a load that has a steady state to come to: a rate that does not follow a
 * scenario's own bursts and day curve. */
bool rate_is_steady(const char *rate, const char *arrival);

/* Warns where the load lasts longer than a workload that cannot be begun anew. */
void rate_load_warn(const struct rate_load *l, const struct workload_source *source,
                    const struct workload *w, int64_t duration_ns, const struct terminal *t);

/* Seconds until requests come at the rate where an answer takes `answer_ms` (NAN = not known). */
double rate_ramp_s(const struct workload *w, double answer_ms);

/* A run at a rate, for struct summary_options: `rated` of rate_run_steady(). */
struct rate_run {
    const struct rate_load *load;
    const struct workload *workload;
    bool generated;      /* rate_is_generated() */
    uint64_t requests;   /* --requests; 0 = not given */
    int64_t duration_ns; /* 0 or TIME_NEVER = not given */
};
void rate_run_steady(const void *rate_run, double answer_ms, double *from_s, double *until_s);

#endif
