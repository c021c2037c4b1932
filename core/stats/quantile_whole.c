/* Ranks of whole numbers, by counting: values are counted by how far they are above the least, in
 * steps of a 128th of that, and only those of a wanted rank's step are looked at again. */
#include "core/stats/quantile.h"

#include "core/memory.h"

#include <stdlib.h>

#define STEP_BITS 7
#define STEPS_EACH ((size_t)1 << STEP_BITS)
#define STEPS ((64 - STEP_BITS + 1) * STEPS_EACH)
#define FEW 32

static inline size_t step_of(uint64_t above)
{
    if (above < STEPS_EACH)
        return (size_t)above;
    int bits = 63 - __builtin_clzll(above);
    size_t behind = (size_t)(above >> (bits - STEP_BITS)) & (STEPS_EACH - 1);
    return (size_t)(bits - STEP_BITS + 1) * STEPS_EACH + behind;
}

/* The least of a step, and how many values it is for. */
static uint64_t from_of(size_t step)
{
    size_t bits = step / STEPS_EACH;
    return bits == 0 ? step : (uint64_t)(STEPS_EACH + step % STEPS_EACH) << (bits - 1);
}

static uint64_t width_of(size_t step)
{
    return step < STEPS_EACH ? 1 : (uint64_t)1 << (step / STEPS_EACH - 1);
}

/* Values without those to skip. */
struct wholes {
    const int64_t *values;
    size_t n;
    int64_t skip, least;
};

static inline uint64_t above_least(const struct wholes *w, int64_t value)
{
    return (uint64_t)value - (uint64_t)w->least;
}

static void sort_few(int64_t *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static int64_t *values_of_step(const struct wholes *w, size_t step, size_t count)
{
    int64_t *out = mem_alloc((count + 1) * sizeof *out);
    uint64_t from = from_of(step), width = width_of(step);
    for (size_t i = 0, at = 0; i < w->n; i++)
        if (above_least(w, w->values[i]) - from < width && w->values[i] != w->skip)
            out[at++] = w->values[i];
    return out;
}

/* The ranks of one step, which are counted from its least value on. */
static void select_in_step(const struct wholes *w, size_t step, size_t held, size_t *ranks,
                           size_t count, int64_t *out)
{
    int64_t *values = values_of_step(w, step, held);
    ranks_of_whole(values, held, w->skip, w->least + (int64_t)from_of(step), ranks, count, out);
    free(values);
}

static void select_ranks(struct wholes *w, const size_t *ranks, size_t count, int64_t *out)
{
    uint32_t *counts = mem_zero(STEPS, sizeof *counts);
    size_t *inner = mem_alloc((count + 1) * sizeof *inner);
    for (size_t i = 0; i < w->n; i++)
        if (w->values[i] != w->skip)
            counts[step_of(above_least(w, w->values[i]))]++;
    for (size_t k = 0, some; k < count; k += some) {
        size_t step = 0, before = 0;
        for (; before + counts[step] <= ranks[k]; step++)
            before += counts[step];
        for (some = 0; k + some < count && ranks[k + some] - before < counts[step]; some++)
            inner[some] = ranks[k + some] - before;
        if (step < 2 * STEPS_EACH) /* of one value */
            for (size_t i = 0; i < some; i++)
                out[k + i] = w->least + (int64_t)step;
        else
            select_in_step(w, step, counts[step], inner, some, out + k);
    }
    free(inner);
    free(counts);
}

/* Of so few that they are put in order. */
static void rank_few(const struct wholes *w, const size_t *ranks, size_t count, int64_t *out)
{
    int64_t sorted[FEW];
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->values[i] != w->skip)
            sorted[kept++] = w->values[i];
    sort_few(sorted, kept);
    for (size_t k = 0; k < count; k++)
        out[k] = sorted[ranks[k]];
}

void ranks_of_whole(const int64_t *values, size_t n, int64_t skip, int64_t least,
                    const size_t *ranks, size_t count, int64_t *out)
{
    struct wholes w = {.values = values, .n = n, .skip = skip, .least = least};
    if (n <= FEW) {
        rank_few(&w, ranks, count, out);
        return;
    }
    select_ranks(&w, ranks, count, out);
}
