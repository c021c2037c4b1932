#include "sim/cost/reconcile/bucket_causes.h"

#include <string.h>

#define MOST_FOR_PAIRS 1500

static bool equal(const money a[CELL_VALUES], const money b[CELL_VALUES])
{
    return memcmp(a, b, CELL_VALUES * sizeof *a) == 0;
}

static bool is_meant(const struct own *o, const struct row_search *how)
{
    return (how->any || o->billed != how->unbilled) &&
           (!how->of_status || o->status == how->status);
}

/* What is compared of it: classes, or tokens in and out alone. */
static void add_up(const struct row_search *how, money v[CELL_VALUES])
{
    money in = 0, out = 0;
    for (int k = 0; k < USAGE_CLASSES && how->totals; k++) {
        *(usage_is_output((enum usage_class)k) ? &out : &in) += v[k];
        v[k] = 0;
    }
    if (how->totals) {
        v[USAGE_UNCACHED_INPUT] = in;
        v[USAGE_OUTPUT] = out;
    }
}

static void row_of(const struct cells *c, uint32_t row, const struct row_search *how,
                   money out[CELL_VALUES])
{
    cells_row(c, row, out);
    add_up(how, out);
}

static money price_of(const struct cells *c, uint32_t row)
{
    const struct own *o = &c->j->own->items[row];
    struct facts f = own_facts(o, &o->usage);
    money price = o->price;
    if (!o->billed && c->j->how->plan)
        facts_price(c->j->how->plan, &f, &price);
    return price;
}

static int find_one(const struct cells *c, uint32_t cell, const money sum[CELL_VALUES],
                    const struct row_search *how, uint32_t rows[2])
{
    money value[CELL_VALUES];
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++) {
        if (!is_meant(&c->j->own->items[c->rows[k]], how))
            continue;
        row_of(c, c->rows[k], how, value);
        if (equal(value, sum)) {
            rows[0] = c->rows[k];
            return 1;
        }
    }
    return 0;
}

static int find_two(const struct cells *c, uint32_t cell, const money sum[CELL_VALUES],
                    const struct row_search *how, uint32_t rows[2])
{
    money value[CELL_VALUES];
    uint32_t n = c->start[cell + 1] - c->start[cell];
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1] && n <= MOST_FOR_PAIRS; k++) {
        if (!is_meant(&c->j->own->items[c->rows[k]], how))
            continue;
        bool within = true;
        row_of(c, c->rows[k], how, value);
        for (int v = 0; v < CELL_VALUES; v++) {
            value[v] = sum[v] - value[v];
            within = within && value[v] >= 0;
        }
        rows[0] = c->rows[k];
        /* one that is not billed here may be billed twice there */
        for (uint32_t i = how->any ? k : k + 1; within && i < c->start[cell + 1]; i++) {
            money other[CELL_VALUES];
            if (!is_meant(&c->j->own->items[c->rows[i]], how))
                continue;
            row_of(c, c->rows[i], how, other);
            rows[1] = c->rows[i];
            if (equal(value, other))
                return 2;
        }
    }
    return 0;
}

int bucket_find_rows(const struct cells *c, uint32_t cell, const money wanted[CELL_VALUES],
                     const struct row_search *how, uint32_t rows[2], money *price)
{
    money sum[CELL_VALUES];
    memcpy(sum, wanted, sizeof sum);
    add_up(how, sum);
    int found = how->requests <= 1 ? find_one(c, cell, sum, how, rows) : 0;
    if (found == 0 && (how->requests == 0 || how->requests == 2))
        found = find_two(c, cell, sum, how, rows);
    *price = 0;
    for (int i = 0; i < found; i++)
        *price += price_of(c, rows[i]);
    return found;
}

void bucket_found(struct cells *c, struct cell *cell, const money value[CELL_VALUES],
                  int64_t requests, bool known, money list)
{
    (void)c;
    for (int k = 0; k < CELL_VALUES; k++)
        cell->found[k] += value[k];
    cell->found_requests += requests;
    cell->found_list += known ? list : 0;
    cell->inexact = cell->inexact || !known;
}
