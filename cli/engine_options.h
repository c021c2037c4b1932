/* The engine that the options of mock and sim describe. Each has its own texts for them in its
 * table; what the options mean together is here.
 *
 *     struct sim_options { struct common_options common; struct engine_options engine; ... };
 *     {"engine", 'e', OPTION_TEXT, AT(engine.preset), ...}
 *     if (engine_options_read(&o->engine, times_given, &config, err) < 0) ...
 */
#ifndef FAREBOX_CLI_ENGINE_OPTIONS_H
#define FAREBOX_CLI_ENGINE_OPTIONS_H

#include "core/error.h"
#include "sim/engine/preset.h"

struct engine_options {
    const char *preset;              /* NULL = constant times */
    const char *router, *scheduling; /* a name of each; NULL = the preset's */
    const char *speculative;         /* vLLM's JSON; NULL = the preset's */
    const char *autoscale;           /* JSON of autoscale.h; NULL = the preset's */
    uint64_t prefill_replicas;       /* 0 = the preset's, as those below */
    double kv_bandwidth, kv_latency_ms;
    double ttft_ms, itl_ms;          /* the constant times */
    uint64_t replicas, max_num_seqs; /* 0 = the preset's */
};

/* Loads the preset, or takes the constant times, and sets what else was given. A preset brings its
 * own times: with `times_given` it is refused. ERR_INPUT also for a router or a policy of an engine
 * of constant times, which has neither. */
int engine_options_read(const struct engine_options *o, bool times_given,
                        struct engine_config *engine, struct error *err);

#endif
