#include "sim/cost/bill/bill_stats.h"

#include "core/memory.h"
#include "core/stats/quantile.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/bill/bought.h"

#include <math.h>
#include <stdlib.h>

double cost_usd(money value)
{
    return money_to_double(value);
}

double cost_share_percent(const struct cost_stats *s, int part)
{
    double hundredths = round(s->share[part] * 1e4);
    return hundredths == 0 ? 0 : hundredths / 100;
}

money cost_money(double usd)
{
    double pico = usd * 1e12;
    if (!(fabs(pico) < 1e26))
        return pico > 0 ? MONEY_MAX : pico < 0 ? -MONEY_MAX : 0;
    return (money)(pico < 0 ? pico - 0.5 : pico + 0.5) * MONEY_PICO_USD;
}

/* Bits to shift away so that squares of all values fit: |x| < 2^47 afterwards. */
static int shift_for(int64_t largest)
{
    int shift = 0;
    while (largest >> shift >= (int64_t)1 << 47)
        shift++;
    return shift;
}

/* Of all rows that are served. Squares may wrap around where the values are not small. */
struct quanta {
    const int64_t *value;
    size_t count, served;
    int64_t least, most;
    money sum;
    money_magnitude squares;
};

static void look_at(struct quanta *q)
{
    q->least = INT64_MAX;
    q->most = INT64_MIN;
    for (size_t i = 0; i < q->count; i++) {
        int64_t value = q->value[i];
        if (value == TARIFF_UNSERVED)
            continue;
        q->served++;
        q->sum += value;
        q->squares += (money_magnitude)((money)value * value);
        q->least = value < q->least ? value : q->least;
        q->most = value > q->most ? value : q->most;
    }
}

/* Σ (x − pivot) and Σ (x − pivot)² of the values without their lowest bits. */
static void moments_about(const struct quanta *q, int shift, int64_t pivot, money *first,
                          money *second)
{
    *first = *second = 0;
    for (size_t i = 0; i < q->count; i++) {
        if (q->value[i] == TARIFF_UNSERVED)
            continue;
        int64_t x = (q->value[i] >> shift) - pivot;
        *first += x;
        *second += (money)x * x;
    }
}

/* The same from those about 0: Σ (x − p)² = Σ x² − 2 p Σ x + n p². */
static void move_to(const struct quanta *q, int64_t pivot, money *first, money *second)
{
    money_magnitude n = q->served, p = (money_magnitude)(money)pivot;
    *first = q->sum - (money)q->served * pivot;
    *second = (money)(q->squares - 2 * p * (money_magnitude)q->sum + n * p * p);
}

static double deviation(const struct quanta *q)
{
    if (q->least == q->most)
        return 0;
    int shift = shift_for(q->most > 0 ? q->most : 0);
    int64_t pivot = (int64_t)(q->sum / (money)q->served) >> shift;
    money first, second;
    if (shift == 0 && q->least >= 0)
        move_to(q, pivot, &first, &second);
    else
        moments_about(q, shift, pivot, &first, &second);
    double mean = (double)first / (double)q->served;
    double variance = (double)second / (double)q->served - mean * mean;
    return variance > 0 ? ldexp(sqrt(variance), shift) : 0;
}

/* Type-7 quantiles, of `places` that rise. */
#define PLACES 3
static void find_quantiles(const struct quanta *q, const double *places, double *out)
{
    size_t ranks[2 * PLACES];
    int64_t found[2 * PLACES];
    for (int i = 0; i < PLACES; i++) {
        ranks[2 * i] = (size_t)(places[i] * (double)(q->served - 1));
        ranks[2 * i + 1] = ranks[2 * i] + 1 < q->served ? ranks[2 * i] + 1 : ranks[2 * i];
    }
    if (q->least == q->most)
        for (int i = 0; i < 2 * PLACES; i++)
            found[i] = q->least;
    else
        ranks_of_whole(q->value, q->count, TARIFF_UNSERVED, q->least, ranks, 2 * PLACES, found);
    for (int i = 0; i < PLACES; i++) {
        double low = (double)found[2 * i] * CHARGE_QUANTUM_USD;
        double high = (double)found[2 * i + 1] * CHARGE_QUANTUM_USD;
        double position = places[i] * (double)(q->served - 1);
        out[i] = low + (position - (double)ranks[2 * i]) * (high - low);
    }
}

static void describe(const struct quanta *q, struct cost_stats *out)
{
    static const double places[PLACES] = {0.5, 0.9, 0.99};
    double found[PLACES];
    *out = (struct cost_stats){.count = q->served, .cv = NAN, .max_over_median = NAN};
    for (int i = 0; i < CHARGE_PARTS; i++)
        out->share[i] = NAN;
    if (q->served == 0) {
        out->mean = out->min = out->p50 = out->p90 = out->p99 = out->max = NAN;
        return;
    }
    out->mean = (double)q->sum / (double)q->served * CHARGE_QUANTUM_USD;
    if (q->sum != 0)
        out->cv = deviation(q) * CHARGE_QUANTUM_USD / out->mean;
    find_quantiles(q, places, found);
    out->min = (double)q->least * CHARGE_QUANTUM_USD;
    out->p50 = found[0];
    out->p90 = found[1];
    out->p99 = found[2];
    out->max = (double)q->most * CHARGE_QUANTUM_USD;
    if (out->p50 > 0)
        out->max_over_median = out->max / out->p50;
}

