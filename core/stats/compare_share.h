/* Did a share change? The share of requests that failed, or that met their objectives.
 *
 *     struct comparison c;                            // of before[i] and after[i], each 0 or 1
 *     compare_shares(failed_before, n, failed_after, m, false, &c);
 *     compare_adjust(all, count);                     // together with what else is compared
 *
 * The change is a difference, so that a share may be 0. Fates of neighbours are not independent (an
 * overload fails many at once), and few fates say little; p is therefore the larger of two:
 *
 *  - for correlated fates. Paired, 4,000 requests and more: turned signs of blocks
 *    (core/stats/paired.h). Paired, fewer: with c requests that changed from 0 to 1, b from 1 to 0,
 *    (c − b)/(n + 2) over the larger of two standard errors, that of the differences' batch means
 *    (core/stats/interval.h) and √(b + c + 1 − (c − b)²/(n + 2))/(n + 2) of independent pairs
 *    (Agresti and Min, 2005). Apart: Wilson's limits l, u of each share p at t standard errors, for
 *    n/D requests, combined to d − √((p₂ − l₂)² + (u₁ − p₁)²) … d + √((u₂ − p₂)² + (p₁ − l₁)²)
 *    (Newcombe, 1998); D is the larger design effect nVar/(p(1 − p)) of the two runs' batch means,
 *    at least 1.
 *  - for few of them (`p_independent`). Paired: b of b + c fair coins (McNemar's exact test).
 * Apart: twice the smaller tail of Fisher's exact test.
 *
 * Finding and interval never contradict each other: an interval without a finding holds 0.
 */
#ifndef FAREBOX_CORE_STATS_COMPARE_SHARE_H
#define FAREBOX_CORE_STATS_COMPARE_SHARE_H

#include "core/stats/compare.h"

/* Values in scheduled order. `paired` needs n_before == n_after, and is ignored otherwise. */
void compare_shares(const double *before, size_t n_before, const double *after, size_t n_after,
                    bool paired, struct comparison *out);

/* The exact tests by themselves: p of b against c changes of fate, and of x of n against y of m. */
double share_mcnemar(size_t b, size_t c);
double share_fisher(size_t x, size_t n, size_t y, size_t m);

#endif
