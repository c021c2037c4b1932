/* The plan of a fleet: which replicas run in which hour, and what that costs, beside what last
 * week's schedule and an autoscaler would have cost.
 *
 *     struct fleet_plan p;
 *     if (fleet_plan_make(&options, &p, err) < 0) return err->code;
 *     fleet_plan_write(&p, &writer);
 *     fleet_plan_free(&p);
 *
 * One replica's capacity is the highest rate at which it meets the objectives
 * (sim/plan/capacity.h), tabulated for each offer and each mix of hours. The course of least cash
 * (course.h) is replayed (replay.h): an hour that misses the goodput gets a replica more, for as
 * many requests, and the course is found again; that is repeated a few times, and what still misses
 * is said.
 */
#ifndef FAREBOX_SIM_FLEET_FLEET_PLAN_H
#define FAREBOX_SIM_FLEET_FLEET_PLAN_H

#include "core/json/json_write.h"
#include "sim/fleet/replay.h"

#define FLEET_CURVE 5
#define FLEET_ROUNDS 4 /* in which hours that miss get replicas */

/* What one replica of an offer sustains in a mix. */
struct fleet_capacity {
    double rate_rps; /* 0: it meets the objectives at no rate */
    bool unbounded;  /* no rate was found at which it misses; rate_rps is the highest tried */
    double in_flight;
};

struct fleet_options {
    const struct fleet_terms *terms;
    const struct slo_list *slos;
    double goodput, headroom;
    const struct plan *spill; /* NULL */
    const struct workload *horizon;
    const struct workload *held_out; /* another draw of the same scenario; NULL: what is held out is
                                        the end of the horizon, where it is long enough */
    int64_t slot_ns;
    size_t mixes;
    uint64_t seed, requests; /* of the simulations for capacities */
    unsigned seeds;
    /* Told what is done next. NULL */
    void (*on_step)(void *context, const char *what);
    void *context;
};

/* What a way to run the fleet came to. */
struct fleet_figure {
    bool known;
    money cash, replicas_usd, commitments_usd, spill_usd;
    double replica_hours; /* that are paid, commitments included */
    uint32_t most;        /* replicas at once */
    uint64_t due, met, spilled, unserved;
    size_t missed_hours; /* below the goodput */
};

enum fleet_way { FLEET_FORESIGHT, FLEET_LAST, FLEET_REACTIVE, FLEET_WAYS };

/* "foresight", "last_period", "reactive". */
const char *fleet_way_name(enum fleet_way way);

/* The cash at objectives of `scale` times the milliseconds, as tabulated. */
struct fleet_point {
    double scale;
    bool possible;
    money cash;
    uint64_t spilled;
};

struct fleet_plan {
    const struct fleet_options *options;
    struct fleet_demand demand, other; /* other: of options.held_out */
    struct fleet_mixes mixes;
    struct fleet_capacity table[COURSE_OFFERS][FLEET_MIXES];
    struct course course;
    struct fleet_replay replay; /* of the course */
    uint32_t *added;            /* by slot: replicas it got as it missed */
    size_t rounds;              /* courses that were replayed */
    struct fleet_figure whole;  /* the course, over the horizon */

    /* The held-out period. */
    bool has_held_out;
    size_t period_slots, held_from;
    bool drawn; /* it is another draw of the scenario, not the end of the horizon */
    struct fleet_figure figures[FLEET_WAYS];
    size_t reactive_offer;
    double reactive_target;
    struct fleet_point curve[FLEET_CURVE];
};

/* ERR_INPUT for what makes no sense; ERR_WORK where no fleet serves every hour; ERR_INTERRUPTED. */
int fleet_plan_make(const struct fleet_options *o, struct fleet_plan *out, struct error *err);
void fleet_plan_free(struct fleet_plan *p);

/* fleet.json. */
void fleet_plan_write(const struct fleet_plan *p, struct json_writer *w);

/* The replicas of an offer that run in a slot, committed ones among them. */
uint32_t fleet_plan_replicas(const struct fleet_plan *p, size_t slot, size_t offer);

#endif
