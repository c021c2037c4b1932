/* Inside sim/fleet: one offer's states and what leads from one to another.
 *
 * A replica's phase is what is left of the unit that is paid for when its slot ends: a multiple of
 * the greatest common divisor of unit and slot (of what the cold start leaves), below a unit. A
 * state tells how many replicas are in each phase.
 */
#ifndef FAREBOX_SIM_FLEET_COURSE_OFFER_H
#define FAREBOX_SIM_FLEET_COURSE_OFFER_H

#include "sim/fleet/course.h"

/* From a state to another over the beginning of a slot. */
struct course_step {
    uint32_t to;
    uint32_t units, starts; /* that are paid for it, and replicas begun */
};

struct course_states {
    size_t count;
    uint32_t *replicas;        /* by state */
    size_t *first;             /* by state: its steps, in `steps`, to first[state + 1] */
    struct course_step *steps; /* by the number of replicas that they lead to */
    size_t step_count, capacity;
};

/* State 0 has no replicas. ERR_INPUT where there would be too many. */
int course_states_make(const struct course_offer *o, int64_t slot_ns, struct course_states *out,
                       struct error *err);
void course_states_free(struct course_states *s);

#endif
