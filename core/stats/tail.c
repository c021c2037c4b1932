/* The test of samples apart: shares above pooled quantiles, with the variance of blocks. */
#include "core/stats/tail.h"

#include "core/memory.h"
#include "core/stats/interval.h"
#include "core/stats/tail_sides.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THRESHOLDS 3
#define PIECES 8 /* of a block: by how much one is later than the one before */
#define MOST_PIECES (PIECES * INTERVAL_BATCHES)

static const double beyond[THRESHOLDS] = {1, 0.75, 0.5}; /* parts of the tail 1 − p */

struct apart {
    struct tail_sides sides;
    double tail; /* 1 − p */
};

struct scores {
    double mean, squares; /* Σ score² */
    double variance;      /* of the mean */
};

static double score_of(double value, const double thresholds[THRESHOLDS])
{
    double score = 0;
    for (int i = 0; i < THRESHOLDS; i++)
        score += value > thresholds[i] ? 1 : value == thresholds[i] ? 0.5 : 0;
    return score / THRESHOLDS;
}

/* The mean over all blocks of their squared distance from the overall mean. */
static double block_variance(const double *pieces, size_t count, double length, double mean)
{
    double squares = 0;
    size_t blocks = count - PIECES + 1;
    for (size_t i = 0; i < blocks; i++) {
        double sum = 0;
        for (size_t j = 0; j < PIECES; j++)
            sum += pieces[i + j];
        squares += (sum / length - mean) * (sum / length - mean);
    }
    return squares / (double)blocks;
}

static void score_side(const struct tail_side *s, double factor,
                       const double thresholds[THRESHOLDS], struct scores *out)
{
    double pieces[MOST_PIECES] = {0}, sum = 0, n = (double)s->n;
    size_t blocks = interval_batches(s->n), count = blocks * PIECES;
    *out = (struct scores){0};
    for (size_t i = 0; i < s->count; i++) {
        double score = score_of(s->value[i] / factor, thresholds);
        if (score == 0)
            break;
        pieces[s->at[i] * count / s->n] += score;
        sum += score;
        out->squares += score * score;
    }
    double share = 1 / (double)blocks; /* what one block is of the sample */
    out->mean = sum / n;
    out->variance = block_variance(pieces, count, n * share, out->mean) * share / (1 - share);
}

static void find_thresholds(const struct apart *a, double factor, double out[THRESHOLDS])
{
    for (int i = 0; i < THRESHOLDS; i++)
        out[i] = tail_pooled_quantile(&a->sides, factor, beyond[i] * a->tail);
}

static void test_apart(const void *context, double shift, double *p_up, double *p_down)
{
    const struct apart *a = context;
    const struct tail_side *side = a->sides.side;
    double thresholds[THRESHOLDS], factor = exp(shift);
    struct scores s[2];
    find_thresholds(a, factor, thresholds);
    score_side(&side[0], 1, thresholds, &s[0]);
    score_side(&side[1], factor, thresholds, &s[1]);
    double n = (double)side[0].n, m = (double)side[1].n;
    double pooled = (s[0].mean * n + s[1].mean * m) / (n + m);
    double independent =
        ((s[0].squares + s[1].squares) / (n + m) - pooled * pooled) * (1 / n + 1 / m);
    double variance = fmax(s[0].variance + s[1].variance, independent);
    double blocks = (double)(interval_batches(side[0].n) + interval_batches(side[1].n));
    double t = variance > 0 ? (s[1].mean - s[0].mean) / sqrt(variance) : 0;
    *p_up = gsl_cdf_tdist_Q(t, 1.5 * (blocks - 2));
    *p_down = gsl_cdf_tdist_P(t, 1.5 * (blocks - 2));
}

static int by_place(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static size_t count_episodes(const struct tail_side *s, double threshold)
{
    size_t *at = mem_alloc(s->count * sizeof *at), count = 0;
    while (count < s->count && s->value[count] >= threshold) {
        at[count] = s->at[count];
        count++;
    }
    qsort(at, count, sizeof *at, by_place);
    struct episodes e = episodes_of(s->n);
    for (size_t i = 0; i < count; i++)
        episodes_add(&e, at[i]);
    free(at);
    return e.count;
}

void tail_compare(const double *before, size_t n, const double *after, size_t m, double p,
                  struct tail_change *out)
{
    struct apart a = {.tail = 1 - p};
    const double *const values[2] = {before, after};
    const size_t counts[2] = {n, m};
    tail_sides_init(&a.sides, values, counts, p, beyond[0] * a.tail);
    tail_invert(test_apart, &a, a.sides.estimate, out);
    double threshold = tail_pooled_quantile(&a.sides, 1, a.tail);
    out->episodes = 0;
    for (int i = 0; i < 2; i++)
        out->episodes += count_episodes(&a.sides.side[i], threshold);
    tail_sides_free(&a.sides);
}
