#include "sim/decide/verdict.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#define SAME 1e-9 /* relative */

struct table {
    const double *unit;
    const bool *acceptable;
    size_t candidates, draws;
};

static bool is_open(const struct table *t, size_t c, size_t d)
{
    return t->acceptable[c * t->draws + d];
}

static double unit_of(const struct table *t, size_t c, size_t d)
{
    return t->unit[c * t->draws + d];
}

/* The cheapest of a draw but for `without`; the first of equals. */
static size_t cheapest(const struct table *t, size_t d, size_t without)
{
    size_t best = VERDICT_NOBODY;
    for (size_t c = 0; c < t->candidates; c++)
        if (c != without && is_open(t, c, d) &&
            (best == VERDICT_NOBODY || unit_of(t, c, d) < unit_of(t, best, d)))
            best = c;
    return best;
}

static bool is_cheapest(const struct table *t, size_t c, size_t d, double least)
{
    return is_open(t, c, d) && unit_of(t, c, d) <= least * (1 + SAME);
}

/* Those that cost the same share a draw. */
static void count_draw(struct verdict *v, const struct table *t, size_t d, double least)
{
    double equal = 0;
    for (size_t c = 0; c < t->candidates; c++)
        equal += is_cheapest(t, c, d, least);
    for (size_t c = 0; c < t->candidates; c++)
        v->probability[c] += is_cheapest(t, c, d, least) ? 1 / equal : 0;
}

static void count_wins(struct verdict *v, const struct table *t)
{
    size_t decided = 0;
    for (size_t d = 0; d < t->draws; d++) {
        size_t best = cheapest(t, d, VERDICT_NOBODY);
        if (best == VERDICT_NOBODY)
            continue;
        count_draw(v, t, d, unit_of(t, best, d));
        decided++;
    }
    for (size_t c = 0; c < t->candidates; c++)
        v->probability[c] = decided ? v->probability[c] / (double)decided : 0;
}

static struct verdict_range range_of(const struct table *t, size_t c, double *values)
{
    static const double at[] = {0.025, 0.5, 0.975};
    double out[3] = {NAN, NAN, NAN};
    size_t n = 0;
    for (size_t d = 0; d < t->draws; d++)
        if (is_open(t, c, d))
            values[n++] = unit_of(t, c, d);
    if (n > 0)
        quantiles_of(values, n, at, 3, out);
    return (struct verdict_range){out[0], out[1], out[2],
                                  t->draws ? (double)n / (double)t->draws : 0};
}

/* The likelier one; of equals the one with the lower median. */
static bool is_before(const struct verdict *v, size_t a, size_t b)
{
    if (v->probability[a] != v->probability[b])
        return v->probability[a] > v->probability[b];
    return v->ranges[a].median < v->ranges[b].median;
}

static size_t likeliest(const struct verdict *v, size_t without)
{
    size_t best = VERDICT_NOBODY;
    for (size_t c = 0; c < v->candidates; c++)
        if (c != without && v->ranges[c].acceptable > 0 &&
            (best == VERDICT_NOBODY || is_before(v, c, best)))
            best = c;
    return best;
}

static void find_regret(struct verdict *v, const struct table *t, double *values)
{
    static const double at[] = {0.025, 0.975};
    double ends[2] = {0, 0}, sum = 0;
    size_t n = 0;
    for (size_t d = 0; d < t->draws; d++)
        if (is_open(t, v->leader, d)) {
            double least = unit_of(t, cheapest(t, d, VERDICT_NOBODY), d);
            values[n++] = unit_of(t, v->leader, d) - least;
            sum += values[n - 1];
        }
    if (n == 0)
        return;
    quantiles_of(values, n, at, 2, ends);
    v->regret = sum / (double)n;
    v->regret_low = ends[0];
    v->regret_high = ends[1];
}

static void find_advantage(struct verdict *v, const struct table *t, double *values)
{
    size_t n = 0, clear = 0;
    for (size_t d = 0; d < t->draws; d++) {
        size_t other = cheapest(t, d, v->leader);
        if (other == VERDICT_NOBODY || !is_open(t, v->leader, d) || unit_of(t, other, d) <= 0)
            continue;
        values[n++] = 1 - unit_of(t, v->leader, d) / unit_of(t, other, d);
        clear += values[n - 1] >= VERDICT_MATERIAL;
    }
    v->advantage = n ? quantile_select(values, n, 0.5) : NAN;
    v->clear = n ? (double)clear / (double)n : NAN;
}

void verdict_make(struct verdict *v, const double *unit, const bool *acceptable, size_t candidates,
                  size_t draws)
{
    const struct table t = {unit, acceptable, candidates, draws};
    double *values = mem_alloc((draws + 1) * sizeof *values);
    *v = (struct verdict){.candidates = candidates, .leader = VERDICT_NOBODY, .advantage = NAN};
    v->probability = mem_zero(candidates + 1, sizeof *v->probability);
    v->ranges = mem_zero(candidates + 1, sizeof *v->ranges);
    count_wins(v, &t);
    for (size_t c = 0; c < candidates; c++)
        v->ranges[c] = range_of(&t, c, values);
    v->leader = likeliest(v, VERDICT_NOBODY);
    v->runner_up = likeliest(v, v->leader);
    if (v->leader != VERDICT_NOBODY) {
        find_regret(v, &t, values);
        find_advantage(v, &t, values);
        v->unclear = v->clear < VERDICT_CLEAR && v->probability[v->leader] >= VERDICT_SURE;
        v->close = v->probability[v->leader] < VERDICT_SURE || v->unclear;
    }
    free(values);
}

void verdict_free(struct verdict *v)
{
    free(v->probability);
    free(v->ranges);
    *v = (struct verdict){0};
}

double verdict_sample_factor(double difference, double sampled, double other)
{
    double bearable = fabs(difference) / gsl_cdf_ugaussian_Pinv(VERDICT_SURE);
    double room = bearable * bearable - other * other;
    if (room <= 0)
        return sampled > 0 || other > 0 ? INFINITY : 1;
    double factor = sampled * sampled / room;
    return factor > 1 ? factor : 1;
}
