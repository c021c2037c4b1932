#include "core/random.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static uint64_t next(uint64_t s[4])
{
    uint64_t result = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void gsl_seed(void *state, unsigned long seed)
{
    uint64_t *s = state, x = seed;
    for (int i = 0; i < 4; i++)
        s[i] = splitmix(&x);
}

static unsigned long gsl_get(void *state)
{
    return next(state);
}

static double to_unit(uint64_t x)
{
    return (double)(x >> 11) * 0x1.0p-53;
}

static double gsl_get_double(void *state)
{
    return to_unit(next(state));
}

static const gsl_rng_type xoshiro = {
    "xoshiro256++", UINT64_MAX, 0, sizeof(uint64_t[4]), gsl_seed, gsl_get, gsl_get_double,
};

void random_init(struct random *r, uint64_t seed, enum random_purpose purpose, uint64_t key)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ (uint64_t)purpose;
    x = splitmix(&x) ^ key;
    for (int i = 0; i < 4; i++)
        r->state[i] = splitmix(&x);
    r->gsl.type = &xoshiro;
    r->gsl.state = r->state;
}

gsl_rng *random_gsl(struct random *r)
{
    return &r->gsl;
}

uint64_t random_u64(struct random *r)
{
    return next(r->state);
}

double random_unit(struct random *r)
{
    return to_unit(next(r->state));
}

double random_open_unit(struct random *r)
{
    return ((double)(next(r->state) >> 12) + 0.5) * 0x1.0p-52;
}

/* Lemire's method: the high half of a 128-bit product, the few biased low halves drawn again. */
uint64_t random_below(struct random *r, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)next(r->state) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)product < threshold)
            product = (wide)next(r->state) * bound;
    }
    return (uint64_t)(product >> 64);
}

uint64_t random_mix(uint64_t seed, uint64_t key)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ key;
    return splitmix(&x);
}