void cost_stats_of(const int64_t *quanta, size_t count, struct cost_stats *out)
{
    struct quanta q = {.value = quanta, .count = count};
    look_at(&q);
    describe(&q, out);
}

void cost_stats_alike(int64_t quanta, size_t count, struct cost_stats *out)
{
    const struct quanta q = {
        .served = count, .least = quanta, .most = quanta, .sum = (money)quanta * (money)count};
    describe(&q, out);
}

/* Σ (C_i − a_i)(C − a) for each part, a the sum of the a_i, and the sums of the first powers. */
struct covariance {
    const struct tariff *t;
    int shift;
    int64_t pivot[CHARGE_PARTS];
    money first[CHARGE_PARTS], product[CHARGE_PARTS];
};

static void add_block(void *context, size_t begin, size_t end)
{
    struct covariance *c = context;
    for (size_t i = begin; i < end; i++) {
        struct row_charge row;
        int64_t x[CHARGE_PARTS], total = 0;
        money part[CHARGE_PARTS];
        if (!tariff_serves(c->t, i) || tariff_charge(c->t, i, &row) < 0)
            continue;
        row_charge_parts(&row, part);
        for (int p = 0; p < CHARGE_PARTS; p++) {
            x[p] = part[p] ? charge_quanta(part[p]) >> c->shift : 0;
            x[p] -= c->pivot[p];
            total += x[p];
        }
        for (int p = 0; p < CHARGE_PARTS; p++) {
            c->first[p] += x[p];
            c->product[p] += (money)x[p] * total;
        }
    }
}

/* Where some charge is so large that squares of quanta do not fit: all rows once more. */
static void charge_again(struct covariance *c, unsigned workers)
{
    struct covariance *each = mem_alloc(workers * sizeof *each);
    for (unsigned i = 0; i < workers; i++)
        each[i] = *c;
    tariff_parallel(c->t->rows->workload->count, workers, add_block, each, sizeof *each);
    for (unsigned i = 0; i < workers; i++)
        for (int p = 0; p < CHARGE_PARTS; p++) {
            c->first[p] += each[i].first[p];
            c->product[p] += each[i].product[p];
        }
    free(each);
}

/* The moments about 0 as those about the pivots: Σ (C_i − a_i)(C − a) = Σ C_i C − a Σ C_i
 * − a_i (Σ C − n a). What is in between may wrap around, as the result fits. */
static void move_moments(struct covariance *c, const struct charge_moments *m, uint64_t rows)
{
    money all = 0, pivots = 0;
    for (int p = 0; p < CHARGE_PARTS; p++) {
        all += m->first[p];
        pivots += c->pivot[p];
    }
    for (int p = 0; p < CHARGE_PARTS; p++) {
        money pivot = c->pivot[p];
        c->first[p] = m->first[p] - (money)rows * pivot;
        c->product[p] =
            (money)(m->product[p] - (money_magnitude)pivots * (money_magnitude)m->first[p] -
                    (money_magnitude)pivot * (money_magnitude)(all - (money)rows * pivots));
    }
}

void cost_stats_shares(const struct tariff *t, unsigned workers, const struct charge_sums *sums,
                       const struct charge_notes *notes, struct cost_stats *out)
{
    if (sums->rows == 0 || !(out->cv > 0))
        return;
    struct covariance c = {.t = t};
    c.shift = shift_for((int64_t)fmin(out->max / CHARGE_QUANTUM_USD, 9e18));
    for (int p = 0; p < CHARGE_PARTS; p++)
        c.pivot[p] = charge_quanta(sums->part[p] / (money)sums->rows) >> c.shift;
    if (notes->has_moments && c.shift == 0 && shift_for(notes->moments.any) == 0)
        move_moments(&c, &notes->moments, sums->rows);
    else
        charge_again(&c, workers < 1 ? 1 : workers);
    money first_total = 0;
    for (int p = 0; p < CHARGE_PARTS; p++)
        first_total += c.first[p];
    double n = (double)sums->rows, variance = 0, covariance[CHARGE_PARTS];
    for (int p = 0; p < CHARGE_PARTS; p++) {
        covariance[p] =
            (double)c.product[p] / n - (double)c.first[p] / n * ((double)first_total / n);
        variance += covariance[p];
    }
    for (int p = 0; p < CHARGE_PARTS && variance > 0; p++)
        out->share[p] = covariance[p] / variance;
}

double bill_utilisation(const struct plan_bill *p, const struct bill *bill)
{
    const struct plan *plan = p->plan;
    if (p->served.quota_windows > 0 && plan_quota_amount(&plan->quotas[0]) > 0 &&
        !plan_quota_is_settled(&plan->quotas[0])) {
        struct bought bought;
        bought_make(&bought, plan, p->subscriptions, bill->options.units);
        double room = (double)plan_quota_amount(&bought.quotas[0]);
        bought_free(&bought);
        return (double)p->served.quota_used / (room * (double)p->served.quota_windows);
    }
    if (plan->provisioned.tokens_per_minute > 0 && bill->span_ns > 0) {
        uint64_t units = (bill->options.units ? bill->options.units : plan->provisioned.units) *
                         p->subscriptions;
        double capacity = (double)plan->provisioned.tokens_per_minute * (double)units *
                          (double)bill->span_ns / 60e9;
        return (double)(p->sums.input_tokens + p->sums.output_tokens) / capacity;
    }
    return NAN;
}
