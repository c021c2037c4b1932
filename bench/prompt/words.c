#include "bench/prompt/words.h"

#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POOL_WORDS 65536u
#define WORD_BITS 6
#define WORD_BYTES 5      /* a blank and four letters */
#define IDENTITY_WORDS 11 /* 66 bits */
#define SLACK 1e-6        /* of sums of costs that are no integers */

struct words {
    char *text;    /* WORD_BYTES a word */
    double *until; /* tokens before each word of the pool, and of all of it */
    double cost[WORDS_LISTED];
    uint32_t cheapest;
    uint8_t drawn[POOL_WORDS];
};

static const char *const list[WORDS_LISTED] = {
    " time", " year", " hand", " part", " case", " week", " work", " home", " room", " area",
    " fact", " book", " word", " side", " kind", " head", " hour", " game", " line", " city",
    " name", " team", " idea", " body", " back", " face", " door", " land", " form", " view",
    " town", " road", " plan", " rate", " role", " test", " type", " page", " data", " code",
    " wall", " film", " tree", " term", " call", " rule", " fire", " bank", " west", " east",
    " rest", " goal", " race", " news", " list", " text", " food", " star", " wood", " king",
    " rock", " ship", " gold", " rain",
};

static void sum_up(struct words *w)
{
    for (uint32_t i = 0; i < POOL_WORDS; i++)
        w->until[i + 1] = w->until[i] + w->cost[w->drawn[i]];
}

void words_set_costs(struct words *w, const double costs[WORDS_LISTED])
{
    memcpy(w->cost, costs, sizeof w->cost);
    w->cheapest = 0;
    for (uint32_t i = 1; i < WORDS_LISTED; i++)
        if (costs[i] < costs[w->cheapest])
            w->cheapest = i;
    sum_up(w);
}

struct words *words_create(uint64_t salt)
{
    struct words *w = mem_zero(1, sizeof *w);
    struct random r;
    random_init(&r, salt, RANDOM_PROMPTS, 0);
    w->text = mem_alloc((size_t)POOL_WORDS * WORD_BYTES);
    w->until = mem_zero(POOL_WORDS + 1, sizeof *w->until);
    for (uint32_t i = 0; i < POOL_WORDS; i++) {
        w->drawn[i] = (uint8_t)(random_u64(&r) >> (64 - WORD_BITS));
        memcpy(w->text + (size_t)i * WORD_BYTES, list[w->drawn[i]], WORD_BYTES);
    }
    for (uint32_t i = 0; i < WORDS_LISTED; i++)
        w->cost[i] = 1;
    sum_up(w);
    return w;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    free(w->text);
    free(w->until);
    free(w);
}

double words_cheapest(const struct words *w)
{
    return w->cost[w->cheapest];
}

int words_add_listed(uint32_t number, uint32_t times, struct buffer *out)
{
    for (uint32_t i = 0; i < times; i++)
        if (buffer_add(out, list[number % WORDS_LISTED], WORD_BYTES) < 0)
            return -1;
    return 0;
}

/* Words that spell the number, as many as fit; their tokens, or -1. `whole`: all of them did. */
static double add_identity(const struct words *w, uint64_t number, double tokens, bool *whole,
                           struct buffer *out)
{
    double got = 0;
    *whole = true;
    for (int i = 0; i < IDENTITY_WORDS; i++, number >>= WORD_BITS) {
        uint32_t word = number % WORDS_LISTED;
        if (got + w->cost[word] > tokens + SLACK) {
            *whole = false;
            return got;
        }
        if (words_add_listed(word, 1, out) < 0)
            return -1;
        got += w->cost[word];
    }
    return got;
}

/* How many words of the pool from a place on cost no more than that, up to its end. */
static uint32_t fitting(const struct words *w, uint32_t place, double tokens)
{
    double end = w->until[place] + tokens + SLACK;
    uint32_t low = place, high = POOL_WORDS; /* until[low] <= end */
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (w->until[middle] <= end)
            low = middle;
        else
            high = middle - 1;
    }
    return low - place;
}

/* A slice of the pool that costs no more than that; its tokens, or -1. */
static double add_slice(const struct words *w, uint32_t place, double tokens, struct buffer *out)
{
    double got = 0;
    for (;;) {
        uint32_t n = fitting(w, place, tokens - got);
        if (buffer_add(out, w->text + (size_t)place * WORD_BYTES, (size_t)n * WORD_BYTES) < 0)
            return -1;
        got += w->until[place + n] - w->until[place];
        if (place + n < POOL_WORDS)
            return got;
        place = 0;
    }
}

double words_add_block(const struct words *w, uint64_t identity, double tokens, struct buffer *out)
{
    bool whole;
    double got = add_identity(w, identity, tokens, &whole, out);
    if (got >= 0 && whole) {
        double slice = add_slice(w, (uint32_t)(identity >> 20) % POOL_WORDS, tokens - got, out);
        got = slice < 0 ? -1 : got + slice;
    }
    if (got < 0)
        return -1;
    double left = round((tokens - got) / words_cheapest(w));
    if (left < 1)
        return got;
    if (words_add_listed(w->cheapest, (uint32_t)left, out) < 0)
        return -1;
    return got + left * words_cheapest(w);
}
