#include "sim/cost/split.h"

#include "core/memory.h"
#include "sim/cost/window.h"

#include <stdlib.h>

struct candidate {
    money charge; /* MONEY_MAX: the token plan does not serve it */
    uint32_t row;
};

/* What is used of one limit, by window number. */
struct ledger {
    struct plan_quota quota;
    uint64_t *used;
    size_t count, capacity;
};

static int dearest_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
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

static uint64_t need_of(const struct plan_quota *q, const struct serve_ask *ask)
{
    switch (q->unit) {
    case QUOTA_REQUESTS:
        return ask->weight_micro;
    case QUOTA_TOKENS:
        return ask->input + ask->output;
    case QUOTA_INPUT_TOKENS:
        return ask->input;
    case QUOTA_OUTPUT_TOKENS:
        return ask->output;
    default:
        return 0;
    }
}

/* Takes the request's share of every limit, if all have room. */
static bool take(struct ledger *ledgers, size_t count, const struct serve_ask *ask,
                 int64_t start_unix_ns)
{
    for (size_t i = 0; i < count; i++)
        if (*used_in(&ledgers[i], start_unix_ns, ask->due_ns) + need_of(&ledgers[i].quota, ask) >
            ledgers[i].quota.amount)
            return false;
    for (size_t i = 0; i < count; i++)
        *used_in(&ledgers[i], start_unix_ns, ask->due_ns) += need_of(&ledgers[i].quota, ask);
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

static size_t list_candidates(const struct tariff *token, struct candidate *out)
{
    size_t count = 0;
    for (size_t i = 0; i < token->rows->workload->count; i++) {
        struct row_charge c = {.total = MONEY_MAX};
        if (tariff_serves(token, i) && tariff_charge_fast(token, i, &c) < 0)
            continue;
        out[count++] = (struct candidate){c.total, (uint32_t)i};
    }
    qsort(out, count, sizeof *out, dearest_first);
    return count;
}

void split_make(const struct tariff *token, const struct plan *flat,
                const struct serve_conditions *conditions, struct split *out)
{
    const struct serve_rows *rows = token->rows;
    struct ledger *ledgers =
        mem_zero(flat->quota_count + flat->rate_limit_count + 1, sizeof *ledgers);
    struct candidate *sorted = mem_alloc((rows->workload->count + 1) * sizeof *sorted);
    size_t limits = open_ledgers(flat, ledgers), count = list_candidates(token, sorted);
    *out = (struct split){0};
    for (size_t i = 0; i < count; i++) {
        struct serve_ask ask;
        bool unserved = sorted[i].charge == MONEY_MAX;
        serve_ask_of(flat, rows, conditions, sorted[i].row, &ask);
        if ((unserved || sorted[i].charge > 0) && serve_within_caps(flat, conditions, &ask) &&
            take(ledgers, limits, &ask, conditions->start_unix_ns)) {
            out->to_flat++;
            if (unserved)
                continue;
            out->moved_usage += sorted[i].charge;
            out->least_moved = sorted[i].charge;
        } else if (unserved) {
            out->unserved++;
        } else {
            out->to_token++;
            out->token_usage += sorted[i].charge;
        }
    }
    for (size_t n = 0; limits > 0 && flat->quota_count > 0 && n < ledgers[0].count; n++)
        if (ledgers[0].used[n] > 0)
            out->covered_ns += plan_quota_length(&ledgers[0].quota);
    for (size_t i = 0; i < limits; i++)
        free(ledgers[i].used);
    free(ledgers);
    free(sorted);
}
