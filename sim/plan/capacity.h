/* Capacity: the highest rate that one replica sustains within the objectives, by simulation.
 *
 *     struct capacity_options o = {.engine = &config, .workloads = &w, .workload_count = 1,
 *                                  .slos = &slos, .goodput = 0.99, .seeds = 5, .requests = 4000};
 *     struct capacity c;
 *     if (capacity_find(&o, &c, err) < 0) return err->code;
 *     printf("%.2f (%.2f to %.2f) requests per second\n", c.rate_rps, c.low_rps, c.high_rps);
 *
 * A rate is sustained where the goodput of all seeds together meets the target and no queue grows:
 * their mean drift of the delay from the scheduled instant to the first token, and to the last, is
 * at most 1 % (core/runs/compare/sustained.h; the seeds differ enough to give its interval). The
 * highest such rate is bisected to 0.5 %, and is one that was simulated. All rates of a seed see
 * the same arrivals, only closer together (common random numbers), so that goodput falls smoothly
 * with the rate; the seeds differ in arrivals and, where several workloads are given, in the
 * workload.
 *
 * The 95 % interval is the test turned round: with h = t s / √seeds, Student's t and the standard
 * deviation s over the seeds at a rate, it holds every rate at which goodput ± h holds the target
 * or a drift ± h holds its limit. So goodput − h still meets the target at its lower limit. Between
 * the rates simulated it is interpolated.
 *
 * Requests of one simulation: `requests`, and at least twenty times those in flight without load,
 * so that long answers do not leave before their queue has formed; the first tenth is warm-up (a
 * quarter where turns wait for each other). Workloads with such turns are not begun anew: their
 * sessions arrive at the rate, and the rate given is that of requests measured. Everything in the
 * options is borrowed.
 */
#ifndef FAREBOX_SIM_PLAN_CAPACITY_H
#define FAREBOX_SIM_PLAN_CAPACITY_H

#include "core/error.h"
#include "core/farm/tasks.h"
#include "core/runs/summary/slo.h"
#include "sim/engine/engine.h"
#include "sim/plan/load_point.h"
#include "workloads/load/profile.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPACITY_SEEDS 64
#define CAPACITY_CURVE 12
#define CAPACITY_DRIFT 0.01     /* of the delay to the first token: more is a queue that grows */
#define CAPACITY_END_DRIFT 0.05 /* to the last */

/* What simulations can be tasks of, for any of these workloads: the context of capacity_trials. */
struct capacity_workloads {
    const struct workload *const *list;
    size_t count; /* up to CAPACITY_SEEDS */
};
extern const struct task_kind capacity_trials;

struct capacity_options {
    const struct engine_config *engine; /* one replica of it is simulated */
    const struct workload *const *workloads;
    size_t workload_count; /* seed i takes number i mod count */
    const struct slo_list *slos;
    double goodput; /* share of requests that must meet all objectives, in (0, 1) */
    uint64_t seed;
    unsigned seeds;                /* 2 … CAPACITY_SEEDS */
    uint64_t requests;             /* of one simulation */
    enum arrival_process arrivals; /* POISSON, or as a bench to compare with draws them */
    double burstiness;             /* of gamma arrivals; 0 = 1 */
    struct tasks *trials; /* of capacity_trials, whose workloads are these: so that others simulate,
                             too. NULL: this process alone */
    bool rate_only;       /* no interval, limit or textbook, and half a curve: to tabulate rates */
    /* Called before each simulation: how many there were, and its rate. NULL */
    void (*on_probe)(void *context, unsigned done, double rate_rps);
    void *context;
};

/* What binds: twice of it raises the rate the most (sim/plan/capacity_limit.h). */
enum capacity_limit {
    CAPACITY_PREFILL, /* tokens of prompts to compute */
    CAPACITY_DECODE,  /* steps that grow with the batch */
    CAPACITY_MEMORY,  /* KV blocks */
    CAPACITY_SEQS,    /* max_num_seqs */
    CAPACITY_LIMITS
};

/* The textbook beside it: M/M/c with the service time of the knee, and L = λW. */
struct capacity_theory {
    unsigned servers;     /* max_num_seqs, or what the KV memory holds of mean requests */
    double service_s;     /* from admission to the last token, at the knee */
    double wait_limit_s;  /* what the objectives leave for waiting; infinite without TTFT and E2E */
    double rate_rps;      /* at which the goodput's quantile of the wait meets it */
    double littles_load;  /* λW at the knee */
    double measured_load; /* requests in flight, averaged over time */
};

struct capacity {
    bool attainable;  /* false: missed even without load */
    bool unbounded;   /* no rate was found at which it is missed or a queue grows */
    double tried_rps; /* the highest sustained rate whose simulations were long enough to tell */
    bool by_queue;    /* just above it the goodput still meets the target, and a queue grows */
    double rate_rps, low_rps, high_rps;
    double seed_goodput[CAPACITY_SEEDS]; /* of each seed at the knee */
    unsigned seeds, probes;
    /* Means over the seeds. Whether a queue grows: `sustained`, unclear where the simulations were
     * too short to tell. */
    struct load_point unloaded; /* one request at a time */
    struct load_point knee;     /* at rate_rps */
    struct load_point curve[CAPACITY_CURVE];
    size_t curve_count;
    enum capacity_limit limit;
    double limit_share; /* of the time past the knee that it held requests up; NAN = not clearly */
    double lifts[CAPACITY_LIMITS]; /* by what share twice of each would raise the rate */
    double asked_rps;              /* rate_rps as it was asked for: of sessions more is measured */
    struct engine_state past_knee;
    struct capacity_theory theory;
};

/* ERR_INPUT for options that make no sense (no objective, a workload without requests);
 * ERR_INTERRUPTED when stop_level() rose: then nothing is known. */
int capacity_find(const struct capacity_options *o, struct capacity *out, struct error *err);

/* The objective that binds: by what share twice as many milliseconds of each would raise the rate,
 * and which raises it the most; SLO_MAX where a queue ends it (by_queue). Of a capacity that was
 * found, with the options it was found with. */
int capacity_find_objective(const struct capacity_options *o, const struct capacity *c,
                            double lifts[SLO_MAX], size_t *binds, struct error *err);

/* "prefill", "decode", "KV memory", "max_num_seqs". */
const char *capacity_limit_name(enum capacity_limit limit);

#endif
