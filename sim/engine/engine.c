#include "sim/engine/engine.h"

#include "core/memory.h"
#include "sim/engine/constant.h"
#include "sim/engine/members.h"
#include "sim/engine/pools.h"
#include "sim/engine/replica.h"
#include "sim/engine/sequence.h"

#include <math.h>
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
    struct replica **replicas;        /* `count` places; NULL where one is off */
    int64_t *next_ns;                 /* of each replica */
    size_t count, replica_capacity, next_capacity;
    uint64_t seed, made; /* made: replicas so far; the number of the next one */
    int64_t now_ns;
    struct pools *pools;        /* of prefill and decode replicas; NULL = all do both */
    struct replica_range whole; /* where requests arrive: the prefill pool, if there is one */
    struct replica_range rest;  /* the decode pool */
    bool scaled;                /* replicas come and go, as the next three say */
    struct members members;     /* none before the first request */
    struct autoscaler scaler;
    struct engine_state gone;       /* what replicas did that are off */
    const struct engine_sink *sink; /* within engine_advance */
    struct replica *serving;        /* the one whose events are told */
    uint32_t serving_number;
    uint64_t *hashes; /* of a prompt that is to be routed */
    size_t hash_capacity;
};

static void add_replica(struct engine *e, uint32_t place, enum replica_role role)
{
    if (place == e->count) {
        mem_grow(&e->replicas, &e->replica_capacity, e->count + 1, sizeof *e->replicas);
        mem_grow(&e->next_ns, &e->next_capacity, e->count + 1, sizeof *e->next_ns);
        e->count++;
    }
    e->replicas[place] =
        replica_create(&e->config, e->acceptance, e->seed, (uint32_t)e->made++, role);
    e->next_ns[place] = TIME_NEVER;
}

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
    e->seed = seed;
    e->scaled = checked.autoscale.metric != AUTOSCALE_NONE;
    e->pools = pools_create(&checked);
    uint32_t prefill = checked.prefill_replicas;
    e->whole = (struct replica_range){0, prefill ? prefill : checked.replicas, 0};
    e->rest = (struct replica_range){prefill, checked.replicas, prefill};
    for (uint32_t i = 0; i < checked.replicas; i++) {
        enum replica_role role = !prefill      ? REPLICA_SERVES
                                 : i < prefill ? REPLICA_PREFILLS
                                               : REPLICA_DECODES;
        add_replica(e, i, role);
    }
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->count; i++)
        replica_free(e->replicas[i]);
    members_free(&e->members);
    autoscaler_free(&e->scaler);
    free(e->replicas);
    free(e->next_ns);
    free(e->hashes);
    pools_free(e->pools);
    acceptance_free(e->acceptance);
    constant_free(e->constant);
    free(e);
}

static bool takes_requests(const struct engine *e, uint32_t i)
{
    return !e->scaled || e->members.items[i].stage == MEMBER_READY;
}

static uint32_t least_loaded(const struct engine *e, const struct replica_range *range)
{
    uint32_t best = MEMBER_NONE;
    for (uint32_t i = range->from; i < range->to; i++)
        if (takes_requests(e, i) &&
            (best == MEMBER_NONE || replica_load(e->replicas[i]) < replica_load(e->replicas[best])))
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
        if (i == best || !takes_requests(e, i))
            continue;
        uint32_t load = replica_load(e->replicas[i]);
        if (load > most)
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
    for (;;) {
        uint32_t replica = range->turn++;
        if (range->turn == range->to)
            range->turn = range->from;
        if (takes_requests(e, replica))
            return replica;
    }
}

static void submit_to(struct engine *e, struct replica_range *range, int64_t now_ns,
                      const struct engine_request *request)
{
    uint32_t i = route(e, range, request);
    replica_submit(e->replicas[i], now_ns, request);
    e->next_ns[i] = replica_next_ns(e->replicas[i]);
}

/* ---- replicas that come and go ---- */

/* Nothing is left in it. */
static void put_off(struct engine *e, uint32_t i, int64_t now_ns)
{
    uint32_t running = e->gone.running, waiting = e->gone.waiting;
    replica_add_state(e->replicas[i], now_ns, &e->gone);
    e->gone.running = running;
    e->gone.waiting = waiting;
    e->gone.kv_blocks_total = e->gone.kv_blocks_used = 0;
    replica_free(e->replicas[i]);
    e->replicas[i] = NULL;
    e->next_ns[i] = TIME_NEVER;
}

static void put_off_drained(struct engine *e, uint32_t i, int64_t now_ns)
{
    if (!e->scaled || e->members.items[i].stage != MEMBER_DRAINING ||
        replica_load(e->replicas[i]) > 0)
        return;
    members_off(&e->members, i, now_ns);
    put_off(e, i, now_ns);
}

