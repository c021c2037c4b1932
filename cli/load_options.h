/* Loads: the options that say how often requests come, declared and read once for bench and sim;
 * workload gen shares --rate, --arrival and --burstiness.
 *
 * A rate is in requests per second, whatever the workload's sessions are like. A scenario is
 * generated at the rate, for as long as it lasts. A trace, and a scenario that --transform changes,
 * is taken row by row as the arrival process says, and begun anew where no row waits for another.
 *
 *     struct sim_options { struct common_options common; struct load_options load; ... };
 *     static const struct option_spec options[] = {
 *         LOAD_OPTION_SPECS(struct sim_options, load),
 *         {0},
 *     };
 *     struct load_use use = {&o->source};
 *     if (load_options_read(&o->load, &use, &rate, &schedule, err) < 0) return err->code;
 *     load_limits(&o->load, &rate, &o->source, seed, &limits);    // what to generate
 *     rate_load_free(&rate);                                      // the schedule lends from it
 */
#ifndef FAREBOX_CLI_LOAD_OPTIONS_H
#define FAREBOX_CLI_LOAD_OPTIONS_H

#include "cli/workload_source.h"
#include "workloads/load/schedule.h"

struct load_options {
    const char *rate, *arrival, *concurrency;
    double burstiness, speed;
    uint64_t requests, max_in_flight;
    int64_t duration_ns;
};

/* clang-format off */
#define ARRIVAL_OPTIONS(owner, place)                                                              \
    {"arrival", 0, OPTION_TEXT, offsetof(owner, place.arrival), NULL,                              \
     "poisson|constant|gamma|scenario",                                                            \
     .help = "arrivals at --rate: poisson (default), constant, gamma, or scenario: the "           \
             "scenario's own process, bursts and day curve, at the rate on average"},              \
    {"burstiness", 0, OPTION_NUMBER, offsetof(owner, place.burstiness), "1", "SHAPE",              \
     .min = 0.001, .max = 1e6, .help = "shape of gamma arrivals: below 1 bursty, above 1 regular"}

#define LOAD_OPTION_SPECS(owner, place)                                                            \
    {"requests", 'n', OPTION_COUNT, offsetof(owner, place.requests), NULL, "N",                    \
     .min = 1, .max = 4e9,                                                                         \
     .help = "so many requests at most; more than the workload has begin it anew, but not at its " \
             "own times or where its requests wait for each other", .group = "Load"},              \
    {"duration", 'd', OPTION_DURATION, offsetof(owner, place.duration_ns), NULL, "TIME",           \
     .max = 3e8, .help = "nothing becomes due after this"},                                        \
    {"speed", 0, OPTION_NUMBER, offsetof(owner, place.speed), "1", "FACTOR",                       \
     .min = 1e-6, .max = 1e9, .help = "the workload's own times so many times faster"},            \
    {"rate", 'r', OPTION_TEXT, offsetof(owner, place.rate), NULL, "RPS|STAGES",                    \
     .help = "open loop: requests per second, a session's later turns among them, or stages such " \
             "as 10:30s,10-50:60s; +200 between them is a burst of 200 requests at one instant"},  \
    ARRIVAL_OPTIONS(owner, place),                                                                 \
    {"concurrency", 'c', OPTION_TEXT, offsetof(owner, place.concurrency), NULL, "N|STAGES",        \
     .help = "closed loop: requests at a time, or stages such as 8:30s,8-64:60s"},                 \
    {"max-in-flight", 0, OPTION_COUNT, offsetof(owner, place.max_in_flight), NULL, "N",            \
     .max = 4e9,                                                                                   \
     .help = "open loop and traces: due requests wait above this; their wait is queue_ms"}
/* clang-format on */

/* The load (owned): without stages where no rate was given. */
struct rate_load {
    struct profile load;  /* requests per second */
    struct profile slots; /* closed loop: requests at a time */
    enum arrival_process arrivals;
    double burstiness;
    bool own_arrivals;
};

/* What else a command knows of its load. */
struct load_use {
    const struct workload_source *source; /* NULL: a scenario as it is */
    const char *sweep;                    /* NULL; one of rates brings them */
    bool search;                          /* for the highest rate */
};

/* Whether the options go together: ERR_INPUT for several loads at once. */
int load_options_check(const struct load_options *o, struct error *err);

/* Reads the rate alone: of --rate, --arrival and --burstiness. ERR_INPUT for a rate, process or
 * transform that cannot be, or options without effect. */
int rate_load_read(const struct load_options *o, const struct load_use *use, struct rate_load *out,
                   struct error *err);

/* Reads everything, into a schedule that lends its load from `out`. ERR_INPUT likewise. */
int load_options_read(const struct load_options *o, const struct load_use *use,
                      struct rate_load *out, struct schedule_config *schedule, struct error *err);

/* --rate as one number of requests per second. */
int load_options_one_rate(const char *rate, double *rps, struct error *err);
void rate_load_free(struct rate_load *l);

/* True where a rate was given and the generator makes the arrivals; else the schedule does. */
bool rate_is_generated(const struct rate_load *l, const struct workload_source *source);

/* The load as the generator takes it; borrowed. */
void rate_load_apply(const struct rate_load *l, uint64_t arrival_seed,
                     struct generate_options *out);

/* What bounds a workload that is made for the load: its requests, or its duration. Where transforms
 * come between, there are as many requests as are expected by the load's end and some to spare. */
void load_limits(const struct load_options *o, const struct rate_load *l,
                 const struct workload_source *source, uint64_t arrival_seed,
                 struct generate_options *out);

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
