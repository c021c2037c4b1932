#include "bench/refusal/retry.h"

#include "bench/refusal/retry_after.h"

static bool is_transport(enum failure_class f)
{
    return (f >= FAILURE_DNS && f <= FAILURE_TIMEOUT_TOTAL) || f == FAILURE_TRUNCATED;
}

static bool is_listed(const struct retry_policy *policy, int status)
{
    size_t count = sizeof policy->statuses / sizeof *policy->statuses;
    for (size_t i = 0; i < count && policy->statuses[i]; i++)
        if (policy->statuses[i] == status)
            return true;
    return false;
}

bool retry_wanted(const struct retry_policy *policy, const struct record *r, int64_t asked_ns,
                  struct random *random, int64_t *wait_ns)
{
    if (r->status != RECORD_FAILED || r->attempt > policy->count)
        return false;
    if (!is_listed(policy, r->http_status) && !(policy->on_transport && is_transport(r->failure)))
        return false;
    int64_t wait = policy->backoff_ns;
    for (uint32_t i = 1; i < r->attempt && wait < policy->max_backoff_ns; i++)
        wait *= 2;
    if (wait > policy->max_backoff_ns)
        wait = policy->max_backoff_ns;
    wait = wait / 2 + (int64_t)(random_unit(random) * (double)(wait / 2));
    if (policy->honour_retry_after && asked_ns > RETRY_AFTER_MOST_NS)
        return false;
    if (policy->honour_retry_after && asked_ns > wait)
        wait = asked_ns;
    *wait_ns = wait;
    return true;
}
