#include "sim/cost/bill/split.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>

/* What is used of one limit, by window number. */
struct ledger {
    struct plan_quota quota;
    money_magnitude *used;
    size_t count, capacity;
};

/* What moving it saves; what only the flat plan serves is worth all. */
static money saving(const struct split_candidate *c)
{
    if (c->flat == MONEY_MAX)
        return -MONEY_MAX;
    return c->charge == MONEY_MAX ? MONEY_MAX : c->charge - c->flat;
}

static int most_saving_first(const void *a, const void *b)
{
    const struct split_candidate *x = a, *y = b;
    if (saving(x) != saving(y))
        return saving(x) > saving(y) ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static money_magnitude *used_in(struct ledger *l, int64_t start_unix_ns, int64_t at_ns)
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
            plan_quota_amount(&ledgers[i].quota))
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
        if (q.unit == QUOTA_USD || plan_quota_is_settled(&q))
            continue;
        out[count++] = (struct ledger){.quota = window_on_grid(&q)};
    }
    return count;
}

struct split_candidate *split_candidates(const money *charges, const money *flat, size_t count)
{
    struct split_candidate *out = mem_alloc((count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = (struct split_candidate){charges[i], flat ? flat[i] : 0, (uint32_t)i};
    qsort(out, count, sizeof *out, most_saving_first);
    return out;
}

/* What becomes of one request that the flat plan did or did not take. */
static void note(struct split *out, const struct split_candidate *c, int64_t due_ns, bool moved)
{
    bool unserved = c->charge == MONEY_MAX;
    if (moved) {
        if (out->to_flat == 0 || due_ns < out->first_ns)
            out->first_ns = due_ns;
        if (out->to_flat == 0 || due_ns > out->last_ns)
            out->last_ns = due_ns;
        out->to_flat++;
        out->flat_usage += c->flat;
        if (!unserved) {
            out->moved_usage += c->charge;
            if (out->least_moved == 0 || c->charge < out->least_moved)
                out->least_moved = c->charge;
        }
    } else if (unserved) {
        out->unserved++;
    } else {
        out->to_token++;
        out->token_usage += c->charge;
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
        bool moved = saving(&sorted[i]) > 0 && serve_within_caps(flat, conditions, &ask) &&
                     take(ledgers, limits, &ask, conditions->start_unix_ns);
        note(out, &sorted[i], ask.due_ns, moved);
    }
    for (size_t i = 0; i < limits; i++)
        free(ledgers[i].used);
    free(ledgers);
}
