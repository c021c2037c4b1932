/* Inside sim/plan: what binds a capacity, by giving twice of it.
 *
 *     struct limit_search s = {.options = &o, .service_s = 2, .rate_rps = c.asked_rps};
 *     if (capacity_lift_engine(&s, &state, c.lifts, err) < 0) return err->code;
 *     c.limit = capacity_choose_limit(c.lifts, c.limit);
 *
 * A lift is by how much the rate rises that one seed sustains, as a share: 0.4 of a rate that would
 * be 1.4 times as high. Up to LIFT_MOST is looked for, and less than LIFT_LEAST counts as nothing.
 */
#ifndef FAREBOX_SIM_PLAN_CAPACITY_LIMIT_H
#define FAREBOX_SIM_PLAN_CAPACITY_LIMIT_H

#include "sim/plan/capacity.h"

#define LIFT_MOST 7.0
#define LIFT_LEAST 0.02

struct limit_search {
    const struct capacity_options *options;
    double service_s; /* mean time in the engine without load */
    double rate_rps;  /* asked for, that is sustained; then what the first seed alone sustains */
    bool is_own;      /* rate_rps is the first seed's */
};

/* Of an engine with twice the KV memory, twice the places (`state`: where nobody ever waited for
 * them, 0 without a search), prompts computed twice as fast in steps of twice the tokens, and all
 * else in a step twice as fast. ERR_INTERRUPTED. */
int capacity_lift_engine(struct limit_search *s, const struct engine_state *state,
                         double lifts[CAPACITY_LIMITS], struct error *err);

/* Of an objective of twice as many milliseconds. */
int capacity_lift_objectives(struct limit_search *s, double lifts[SLO_MAX], struct error *err);

/* The limit whose lift is the highest. Memory and places count double, as whoever is served faster
 * gives them back sooner; among those that are close, `seen` is taken, what was seen to hold
 * requests up. */
enum capacity_limit capacity_choose_limit(const double lifts[CAPACITY_LIMITS],
                                          enum capacity_limit seen);

#endif
