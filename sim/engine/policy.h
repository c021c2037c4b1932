/* Scheduling policies: who of the waiting is admitted next, and who gives way when KV blocks run
 * out. Everything else (budgets, chunks, blocks) is the scheduler's and the same for all.
 *
 *     const struct policy *policy = policy_at(config->policy);
 *     policy->enqueue(replica, slot);                          // the head is admitted next
 *     uint32_t first = policy->victim(replica);
 *
 * A policy keeps the waiting list in its own order, so that the scheduler takes its head. The
 * replica plans many equal steps at once (see replica.h); it asks the policy which arrival would
 * be seen before they are over. To add one: write its functions in policy_NAME.c, and give it a
 * row in policy.c.
 */
#ifndef FAREBOX_SIM_ENGINE_POLICY_H
#define FAREBOX_SIM_ENGINE_POLICY_H

#include <stddef.h>
#include <stdint.h>

struct replica;

struct policy {
    /* Puts a sequence that came (`requeue`: was preempted) into the waiting list. */
    void (*enqueue)(struct replica *r, uint32_t slot);
    void (*requeue)(struct replica *r, uint32_t slot);
    /* The running sequence that is preempted next; there is one. */
    uint32_t (*victim)(const struct replica *r);
    /* The first of the entering sequences that the scheduler would look at once it has entered, as
     * long as the batch stays as it is and has a place left; SLOT_NONE = none of them. */
    uint32_t (*next_seen)(const struct replica *r);
};

extern const struct policy policy_fcfs, policy_priority;

/* By number, from 0 on (0 is the default); NULL behind the last. */
const struct policy *policy_at(uint32_t number);

/* The names by the same numbers; NULL behind the last. */
const char *policy_name(size_t number);
extern const char *const policy_names[];

#endif
