/* Moments: count, extremes, and the exact sums that mean and deviation come from.
 *
 * Values are int64 (nanoseconds, tokens). Their sum and the sum of their squares are kept as
 * 128-bit integers, so that merging in any order gives the same bits as adding in one place.
 *
 *     struct moments m = {0};                 // zeroed = empty
 *     moments_add(&m, ttft_ns, 1);
 *     moments_merge(&m, &other_shard);
 *     double mean_ns = moments_mean(&m), cv = moments_cv(&m);
 *
 * Bounds: the sum cannot overflow. The sum of squares holds 3e10 values of a day each in
 * nanoseconds; past 2^128−1 it stays there (which is free of order, too) and the deviation is NaN.
 * Nothing is owned: a struct moments may be copied.
 */
#ifndef FAREBOX_CORE_STATS_MOMENTS_H
#define FAREBOX_CORE_STATS_MOMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 moments_sum;
__extension__ typedef unsigned __int128 moments_squares;

struct moments {
    uint64_t count;
    int64_t min, max; /* 0 while count is 0 */
    moments_sum sum;
    moments_squares squares; /* sum of the values' squares */
};

/* Adds `value` `count` times. */
void moments_add(struct moments *m, int64_t value, uint64_t count);

/* Adds what each value is more than the one before it: count − 1 differences. */
void moments_add_steps(struct moments *m, const int64_t *values, size_t count);

void moments_merge(struct moments *into, const struct moments *from);

/* NaN where there are no values. */
double moments_mean(const struct moments *m);

/* Sample standard deviation (n − 1): 0 for one value, NaN for none. With q the whole part of the
 * mean and r the remainder of sum / n, the sum of squared deviations is
 * Σ(x − q)² − r²/n, and Σ(x − q)² = Σx² − 2qΣx + nq² is an integer: nothing cancels in floating
 * point. */
double moments_stddev(const struct moments *m);

/* stddev / |mean|; NaN where the mean is 0 or there are no values. */
double moments_cv(const struct moments *m);

/* The two sums as decimal text, for files, and back: false if the text is not a whole number that
 * fits. A negative number of squares is refused. */
#define MOMENTS_TEXT_SIZE 48
void moments_format_sums(const struct moments *m, char sum[MOMENTS_TEXT_SIZE],
                         char squares[MOMENTS_TEXT_SIZE]);
bool moments_parse_sums(struct moments *m, const char *sum, size_t sum_length, const char *squares,
                        size_t squares_length);

#endif
