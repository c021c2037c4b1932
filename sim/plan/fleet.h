/* A fleet: replicas for a demand, and the demand from which it is cheaper than paying by use.
 *
 *     uint64_t n = fleet_replicas(demand_rps, capacity_rps, 0.2);
 *     struct fleet_overtake o = fleet_overtake(gpus * hour_usd, request_usd, capacity_rps * 0.8);
 *
 * Headroom h: replicas are loaded to (1 − h) of their capacity at most.
 */
#ifndef FAREBOX_SIM_PLAN_FLEET_H
#define FAREBOX_SIM_PLAN_FLEET_H

#include <stdbool.h>
#include <stdint.h>

/* ⌈demand / (capacity·(1 − headroom))⌉, at least 1; 0 where the capacity is 0 or the answer does
 * not fit. */
uint64_t fleet_replicas(double demand_rps, double capacity_rps, double headroom);

struct fleet_overtake {
    bool ever;
    double first_rps;  /* the lowest demand at which the fleet costs no more */
    double always_rps; /* from here on it always does: between, a further replica can tip it back */
};

/* R replicas at `hour_usd` each serve up to R·usable_rps; by use, a request costs request_usd.
 * One replica costs no more than d requests per second from d₁ = hour_usd / (3600·request_usd) on.
 * If d₁ > usable_rps no number does. Else the fleet of R is cheaper for d in [R·d₁, R·usable];
 * no gap lies before R once R·d₁ ≤ (R − 1)·usable: the last gap ends one replica earlier. */
struct fleet_overtake fleet_overtake(double hour_usd, double request_usd, double usable_rps);

#endif
