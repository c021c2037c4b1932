/* The test of paired samples: signs of the episodes' log-ratios in the tail, turned. */
#include "core/memory.h"
#include "core/stats/interval.h"
#include "core/stats/tail_sides.h"

#include <math.h>
#include <stdlib.h>

#define WIDTH 2         /* the tail, in tails beyond the quantile */
#define GRID 2048       /* steps of the sum of all sizes */
#define LEAST_PART 1e-3 /* of the threshold: a value at or near zero has no useful logarithm */

struct paired {
    struct tail_sides sides;
    const double *before, *after;
    size_t n;
    double share;      /* of the pooled values that are the tail */
    size_t *candidate; /* pairs that can be in the tail, in scheduled order */
    size_t candidates;
};

struct signs {
    double sum[INTERVAL_BATCHES + 1]; /* of log-ratios, by episode */
    size_t pairs[INTERVAL_BATCHES + 1];
    size_t count;
};

static int by_place(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void find_candidates(struct paired *p)
{
    const struct tail_side *s = p->sides.side;
    size_t all = s[0].count + s[1].count, kept = 0;
    p->candidate = mem_alloc(all * sizeof *p->candidate);
    for (size_t i = 0; i < all; i++)
        p->candidate[i] = i < s[0].count ? s[0].at[i] : s[1].at[i - s[0].count];
    qsort(p->candidate, all, sizeof *p->candidate, by_place);
    for (size_t i = 0; i < all; i++)
        if (kept == 0 || p->candidate[i] != p->candidate[kept - 1])
            p->candidate[kept++] = p->candidate[i];
    p->candidates = kept;
}

static void gather(const struct paired *p, double shift, struct signs *out)
{
    double factor = exp(shift), threshold = tail_pooled_quantile(&p->sides, factor, p->share);
    double least = LEAST_PART * threshold;
    struct episodes e = episodes_of(p->n);
    *out = (struct signs){0};
    for (size_t i = 0; i < p->candidates; i++) {
        size_t at = p->candidate[i];
        double x = p->before[at], y = p->after[at] / factor;
        if (fmax(x, y) < threshold)
            continue;
        size_t k = episodes_add(&e, at);
        out->sum[k] += log(fmax(y, least) / fmax(x, least));
        out->pairs[k]++;
    }
    out->count = e.count;
}

/* The chances of every sum of `steps` with signs turned at random; chance[total] is that of 0. */
static void spread(const int *steps, size_t count, int total, double *chance, double *before)
{
    int reach = 0;
    for (int i = 0; i <= 2 * total; i++)
        chance[i] = 0;
    chance[total] = 1;
    for (size_t k = 0; k < count; k++) {
        for (int i = total - reach; i <= total + reach; i++) {
            before[i] = chance[i];
            chance[i] = 0;
        }
        for (int i = total - reach; i <= total + reach; i++) {
            chance[i - steps[k]] += before[i] / 2;
            chance[i + steps[k]] += before[i] / 2;
        }
        reach += steps[k];
    }
}

static void turn_signs(const double *d, size_t count, double *p_up, double *p_down)
{
    int steps[INTERVAL_BATCHES + 1], total = 0, seen = 0;
    double size = 0;
    *p_up = *p_down = 1;
    for (size_t k = 0; k < count; k++)
        size += fabs(d[k]);
    if (!(size > 0))
        return;
    for (size_t k = 0; k < count; k++) {
        steps[k] = (int)lround(fabs(d[k]) / size * GRID);
        total += steps[k];
        seen += d[k] < 0 ? -steps[k] : steps[k];
    }
    double *chance = mem_alloc((size_t)(2 * total + 1) * sizeof *chance);
    double *before = mem_alloc((size_t)(2 * total + 1) * sizeof *before);
    spread(steps, count, total, chance, before);
    *p_up = *p_down = 0;
    for (int i = -total; i <= total; i++) {
        *p_up += i >= seen ? chance[total + i] : 0;
        *p_down += i <= seen ? chance[total + i] : 0;
    }
    free(chance);
    free(before);
}

static void test_paired(const void *context, double shift, double *p_up, double *p_down)
{
    struct signs s;
    gather(context, shift, &s);
    for (size_t k = 0; k < s.count; k++)
        s.sum[k] /= (double)s.pairs[k];
    turn_signs(s.sum, s.count, p_up, p_down);
}

void tail_compare_paired(const double *before, const double *after, size_t n, double p,
                         struct tail_change *out)
{
    struct paired s = {.before = before, .after = after, .n = n, .share = WIDTH * (1 - p)};
    const double *const values[2] = {before, after};
    const size_t counts[2] = {n, n};
    struct signs here;
    tail_sides_init(&s.sides, values, counts, p, s.share);
    find_candidates(&s);
    tail_invert(test_paired, &s, s.sides.estimate, out);
    gather(&s, 0, &here);
    out->episodes = here.count;
    free(s.candidate);
    tail_sides_free(&s.sides);
}
