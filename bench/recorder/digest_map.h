/* From 64-bit hashes to numbers: a table that only grows, and can be emptied.
 *
 *     struct digest_map m = {0};
 *     digest_map_set(&m, hash, number);
 *     number = digest_map_find(&m, hash);          // DIGEST_NONE where it was not there
 *     digest_map_free(&m);
 */
#ifndef FAREBOX_BENCH_RECORDER_DIGEST_MAP_H
#define FAREBOX_BENCH_RECORDER_DIGEST_MAP_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_NONE UINT32_MAX

struct digest_entry {
    uint64_t hash;
    uint32_t number; /* DIGEST_NONE where the place is free */
};

struct digest_map {
    struct digest_entry *entries;
    size_t capacity, count; /* a power of two */
};

/* The number of a hash, DIGEST_NONE where there is none. */
uint32_t digest_map_find(const struct digest_map *m, uint64_t hash);

/* Sets the number of a hash, in the place of an earlier one. */
void digest_map_set(struct digest_map *m, uint64_t hash, uint32_t number);

void digest_map_free(struct digest_map *m);

#endif
