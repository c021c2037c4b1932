/* What a collector keeps per chunk: gaps, and tokens over time. Both stay small in long runs. */
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>

void gap_store_init(struct gap_store *g)
{
    *g = (struct gap_store){.slice_ns = NS_PER_S};
    spool_init(&g->exact, sizeof(struct timed_value));
}

void gap_store_free(struct gap_store *g)
{
    spool_free(&g->exact);
    for (int i = 0; i < GAP_SLICES; i++)
        histogram_free(&g->slices[i]);
}

/* Halves the number of slices in use by joining neighbours. */
static void widen_slices(struct gap_store *g)
{
    for (int i = 0; i < GAP_SLICES; i++) {
        int to = i / 2;
        if (i == to)
            continue;
        histogram_merge(&g->slices[to], &g->slices[i]);
        moments_merge(&g->moments[to], &g->moments[i]);
        histogram_free(&g->slices[i]);
        g->slices[i] = (struct histogram){0};
        g->moments[i] = (struct moments){0};
    }
    g->slice_ns *= 2;
}

static int slice_of(struct gap_store *g, int64_t scheduled_ns)
{
    while (scheduled_ns / g->slice_ns >= GAP_SLICES)
        widen_slices(g);
    return scheduled_ns < 0 ? 0 : (int)(scheduled_ns / g->slice_ns);
}

static void add_to_slice(struct gap_store *g, int64_t scheduled_ns, int64_t gap_ns)
{
    int slice = slice_of(g, scheduled_ns);
    histogram_add(&g->slices[slice], gap_ns, 1);
    moments_add(&g->moments[slice], gap_ns, 1);
}

static void fold(struct gap_store *g)
{
    struct spool_scan scan = spool_scan_of(&g->exact);
    if (g->folded)
        return;
    g->folded = true;
    for (const struct timed_value *v; (v = spool_scan_next(&scan));)
        add_to_slice(g, v->due_ns, v->value_ns);
    spool_free(&g->exact);
}

static void add_gap(struct gap_store *g, int64_t due_ns, int64_t gap_ns)
{
    if (!g->folded && g->exact.count == GAPS_EXACT)
        fold(g);
    if (g->folded)
        add_to_slice(g, due_ns, gap_ns);
    else
        spool_add(&g->exact, &(struct timed_value){due_ns, gap_ns});
}

void gap_store_add(struct gap_store *g, int64_t due_ns, const int64_t *at_ns, size_t chunks)
{
    size_t k = 1;
    for (; k < chunks && !g->folded; k++)
        add_gap(g, due_ns, at_ns[k] - at_ns[k - 1]);
    if (k >= chunks)
        return;
    int slice = slice_of(g, due_ns);
    moments_add_steps(&g->moments[slice], at_ns + k - 1, chunks - k + 1);
    histogram_add_steps(&g->slices[slice], at_ns + k - 1, chunks - k + 1);
}

void gap_store_merge(struct gap_store *g, const struct gap_store *from)
{
    struct spool_scan scan = spool_scan_of(&from->exact);
    for (const struct timed_value *v; (v = spool_scan_next(&scan));)
        add_gap(g, v->due_ns, v->value_ns);
    if (!from->folded)
        return;
    fold(g);
    while (g->slice_ns < from->slice_ns)
        widen_slices(g);
    for (int i = 0; i < GAP_SLICES; i++) {
        int64_t to = i * (from->slice_ns / NS_PER_S) / (g->slice_ns / NS_PER_S);
        histogram_merge(&g->slices[to], &from->slices[i]);
        moments_merge(&g->moments[to], &from->moments[i]);
    }
}

void token_bins_init(struct token_bins *t)
{
    *t = (struct token_bins){.width_ns = NS_PER_MS};
}

void token_bins_free(struct token_bins *t)
{
    free(t->counts);
}

static void widen_bins(struct token_bins *t)
{
    for (size_t i = 0; i < t->count; i++) {
        uint64_t tokens = t->counts[i];
        t->counts[i] = 0;
        t->counts[i / 2] += tokens;
    }
    t->count = (t->count + 1) / 2;
    t->width_ns *= 2;
    t->doublings++;
}

/* Two steps, as a division by what is not known here takes longer. */
static inline size_t bin_of(const struct token_bins *t, int64_t at_ns)
{
    return at_ns > 0 ? (size_t)((uint64_t)at_ns / (uint64_t)NS_PER_MS >> t->doublings) : 0;
}

void token_bins_add(struct token_bins *t, int64_t at_ns, uint64_t tokens)
{
    while (bin_of(t, at_ns) >= TOKEN_BINS)
        widen_bins(t);
    size_t bin = bin_of(t, at_ns);
    if (bin >= t->count) {
        mem_grow(&t->counts, &t->capacity, bin + 1, sizeof *t->counts);
        for (size_t i = t->count; i <= bin; i++)
            t->counts[i] = 0;
        t->count = bin + 1;
    }
    t->counts[bin] += tokens;
}

void token_bins_spread(struct token_bins *t, const int64_t *at_ns, size_t chunks, uint64_t tokens)
{
    uint64_t least = tokens / chunks, rest = tokens % chunks, owed = 0;
    for (size_t k = 0; k < chunks; k++) {
        owed += rest; /* stays 0 where each chunk is a token, or as many */
        uint64_t share = least + (owed >= chunks);
        owed -= owed >= chunks ? chunks : 0;
        size_t bin = bin_of(t, at_ns[k]);
        if (bin < t->count)
            t->counts[bin] += share;
        else if (share)
            token_bins_add(t, at_ns[k], share);
    }
}

void token_bins_merge(struct token_bins *t, const struct token_bins *from)
{
    while (t->width_ns < from->width_ns)
        widen_bins(t);
    for (size_t i = 0; i < from->count; i++)
        if (from->counts[i])
            token_bins_add(t, (int64_t)i * from->width_ns, from->counts[i]);
}

uint64_t token_bins_between(const struct token_bins *t, int64_t from_ns, int64_t to_ns)
{
    uint64_t sum = 0;
    double cut = 0;
    size_t first = from_ns > 0 ? (size_t)(from_ns / t->width_ns) : 0;
    for (size_t i = first; i < t->count && (int64_t)i * t->width_ns < to_ns; i++) {
        int64_t start = (int64_t)i * t->width_ns, end = start + t->width_ns;
        int64_t low = start > from_ns ? start : from_ns, high = end < to_ns ? end : to_ns;
        if (high - low == t->width_ns)
            sum += t->counts[i];
        else
            cut += (double)t->counts[i] * (double)(high - low) / (double)t->width_ns;
    }
    return sum + (uint64_t)(cut + 0.5);
}
