/* Sums by days, without ids: what reproduces a difference exactly is named, and where several do,
 * all of them. */
#include "core/memory.h"
#include "sim/cost/reconcile/bucket_causes.h"

#include <stdlib.h>
#include <string.h>

#define QUARTER_NS (INT64_C(900) * NS_PER_S)
#define FEW_ROWS 200000 /* beyond, only whole hours are tried */

/* ---- day boundary ---- */

struct match {
    size_t equal, different; /* cells where something is */
    money distance;          /* all differences together, without signs */
};

static money size_of(money a)
{
    return a < 0 ? -a : a;
}

/* Of sums over all models and services too: those no other name changes. */
static struct match match(const struct cells *c)
{
    struct match m = {0, 0, 0};
    money d[CELL_VALUES];
    money *total = mem_zero(c->bucket_count * CELL_VALUES + 1, sizeof *total);
    for (size_t i = 0; i < c->count; i++) {
        const struct cell *cell = &c->items[i];
        bool any = cell->has_there || cell->our_requests > 0;
        if (cell_differs(cell, d))
            m.different++;
        else if (any)
            m.equal++;
        for (int k = 0; k < CELL_VALUES; k++) {
            m.distance += size_of(d[k]);
            total[cell->bucket * CELL_VALUES + (size_t)k] += d[k];
        }
    }
    for (size_t i = 0; i < c->bucket_count * CELL_VALUES; i++)
        m.distance += size_of(total[i]);
    free(total);
    return m;
}

/* Requests that stand in another bucket than without the offset, and the last bucket of each. */
static uint64_t moved_rows(const struct cells *c, int64_t offset_ns, size_t *edges, money *moved)
{
    uint64_t rows = 0;
    uint32_t last = NO_CELL;
    *edges = 0;
    *moved = 0;
    for (size_t i = 0; i < c->j->own->count; i++) {
        const struct own *o = &c->j->own->items[i];
        if (!o->billed || o->at_ns == TIME_NEVER)
            continue;
        uint32_t from = cells_bucket(c, o->at_ns), to = cells_bucket(c, o->at_ns + offset_ns);
        if (from == to)
            continue;
        rows++;
        *moved += o->price;
        *edges += from != last;
        last = from;
    }
    return rows;
}

/* Whole hours before their quarters, small ones before large ones. */
static int64_t offset_number(int k, bool quarters)
{
    static const int hours = 14;
    if (k < 2 * hours)
        return (int64_t)(k / 2 + 1) * (k % 2 ? -1 : 1) * 4 * QUARTER_NS;
    k -= 2 * hours;
    int quarter = k / 2 + 1;
    quarter += (quarter - 1) / 3; /* leave the whole hours out */
    return quarters && quarter < 4 * hours ? (int64_t)quarter * (k % 2 ? -1 : 1) * QUARTER_NS : 0;
}

/* True where so many more sums are equal that no few requests which came late can be why. */
static bool is_clear(const struct cells *c, const struct match *none, const struct match *m,
                     int64_t offset)
{
    size_t edges, more = m->equal - none->equal;
    money moved;
    if (m->different == 0)
        return true;
    if (offset < 0 && more >= 2)
        return true;
    bool most = more >= 4 && 2 * more >= m->different, nearly = m->distance < none->distance / 100;
    return (most || nearly) && moved_rows(c, offset, &edges, &moved) >= 6;
}

/* The offset by which clearly more sums are equal; 0. All that make as much equal are in
 * [*from, *to]. */
static int64_t find_offset(struct cells *c, int64_t *from, int64_t *to)
{
    struct match none = match(c), best = none;
    int64_t found = 0;
    for (int k = 0; none.different > 0; k++) {
        int64_t offset = offset_number(k, c->j->own->count <= FEW_ROWS);
        if (offset == 0)
            break;
        cells_place(c, offset);
        struct match m = match(c);
        c->may_be_offset = c->may_be_offset || m.equal > none.equal || m.distance < none.distance;
        if (found != 0 && m.equal == best.equal && m.distance == best.distance) {
            *from = offset < *from ? offset : *from;
            *to = offset > *to ? offset : *to;
        }
        if (m.equal < none.equal || m.equal < best.equal ||
            (m.equal == best.equal && m.distance >= best.distance) ||
            !is_clear(c, &none, &m, offset))
            continue;
        best = m;
        found = *from = *to = offset;
    }
    cells_place(c, found);
    return found;
}

