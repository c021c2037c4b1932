/* A set of prefix block ids that maps each to a number. Private to workloads/.
 *
 * Open addressing with a mixed hash; ids count from 0 in the order of first sight.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_BLOCK_SET_H
#define FAREBOX_WORKLOADS_MODEL_BLOCK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_NONE UINT32_MAX

struct block_set {
    uint64_t *keys;
    uint32_t *numbers; /* BLOCK_NONE = free slot */
    size_t slots, count;
};

void block_set_init(struct block_set *s);
void block_set_free(struct block_set *s);

bool block_set_has(const struct block_set *s, uint64_t id);

/* The number of an id, new or known; at most 2^32 - 2 different ids. */
uint32_t block_set_add(struct block_set *s, uint64_t id);

/* The number of a known id, or BLOCK_NONE. */
uint32_t block_set_find(const struct block_set *s, uint64_t id);

#endif
