#include "core/stats/tail_sides.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#define ALPHA 0.025
#define WIDEST 2.302585092994046 /* ln 10 */
#define STEPS 30
#define BARELY 1e-9

static void side_init(struct tail_side *s, const double *values, size_t n, size_t wanted)
{
    size_t *order = mem_alloc(n * sizeof *order);
    gsl_sort_index(order, values, 1, n);
    *s = (struct tail_side){.n = n, .count = wanted < n ? wanted : n};
    while (s->count > 0 && s->count < n &&
           values[order[n - s->count - 1]] == values[order[n - s->count]])
        s->count++;
    s->value = mem_alloc(s->count * sizeof *s->value);
    s->at = mem_alloc(s->count * sizeof *s->at);
    for (size_t i = 0; i < s->count; i++) {
        s->at[i] = order[n - 1 - i];
        s->value[i] = values[s->at[i]];
    }
    free(order);
}

void tail_sides_init(struct tail_sides *s, const double *const values[2], const size_t n[2],
                     double p, double share)
{
    size_t wanted = (size_t)ceil(share * (double)(n[0] + n[1])) + 2;
    double at[2];
    for (int i = 0; i < 2; i++) {
        side_init(&s->side[i], values[i], n[i], wanted);
        quantiles_of(values[i], n[i], &p, 1, &at[i]);
    }
    s->estimate = log(at[1] / at[0]);
}

void tail_sides_free(struct tail_sides *s)
{
    for (int i = 0; i < 2; i++) {
        free(s->side[i].value);
        free(s->side[i].at);
    }
}

double tail_pooled_quantile(const struct tail_sides *s, double factor, double share)
{
    const struct tail_side *a = &s->side[0], *b = &s->side[1];
    double h = (1 - share) * (double)(a->n + b->n - 1), upper = 0, here = 0;
    size_t rank = a->n + b->n - (size_t)floor(h); /* the lower neighbour, counted from the top */
    for (size_t i = 0, j = 0; i + j < rank;) {
        double left = i < a->count ? a->value[i] : -INFINITY;
        double right = j < b->count ? b->value[j] / factor : -INFINITY;
        upper = i + j > 0 ? here : fmax(left, right);
        here = fmax(left, right);
        if (left >= right)
            i++;
        else
            j++;
    }
    return here + (h - floor(h)) * (upper - here);
}

/* Where the p-value of one side falls to ALPHA between the estimate and WIDEST from it. */
static double find_limit(tail_test *test, const void *context, double estimate, int direction)
{
    double inside = 0, outside = WIDEST, p[2];
    int side = direction > 0;
    test(context, estimate + direction * outside, &p[0], &p[1]);
    if (p[side] > ALPHA)
        return direction > 0 ? INFINITY : -INFINITY;
    for (int i = 0; i < STEPS; i++) {
        double middle = (inside + outside) / 2;
        test(context, estimate + direction * middle, &p[0], &p[1]);
        if (p[side] > ALPHA)
            inside = middle;
        else
            outside = middle;
    }
    return estimate + direction * outside;
}

void tail_invert(tail_test *test, const void *context, double estimate, struct tail_change *out)
{
    test(context, 0, &out->p_up, &out->p_down);
    out->low = find_limit(test, context, estimate, -1);
    out->high = find_limit(test, context, estimate, 1);
    /* p need not move evenly with the factor; finding and interval must agree all the same. */
    out->low = out->p_up > ALPHA ? fmin(out->low, 0) : fmax(out->low, BARELY);
    out->high = out->p_down > ALPHA ? fmax(out->high, 0) : fmin(out->high, -BARELY);
}
