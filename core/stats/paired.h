/* Inside core/stats: comparison of two runs of the same requests, by turning signs.
 *
 * Both runs are cut into the same blocks of requests. D is, block by block, the difference of the
 * two block means (for a quantile: of the shares below a common threshold). Had nothing changed,
 * either run could as well have been the other, so each block's D is as likely with the opposite
 * sign; p is the share of all 2^k ways to turn the signs whose |ΣD| is at least the one seen
 * (Fisher, 1935), so at least 2^(1 − k). Nothing is assumed of the size of D from block to block:
 * at high load a slower engine costs little in quiet blocks and much in busy ones, which a test by
 * the spread of D takes for noise and this one does not. Blocks must outlast what the noise of one
 * request does to its successors.
 *
 * The interval holds the factors f by which `after` may be divided so that p ≥ 5%; of shares
 * (values that are 0 or 1) the differences that may be taken off each D.
 */
#ifndef FAREBOX_CORE_STATS_PAIRED_H
#define FAREBOX_CORE_STATS_PAIRED_H

#include <stdbool.h>
#include <stddef.h>

struct paired_sample {
    const double *before, *after; /* n values each, in the same order of requests */
    size_t n;
    double p;                   /* the quantile, or < 0 for the mean */
    double at_before, at_after; /* the estimates; positive, but for shares */
    bool shares;                /* p < 0, and the change is a difference */
};

/* False where n is too small for enough blocks. */
bool paired_supports(size_t n);

/* p of no change, and the 95% interval of the change; false if a limit lies beyond a factor 10. */
bool paired_compare(const struct paired_sample *s, double *p_value, double *low, double *high);

#endif
