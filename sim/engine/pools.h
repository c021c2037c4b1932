/* Separate pools: the first replicas of an engine compute prompts and no more, the others the
 * answers, and between them goes the KV cache.
 *
 * A *handover* is a request from its submission to its end; its number is its tag inside the
 * replicas. Its prompt's KV cache leaves over the link of the replica that computed it, one after
 * the other:
 *
 *     arrival = max(end of the prefill, link free) + bytes / bandwidth + latency
 *
 * with kv_bytes_per_token for every token of the prompt; the link is free again a latency earlier.
 *
 *     uint32_t n = pools_take(p, &request);
 *     pools_send(p, n, replica, now_ns);          // its prefill is over
 *     while (pools_next_ns(p) <= now_ns)
 *         request = pools_decode(p, pools_receive(p));
 *     pools_drop(p, n);
 */
#ifndef FAREBOX_SIM_ENGINE_POOLS_H
#define FAREBOX_SIM_ENGINE_POOLS_H

#include "core/heap.h"
#include "sim/engine/engine.h"

#define HANDOVER_NONE UINT32_MAX

enum handover_stage { HANDOVER_FREE, HANDOVER_PREFILL, HANDOVER_MOVING, HANDOVER_DECODE };

struct handover {
    struct engine_request request; /* as it was submitted; its ids are in `ids` */
    uint64_t *ids;
    size_t id_capacity;
    uint64_t order; /* of submission */
    enum handover_stage stage;
    uint32_t next_free;
    uint32_t cached;         /* of the prompt, in the prefill's replica */
    struct engine_stay stay; /* there; once it has left */
};

struct pools {
    uint32_t prefill;    /* replicas that compute prompts */
    double ns_per_token; /* of the link */
    int64_t latency_ns;
    int64_t *link_free_ns; /* by replica */
    struct handover *items;
    size_t count, capacity;
    uint32_t free; /* first free one; HANDOVER_NONE */
    uint64_t submitted;
    struct heap moving;                  /* by arrival */
    uint64_t transfers, tokens;          /* that were sent */
    int64_t transfer_ns, waiting_for_ns; /* from prefill to arrival; of that, for the link */
};

/* NULL if the config has no separate pools. */
struct pools *pools_create(const struct engine_config *config);
void pools_free(struct pools *p);

/* A number for the request, which is copied. */
uint32_t pools_take(struct pools *p, const struct engine_request *request);
void pools_drop(struct pools *p, uint32_t number);

/* HANDOVER_NONE if no request has the tag. */
uint32_t pools_find(const struct pools *p, uint64_t tag);

/* What is asked of the replica that computes the prompt, and of the one that decodes. */
struct engine_request pools_prefill(const struct pools *p, uint32_t number);
struct engine_request pools_decode(const struct pools *p, uint32_t number);

/* Its prefill ended on `replica`; when its KV cache is on the other side, pools_receive gives it.
 */
void pools_send(struct pools *p, uint32_t number, uint32_t replica, int64_t now_ns);
int64_t pools_next_ns(const struct pools *p); /* TIME_NEVER if nothing moves */
uint32_t pools_receive(struct pools *p);

void pools_add_state(const struct pools *p, struct engine_state *out);

#endif
