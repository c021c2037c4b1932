/* May a sum that is too large be several of one's own requests again, less some that are missing?
 */
#include "core/memory.h"
#include "core/text.h"
#include "sim/cost/reconcile/bucket_causes.h"

#include <stdlib.h>

#define MOST_ROWS 400   /* beyond, it may be */
#define MOST_TRIPLES 40 /* requests of which two are tried that are missing */

typedef money vector[CELL_VALUES];

struct mixed {
    vector *rows; /* of the cell */
    bool *billed;
    uint32_t count;
    uint64_t *slots; /* hashes of the sums of any two; 0 = free */
    size_t slot_count;
};

static void add(const vector a, const vector b, int sign, vector out)
{
    for (int k = 0; k < CELL_VALUES; k++)
        out[k] = a[k] + sign * b[k];
}

static uint64_t *slot_of(const struct mixed *m, const vector v)
{
    uint64_t hash = text_hash((const char *)v, sizeof(vector)) | 1;
    size_t at = (size_t)hash & (m->slot_count - 1);
    while (m->slots[at] != 0 && m->slots[at] != hash)
        at = (at + 1) & (m->slot_count - 1);
    return &m->slots[at];
}

static bool is_pair(const struct mixed *m, const vector v)
{
    return *slot_of(m, v) != 0;
}

static void list_pairs(struct mixed *m)
{
    vector sum;
    for (m->slot_count = 16; m->slot_count < 2 * (size_t)m->count * m->count;)
        m->slot_count *= 2;
    m->slots = mem_zero(m->slot_count, sizeof *m->slots);
    for (uint32_t i = 0; i < m->count; i++)
        for (uint32_t k = i; k < m->count; k++) {
            add(m->rows[i], m->rows[k], 1, sum);
            *slot_of(m, sum) = text_hash((const char *)sum, sizeof sum) | 1;
        }
}

/* Two of them, or three where so many more are asked for, are `d` and what is missing. */
static bool with_missing(const struct mixed *m, const vector d, bool three)
{
    vector rest;
    if (!three)
        return is_pair(m, d);
    for (uint32_t i = 0; i < m->count; i++) {
        add(d, m->rows[i], -1, rest);
        if (is_pair(m, rest))
            return true;
    }
    return false;
}

static bool search(const struct mixed *m, const vector d, int64_t requests)
{
    vector one, two;
    for (uint32_t i = 0; i < m->count; i++) {
        if (!m->billed[i])
            continue;
        add(d, m->rows[i], 1, one);
        if (with_missing(m, one, requests == 2))
            return true;
        for (uint32_t k = i + 1; k < m->count && m->count <= MOST_TRIPLES && requests == 1; k++) {
            add(one, m->rows[k], 1, two);
            if (m->billed[k] && with_missing(m, two, true))
                return true;
        }
    }
    return false;
}

bool bucket_may_be_mixed(const struct cells *c, uint32_t cell, const money d[CELL_VALUES],
                         int64_t requests)
{
    struct mixed m = {.count = c->start[cell + 1] - c->start[cell]};
    if (m.count > MOST_ROWS)
        return true;
    m.rows = mem_alloc((m.count + 1) * sizeof *m.rows);
    m.billed = mem_alloc(m.count + 1);
    for (uint32_t i = 0; i < m.count; i++) {
        uint32_t row = c->rows[c->start[cell] + i];
        cells_row(c, row, m.rows[i]);
        m.billed[i] = c->j->own->items[row].billed;
    }
    list_pairs(&m);
    bool found = search(&m, d, requests);
    free(m.rows);
    free(m.billed);
    free(m.slots);
    return found;
}
