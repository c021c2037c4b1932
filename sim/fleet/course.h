/* The course of a fleet: how many replicas of each offer run in each slot of the horizon, so that
 * the cash is the least there is.
 *
 *     struct course c;
 *     if (course_find(&problem, &c, err) < 0) return err->code;
 *     for (size_t t = 0; t < problem.slot_count; t++)
 *         use(c.replicas[t * problem.offer_count + 0]);
 *     course_free(&c);
 *
 * A slot has a demand, in requests. A replica that runs in it serves so many of them at most; what
 * the replicas do not hold spills over to an API, at its bill, or may not be where there is none.
 *
 * A replica that is to run n slots is begun `start_ns` before the first of them, and is paid from
 * there on in whole units: ceil((start + n slots) / unit). One that is stopped is gone, with what
 * was paid of it; one whose unit goes on may stay for nothing. A committed replica runs in every
 * slot and is paid for the horizon, used or not.
 *
 * Spot replicas are lost in interruptions: a list of scenarios, all equally likely, each with how
 * many replicas of every spot offer are away in each slot. The fleet is decided before it is known
 * which comes; what lacks in one spills over in it. A unit that was begun is paid. The cash is the
 * mean over the scenarios.
 *
 * Exact, by dynamic programming from the last slot back: the state is, for each offer, how many
 * replicas run by how much of their unit is left. Of courses that cost the same, the one with the
 * fewest requests spilled counts, then the fewest replicas over all slots, then the fewest of the
 * first commitment, and so on; then the fewest of the first offer in the first slot, and so on.
 */
#ifndef FAREBOX_SIM_FLEET_COURSE_H
#define FAREBOX_SIM_FLEET_COURSE_H

#include "core/error.h"
#include "core/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COURSE_OFFERS 8
#define COURSE_COMMITMENTS 4
#define COURSE_SCENARIOS 16
#define COURSE_MICRO 1000000u

struct course_offer {
    money unit_usd; /* of one replica for one unit */
    int64_t unit_ns, start_ns;
    bool spot;
    uint32_t most; /* replicas at once, without committed ones */
};

struct course_commitment {
    size_t offer;
    money cash;    /* of one replica, over the horizon */
    uint32_t most; /* replicas that can be had so */
};

struct course_slot {
    uint64_t demand; /* requests */
    money spill_usd; /* what all of them would cost at the API; a part costs its share */
};

/* Everything is borrowed. Of slot t and offer o: [t * offer_count + o]. */
struct course_problem {
    const struct course_offer *offers;
    const struct course_commitment *commitments;
    const struct course_slot *slots;
    size_t offer_count, commitment_count, slot_count;
    int64_t slot_ns;
    const uint64_t
        *capacity_micro; /* millionths of a request that one replica serves in the slot */
    bool can_spill;
    const uint32_t *lost; /* [scenario * slot_count + t]; NULL = no interruption is looked at */
    size_t scenario_count;
    const uint32_t *least; /* replicas that there are at least; NULL */
    bool fixed;            /* `least` is how many there are, and `committed` of the commitments */
    uint32_t committed[COURSE_COMMITMENTS];
};

struct course {
    uint32_t *replicas; /* that run, without committed ones */
    uint32_t committed[COURSE_COMMITMENTS];
    uint64_t *spilled;    /* by slot: requests, where nothing is interrupted */
    uint64_t spilled_sum; /* of all scenarios together */
    uint64_t units[COURSE_OFFERS], starts[COURSE_OFFERS], replica_slots;
    money units_usd, commitments_usd, spill_usd; /* the latter a mean over the scenarios */
    money cash;                                  /* their sum */
};

/* ERR_WORK where no course serves every slot (err names the first that none can) or money does not
 * fit; ERR_INPUT where the search would be too large, with what makes it smaller. */
int course_find(const struct course_problem *p, struct course *out, struct error *err);
void course_free(struct course *c);

/* Requests of slot t that do not find room, in scenario s, with so many replicas of each offer, the
 * committed ones apart. */
uint64_t course_lacks(const struct course_problem *p, const uint32_t *replicas,
                      const uint32_t *committed, size_t t, size_t s);

#endif
