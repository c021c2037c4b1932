/* Sums that stand under another name, service or day, and tokens that only change their class. */
#include "sim/cost/reconcile/bucket_causes.h"

#include "sim/cost/reconcile/bucket_shape.h"

#include <string.h>

#define HOUR_NS (INT64_C(3600) * NS_PER_S)

static bool opposite(const money a[CELL_VALUES], const money b[CELL_VALUES])
{
    for (int k = 0; k < CELL_VALUES; k++)
        if (a[k] != -b[k])
            return false;
    return !shape_is_zero(a);
}

/* ---- model alias ---- */

/* In how many buckets the other model's sums are just one's own of this one. */
static size_t equal_sums(const struct cells *c, uint32_t own, uint32_t there)
{
    size_t equal = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct cell *cell = &c->items[i];
        if (cell->model != own || cell->our_requests == 0 ||
            memcmp(cell->there, cell->ours, sizeof cell->there) == 0)
            continue; /* or it stands there under its own name, too */
        const struct cell *other = bucket_cell(c, cell->bucket, there, cell->service);
        equal += other && memcmp(other->there, cell->ours, sizeof other->there) == 0;
    }
    return equal;
}

static size_t own_cells(const struct cells *c, uint32_t model)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += c->items[i].model == model && c->items[i].our_requests > 0;
    return n;
}

/* What the renamed charges cost under their new name, where the plan sells that. */
static void add_alias(struct cells *c, uint32_t own, uint32_t there)
{
    const struct plan *plan = c->j->how->plan;
    const char *name = names_text(&c->models, there);
    uint64_t rows = 0;
    money change = 0;
    for (size_t i = 0; i < c->j->own->count; i++) {
        const struct own *o = &c->j->own->items[i];
        if (c->row_model[i] != own || c->row_cell[i] == NO_CELL || !o->billed)
            continue;
        rows++;
        if (!plan)
            continue;
        struct usage u = own_billed_usage(o, plan);
        struct facts f = own_facts(o, &u);
        money price;
        f.model = name;
        if (facts_price(plan, &f, &price) <= 0)
            continue;
        change += price - o->price;
        c->items[c->row_cell[i]].found_list += price - o->price;
    }
    finding_add(c->j, CAUSE_BIT(CAUSE_MODEL_ALIAS), change, rows);
}

static void find_aliases(struct cells *c)
{
    uint32_t models = (uint32_t)c->models.count;
    for (uint32_t own = 0; own < models && c->by_model; own++) {
        uint32_t best = NO_CELL;
        size_t most = 0;
        size_t cells = own_cells(c, own);
        bool both =
            bucket_has_model(c, own, true); /* then most of it must stand under the other name */
        if (cells == 0)
            continue;
        for (uint32_t there = 0; there < models; there++) {
            size_t equal = there != own && bucket_has_model(c, there, true) &&
                                   !bucket_has_model(c, there, false)
                               ? equal_sums(c, own, there)
                               : 0;
            if (equal > most && (!both || 2 * equal > cells)) {
                most = equal;
                best = there;
            }
        }
        if (best == NO_CELL)
            continue;
        c->renamed[own] = best;
        cells_place(c, c->j->out->offset_ns);
        add_alias(c, own, best);
    }
}

/* ---- other traffic ---- */

/* True if some sum of one's own in the bucket is too small there, under a model that the invoice
 * never has: then the other model may be that one. */
static bool may_be_alias(const struct cells *c, const struct cell *other)
{
    money d[CELL_VALUES];
    for (size_t i = 0; i < c->count; i++) {
        const struct cell *cell = &c->items[i];
        if (cell->bucket == other->bucket && cell->model != other->model && cell_differs(cell, d) &&
            shape_has_sign(d, -1))
            return true;
    }
    return false;
}

static bool is_hour(const struct bucket_time *b)
{
    return b->until_ns - b->from_ns <= HOUR_NS;
}

static void find_others(struct cells *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->items[i];
        const struct bucket_time *b = &c->buckets[cell->bucket];
        const char *model = names_text(&c->models, cell->model);
        if (!cell->has_there || cell->our_requests > 0)
            continue;
        bool other_model = c->by_model && *model && !bucket_has_model(c, cell->model, false) &&
                           !seen_has_model(&c->seen, model);
        bool other_hour =
            is_hour(b) && seen_is_other(&c->seen, NULL, NULL, b->from_ns, c->j->out->offset_ns);
        uint32_t causes = CAUSE_BIT(CAUSE_OTHER_TRAFFIC);
        if (!other_model && !other_hour)
            continue;
        if (other_model && !other_hour && may_be_alias(c, cell))
            causes |= CAUSE_BIT(CAUSE_MODEL_ALIAS);
        bucket_name_all(c, cell, causes, false, 0, bucket_rows_of(bucket_requests(cell), 0));
    }
}

/* ---- service ---- */

/* As much of one service too many as of another too little. */
static void find_services(struct cells *c)
{
    money d[CELL_VALUES], e[CELL_VALUES];
    for (size_t i = 0; i < c->count && c->by_service; i++) {
        struct cell *less = &c->items[i];
        if (!cell_differs(less, d) || !shape_has_sign(d, -1))
            continue;
        for (size_t k = 0; k < c->count; k++) {
            struct cell *more = &c->items[k];
            money was, is;
            int64_t n = bucket_requests(less);
            if (k == i || more->bucket != less->bucket || more->model != less->model ||
                !cell_differs(more, e) || !opposite(d, e))
                continue;
            bool known = cells_price(c, less, d, n, &was) && cells_price(c, more, e, -n, &is);
            bucket_found(c, less, d, n, known, known ? was : 0);
            bucket_found(c, more, e, -n, known, known ? is : 0);
            if (known)
                finding_add(c->j, CAUSE_BIT(CAUSE_SERVICE), was + is, bucket_rows_of(n, 0));
            else
                less->pending = more->pending = CAUSE_BIT(CAUSE_SERVICE);
            break;
        }
    }
}

