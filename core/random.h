/* Seeded random streams.
 *
 * A stream is named by a seed and a key (session number, shard-free request number, replica and
 * segment, ...). Streams of different keys are independent, so work can be split over threads or
 * shards in any way and still draw the same numbers. A stream is also a GSL generator, so that
 * every variate comes from gsl_ran_*:
 *
 *     struct random r;
 *     random_init(&r, seed, RANDOM_ARRIVALS, client);
 *     double gap_s = gsl_ran_exponential(random_gsl(&r), 1 / rate_rps);
 *
 * Generator: xoshiro256++ 1.0 (Blackman and Vigna, 2019), its state filled by SplitMix64 from the
 * seed and the key.
 */
#ifndef FAREBOX_CORE_RANDOM_H
#define FAREBOX_CORE_RANDOM_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/* What a stream is for: keeps the draws of one purpose apart from every other. */
enum random_purpose {
    RANDOM_ARRIVALS = 1,
    RANDOM_SESSIONS = 3, /* numbers stay: what a seed gives must stay too */
    RANDOM_PROMPTS,
    RANDOM_ENGINE,
    RANDOM_FAULTS,
    RANDOM_RETRIES,
    RANDOM_BOOTSTRAP,
    RANDOM_CANCEL,
    RANDOM_TEST = 12,
    RANDOM_DRAFTS,
};

struct random {
    uint64_t state[4];
    gsl_rng gsl; /* points at `state` of this very struct: do not copy a struct random */
};

void random_init(struct random *r, uint64_t seed, enum random_purpose purpose, uint64_t key);

/* The GSL face of the stream; valid as long as the struct stays where it is. */
gsl_rng *random_gsl(struct random *r);

uint64_t random_u64(struct random *r);

/* Uniform on [0, 1) with 53 bits, and on (0, 1). */
double random_unit(struct random *r);
double random_open_unit(struct random *r);

/* Uniform on 0 … bound−1, without bias; bound > 0. */
uint64_t random_below(struct random *r, uint64_t bound);

/* One mixed 64-bit number from a seed and a key, where a whole stream is not needed. */
uint64_t random_mix(uint64_t seed, uint64_t key);

#endif
