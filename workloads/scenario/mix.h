/* Several scenarios at once, as one: "chat:0.7,agent:0.3".
 *
 *     struct scenario s;
 *     if (scenario_load_mix("chat:0.7,agent:0.3", &s, err) < 0) return err->code;
 *     workload_generate(&s, seed, &options, &w, err);
 *     scenario_free(&s);
 *
 * A share is of the requests, all turns of a session among them, and shares need not add up to 1.
 * In all there are as many requests a second as the shares' mean of what the scenarios have by
 * themselves. Each keeps its arrivals' process, stages, day curve and bursts, scaled; the classes
 * keep their names (a class without one gets its scenario's), models, services and lengths, and
 * each class comes by arrivals of its own. The first one's start counts, and its extent: so many
 * requests in all, or so long. Blocks are of the smallest size that any of them has.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_MIX_H
#define FAREBOX_WORKLOADS_SCENARIO_MIX_H

#include "workloads/scenario/scenario.h"

#define MIX_MOST 32

/* Names are those of scenario_load(). Returns 0, or ERR_INPUT for a text or scenario that cannot
 * be. */
int scenario_load_mix(const char *text, struct scenario *out, struct error *err);

#endif
