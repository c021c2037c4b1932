/* Statistics of charges: how much the price of a request varies, and why.
 *
 * Moments are computed from integers (quanta of 1.7e-14 USD) about an integer pivot, so that they
 * do not depend on the order of rows or the number of workers; only the last division is floating
 * point. Nothing here is ever summed back into a charge.
 */
#ifndef FAREBOX_SIM_COST_BILL_BILL_STATS_H
#define FAREBOX_SIM_COST_BILL_BILL_STATS_H

#include "sim/cost/bill/tariff.h"

struct cost_stats {
    uint64_t count;
    double mean, min, p50, p90, p99, max; /* USD; type-7 quantiles */
    double cv;                            /* population deviation over mean; NaN: mean 0 */
    double max_over_median;               /* NaN: median 0 */
    /* share_i = Cov(C_i, C) / Var(C); NaN where nothing varies. They add up to 1. */
    double share[CHARGE_PARTS];
};

/* Of every row's total in quanta (TARIFF_UNSERVED is left out); the variance's split is
 * not filled. */
void cost_stats_of(const int64_t *quanta, size_t count, struct cost_stats *out);

/* The same of so many rows that all cost as much. */
void cost_stats_alike(int64_t quanta, size_t count, struct cost_stats *out);

/* The variance split by what the charges are made of, from the notes of tariff_charge_all. Where
 * those have no moments, or a charge is so large that they do not fit (above 2.4 USD), the rows are
 * charged again. */
void cost_stats_shares(const struct tariff *t, unsigned workers, const struct charge_sums *sums,
                       const struct charge_notes *notes, struct cost_stats *out);

/* `value` of USD as a number for a table or a statistic. */
double cost_usd(money value);

/* The share of a part of the charge in per cent, rounded at 0.01: never "-0.00". */
double cost_share_percent(const struct cost_stats *s, int part);

/* What is said where a share is negative. */
#define COST_NEGATIVE_SHARE \
    "a negative share: where that part is dearer, the request as a whole is cheaper"

/* A statistic of USD as money, so that it is written as money is; rounded at 1e-12, NaN is 0. */
money cost_money(double usd);

#endif
