/* Inside core/stats: the largest values of two samples, and quantiles of the two pooled. */
#ifndef FAREBOX_CORE_STATS_TAIL_SIDES_H
#define FAREBOX_CORE_STATS_TAIL_SIDES_H

#include "core/stats/tail.h"

/* The largest values of one sample, in falling order, and where they stand in it. */
struct tail_side {
    size_t n, count;
    double *value;
    size_t *at;
};

struct tail_sides {
    struct tail_side side[2];
    double estimate; /* ln of the ratio of the two quantiles */
};

/* Keeps what the upper `share` of the two pooled can hold, ties included, whatever factor one of
 * them is divided by. */
void tail_sides_init(struct tail_sides *s, const double *const values[2], const size_t n[2],
                     double p, double share);
void tail_sides_free(struct tail_sides *s);

/* Type-7 quantile at 1 − share of the first side pooled with the second one divided by `factor`. */
double tail_pooled_quantile(const struct tail_sides *s, double factor, double share);

/* One-sided p-values with the second side divided by e^shift. */
typedef void tail_test(const void *context, double shift, double *p_up, double *p_down);

/* Both p-values of no change, and the limits around `estimate`, which they agree with. */
void tail_invert(tail_test *test, const void *context, double estimate, struct tail_change *out);

#endif