/* ---- late arrival ---- */

/* A part of one cell's difference that stands in a later one. */
static void name_late(struct cells *c, struct cell *from, struct cell *to,
                      const money part[CELL_VALUES], int64_t requests, bool known, money price)
{
    money less[CELL_VALUES];
    shape_negate(part, less);
    if (!known)
        known = cells_price(c, to, part, requests, &price);
    bucket_found(c, from, less, -requests, known, -price);
    bucket_found(c, to, part, requests, known, price);
    uint32_t causes = CAUSE_BIT(CAUSE_LATE_ARRIVAL) | bucket_boundary(c);
    if (!known)
        from->pending = to->pending = causes;
    finding_move(c->j, causes, known ? price : 0, bucket_rows_of(requests, 0));
}

/* True if it is one or two of the cell's own requests, billed or not. */
static bool is_own(const struct cells *c, uint32_t cell, const money value[CELL_VALUES])
{
    struct row_search how = {.any = true};
    uint32_t rows[2];
    money price;
    return bucket_find_rows(c, cell, value, &how, rows, &price) > 0;
}

/* Of two cells: all of both, or one's own requests that are all of one of them. */
static bool pair_late(struct cells *c, uint32_t i, uint32_t k)
{
    struct cell *from = &c->items[i], *to = &c->items[k];
    money d[CELL_VALUES], e[CELL_VALUES], less[CELL_VALUES], rest[CELL_VALUES], price;
    uint32_t rows[2];
    cell_differs(from, d);
    cell_differs(to, e);
    shape_negate(d, less);
    struct row_search how = {.requests = bucket_size_of(bucket_requests(from))};
    int found = bucket_find_rows(c, i, less, &how, rows, &price);
    if (opposite(d, e)) {
        name_late(c, from, to, e, bucket_size_of(bucket_requests(to)), found > 0, price);
        return true;
    }
    for (int v = 0; v < CELL_VALUES; v++)
        rest[v] = e[v] + d[v]; /* what is left there if all of these came late */
    if (found > 0 && c->tokens && shape_has_sign(rest, 1) && is_own(c, k, rest)) {
        name_late(c, from, to, less, found, true, price);
        return true;
    }
    how.requests = bucket_size_of(bucket_requests(to));
    found = shape_has_sign(rest, -1) ? bucket_find_rows(c, i, e, &how, rows, &price) : 0;
    if (found > 0)
        name_late(c, from, to, e, found, true, price);
    return found > 0;
}

static void find_late(struct cells *c)
{
    money d[CELL_VALUES], e[CELL_VALUES];
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t k = 0; k < c->count && cell_differs(&c->items[i], d) && shape_has_sign(d, -1);
             k++) {
            if (bucket_is_later(c, &c->items[i], &c->items[k]) && cell_differs(&c->items[k], e) &&
                shape_has_sign(e, 1))
                pair_late(c, i, k);
        }
}

/* ---- classes ---- */

/* Of the difference only what moves between what was written for five minutes and an hour. */
static void lifetimes(const money d[CELL_VALUES], money out[CELL_VALUES])
{
    money five = d[USAGE_CACHE_WRITE], hour = d[USAGE_CACHE_WRITE_1H];
    memset(out, 0, CELL_VALUES * sizeof *out);
    if ((five > 0) == (hour > 0) || five == 0 || hour == 0)
        return;
    money a = five < 0 ? -five : five, b = hour < 0 ? -hour : hour, moved = a < b ? a : b;
    out[USAGE_CACHE_WRITE] = five > 0 ? moved : -moved;
    out[USAGE_CACHE_WRITE_1H] = -out[USAGE_CACHE_WRITE];
}

static void name_part(struct cells *c, struct cell *cell, enum cause cause,
                      const money part[CELL_VALUES])
{
    money list;
    if (shape_is_zero(part))
        return;
    bool known = cells_price(c, cell, part, 0, &list);
    if (known)
        finding_add(c->j, CAUSE_BIT(cause), list, 1);
    else
        cell->pending |= CAUSE_BIT(cause);
    bucket_found(c, cell, part, 0, known, known ? list : 0);
}

/* As many tokens in and out and as many requests: only their classes differ. */
static void find_classes(struct cells *c)
{
    money d[CELL_VALUES], short_and_long[CELL_VALUES];
    int64_t requests;
    for (size_t i = 0; i < c->count && c->tokens; i++) {
        struct cell *cell = &c->items[i];
        bool outputs = false;
        if (!cell_differs(cell, d) || shape_side(d, false) != 0)
            continue;
        for (int k = 0; k < USAGE_CLASSES; k++)
            outputs = outputs || (usage_is_output((enum usage_class)k) && d[k] != 0);
        if (outputs || (cell_requests_differ(cell, &requests) && requests != 0))
            continue;
        lifetimes(d, short_and_long);
        for (int k = 0; k < CELL_VALUES; k++)
            d[k] -= short_and_long[k];
        name_part(c, cell, CAUSE_CACHE_CLASS, d);
        name_part(c, cell, CAUSE_TIME_TO_LIVE, short_and_long);
    }
}

void bucket_causes(struct cells *c)
{
    find_aliases(c);
    find_services(c);
    find_others(c);
    find_late(c);
    find_classes(c);
    bucket_counts(c);
}
