#include "bench/client/bench_config.h"

#include "core/clock.h"
#include "core/random.h"

void bench_config_init(struct bench_config *c)
{
    *c = (struct bench_config){
        .api = &api_chat,
        .stream = true,
        .workers = 1,
        .drain_ns = 30 * NS_PER_S,
        .connect_timeout_ns = 10 * NS_PER_S,
        .first_token_timeout_ns = TIME_NEVER,
        .gap_timeout_ns = TIME_NEVER,
        .total_timeout_ns = 600 * NS_PER_S,
        .retry = {.statuses = {429, 500, 502, 503, 504},
                  .on_transport = true,
                  .backoff_ns = 500 * NS_PER_MS,
                  .max_backoff_ns = 30 * NS_PER_S,
                  .honour_retry_after = true},
    };
    schedule_config_init(&c->schedule);
}

/* Numbered so that a shard owns the same rows whatever its count of workers. */
struct schedule_config bench_schedule(const struct bench_config *c, uint32_t number,
                                      uint32_t workers)
{
    struct schedule_config s = c->schedule;
    s.shards = c->shards ? c->shards : 1;
    s.worker = c->shard + s.shards * number;
    s.workers = s.shards * workers;
    s.seed = c->seed;
    return s;
}

size_t bench_choose_endpoint(const struct bench_config *c, const struct workload *w,
                             const struct due *due)
{
    if (c->endpoint_count == 1)
        return 0;
    uint32_t session = w->session ? w->session[due->row] : NAME_NONE;
    uint64_t key = session == NAME_NONE ? due->ordinal : (UINT64_C(1) << 63) | session;
    double total = 0, at = (double)(random_mix(c->seed ^ 0x656e64, key) >> 11) * 0x1p-53;
    for (size_t i = 0; i < c->endpoint_count; i++)
        total += c->endpoints[i].share;
    at *= total;
    for (size_t i = 0; i + 1 < c->endpoint_count; i++) {
        if (at < c->endpoints[i].share)
            return i;
        at -= c->endpoints[i].share;
    }
    return c->endpoint_count - 1;
}
