/* Fit: a scenario whose generated twin matches a recorded workload.
 *
 * What is kept: the distributions of input and output lengths of each class (quantile tables) and
 * how they go together (a Gaussian copula with the correlation of their normal scores); the rate
 * over time as coarse as the burstiness allows, with Gamma gaps within; what share of the input
 * others began with (prefix blocks), as a pool of shared beginnings sized to the recorded hit
 * ratio. What is not: which request belongs to which session, and who waits for whom; requests
 * that wait for others count from their begin if answers took no time.
 *
 *     struct scenario s;
 *     struct fit_report report;
 *     if (workload_fit(&w, &s, &report, err) < 0) return err->code;
 *     scenario_write(&s, &buffer);
 *     scenario_free(&s);
 */
#ifndef FAREBOX_WORKLOADS_DESCRIBE_FIT_H
#define FAREBOX_WORKLOADS_DESCRIBE_FIT_H

#include "workloads/model/workload.h"
#include "workloads/scenario/scenario.h"

struct fit_report {
    size_t requests, classes;
    size_t dependent;                          /* requests whose waiting for others is not kept */
    double interarrival_cv, fitted_cv;         /* of the trace, and what the fitted arrivals give */
    double shape;                              /* of the Gamma gaps */
    double step_s;                             /* of the rate curve; 0 = one rate */
    double prefix_hit_ratio, fitted_hit_ratio; /* by tokens; NaN without blocks */
    uint32_t prefix_pool;
};

/* Fails with ERR_INPUT for fewer than two requests, or none at two different times. */
int workload_fit(const struct workload *w, struct scenario *out, struct fit_report *report,
                 struct error *err);

/* How close a twin came: Kolmogorov–Smirnov distances of the lengths, and the gaps' CVs. */
struct fit_distance {
    double ks_input, ks_output;
    double interarrival_cv, twin_cv;
    double hit_ratio, twin_hit_ratio;
};
void workload_fit_compare(const struct workload *w, const struct workload *twin,
                          struct fit_distance *out);

/* CV (population) of the gaps between arrivals in time order; NaN where there are none. */
double workload_interarrival_cv(const struct workload *w);

/* Tokens that an infinite prefix cache hits over input tokens; NaN without blocks. */
double workload_prefix_hit_ratio(const struct workload *w);

#endif
