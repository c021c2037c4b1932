/* How far another machine's clock is from ours, by exchanges of messages.
 *
 *     struct clock_offset o = {0};
 *     clock_offset_add(&o, sent_ns, theirs_ns, came_ns);      // each exchange
 *     theirs = ours + o.offset_ns;                            // within o.error_ns
 *     drift = clock_drift_ppm(&before, &after, &error_ppm);
 *
 * Cristian's algorithm: their answer was made somewhere between our sending and its coming, so the
 * midpoint is wrong by half the round trip at most, whatever the paths. Of many exchanges the one
 * with the shortest round trip says most; delays only ever make a trip longer.
 */
#ifndef FAREBOX_BENCH_MANY_CLOCK_OFFSET_H
#define FAREBOX_BENCH_MANY_CLOCK_OFFSET_H

#include <stdint.h>

struct clock_offset {
    uint64_t exchanges;
    int64_t offset_ns; /* theirs - ours */
    int64_t error_ns;  /* at most: half the shortest round trip */
    int64_t at_ns;     /* ours, at that exchange */
};

void clock_offset_add(struct clock_offset *o, int64_t sent_ns, int64_t theirs_ns, int64_t came_ns);

/* Of the offset, in millionths of the time between the two; *error_ppm is what both errors make of
 * it. NAN where one of them has no exchange or they are of one instant. */
double clock_drift_ppm(const struct clock_offset *before, const struct clock_offset *after,
                       double *error_ppm);

#endif
