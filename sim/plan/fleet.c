#include "sim/plan/fleet.h"

#include <math.h>

uint64_t fleet_replicas(double demand_rps, double capacity_rps, double headroom)
{
    double usable = capacity_rps * (1 - headroom);
    /* The slack keeps 3.0000000000000004 replicas from being four. */
    double replicas = ceil(demand_rps / usable - 1e-9);
    if (!(usable > 0) || !(replicas < 1e15))
        return 0;
    return replicas < 1 ? 1 : (uint64_t)replicas;
}

struct fleet_overtake fleet_overtake(double hour_usd, double request_usd, double usable_rps)
{
    struct fleet_overtake o = {.first_rps = NAN, .always_rps = NAN};
    double first = hour_usd / 3600 / request_usd;
    if (!(request_usd > 0) || !(first <= usable_rps))
        return o;
    o.ever = true;
    o.first_rps = o.always_rps = first;
    if (first == usable_rps)
        o.always_rps = INFINITY; /* equal at every full fleet, never more */
    else {
        double replicas = ceil(usable_rps / (usable_rps - first) - 1e-9);
        if (replicas > 2)
            o.always_rps = (replicas - 1) * first;
    }
    return o;
}
