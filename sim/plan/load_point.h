/* A load that was measured, live or simulated: its figures, and whether it held.
 *
 *     struct load_point p;
 *     load_point_fill(&p, 12, false, &summary);
 *     if (load_point_sustained(&p, "results/x", &summary, err) < 0) return err->code;
 *     if (load_judge(&p, &target) == LOAD_HOLDS) ...
 *     load_point_write(&p, LOAD_IN_SWEEP, &writer);
 *
 * A load is a rate in requests per second (an open loop: latencies count from the scheduled
 * instant) or a number of requests at a time (a closed loop: from sending). NAN = not known.
 */
#ifndef FAREBOX_SIM_PLAN_LOAD_POINT_H
#define FAREBOX_SIM_PLAN_LOAD_POINT_H

#include "core/runs/compare/sustained.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>

struct load_point {
    double load;
    double scheduled, failed, cancelled, unsent; /* requests */
    double request_rps, output_tps;
    double goodput, goodput_low, goodput_high; /* low, high: of several seeds */
    double ttft_mean, ttft_p50, ttft_p99, tpot_p50, tpot_p99, e2e_mean, e2e_p50, e2e_p99; /* ms */
    double in_flight;      /* the concurrency, or by Little's law throughput × mean E2E */
    double served, growth; /* completed over due; of the delay, seconds a second; open loops */
    double sustained;      /* enum sustained_verdict; a closed loop is, by its nature */
    double stopped;        /* 1: a condition of --stop-when ended it; else 0 or NAN */
    double client_limited; /* 1 or 0; NAN where nobody was audited, as in a simulation */
    char client_reason[FIDELITY_TEXT_SIZE]; /* why it was the limit; "" = not said */
};

/* The figures of the summary's window; what a summary does not tell is NAN. */
void load_point_fill(struct load_point *p, double load, bool closed, const struct summary *s);

/* Whether the load was sustained, from the run's requests. A rate that a run's sessions were too
 * few to keep up is not known to be. */
int load_point_sustained(struct load_point *p, const char *run, const struct summary *s,
                         struct error *err);

/* What a load has to hold. */
struct load_target {
    const struct slo_list *slos; /* without any, what is sustained holds */
    double goodput;              /* share of the requests that meet them all */
};

/* A point at which the client was the limit tells neither: it may have held back the load or added
 * to the latencies. */
enum load_verdict {
    LOAD_MISSED,
    LOAD_HOLDS,
    LOAD_QUEUE_GROWS,
    LOAD_STOPPED, /* the endpoint was past what --stop-when allows */
    LOAD_TOO_SHORT,
    LOAD_CLIENT_LIMITED,
};

enum load_verdict load_judge(const struct load_point *p, const struct load_target *target);

/* --stop-when ended the run, and not as the client was the limit: higher loads are no use. */
bool load_was_stopped(const struct load_point *p);

bool load_client_limited(const struct load_point *p);

/* A request of the point completed. */
bool load_point_completed(const struct load_point *p);

/* The members that a point has in a file. */
enum load_members {
    LOAD_IN_LOG = 1,   /* a line of sweep.jsonl, to be read back: figures as in summary.json */
    LOAD_IN_SWEEP = 2, /* of concurrencies; with LOAD_OF_RATES of rates */
    LOAD_IN_PROBES = 4,
    LOAD_IN_CURVE = 8,
    LOAD_OF_RATES = 16,
};

/* As a JSON object. */
void load_point_write(const struct load_point *p, unsigned members, struct json_writer *w);

/* Reads what LOAD_IN_LOG wrote; false where it is not whole. */
bool load_point_read(struct text line, bool closed, struct load_point *out);

#endif
