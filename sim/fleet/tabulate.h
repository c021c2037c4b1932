/* Inside sim/fleet: capacities by offer and mix, and the problem that they make of a demand. */
#ifndef FAREBOX_SIM_FLEET_TABULATE_H
#define FAREBOX_SIM_FLEET_TABULATE_H

#include "sim/fleet/fleet_plan.h"

/* With objectives of `scale` times the milliseconds, for the mixes of p->demand. */
int fleet_tabulate(const struct fleet_plan *p, double scale,
                   struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES], struct error *err);

/* A problem that owns its parts. */
struct fleet_problem {
    struct course_problem p;
    struct course_offer offers[COURSE_OFFERS];
    struct course_commitment commitments[COURSE_COMMITMENTS];
    uint64_t *capacity_micro;
    uint32_t *lost, *least;
};

/* ERR_INPUT where money does not fit. */
int fleet_problem_make(const struct fleet_plan *p, const struct fleet_view *view,
                       struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES],
                       struct fleet_problem *out, struct error *err);
void fleet_problem_free(struct fleet_problem *p);

#endif
