/* The smallest priority first, among equals whoever came first; the largest gives way. As vLLM's
 * `--scheduling-policy priority`: running requests are preempted for KV blocks only. */
#include "sim/engine/replica_state.h"

static bool is_before(const struct replica *r, uint32_t a, uint32_t b)
{
    const struct sequence *x = &r->slots[a], *y = &r->slots[b];
    return x->priority < y->priority || (x->priority == y->priority && x->order < y->order);
}

/* From the end: most come behind all that wait. */
static void enqueue(struct replica *r, uint32_t slot)
{
    uint32_t behind = r->waiting.last;
    while (behind != SLOT_NONE && is_before(r, slot, behind))
        behind = r->slots[behind].previous;
    list_insert_behind(r, &r->waiting, behind, slot);
    if (behind == SLOT_NONE)
        r->head_blocked = false;
}

static uint32_t victim(const struct replica *r)
{
    uint32_t last = r->running.first;
    for (uint32_t slot = last; slot != SLOT_NONE; slot = r->slots[slot].next)
        if (is_before(r, last, slot))
            last = slot;
    return last;
}

static uint32_t next_seen(const struct replica *r)
{
    for (uint32_t slot = r->entering.first; slot != SLOT_NONE; slot = r->slots[slot].next)
        if (r->waiting.count == 0 || is_before(r, slot, r->waiting.first))
            return slot;
    return SLOT_NONE;
}

const struct policy policy_priority = {
    .enqueue = enqueue, .requeue = enqueue, .victim = victim, .next_seen = next_seen};
