#include "sim/engine/pools.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pools *pools_create(const struct engine_config *config)
{
    if (config->prefill_replicas == 0)
        return NULL;
    struct pools *p = mem_zero(1, sizeof *p);
    p->prefill = config->prefill_replicas;
    p->ns_per_token = config->kv_bytes_per_token / config->kv_transfer_bandwidth;
    p->latency_ns = llround(config->kv_transfer_latency_ms * (double)NS_PER_MS);
    p->link_free_ns = mem_zero(p->prefill, sizeof *p->link_free_ns);
    p->free = HANDOVER_NONE;
    return p;
}

void pools_free(struct pools *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        free(p->items[i].ids);
    free(p->items);
    free(p->link_free_ns);
    heap_free(&p->moving);
    free(p);
}

static uint32_t take_number(struct pools *p)
{
    uint32_t number = p->free;
    if (number != HANDOVER_NONE) {
        p->free = p->items[number].next_free;
        return number;
    }
    mem_grow(&p->items, &p->capacity, p->count + 1, sizeof *p->items);
    memset(&p->items[p->count], 0, sizeof *p->items);
    return (uint32_t)p->count++;
}

uint32_t pools_take(struct pools *p, const struct engine_request *request)
{
    uint32_t number = take_number(p);
    struct handover *h = &p->items[number];
    h->request = *request;
    mem_grow(&h->ids, &h->id_capacity, request->hash_count, sizeof *h->ids);
    if (request->hash_count > 0)
        memcpy(h->ids, request->hash_ids, request->hash_count * sizeof *h->ids);
    h->order = p->submitted++;
    h->stage = HANDOVER_PREFILL;
    return number;
}

void pools_drop(struct pools *p, uint32_t number)
{
    heap_remove(&p->moving, number);
    p->items[number].stage = HANDOVER_FREE;
    p->items[number].next_free = p->free;
    p->free = number;
}

uint32_t pools_find(const struct pools *p, uint64_t tag)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->items[i].stage != HANDOVER_FREE && p->items[i].request.tag == tag)
            return i;
    return HANDOVER_NONE;
}

static struct engine_request request_of(const struct pools *p, uint32_t number)
{
    struct engine_request r = p->items[number].request;
    r.tag = number;
    r.hash_ids = p->items[number].ids;
    return r;
}

struct engine_request pools_prefill(const struct pools *p, uint32_t number)
{
    struct engine_request r = request_of(p, number);
    r.output_tokens = r.output_tokens > 0;
    return r;
}

struct engine_request pools_decode(const struct pools *p, uint32_t number)
{
    struct engine_request r = request_of(p, number);
    r.known_cached = r.input_tokens;
    return r;
}

void pools_send(struct pools *p, uint32_t number, uint32_t replica, int64_t now_ns)
{
    struct handover *h = &p->items[number];
    int64_t *free_ns = &p->link_free_ns[replica];
    int64_t from_ns = now_ns > *free_ns ? now_ns : *free_ns;
    *free_ns = from_ns + llround(p->ns_per_token * h->request.input_tokens);
    h->stage = HANDOVER_MOVING;
    heap_set(&p->moving, number, *free_ns + p->latency_ns, h->order);
    p->transfers++;
    p->tokens += h->request.input_tokens;
    p->waiting_for_ns += from_ns - now_ns;
    p->transfer_ns += *free_ns + p->latency_ns - now_ns;
}

int64_t pools_next_ns(const struct pools *p)
{
    return heap_next(&p->moving);
}

uint32_t pools_receive(struct pools *p)
{
    uint32_t number = (uint32_t)p->moving.entries[0].number;
    heap_remove(&p->moving, number);
    p->items[number].stage = HANDOVER_DECODE;
    return number;
}

void pools_add_state(const struct pools *p, struct engine_state *out)
{
    out->waiting += (uint32_t)p->moving.count;
    out->kv_transfers = p->transfers;
    out->kv_transfer_tokens = p->tokens;
    out->kv_transfer_ns = p->transfer_ns;
    out->kv_transfer_wait_ns = p->waiting_for_ns;
}