static void take_offset(struct cells *c)
{
    struct reconciliation *r = c->j->out;
    size_t edges;
    money moved, inside = 0;
    int64_t offset = find_offset(c, &r->offset_from_ns, &r->offset_to_ns);
    if (offset == 0)
        return;
    c->may_be_offset = false;
    uint64_t rows = moved_rows(c, offset, &edges, &moved);
    /* One or two requests at the end of a day may as well have arrived late. */
    uint32_t causes = CAUSE_BIT(CAUSE_DAY_BOUNDARY);
    if (offset > 0 && (rows < 3 || edges < 2))
        causes |= CAUSE_BIT(CAUSE_LATE_ARRIVAL);
    for (size_t i = 0; i < c->count; i++)
        inside += c->items[i].price;
    r->offset_ns = offset;
    finding_add(c->j, causes, inside - r->ours, rows);
    finding_moved(c->j, causes, moved);
}

/* ---- amounts ---- */

static struct item item_of(const struct cells *c, size_t number)
{
    const struct cell *cell = &c->items[number];
    money d[CELL_VALUES];
    bool differs = cell_differs(cell, d);
    uint64_t rows =
        cell->our_requests > cell->their_requests ? cell->our_requests : cell->their_requests;
    return (struct item){.list = cell->price + cell->found_list,
                         .amount = cell->amount,
                         .has_amount = c->j->out->amounts,
                         .closed = cell->inexact || differs,
                         .pending = differs ? 0 : cell->pending,
                         .rows = rows,
                         .number = number};
}

/* Own charges under a hypothesis, and what was found of the difference if that is nothing. */
static bool price_cell(void *context, const struct item *item, const struct hypothesis *h,
                       money *out)
{
    const struct cells *c = context;
    const struct cell *cell = &c->items[item->number];
    *out = 0;
    if (cell->found_list != 0 || !c->j->how->plan)
        return false;
    for (uint32_t k = c->start[item->number]; k < c->start[item->number + 1]; k++) {
        const struct own *o = &c->j->own->items[c->rows[k]];
        struct usage u = own_billed_usage(o, c->j->how->plan);
        struct facts f = own_facts(o, &u);
        money price;
        if (!o->billed)
            continue;
        struct facts under = hypothesis_facts(&f, h, c->j->how->plan);
        if (facts_price(c->j->how->plan, &under, &price) <= 0 || money_add(*out, price, out) < 0)
            return false;
    }
    return true;
}

static bool price_part(void *context, const struct item *item, const struct hypothesis *h,
                       size_t part, money *more)
{
    const struct cells *c = context;
    size_t row = c->start[item->number] + part;
    *more = 0;
    if (row >= c->start[item->number + 1] || !c->j->how->plan)
        return false;
    const struct own *o = &c->j->own->items[c->rows[row]];
    struct usage u = own_billed_usage(o, c->j->how->plan);
    struct facts f = own_facts(o, &u);
    struct facts under = hypothesis_facts(&f, h, c->j->how->plan);
    money price;
    if (o->billed && facts_price(c->j->how->plan, &under, &price) > 0)
        *more = price - o->price;
    return true;
}

/* Of one class alone: the item's number says which cell and which class. */
static bool price_class(void *context, const struct item *item, const struct hypothesis *h,
                        money *out)
{
    const struct cells *c = context;
    size_t number = item->number / CELL_VALUES, value = item->number % CELL_VALUES;
    *out = 0;
    if (c->items[number].found[value] != 0 || !c->j->how->plan)
        return false;
    for (uint32_t k = c->start[number]; k < c->start[number + 1]; k++) {
        const struct own *o = &c->j->own->items[c->rows[k]];
        struct usage u = own_billed_usage(o, c->j->how->plan);
        struct facts f = own_facts(o, &u);
        struct charge charge;
        if (!o->billed)
            continue;
        struct facts under = hypothesis_facts(&f, h, c->j->how->plan);
        if (facts_charge(c->j->how->plan, &under, &charge) <= 0)
            return false;
        for (int line = 0; line < CHARGE_LINES; line++)
            if ((size_t)(line < USAGE_CLASSES ? c->target[line] : USAGE_CLASSES) == value)
                *out += charge.line[line];
    }
    return true;
}

