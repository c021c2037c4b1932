#include "cli/engine_options.h"

#include "sim/engine/policy.h"

#include <string.h>

/* The place among an option's choices; the parser has seen that it is one. */
static uint32_t number_of(const char *(*choice)(size_t i), const char *name)
{
    uint32_t i = 0;
    while (strcmp(choice(i), name) != 0)
        i++;
    return i;
}

static void set_pools(const struct engine_options *o, struct engine_config *engine)
{
    if (o->prefill_replicas)
        engine->prefill_replicas = (uint32_t)o->prefill_replicas;
    if (o->kv_bandwidth > 0)
        engine->kv_transfer_bandwidth = o->kv_bandwidth;
    if (o->kv_latency_ms > 0)
        engine->kv_transfer_latency_ms = o->kv_latency_ms;
}

static int constant_has_no(const char *option, const char *what, struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "--%s: an engine of constant times has no %s; --engine PRESET takes one that "
                     "has (farebox engine list)",
                     option, what);
}

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
    if (o->scheduling)
        engine->policy = number_of(policy_name, o->scheduling);
    if (o->speculative && speculative_config_parse("--speculative-config", o->speculative,
                                                   &engine->speculative, err) < 0)
        return err->code;
    if (o->autoscale &&
        autoscale_config_parse("--autoscale", o->autoscale, &engine->autoscale, err) < 0)
        return err->code;
    if (o->router)
        engine->router = (enum engine_router)number_of(engine_router_name, o->router);
    set_pools(o, engine);
    if (engine->kind != ENGINE_CONSTANT)
        return 0;
    if (o->prefill_replicas)
        return constant_has_no("prefill-replicas", "prefill", err);
    if (o->scheduling)
        return constant_has_no("scheduling", "queue to be put in order", err);
    if (o->router)
        return constant_has_no("router", "replicas to choose from", err);
    if (o->autoscale)
        return constant_has_no("autoscale", "replicas that could be busy", err);
    if (o->speculative)
        return constant_has_no("speculative-config", "steps that draft", err);
    return 0;
}
