/* First come, first served: preempted sequences go back to the head, the last admitted gives way.
 */
#include "sim/engine/replica_state.h"

static void enqueue(struct replica *r, uint32_t slot)
{
    list_push_last(r, &r->waiting, slot);
}

static void requeue(struct replica *r, uint32_t slot)
{
    list_push_first(r, &r->waiting, slot);
}

static uint32_t victim(const struct replica *r)
{
    return r->running.last;
}

/* Nobody is looked at behind a head that waits. */
static uint32_t next_seen(const struct replica *r)
{
    return r->waiting.count > 0 ? SLOT_NONE : r->entering.first;
}

const struct policy policy_fcfs = {
    .enqueue = enqueue, .requeue = requeue, .victim = victim, .next_seen = next_seen};
