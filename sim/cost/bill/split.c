#include "sim/cost/bill/split.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

/* What is used of one limit, by window number. */
struct ledger {
    struct plan_quota quota;
    money_magnitude *used;
    size_t count, capacity;
};

/* Rows that are looked at out of their order are fetched so many ahead. */
#define FETCH_AHEAD 16

/* What moving a row saves; what only the flat plan serves is worth all. */
static money saving(const struct split_charges *c, size_t row)
{
    if (c->flat[row] == MONEY_MAX)
        return -MONEY_MAX;
    return c->token[row] == MONEY_MAX ? MONEY_MAX : c->token[row] - c->flat[row];
}

static int most_saving_first(const void *a, const void *b, void *charges)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    money first = saving(charges, x), second = saving(charges, y);
    if (first != second)
        return first > second ? -1 : 1;
    return x < y ? -1 : x > y;
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

/* The saving in 32 bits, larger for less: its magnitude's length in bits and the 24 bits behind the
 * first one. What is alike in them is put in order afterwards. */
static uint32_t key_of(money saved)
{
    money_magnitude m = saved < 0 ? -(money_magnitude)saved : (money_magnitude)saved;
    uint64_t high = (uint64_t)(m >> 64), low = (uint64_t)m;
    int bits = high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
    if (bits == 0)
        return INT32_MAX;
    uint32_t behind = (uint32_t)(bits > 25 ? m >> (bits - 25) : m << (25 - bits)) & 0xffffffu;
    int64_t code = (int64_t)bits << 24 | behind;
    return (uint32_t)(INT32_MAX - (saved < 0 ? -code : code));
}

/* By the keys in the upper halves, a byte at a time; what is alike stays in its order. */
static uint64_t *sort_keys(uint64_t *items, uint64_t *other, size_t count)
{
    for (int shift = 32; shift < 64; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < count; i++)
            start[(items[i] >> shift & 255) + 1]++;
        for (int b = 0; b < 256; b++)
            start[b + 1] += start[b];
        for (size_t i = 0; i < count; i++)
            other[start[items[i] >> shift & 255]++] = items[i];
        uint64_t *sorted = other;
        other = items;
        items = sorted;
    }
    return items; /* the one that was given: four turns */
}

static void fetch(const struct split_charges *c, size_t row)
{
    __builtin_prefetch(&c->token[row]);
    __builtin_prefetch(&c->flat[row]);
}

/* Puts rows of one key in the order of what they save. */
static void sort_alike(const struct split_charges *c, const uint64_t *items, uint32_t *rows,
                       size_t count)
{
    for (size_t i = 0, end; i < count; i = end) {
        bool sorted = true;
        for (end = i + 1; end < count && items[end] >> 32 == items[i] >> 32; end++) {
            if (end + FETCH_AHEAD < count)
                fetch(c, rows[end + FETCH_AHEAD]);
            sorted = sorted && saving(c, rows[end - 1]) >= saving(c, rows[end]);
        }
        if (!sorted)
            qsort_r(rows + i, end - i, sizeof *rows, most_saving_first, (void *)(uintptr_t)c);
    }
}

/* In place, those that save most first; ties stay in their order. */
static void sort_rows(const struct split_charges *c, uint32_t *rows, size_t count)
{
    uint64_t *items = mem_alloc((count + 1) * sizeof *items);
    uint64_t *other = mem_alloc((count + 1) * sizeof *other);
    for (size_t i = 0; i < count; i++)
        items[i] = (uint64_t)key_of(saving(c, rows[i])) << 32 | rows[i];
    sort_keys(items, other, count);
    free(other);
    for (size_t i = 0; i < count; i++)
        rows[i] = (uint32_t)items[i];
    sort_alike(c, items, rows, count);
    free(items);
}

/* ---- groups ---- */

static size_t longest_limit(const struct ledger *ledgers, size_t limits)
{
    size_t longest = limits ? 0 : SIZE_MAX;
    for (size_t i = 1; i < limits; i++)
        if (plan_quota_length(&ledgers[i].quota) > plan_quota_length(&ledgers[longest].quota))
            longest = i;
    return longest;
}

