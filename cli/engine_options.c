#include "cli/engine_options.h"

#include "sim/engine/policy.h"

#include <string.h>

int engine_options_read(const struct engine_options *o, bool times_given,
                        struct engine_config *engine, struct error *err)
{
    if (!o->preset)
        *engine = engine_config_constant(o->ttft_ms, o->itl_ms);
    else if (times_given)
        return error_set(err, ERR_INPUT,
                         "--engine %s brings its own times: leave --ttft-ms and --itl-ms out",
                         o->preset);
    else if (engine_config_load(o->preset, engine, err) < 0)
        return err->code;
    if (o->replicas)
        engine->replicas = (uint32_t)o->replicas;
    if (o->max_num_seqs)
        engine->max_num_seqs = (uint32_t)o->max_num_seqs;
    for (uint32_t i = 0; o->scheduling && policy_name(i); i++)
        if (strcmp(policy_name(i), o->scheduling) == 0)
            engine->policy = i;
    if (!o->router)
        return 0;
    int router = engine_router_from_name(o->router);
    if (router < 0)
        return error_set(err, ERR_INPUT,
                         "--router %s: expected round-robin, least-loaded or prefix-aware",
                         o->router);
    engine->router = (enum engine_router)router;
    return 0;
}
