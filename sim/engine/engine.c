#include "sim/engine/engine.h"

#include "core/memory.h"
#include "sim/engine/constant.h"
#include "sim/engine/pools.h"
#include "sim/engine/replica.h"
#include "sim/engine/sequence.h"

#include <stdlib.h>

/* Replicas that a router chooses from. */
struct replica_range {
    uint32_t from, to;
    uint32_t turn; /* round-robin */
};

struct engine {
    struct engine_config config;
    struct constant_engine *constant; /* of kind constant; else NULL */
    struct acceptance *acceptance;    /* of drafts; NULL */
    struct replica **replicas;
    int64_t *next_ns; /* of each replica */
    int64_t now_ns;
    struct pools *pools;            /* of prefill and decode replicas; NULL = all do both */
    struct replica_range whole;     /* where requests arrive: the prefill pool, if there is one */
    struct replica_range rest;      /* the decode pool */
    const struct engine_sink *sink; /* within engine_advance */
    struct replica *serving;        /* the one whose events are told */
    uint32_t serving_number;
    uint64_t *hashes; /* of a prompt that is to be routed */
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
    e->pools = pools_create(&checked);
    uint32_t prefill = checked.prefill_replicas;
    e->whole = (struct replica_range){0, prefill ? prefill : checked.replicas, 0};
    e->rest = (struct replica_range){prefill, checked.replicas, prefill};
    for (uint32_t i = 0; i < checked.replicas; i++) {
        enum replica_role role = !prefill      ? REPLICA_SERVES
                                 : i < prefill ? REPLICA_PREFILLS
                                               : REPLICA_DECODES;
        e->replicas[i] = replica_create(&checked, e->acceptance, seed, i, role);
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
    pools_free(e->pools);
    acceptance_free(e->acceptance);
    constant_free(e->constant);
    free(e);
}

static uint32_t least_loaded(const struct engine *e, const struct replica_range *range)
{
    uint32_t best = range->from;
    for (uint32_t i = best + 1; i < range->to; i++)
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
static uint32_t longest_prefix(struct engine *e, const struct replica_range *range,
                               const struct engine_request *request)
{
    struct prefix_question question = ask_prefix(e, request);
    uint32_t best = least_loaded(e, range);
    uint32_t most = replica_load(e->replicas[best]);
    most += most / 2 + 4;
    uint64_t best_prefix = replica_cached_blocks(e->replicas[best], e->now_ns, &question);
    for (uint32_t i = range->from; i < range->to; i++) {
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

static uint32_t route(struct engine *e, struct replica_range *range,
                      const struct engine_request *request)
{
    if (range->to - range->from == 1)
        return range->from;
    switch (e->config.router) {
    case ROUTER_LEAST_LOADED:
        return least_loaded(e, range);
    case ROUTER_PREFIX_AWARE:
        return longest_prefix(e, range, request);
    case ROUTER_ROUND_ROBIN:
        break;
    }
    uint32_t replica = range->turn++;
    if (range->turn == range->to)
        range->turn = range->from;
    return replica;
}

static void submit_to(struct engine *e, struct replica_range *range, int64_t now_ns,
                      const struct engine_request *request)
{
    uint32_t i = route(e, range, request);
    replica_submit(e->replicas[i], now_ns, request);
    e->next_ns[i] = replica_next_ns(e->replicas[i]);
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
    struct engine_request asked = *request;
    if (e->pools)
        asked = pools_prefill(e->pools, pools_take(e->pools, request));
    submit_to(e, &e->whole, now_ns, &asked);
    return ENGINE_ACCEPTED;
}

void engine_cancel(struct engine *e, int64_t now_ns, uint64_t tag)
{
    e->now_ns = now_ns;
    if (e->constant) {
        constant_cancel(e->constant, now_ns, tag);
        return;
    }
    if (e->pools) {
        uint32_t number = pools_find(e->pools, tag);
        if (number == HANDOVER_NONE)
            return;
        pools_drop(e->pools, number);
        tag = number;
    }
    for (uint32_t i = 0; i < e->config.replicas; i++) {
        if (!replica_cancel(e->replicas[i], now_ns, tag))
            continue;
        e->next_ns[i] = replica_next_ns(e->replicas[i]);
        return;
    }
}

/* ---- separate pools: what the replicas tell is of handovers ---- */

static void tell_tokens(void *context, uint64_t number, uint32_t first, uint32_t count,
                        int64_t at_ns)
{
    struct engine *e = context;
    if (e->sink->on_tokens)
        e->sink->on_tokens(e->sink->context, e->pools->items[number].request.tag, first, count,
                           at_ns);
}

static void tell_done(void *context, uint64_t number, uint32_t cached, int64_t at_ns)
{
    struct engine *e = context;
    struct handover *h = &e->pools->items[number];
    if (h->stage == HANDOVER_PREFILL) {
        h->cached = cached;
        replica_find_stay(e->serving, number, &h->stay);
        if (h->request.output_tokens > 0) {
            pools_send(e->pools, (uint32_t)number, e->serving_number, at_ns);
            return;
        }
    }
    if (e->sink->on_done)
        e->sink->on_done(e->sink->context, h->request.tag, h->cached, at_ns);
    pools_drop(e->pools, (uint32_t)number);
}

static void tell_step(void *context, uint64_t steps, uint64_t tokens)
{
    struct engine *e = context;
    if (e->sink->on_step)
        e->sink->on_step(e->sink->context, steps, tokens);
}

/* A prompt's KV cache is there. */
static void receive(struct engine *e)
{
    int64_t at_ns = pools_next_ns(e->pools);
    struct engine_request asked = pools_decode(e->pools, pools_receive(e->pools));
    submit_to(e, &e->rest, at_ns, &asked);
}

/* ---- time ---- */

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
    if (e->constant)
        return constant_next_ns(e->constant);
    int64_t next_ns = e->next_ns[first_due(e)];
    int64_t moved_ns = e->pools ? pools_next_ns(e->pools) : TIME_NEVER;
    return moved_ns < next_ns ? moved_ns : next_ns;
}

static void serve(struct engine *e, uint32_t i, const struct engine_sink *sink)
{
    e->serving = e->replicas[i];
    e->serving_number = i;
    replica_serve(e->replicas[i], sink);
    e->next_ns[i] = replica_next_ns(e->replicas[i]);
}

/* At one instant steps end before a KV cache arrives, as they do before a request. */
static void advance_pools(struct engine *e, int64_t now_ns)
{
    const struct engine_sink prefills = {.context = e, .on_done = tell_done, .on_step = tell_step};
    const struct engine_sink decodes = {
        .context = e, .on_tokens = tell_tokens, .on_done = tell_done, .on_step = tell_step};
    for (;;) {
        uint32_t i = first_due(e);
        int64_t moved_ns = pools_next_ns(e->pools);
        if (e->next_ns[i] > now_ns && moved_ns > now_ns)
            return;
        if (moved_ns < e->next_ns[i])
            receive(e);
        else
            serve(e, i, i < e->rest.from ? &prefills : &decodes);
    }
}

void engine_advance(struct engine *e, int64_t now_ns, const struct engine_sink *sink)
{
    e->now_ns = now_ns;
    if (e->constant) {
        constant_advance(e->constant, now_ns, sink);
        return;
    }
    e->sink = sink;
    if (e->pools)
        advance_pools(e, now_ns);
    else
        for (uint32_t i; e->next_ns[i = first_due(e)] <= now_ns;)
            serve(e, i, sink);
    e->serving = NULL;
    e->sink = NULL;
}

size_t engine_token_times(const struct engine *e, int64_t *out, size_t capacity)
{
    if (e->constant)
        return constant_token_times(e->constant, out, capacity);
    return e->serving ? replica_token_times(e->serving, out, capacity) : 0;
}

static bool find_in_replicas(const struct engine *e, uint64_t tag, struct engine_stay *out)
{
    if (e->serving && replica_find_stay(e->serving, tag, out))
        return true;
    for (uint32_t i = 0; i < e->config.replicas; i++)
        if (replica_find_stay(e->replicas[i], tag, out))
            return true;
    return false;
}

bool engine_find_stay(const struct engine *e, uint64_t tag, struct engine_stay *out)
{
    if (e->constant)
        return constant_find_stay(e->constant, tag, out);
    if (!e->pools)
        return find_in_replicas(e, tag, out);
    uint32_t number = pools_find(e->pools, tag);
    if (number == HANDOVER_NONE)
        return false;
    const struct handover *h = &e->pools->items[number];
    if (h->stage == HANDOVER_PREFILL && find_in_replicas(e, number, out))
        return true;
    *out = h->stay;
    return true;
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
    if (e->pools)
        pools_add_state(e->pools, out);
}
