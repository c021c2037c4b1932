/* Where the warm-up ends: MSER-5 (White, Cobb and Spratt, 2000).
 *
 *     struct steady s = steady_mser5_sample(&latencies_in_scheduled_order);
 *     measured = values + s.drop;                 // n − s.drop values
 *     if (!s.reached) puts("still changing: measure longer");
 *
 * The sequence is averaged in batches of five, z(1) … z(m). Dropping the first d of them leaves a
 * mean with the squared standard error Σ(z − mean)² / (m − d)²; the d with the smallest is chosen,
 * among those that keep at least half. A minimum at that very limit means that the sequence has not
 * settled.
 */
#ifndef FAREBOX_CORE_STATS_STEADY_H
#define FAREBOX_CORE_STATS_STEADY_H

#include "core/stats/sample.h"

#include <stdbool.h>
#include <stddef.h>

struct steady {
    size_t drop;  /* leading values to leave out: a multiple of 5, at most n / 2 */
    bool reached; /* false: the best cut is the latest allowed */
};

/* Fewer than 20 values: nothing is dropped. */
struct steady steady_mser5_sample(const struct sample *values);

#endif
