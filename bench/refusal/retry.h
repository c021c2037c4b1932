/* Whether a failed attempt is made again, and when.
 *
 *     if (retry_wanted(&policy, &record, asked_ns, &random, &wait_ns)) again_in(wait_ns);
 */
#ifndef FAREBOX_BENCH_REFUSAL_RETRY_H
#define FAREBOX_BENCH_REFUSAL_RETRY_H

#include "core/random.h"
#include "core/runs/record/record.h"

struct retry_policy {
    uint32_t count;                     /* further attempts; 0 = none */
    bool on_transport;                  /* connection failures, resets, timeouts */
    int statuses[16];                   /* ended by 0 */
    int64_t backoff_ns, max_backoff_ns; /* doubled each time, drawn from [half, full] of it */
    bool honour_retry_after;
};

/* The wait doubles with each attempt up to the policy's longest, and is drawn from its upper half,
 * so that clients that failed together do not come back together. The wait that the server asks for
 * (`asked_ns`, 0 = none), where honoured, is the least; beyond RETRY_AFTER_MOST_NS none is made. */
bool retry_wanted(const struct retry_policy *policy, const struct record *r, int64_t asked_ns,
                  struct random *random, int64_t *wait_ns);

#endif
