#include "sim/cost/split.h"

#include "core/memory.h"
#include "sim/cost/window.h"

#include <stdlib.h>

/* What is used of one limit, by window number. */
struct ledger {
    struct plan_quota quota;
    uint64_t *used;
    size_t count, capacity;
};

static int dearest_first(const void *a, const void *b)
{
    const struct split_candidate *x = a, *y = b;
    if (x->charge != y->charge)
        return x->charge > y->charge ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static uint64_t *used_in(struct ledger *l, int64_t start_unix_ns, int64_t at_ns)
{
    size_t n = (size_t)window_number(&l->quota, start_unix_ns, at_ns);
    if (n >= l->count) {
        mem_grow(&l->used, &l->capacity, n + 1, sizeof *l->used);
        while (l->count <= n)
            l->used[l->count++] = 0;
    }
    return &l->used[n];
}

/* Takes the request's share of every limit, if all have room. */
static bool take(struct ledger *ledgers, size_t count, const struct serve_ask *ask,
                 int64_t start_unix_ns)
{
    for (size_t i = 0; i < count; i++)
        if (*used_in(&ledgers[i], start_unix_ns, ask->due_ns) + serve_need(&ledgers[i].quota, ask) >
            ledgers[i].quota.amount)
            return false;
    for (size_t i = 0; i < count; i++)
        *used_in(&ledgers[i], start_unix_ns, ask->due_ns) += serve_need(&ledgers[i].quota, ask);
    return true;
}

static size_t open_ledgers(const struct plan *flat, struct ledger *out)
{
    size_t count = 0;
    for (size_t i = 0; i < flat->quota_count + flat->rate_limit_count; i++) {
        struct plan_quota q =
            i < flat->quota_count ? flat->quotas[i] : flat->rate_limits[i - flat->quota_count];
        if (q.unit == QUOTA_USD)
            continue;
        if (q.alignment == WINDOW_ROLLING)
            q.alignment = WINDOW_ANCHORED;
        out[count++] = (struct ledger){.quota = q};
    }
    return count;
}

struct split_candidate *split_candidates(const money *charges, size_t count)
{
    struct split_candidate *out = mem_alloc((count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = (struct split_candidate){charges[i], (uint32_t)i};
    qsort(out, count, sizeof *out, dearest_first);
    return out;
}

/* What becomes of one request that the flat plan did or did not take. */
static void note(struct split *out, money charge, bool moved)
{
    bool unserved = charge == MONEY_MAX;
    if (moved)
        out->to_flat++;
    else if (unserved)
        out->unserved++;
    else
        out->to_token++;
    if (unserved)
        return;
    if (moved) {
        out->moved_usage += charge;
        out->least_moved = charge;
    } else {
        out->token_usage += charge;
    }
}

void split_make(const struct split_candidate *sorted, size_t count, const struct plan *flat,
                const struct serve_rows *rows, const struct serve_conditions *conditions,
                struct split *out)
{
    struct ledger *ledgers =
        mem_zero(flat->quota_count + flat->rate_limit_count + 1, sizeof *ledgers);
    size_t limits = open_ledgers(flat, ledgers);
    *out = (struct split){0};
    for (size_t i = 0; i < count; i++) {
        struct serve_ask ask;
        serve_ask_of(flat, rows, conditions, sorted[i].row, &ask);
        note(out, sorted[i].charge,
             sorted[i].charge > 0 && serve_within_caps(flat, conditions, &ask) &&
                 take(ledgers, limits, &ask, conditions->start_unix_ns));
    }
    for (size_t n = 0; limits > 0 && flat->quota_count > 0 && n < ledgers[0].count; n++)
        if (ledgers[0].used[n] > 0)
            out->covered_ns += plan_quota_length(&ledgers[0].quota);
    for (size_t i = 0; i < limits; i++)
        free(ledgers[i].used);
    free(ledgers);
}
