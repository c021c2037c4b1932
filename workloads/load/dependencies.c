#include "workloads/load/dependencies.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>

void dependencies_init(struct dependencies *d, const struct workload *w, uint32_t rows)
{
    *d = (struct dependencies){0};
    if (!w->after_start || w->after_start[rows] == 0)
        return;
    d->parents_left = mem_zero(rows, sizeof *d->parents_left);
    d->last_end_ns = mem_zero(rows, sizeof *d->last_end_ns);
    d->child_start = mem_zero((size_t)rows + 2, sizeof *d->child_start);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint64_t i = w->after_start[row]; i < w->after_start[row + 1]; i++) {
            d->parents_left[row]++;
            if (w->after[i] < rows)
                d->child_start[w->after[i] + 2]++;
        }
    }
    for (uint32_t row = 0; row < rows; row++)
        d->child_start[row + 2] += d->child_start[row + 1];
    d->child = mem_zero(d->child_start[rows + 1] + 1, sizeof *d->child);
    /* Filling moves each start, kept one place on, to where it belongs. */
    for (uint32_t row = 0; row < rows; row++)
        for (uint64_t i = w->after_start[row]; i < w->after_start[row + 1]; i++)
            if (w->after[i] < rows)
                d->child[d->child_start[w->after[i] + 1]++] = row;
}

void dependencies_free(struct dependencies *d)
{
    free(d->parents_left);
    free(d->last_end_ns);
    free(d->child_start);
    free(d->child);
    *d = (struct dependencies){0};
}

bool dependencies_parent_ended(struct dependencies *d, uint32_t row, int64_t now_ns)
{
    if (now_ns > d->last_end_ns[row])
        d->last_end_ns[row] = now_ns;
    return --d->parents_left[row] == 0;
}

/* Union-find with path halving. */
static uint32_t leader(uint32_t *of, uint32_t row)
{
    while (of[row] != row) {
        of[row] = of[of[row]];
        row = of[row];
    }
    return row;
}

static void join(uint32_t *of, uint32_t a, uint32_t b)
{
    a = leader(of, a);
    b = leader(of, b);
    if (a < b)
        of[b] = a;
    else
        of[a] = b;
}

/* Rows that belong together by the leader of each: one session, or bound by `after`. */
static uint32_t *find_leaders(const struct workload *w)
{
    uint32_t rows = (uint32_t)w->count;
    uint32_t *of = mem_alloc((size_t)rows * sizeof *of);
    for (uint32_t row = 0; row < rows; row++)
        of[row] = row;
    if (w->session) {
        uint32_t *first = mem_alloc((w->sessions.count + 1) * sizeof *first);
        for (size_t i = 0; i < w->sessions.count; i++)
            first[i] = UINT32_MAX;
        for (uint32_t row = 0; row < rows; row++) {
            uint32_t session = w->session[row];
            if (session == NAME_NONE)
                continue;
            if (first[session] == UINT32_MAX)
                first[session] = row;
            else
                join(of, first[session], row);
        }
        free(first);
    }
    for (uint32_t row = 0; w->after_start && row < rows; row++)
        for (uint64_t i = w->after_start[row]; i < w->after_start[row + 1]; i++)
            if (w->after[i] < rows)
                join(of, row, w->after[i]);
    for (uint32_t row = 0; row < rows; row++)
        of[row] = leader(of, row);
    return of;
}

/* One of `count` for each number: each run of `count` numbers has them all, in an order of its own,
 * so that they get equally many and a pattern in the numbers does not fall on one of them. */
static uint32_t dealt(uint64_t number, uint32_t count, uint64_t salt)
{
    return (uint32_t)((number + random_mix(salt, number / count) % count) % count);
}

uint32_t *dependencies_owners(const struct workload *w, uint32_t shards, uint32_t workers)
{
    uint32_t *owner = find_leaders(w);
    uint64_t number = 0;
    /* A leader is the first of its rows: the others find its owner in its place. */
    for (uint32_t row = 0; row < (uint32_t)w->count; row++) {
        if (owner[row] != row) {
            owner[row] = owner[owner[row]];
            continue;
        }
        uint32_t shard = dealt(number, shards, 0x7368617264);
        owner[row] = shard + shards * dealt(number / shards, workers, 0x6f776e6572);
        number++;
    }
    return owner;
}
