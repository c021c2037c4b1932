/* Replicas of one's own: how many serve a demand within the objectives, if step times are not quite
 * what the preset says.
 *
 * The highest rate R that a replica sustains is found by simulation (sim/plan/capacity.h). Were all
 * its times f times as long, it would be R(objectives / f) / f: time is only counted in other
 * units. So a few rates, at the objectives scaled, tell the rate for any error; between them the
 * logarithms are interpolated.
 */
#ifndef FAREBOX_SIM_DECIDE_OWN_H
#define FAREBOX_SIM_DECIDE_OWN_H

#include "sim/plan/capacity.h"

#define OWN_NODES 5
#define OWN_ERROR_UNKNOWN 0.3 /* of a preset that states none: taken, and said */

/* What is found at the objectives times `scale`. */
struct own_node {
    double scale, rate_rps; /* 0: missed even without load */
};

struct own {
    struct own_node nodes[OWN_NODES]; /* by rising scale */
    size_t node_count;
    struct capacity capacity; /* at scale 1 */
    double error;             /* relative, 90th percentile, of what the objectives are about */
    bool error_unknown;       /* the preset states none */
};

/* Finds the rates: at the objectives as they are, tighter and wider by half of them, and by the
 * error. ERR_INPUT, ERR_INTERRUPTED as capacity_find. */
int own_find(struct own *o, const struct capacity_options *how, struct error *err);

/* Requests per second that a replica sustains within the objectives times `scale`, were its times
 * `slower` times as long; 0: none. INFINITY: no limit was found. */
double own_rate(const struct own *o, double slower, double scale);

/* The share of requests that meet the objectives where each replica gets `load_rps`, by the
 * simulations at the objectives as they are. */
double own_goodput(const struct own *o, double load_rps);

#endif