static uint64_t metric_total(const struct engine *e)
{
    bool queue = e->config.autoscale.metric == AUTOSCALE_QUEUE;
    uint64_t total = 0;
    for (uint32_t i = 0; i < e->count; i++)
        if (takes_requests(e, i))
            total += queue ? replica_waiting(e->replicas[i]) : replica_load(e->replicas[i]);
    return total;
}

static void start_replica(struct engine *e, int64_t now_ns)
{
    int64_t cold_ns = llround(e->config.autoscale.cold_start_s * (double)NS_PER_S);
    uint32_t i = members_start(&e->members, now_ns, now_ns + cold_ns);
    add_replica(e, i, REPLICA_SERVES);
    e->whole.to = (uint32_t)e->count;
}

static void stop_replica(struct engine *e, int64_t now_ns)
{
    uint32_t i = members_stop(&e->members, now_ns);
    if (i == MEMBER_NONE)
        return;
    if (e->members.items[i].stage == MEMBER_OFF)
        put_off(e, i, now_ns);
    else
        put_off_drained(e, i, now_ns);
}

/* The sync that is due. */
static void scale(struct engine *e)
{
    int64_t at_ns = e->scaler.next_ns;
    members_settle(&e->members, at_ns);
    uint32_t have = e->members.ready + e->members.starting;
    uint32_t wanted = autoscaler_sync(&e->scaler, have, metric_total(e));
    for (; have < wanted; have++)
        start_replica(e, at_ns);
    for (; have > wanted; have--)
        stop_replica(e, at_ns);
}

/* The replica whose next event comes first. */
static uint32_t first_due(const struct engine *e)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < e->count; i++)
        if (e->next_ns[i] < e->next_ns[first])
            first = i;
    return first;
}

/* Who is there for a request of this instant. Syncs that fell due while nothing happened are made
 * now; one behind an event that the engine was not advanced to comes with that. */
static void scale_until(struct engine *e, int64_t now_ns)
{
    if (e->members.count == 0) {
        const struct autoscale_config *a = &e->config.autoscale;
        e->members.unit_ns = llround(a->billing_unit_s * (double)NS_PER_S);
        /* Who pays for whole units has paid for the first replicas' cold start, too. */
        double begun_s = e->members.unit_ns > 0 ? a->cold_start_s : 0;
        members_begin(&e->members, e->config.replicas,
                      now_ns - llround(begun_s * (double)NS_PER_S));
        autoscaler_init(&e->scaler, &e->config.autoscale, e->config.replicas, now_ns);
    }
    while (e->scaler.next_ns <= now_ns && e->next_ns[first_due(e)] > e->scaler.next_ns)
        scale(e);
    members_settle(&e->members, now_ns);
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
    if (e->scaled)
        scale_until(e, now_ns);
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
    for (uint32_t i = 0; i < e->count; i++) {
        if (!e->replicas[i] || !replica_cancel(e->replicas[i], now_ns, tag))
            continue;
        e->next_ns[i] = replica_next_ns(e->replicas[i]);
        put_off_drained(e, i, now_ns);
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
    int64_t at_ns = e->next_ns[i];
    e->serving = e->replicas[i];
    e->serving_number = i;
    replica_serve(e->replicas[i], sink);
    e->next_ns[i] = replica_next_ns(e->replicas[i]);
    put_off_drained(e, i, at_ns);
}

/* At one instant steps end before replicas are counted. */
static void advance_scaled(struct engine *e, int64_t now_ns, const struct engine_sink *sink)
{
    for (;;) {
        uint32_t i = first_due(e);
        int64_t sync_ns = e->members.count > 0 ? e->scaler.next_ns : TIME_NEVER;
        if (e->next_ns[i] > now_ns && sync_ns > now_ns)
            return;
        if (sync_ns < e->next_ns[i])
            scale(e);
        else
            serve(e, i, sink);
    }
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
    if (e->scaled)
        advance_scaled(e, now_ns, sink);
    else if (e->pools)
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
    for (uint32_t i = 0; i < e->count; i++)
        if (e->replicas[i] && replica_find_stay(e->replicas[i], tag, out))
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

static void add_members(const struct engine *e, struct engine_state *out)
{
    const struct members *m = &e->members;
    out->replicas_most = m->most;
    out->starts = m->starts;
    out->stops = m->stops;
    out->replica_ns = members_time_ns(m, e->now_ns);
    out->cold_ns = members_cold_ns(m, e->now_ns);
    out->billed_units = members_units(m, e->now_ns);
}

void engine_state(const struct engine *e, struct engine_state *out)
{
    if (e->constant) {
        constant_state(e->constant, out);
        return;
    }
    *out = e->gone;
    for (uint32_t i = 0; i < e->count; i++) {
        if (!e->replicas[i])
            continue;
        replica_add_state(e->replicas[i], e->now_ns, out);
        out->replicas++;
    }
    if (e->scaled)
        add_members(e, out);
    if (e->pools)
        pools_add_state(e->pools, out);
}