/* Sums without amounts cost what the plan asks for them. */
static int add_theirs(struct cells *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->items[i];
        money usd = cell->price + cell->found_list, left, d[CELL_VALUES];
        int64_t requests;
        if (c->j->out->amounts) {
            if (joining_usd(c->j, cell->amount, &usd) < 0)
                return -1;
        } else if (cell->inexact && cell->pending) {
            finding_add(c->j, cell->pending, 0, 1); /* what it comes to is not known */
            c->j->out->rest_unpriced = true;
        } else if (cell_differs(cell, d)) {
            if (!cell_requests_differ(cell, &requests))
                requests = 0;
            c->j->out->rest_rows += cell->their_requests;
            if (cells_price(c, cell, d, requests, &left))
                usd += left;
            else
                c->j->out->rest_unpriced = true;
        }
        if (money_add(c->j->out->theirs, usd, &c->j->out->theirs) < 0)
            return -1;
    }
    return 0;
}

/* Cells of tokens: an amount each. A cell with no amount of theirs that all of one's own is
 * explained of has nothing left. */
static int settle_cells(struct cells *c)
{
    struct item *items = mem_alloc((c->count + 1) * sizeof *items);
    size_t n = 0;
    money d[CELL_VALUES];
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].has_there || c->items[i].inexact || cell_differs(&c->items[i], d))
            items[n++] = item_of(c, i);
    int status = add_theirs(c);
    if (status == 0 && c->j->out->amounts)
        status = items_settle(c->j, &(struct items){items, n, price_cell, price_part, c});
    free(items);
    return status;
}

static size_t list_classes(const struct cells *c, struct item *items)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct cell *cell = &c->items[i];
        for (int k = 0; k < CELL_VALUES; k++) {
            if (cell->there[k] == 0 && cell->ours[k] == 0)
                continue;
            money list = cell->ours[k] + cell->found[k];
            items[n++] = (struct item){.list = list,
                                       .amount = cell->asked[k],
                                       .has_amount = true,
                                       .rows = cell->our_requests ? cell->our_requests : 1,
                                       .number = i * CELL_VALUES + (size_t)k};
        }
    }
    return n;
}

/* Amounts alone: where terms explain all of them, nothing else is asked. */
static int settle_classes(struct cells *c)
{
    struct item *items = mem_alloc((c->count * CELL_VALUES + 1) * sizeof *items);
    size_t n = list_classes(c, items);
    if (!items_fit(c->j, &(struct items){items, n, price_class, NULL, c})) {
        take_offset(c);
        bucket_causes(c);
        n = list_classes(c, items);
    }
    money usd;
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++) {
        status = joining_usd(c->j, items[i].amount, &usd);
        if (status == 0)
            status = money_add(c->j->out->theirs, usd, &c->j->out->theirs);
    }
    if (status == 0)
        status = items_settle(c->j, &(struct items){items, n, price_class, NULL, c});
    free(items);
    return status;
}

static int check(const struct joining *j, struct error *err)
{
    for (size_t i = 0; i < j->invoice->count; i++)
        if (joining_has(j, &j->invoice->lines[i]) && j->invoice->lines[i].from_ns == TIME_NEVER)
            return error_set(err, ERR_INPUT,
                             "the invoice has neither ids that the records know nor times: there "
                             "is nothing to join by");
    for (size_t i = 0; i < j->own->count; i++)
        if (j->own->items[i].at_ns != TIME_NEVER)
            return 0;
    return error_set(err, ERR_INPUT,
                     "the records do not say when their requests were, and the invoice goes by "
                     "time: give --start, the wall clock of their first instant");
}

int reconcile_by_bucket(struct joining *j, struct error *err)
{
    struct cells c;
    if (check(j, err) < 0 || cells_make(&c, j, err) < 0)
        return ERR_INPUT;
    cells_place(&c, 0);
    int status;
    if (c.tokens) {
        take_offset(&c);
        bucket_causes(&c);
        status = settle_cells(&c);
    } else {
        status = settle_classes(&c);
    }
    cells_free(&c);
    return status;
}
