/* Items by their value. */
#include "sim/cost/split/pick.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* Items that are looked at out of their order are fetched so many ahead. */
#define FETCH_AHEAD 16

static int largest_first(const void *a, const void *b, void *values)
{
    const money *value = values;
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (value[x] != value[y])
        return value[x] > value[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* A value above 0 in 32 bits, larger for less: its length in bits and the 24 bits behind the first
 * one. What is alike in them is put in order afterwards. */
static uint32_t key_of(money value)
{
    money_magnitude m = (money_magnitude)value;
    uint64_t high = (uint64_t)(m >> 64), low = (uint64_t)m;
    int bits = high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
    uint32_t behind = (uint32_t)(bits > 25 ? m >> (bits - 25) : m << (25 - bits)) & 0xffffffu;
    return ~((uint32_t)bits << 24 | behind);
}

/* By the keys in the upper halves, a byte at a time; what is alike stays in its order. Four turns:
 * the result is in `items`. */
static void sort_keys(uint64_t *items, uint64_t *other, size_t count)
{
    for (int shift = 32; shift < 64; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < count; i++)
            start[(items[i] >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++)
            start[b + 1] += start[b];
        for (size_t i = 0; i < count; i++)
            other[start[items[i] >> shift & 255]++] = items[i];
        uint64_t *sorted = other;
        other = items;
        items = sorted;
    }
}

/* Puts items of one key in the order of their values. */
static void sort_alike(const money *value, const uint64_t *keys, uint32_t *items, size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        bool sorted = true;
        for (end = i + 1; end < count && keys[end] >> 32 == keys[i] >> 32; end++) {
            if (end + FETCH_AHEAD < count)
                __builtin_prefetch(&value[items[end + FETCH_AHEAD]]);
            sorted = sorted && value[items[end - 1]] >= value[items[end]];
        }
        if (!sorted)
            qsort_r(items + i, end - i, sizeof *items, largest_first, (void *)(uintptr_t)value);
    }
}

void pick_sort_by_value(const money *value, uint32_t *items, size_t count)
{
    uint64_t *keys = mem_alloc((count + 1) * sizeof *keys);
    uint64_t *other = mem_alloc((count + 1) * sizeof *other);
    for (size_t i = 0; i < count; i++)
        keys[i] = (uint64_t)key_of(value[items[i]]) << 32 | items[i];
    sort_keys(keys, other, count);
    free(other);
    for (size_t i = 0; i < count; i++)
        items[i] = (uint32_t)keys[i];
    sort_alike(value, keys, items, count);
    free(keys);
}
