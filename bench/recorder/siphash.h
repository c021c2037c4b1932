/* SipHash-2-4 (Aumasson and Bernstein, 2012): a hash under a key, from which nobody without the key
 * can tell what was hashed, however little he has to guess among.
 *
 *     struct siphash_key key;
 *     siphash_key_random(&key, err);
 *     uint64_t h = siphash(&key, parent, bytes, length);
 */
#ifndef FAREBOX_BENCH_RECORDER_SIPHASH_H
#define FAREBOX_BENCH_RECORDER_SIPHASH_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t low, high;
};

/* From the system's own source of chance. ERR_SYSTEM where it has none. */
int siphash_key_random(struct siphash_key *key, struct error *err);

/* From a file of 32 hex digits; where there is none it is made, for its owner's eyes alone.
 * ERR_INPUT for a file that holds something else. */
int siphash_key_file(struct siphash_key *key, const char *path, struct error *err);

/* The hash of `chain` (the hash of what stood before; 0) and the bytes behind it. */
uint64_t siphash(const struct siphash_key *key, uint64_t chain, const void *bytes, size_t length);

#endif
