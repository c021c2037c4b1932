/* A model of a provider's prefix cache over blocks, request by request in time order.
 *
 *     struct prefix_cache *c = prefix_cache_create(&policy, block_size);
 *     uint64_t tokens = prefix_cache_use(c, ids, count, input_tokens, now_ns);
 *     prefix_cache_free(c);
 *
 * A hit is the leading run of blocks that are in the cache; afterwards all of the request's blocks
 * are in it, used at `now_ns`. A block not used for longer than the idle time is gone; with a size,
 * the blocks used longest ago go first, and of one request's blocks the last ones.
 */
#ifndef FAREBOX_WORKLOADS_TRANSFORM_PREFIX_CACHE_H
#define FAREBOX_WORKLOADS_TRANSFORM_PREFIX_CACHE_H

#include "workloads/transform/transform.h"

struct prefix_cache;

struct prefix_cache *prefix_cache_create(const struct cache_policy *policy, uint32_t block_size);
void prefix_cache_free(struct prefix_cache *c);

/* Tokens that hit, before minimum and step. `now_ns` never goes back. */
uint64_t prefix_cache_use(struct prefix_cache *c, const uint64_t *ids, size_t count,
                          uint64_t input_tokens, int64_t now_ns);

/* What the provider bills as cached of a hit of so many tokens: nothing below the minimum, then
 * whole steps. */
uint64_t prefix_cache_billed(const struct cache_policy *policy, uint64_t tokens);

#endif
