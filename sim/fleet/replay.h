/* A course replayed in virtual time: do its replicas hold what they were given?
 *
 *     struct fleet_replay r;
 *     if (fleet_replay_course(&how, &view, &course, &r, err) < 0) return err->code;
 *     for (size_t t = 0; t < view.count; t++) use(r.hours[t].met);
 *     fleet_replay_free(&r);
 *
 * In each slot the requests go to the offers by what their replicas hold, and what does not find
 * room to the API; a session stays where it was while there is room. Each offer is an engine whose
 * replicas come and go by the course's schedule, begun before their slot by the cold start and
 * drained at its end. A request that spills over counts as met: the API's latency is not known.
 */
#ifndef FAREBOX_SIM_FLEET_REPLAY_H
#define FAREBOX_SIM_FLEET_REPLAY_H

#include "core/runs/summary/slo.h"
#include "sim/fleet/demand.h"
#include "sim/fleet/offer.h"

/* Slots of a demand, from `from` on. */
struct fleet_view {
    const struct fleet_demand *demand;
    size_t from, count;
};

struct fleet_hour {
    uint64_t due, met, spilled; /* met: by replicas; spilled ones are apart */
    uint64_t unserved;          /* no replica was there for them */
};

struct fleet_replay {
    struct fleet_hour *hours;
    uint64_t due, met, spilled, unserved;
    uint64_t units; /* that were begun: of autoscaling only */
    uint32_t most;  /* replicas ready at once: of autoscaling only */
};

struct fleet_replaying {
    const struct fleet_terms *terms;
    const struct slo_list *slos;
    uint64_t seed;
    const uint64_t *capacity_micro; /* of the view: [t * offers + o] */
};

/* Of `course` its replicas, commitments and spilled requests count. ERR_INPUT where the schedule
 * has too many changes; ERR_INTERRUPTED. */
int fleet_replay_course(const struct fleet_replaying *how, const struct fleet_view *view,
                        const struct course *course, struct fleet_replay *out, struct error *err);

/* All requests to one offer, scaled by the requests in a replica: `target` each, from `first` to
 * `most` replicas. */
int fleet_replay_reactive(const struct fleet_replaying *how, const struct fleet_view *view,
                          size_t offer, double target, uint32_t first, uint32_t most,
                          struct fleet_replay *out, struct error *err);
void fleet_replay_free(struct fleet_replay *r);

/* Whether an hour's requests met the objectives often enough. */
bool fleet_hour_holds(const struct fleet_hour *h, double goodput);

#endif