static size_t window_of(const struct split_order *o, const struct ledger *l, size_t row)
{
    return (size_t)window_number(&l->quota, o->conditions.start_unix_ns, serve_due(o->rows, row));
}

/* How many windows of a limit the rows fall into, from the first one on. */
static size_t count_windows(const struct split_order *o, const struct ledger *l)
{
    int64_t last_ns = 0;
    for (size_t i = 0; i < o->count; i++)
        if (serve_due(o->rows, o->sorted[i]) > last_ns)
            last_ns = serve_due(o->rows, o->sorted[i]);
    return (size_t)window_number(&l->quota, o->conditions.start_unix_ns, last_ns) + 1;
}

/* True where each window of `inner` with rows in it lies in one window of `outer`. */
static bool lies_inside(const struct split_order *o, const struct ledger *inner,
                        const struct ledger *outer)
{
    size_t windows = count_windows(o, inner);
    if (windows > o->count + 1)
        return false; /* few rows over a long time: no need for groups */
    uint64_t *outside = mem_zero(windows, sizeof *outside);
    bool inside = true;
    for (size_t i = 0; i < o->count && inside; i++) {
        uint64_t around = window_of(o, outer, o->sorted[i]) + 1;
        uint64_t *known = &outside[window_of(o, inner, o->sorted[i])];
        inside = *known == 0 || *known == around;
        *known = around;
    }
    free(outside);
    return inside;
}

static bool can_group(const struct split_order *o, const struct ledger *ledgers, size_t limits)
{
    if (o->longest == SIZE_MAX || count_windows(o, &ledgers[o->longest]) > o->count + 1)
        return false;
    for (size_t i = 0; i < limits; i++)
        if (i != o->longest && !lies_inside(o, &ledgers[i], &ledgers[o->longest]))
            return false;
    return true;
}

/* Rows by window; within one in the order in which they are. Makes o->start. */
static void group_rows(struct split_order *o, const struct ledger *longest)
{
    uint32_t *grouped = mem_alloc((o->count + 1) * sizeof *grouped);
    o->groups = count_windows(o, longest);
    o->start = mem_zero(o->groups + 2, sizeof *o->start);
    for (size_t i = 0; i < o->count; i++)
        o->start[window_of(o, longest, o->sorted[i]) + 2]++;
    for (size_t g = 2; g < o->groups + 2; g++)
        o->start[g] += o->start[g - 1];
    for (size_t i = 0; i < o->count; i++)
        grouped[o->start[window_of(o, longest, o->sorted[i]) + 1]++] = o->sorted[i];
    free(o->sorted);
    o->sorted = grouped;
}

static void one_group(struct split_order *o)
{
    o->longest = SIZE_MAX;
    o->groups = 1;
    o->start = mem_zero(2, sizeof *o->start);
    o->start[1] = o->count;
}

static void note_left(struct split *out, money charge)
{
    if (charge == MONEY_MAX) {
        out->unserved++;
        return;
    }
    out->to_token++;
    out->token_usage += charge;
}

/* Lists the rows that could move, in the workload's order. */
static void list_rows(struct split_order *o, const struct plan *flat, const struct ledger *ledgers)
{
    o->sorted = mem_alloc((o->charges->count + 1) * sizeof *o->sorted);
    for (size_t i = 0; i < o->charges->count; i++) {
        struct serve_ask ask;
        note_left(&o->none, o->charges->token[i]);
        if (saving(o->charges, i) <= 0)
            continue;
        serve_ask_of(flat, o->rows, &o->conditions, i, &ask);
        if (!serve_within_caps(flat, &o->conditions, &ask))
            continue;
        o->sorted[o->count++] = (uint32_t)i;
        money_magnitude need =
            o->longest == SIZE_MAX ? 0 : serve_need(&ledgers[o->longest].quota, &ask);
        o->least_need = need < o->least_need ? need : o->least_need;
    }
}

