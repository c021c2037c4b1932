#include "sim/engine/engine.h"

#include "core/memory.h"
#include "sim/engine/constant.h"
#include "sim/engine/replica.h"
#include "sim/engine/sequence.h"

#include <stdlib.h>

struct engine {
    struct engine_config config;
    struct constant_engine *constant; /* of kind constant; else NULL */
    struct acceptance *acceptance;    /* of drafts; NULL */
    struct replica **replicas;
    int64_t *next_ns; /* of each replica */
    int64_t now_ns;
    uint32_t turn;           /* round-robin */
    struct replica *serving; /* the one whose events are told */
    uint64_t *hashes;        /* of a prompt that is to be routed */
    size_t hash_capacity;
};

struct engine *engine_create(const struct engine_config *config, uint64_t seed, struct error *err)
{
    struct engine_config checked = *config;
    if (engine_config_check(&checked, err) < 0)
        return NULL;
    struct engine *e = mem_zero(1, sizeof *e);
    e->config = checked;
    if (checked.kind == ENGINE_CONSTANT) {
        e->constant = constant_create(&checked);
        return e;
    }
    e->acceptance = acceptance_create(&checked.speculative, seed);
    e->replicas = mem_zero(checked.replicas, sizeof *e->replicas);
    e->next_ns = mem_zero(checked.replicas, sizeof *e->next_ns);
    for (uint32_t i = 0; i < checked.replicas; i++) {
        e->replicas[i] = replica_create(&checked, e->acceptance, seed, i);
        e->next_ns[i] = TIME_NEVER;
    }
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; e->replicas && i < e->config.replicas; i++)
        replica_free(e->replicas[i]);
    free(e->replicas);
    free(e->next_ns);
    free(e->hashes);
    acceptance_free(e->acceptance);
    constant_free(e->constant);
    free(e);
}

static uint32_t least_loaded(const struct engine *e)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < e->config.replicas; i++)
        if (replica_load(e->replicas[i]) < replica_load(e->replicas[best]))
            best = i;
    return best;
}

static struct prefix_question ask_prefix(struct engine *e, const struct engine_request *request)
{
    uint32_t block_size = e->config.block_size;
    uint32_t units = e->config.prefix_cache ? sequence_unit_limit(request, block_size) : 0;
    if (units == 0)
        return (struct prefix_question){0};
    mem_grow(&e->hashes, &e->hash_capacity, units, sizeof *e->hashes);
    return (struct prefix_question){
        .hashes = e->hashes,
        .count = sequence_unit_hashes(request, block_size, e->hashes, units),
        .unit_blocks = sequence_unit_blocks(request->block_size, block_size),
        .limit_blocks = (request->input_tokens - 1) / block_size};
}

/* The longest cached prefix among the replicas that are not much busier than the idlest; the
 * less loaded of equals. */
static uint32_t longest_prefix(struct engine *e, const struct engine_request *request)
{
    struct prefix_question question = ask_prefix(e, request);
    uint32_t best = least_loaded(e);
    uint32_t most = replica_load(e->replicas[best]);
    most += most / 2 + 4;
    uint64_t best_prefix = replica_cached_blocks(e->replicas[best], e->now_ns, &question);
    for (uint32_t i = 0; i < e->config.replicas; i++) {
        uint32_t load = replica_load(e->replicas[i]);
        if (i == best || load > most)
            continue;
        uint64_t prefix = replica_cached_blocks(e->replicas[i], e->now_ns, &question);
        if (prefix > best_prefix ||
            (prefix == best_prefix && load < replica_load(e->replicas[best]))) {
            best = i;
            best_prefix = prefix;
        }
    }
    return best;
}

static uint32_t route(struct engine *e, const struct engine_request *request)
{
    if (e->config.replicas == 1)
        return 0;
    switch (e->config.router) {
    case ROUTER_LEAST_LOADED:
        return least_loaded(e);
    case ROUTER_PREFIX_AWARE:
        return longest_prefix(e, request);
    case ROUTER_ROUND_ROBIN:
        break;
    }
    uint32_t replica = e->turn;
    e->turn = (e->turn + 1) % e->config.replicas;
    return replica;
}

enum engine_refusal engine_submit(struct engine *e, int64_t now_ns,
                                  const struct engine_request *request)
{
    e->now_ns = now_ns;
    if (e->constant) {
        constant_submit(e->constant, now_ns, request);
        return ENGINE_ACCEPTED;
    }
    /* One block is reserved; the last output token is never computed on. */
    uint64_t tokens = (uint64_t)request->input_tokens + request->output_tokens;
    if (tokens > (e->config.kv_blocks - 1) * e->config.block_size + (request->output_tokens > 0))
        return ENGINE_TOO_LONG;
    uint32_t i = route(e, request);
    replica_submit(e->replicas[i], now_ns, request);
    e->next_ns[i] = replica_next_ns(e->replicas[i]);
    return ENGINE_ACCEPTED;
}

void engine_cancel(struct engine *e, int64_t now_ns, uint64_t tag)
{
    e->now_ns = now_ns;
    if (e->constant) {
        constant_cancel(e->constant, now_ns, tag);
        return;
    }
    for (uint32_t i = 0; i < e->config.replicas; i++) {
        if (!replica_cancel(e->replicas[i], now_ns, tag))
            continue;
        e->next_ns[i] = replica_next_ns(e->replicas[i]);
        return;
    }
}

/* The replica whose next event comes first. */
static uint32_t first_due(const struct engine *e)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < e->config.replicas; i++)
        if (e->next_ns[i] < e->next_ns[first])
            first = i;
    return first;
}

int64_t engine_next_ns(const struct engine *e)
{
    return e->constant ? constant_next_ns(e->constant) : e->next_ns[first_due(e)];
}

void engine_advance(struct engine *e, int64_t now_ns, const struct engine_sink *sink)
{
    e->now_ns = now_ns;
    if (e->constant) {
        constant_advance(e->constant, now_ns, sink);
        return;
    }
    for (uint32_t i; e->next_ns[i = first_due(e)] <= now_ns;) {
        e->serving = e->replicas[i];
        replica_serve(e->replicas[i], sink);
        e->next_ns[i] = replica_next_ns(e->replicas[i]);
    }
    e->serving = NULL;
}

size_t engine_token_times(const struct engine *e, int64_t *out, size_t capacity)
{
    if (e->constant)
        return constant_token_times(e->constant, out, capacity);
    return e->serving ? replica_token_times(e->serving, out, capacity) : 0;
}

bool engine_find_stay(const struct engine *e, uint64_t tag, struct engine_stay *out)
{
    if (e->constant)
        return constant_find_stay(e->constant, tag, out);
    if (e->serving && replica_find_stay(e->serving, tag, out))
        return true;
    for (uint32_t i = 0; i < e->config.replicas; i++)
        if (replica_find_stay(e->replicas[i], tag, out))
            return true;
    return false;
}

void engine_state(const struct engine *e, struct engine_state *out)
{
    if (e->constant) {
        constant_state(e->constant, out);
        return;
    }
    *out = (struct engine_state){.replicas = e->config.replicas};
    for (uint32_t i = 0; i < e->config.replicas; i++)
        replica_add_state(e->replicas[i], e->now_ns, out);
}
