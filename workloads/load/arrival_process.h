/* Arrival processes: gaps of mean 1, which a rate then stretches.
 *
 *     u += arrival_gap(process, shape, first, &random);    // a time at one arrival per unit
 *     t = arrival_ramp(rate, slope, u - before);           // where the integral of the rate is u
 */
#ifndef FAREBOX_WORKLOADS_LOAD_ARRIVAL_PROCESS_H
#define FAREBOX_WORKLOADS_LOAD_ARRIVAL_PROCESS_H

#include "core/random.h"

#include <stdbool.h>

enum arrival_process {
    ARRIVAL_POISSON,  /* exponential gaps */
    ARRIVAL_CONSTANT, /* equal gaps */
    ARRIVAL_GAMMA,    /* of a shape (1/CV², vLLM's burstiness): below 1 bursty, above 1 regular */
    ARRIVAL_WEIBULL,  /* of a shape; in scenarios */
};

/* "poisson", ... in the order of the enum; ends with NULL. */
extern const char *const arrival_process_names[];

/* Of "poisson", "constant" and "gamma"; -1 for anything else. */
int arrival_process_from_name(const char *name);

/* The gap before the next arrival; `first` is the process's first one. Constant arrivals begin with
 * one, at 0. The others begin as if they had gone on for ever, so that the expected number of
 * arrivals by any time is the rate's integral: the load meets a gap in proportion to its length,
 * anywhere within it (Cox, Renewal Theory, 1962, 2.2). */
double arrival_gap(enum arrival_process process, double shape, bool first, struct random *r);

/* Where the integral of a rate that is `from` at 0 and grows by `slope` reaches `sum`: the root of
 * from t + slope t² / 2 = sum, in the form that does not cancel. */
double arrival_ramp(double from, double slope, double sum);

#endif
