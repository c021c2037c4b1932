/* The prefix cache as a transform: it fills the recorded usage. */
#include "workloads/transform/prefix_cache.h"
#include "workloads/transform/transform_rewrite.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct caching {
    const struct cache_policy *policy;
    const uint64_t *hits;
    uint64_t input, cached;
};

/* Cached and written tokens are part of the input; everything else recorded stays. */
static bool cache_row(void *context, size_t row, struct request *r)
{
    struct caching *c = context;
    uint64_t cached = prefix_cache_billed(c->policy, c->hits[row]), written = 0;
    uint64_t input = r->input_tokens;
    if (c->policy->write != CACHE_WRITE_NONE && r->hash_count) {
        uint64_t whole = prefix_cache_billed(c->policy, input);
        written = whole > cached ? whole - cached : 0;
    }
    bool hour = c->policy->write == CACHE_WRITE_1H;
    usage_set_cache(&r->usage, cached, hour ? 0 : written, hour ? written : 0);
    c->input += input;
    c->cached += cached;
    r->has_usage = true;
    return cached > 0 || written > 0;
}

int transform_cache(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err)
{
    (void)seed;
    if (!w->hash_start && t->cache.kind != CACHE_NONE)
        return error_set(err, ERR_INPUT,
                         "this workload has no prefix blocks (hash_ids), so nothing tells what a "
                         "prefix cache would hold");
    int64_t *times = rewrite_begin_times(w);
    uint32_t *order = workload_order_by(times, w->count);
    uint64_t *hits = mem_zero(w->count + 1, sizeof *hits);
    struct prefix_cache *cache = prefix_cache_create(&t->cache, w->block_size);
    for (size_t k = 0; k < w->count && w->hash_start; k++) {
        uint32_t i = order[k];
        hits[i] = prefix_cache_use(cache, w->hash_ids + w->hash_start[i],
                                   (size_t)(w->hash_start[i + 1] - w->hash_start[i]),
                                   w->input_tokens[i], times[i]);
    }
    prefix_cache_free(cache);
    struct caching c = {.policy = &t->cache, .hits = hits};
    int status = rewrite_rows(w, NULL, cache_row, &c, &report->changed, err);
    snprintf(report->text, sizeof report->text,
             "cache: %llu of %llu input tokens cached (%.2f%%), in %llu requests",
             (unsigned long long)c.cached, (unsigned long long)c.input,
             c.input ? 100 * (double)c.cached / (double)c.input : 0,
             (unsigned long long)report->changed);
    free(times);
    free(order);
    free(hits);
    return status;
}