static struct ledger *make_ledgers(const struct plan *flat, size_t *count)
{
    struct ledger *ledgers =
        mem_zero(flat->quota_count + flat->rate_limit_count + 1, sizeof *ledgers);
    *count = open_ledgers(flat, ledgers);
    return ledgers;
}

static void free_ledgers(struct ledger *ledgers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(ledgers[i].used);
    free(ledgers);
}

void split_order_make(struct split_order *out, const struct split_charges *charges,
                      const struct plan *flat, const struct serve_rows *rows,
                      const struct serve_conditions *conditions)
{
    size_t limits;
    struct ledger *ledgers = make_ledgers(flat, &limits);
    *out = (struct split_order){.charges = charges,
                                .rows = rows,
                                .conditions = *conditions,
                                .longest = longest_limit(ledgers, limits),
                                .least_need = UINT64_MAX};
    list_rows(out, flat, ledgers);
    bool groups = can_group(out, ledgers, limits);
    if (groups)
        group_rows(out, &ledgers[out->longest]);
    else
        one_group(out);
    for (size_t g = 0; g < out->groups; g++)
        sort_rows(charges, out->sorted + out->start[g], out->start[g + 1] - out->start[g]);
    free_ledgers(ledgers, limits);
}

void split_order_free(struct split_order *order)
{
    free(order->sorted);
    free(order->start);
    *order = (struct split_order){0};
}

/* ---- splits ---- */

static void note_moved(struct split *out, money charge, money flat, int64_t due_ns)
{
    if (out->to_flat == 0 || due_ns < out->first_ns)
        out->first_ns = due_ns;
    if (out->to_flat == 0 || due_ns > out->last_ns)
        out->last_ns = due_ns;
    out->to_flat++;
    out->flat_usage += flat;
    if (charge == MONEY_MAX)
        return;
    out->moved_usage += charge;
    if (out->least_moved == 0 || charge < out->least_moved)
        out->least_moved = charge;
}

/* Moves a row out of what is left. */
static void move(struct split *out, const struct split_order *o, size_t row)
{
    money charge = o->charges->token[row];
    note_moved(out, charge, o->charges->flat[row], serve_due(o->rows, row));
    if (charge == MONEY_MAX) {
        out->unserved--;
        return;
    }
    out->to_token--;
    out->token_usage -= charge;
}

static void fetch_row(const struct serve_rows *rows, size_t row)
{
    const struct workload *w = rows->workload;
    __builtin_prefetch(rows->due_ns ? &rows->due_ns[row] : &w->timestamp_ns[row]);
    __builtin_prefetch(&w->input_tokens[row]);
    __builtin_prefetch(&w->output_tokens[row]);
    if (w->model)
        __builtin_prefetch(&w->model[row]);
    if (w->class_number)
        __builtin_prefetch(&w->class_number[row]);
}

/* True where no further row of this window has room. */
static bool is_full(const struct split_order *o, struct ledger *ledgers, size_t row)
{
    if (o->longest == SIZE_MAX)
        return false;
    struct ledger *l = &ledgers[o->longest];
    money_magnitude used = *used_in(l, o->conditions.start_unix_ns, serve_due(o->rows, row));
    return used > l->quota.amount || l->quota.amount - used < o->least_need;
}

void split_make(const struct split_order *o, const struct plan *flat, struct split *out)
{
    size_t limits;
    struct ledger *ledgers = make_ledgers(flat, &limits);
    *out = o->none;
    for (size_t g = 0; g < o->groups; g++)
        for (size_t i = o->start[g]; i < o->start[g + 1]; i++) {
            size_t row = o->sorted[i];
            struct serve_ask ask;
            if (i + FETCH_AHEAD < o->start[g + 1])
                fetch_row(o->rows, o->sorted[i + FETCH_AHEAD]);
            if (is_full(o, ledgers, row))
                break;
            serve_ask_of(flat, o->rows, &o->conditions, row, &ask);
            if (take(ledgers, limits, &ask, o->conditions.start_unix_ns))
                move(out, o, row);
        }
    free_ledgers(ledgers, limits);
}
