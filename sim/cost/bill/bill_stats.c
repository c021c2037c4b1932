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

static size_t drop_unserved(int64_t *quanta, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (quanta[i] != TARIFF_UNSERVED)
            quanta[kept++] = quanta[i];
    return kept;
}

static double deviation(const int64_t *quanta, size_t n, money sum, int64_t largest)
{
    int shift = shift_for(largest);
    int64_t pivot = (int64_t)(sum / (money)n) >> shift;
    money first = 0, second = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t x = (quanta[i] >> shift) - pivot;
        first += x;
        second += (money)x * x;
    }
    double mean = (double)first / (double)n;
    double variance = (double)second / (double)n - mean * mean;
    return variance > 0 ? ldexp(sqrt(variance), shift) : 0;
}

void cost_stats_of(int64_t *quanta, size_t count, struct cost_stats *out)
{
    static const double p[] = {0, 0.5, 0.9, 0.99, 1};
    double q[5];
    size_t n = drop_unserved(quanta, count);
    *out = (struct cost_stats){.count = n, .cv = NAN, .max_over_median = NAN};
    for (int i = 0; i < CHARGE_PARTS; i++)
        out->share[i] = NAN;
    if (n == 0) {
        out->mean = out->min = out->p50 = out->p90 = out->p99 = out->max = NAN;
        return;
    }
    money sum = 0;
    int64_t largest = 0;
    double *values = mem_alloc(n * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        sum += quanta[i];
        largest = quanta[i] > largest ? quanta[i] : largest;
        values[i] = (double)quanta[i] * CHARGE_QUANTUM_USD;
    }
    out->mean = (double)sum / (double)n * CHARGE_QUANTUM_USD;
    if (sum != 0)
        out->cv = deviation(quanta, n, sum, largest) * CHARGE_QUANTUM_USD / out->mean;
    quantiles_select(values, n, p, 5, q);
    out->min = q[0];
    out->p50 = q[1];
    out->p90 = q[2];
    out->p99 = q[3];
    out->max = q[4];
    if (out->p50 > 0)
        out->max_over_median = out->max / out->p50;
    free(values);
}

/* Σ (C_i − a_i)(C − a) for each part, and the sums of the first powers. */
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

void cost_stats_shares(const struct tariff *t, unsigned workers, const struct charge_sums *sums,
                       struct cost_stats *out)
{
    if (sums->rows == 0 || !(out->cv > 0))
        return;
    if (workers < 1)
        workers = 1;
    struct covariance *c = mem_zero(workers, sizeof *c);
    int shift = shift_for((int64_t)fmin(out->max / CHARGE_QUANTUM_USD, 9e18));
    for (unsigned i = 0; i < workers; i++) {
        c[i].t = t;
        c[i].shift = shift;
        for (int p = 0; p < CHARGE_PARTS; p++)
            c[i].pivot[p] = charge_quanta(sums->part[p] / (money)sums->rows) >> shift;
    }
    tariff_parallel(t->rows->workload->count, workers, add_block, c, sizeof *c);
    money first_total = 0;
    for (int p = 0; p < CHARGE_PARTS; p++) {
        for (unsigned i = 1; i < workers; i++) {
            c[0].first[p] += c[i].first[p];
            c[0].product[p] += c[i].product[p];
        }
        first_total += c[0].first[p];
    }
    double n = (double)sums->rows, variance = 0, covariance[CHARGE_PARTS];
    for (int p = 0; p < CHARGE_PARTS; p++) {
        covariance[p] =
            (double)c[0].product[p] / n - (double)c[0].first[p] / n * ((double)first_total / n);
        variance += covariance[p];
    }
    for (int p = 0; p < CHARGE_PARTS && variance > 0; p++)
        out->share[p] = covariance[p] / variance;
    free(c);
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
